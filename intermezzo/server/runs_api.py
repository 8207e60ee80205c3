"""`/v1/pipelines/runs`: what runs of pipelines do and cost; followed, cancelled, retried."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query

from intermezzo.flows.pipeline_requester import PipelineRequester
from intermezzo.flows.run_views import RunView
from intermezzo.server.changes import run_of
from intermezzo.server.context import PipelineReader, PipelineWriter, Server, pipelines_of
from intermezzo.server.events_api import EventStream, LastEventId, a_stream, stream
from intermezzo.server.reading import Route
from intermezzo.server.run_wire import CallOut, CallPage, RunEvent, RunLine, RunOut, RunPage, RunQuery
from intermezzo.server.tasks_api import LONGEST_WAIT_SECONDS

router = APIRouter(prefix="/v1/pipelines/runs", tags=["runs"], route_class=Route)

_FIRST_CALLS = 100


@router.get("", summary="List runs")
async def list_runs(principal: PipelineReader, server: Server, query: Annotated[RunQuery, Query()]) -> RunPage:
    """The organisation's runs of pipelines, the newest first."""
    requester = pipelines_of(server, principal)
    found = await requester.runs(query.filter(), after=query.cursor, limit=query.limit + 1)
    items = [RunLine.of(run) for run in found[: query.limit]]
    return RunPage(items=items, next_cursor=items[-1].id if len(found) > query.limit else None)


@router.get("/{run_id}", summary="Get a run")
async def get(run_id: str, principal: PipelineReader, server: Server) -> RunOut:
    """One run: its state, steps, calls, credits and outcome."""
    requester = pipelines_of(server, principal)
    return await shown(requester, await requester.get(run_id))


@router.get("/{run_id}/calls", summary="List the step calls of a run")
async def calls(
    run_id: str,
    principal: PipelineReader,
    server: Server,
    cursor: Annotated[str | None, Query(max_length=36, description="`next_cursor` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> CallPage:
    """Every call, in the order in which they were made."""
    return await _calls(pipelines_of(server, principal), run_id, cursor, limit)


@router.get("/{run_id}/wait", summary="Wait for a run")
async def wait(
    run_id: str,
    principal: PipelineReader,
    server: Server,
    seconds: Annotated[float, Query(alias="timeout", ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds.")] = 30,
) -> RunOut:
    """The run, as soon as it has ended, or as it is when the time is over."""
    requester = pipelines_of(server, principal)
    return await shown(requester, await requester.wait(run_id, timeout_seconds=seconds))


@router.get("/{run_id}/events", summary="Follow a run", response_class=EventStream, responses=a_stream("RunEvent"))
async def follow(
    run_id: str, principal: PipelineReader, server: Server, last_event_id: LastEventId = None
) -> EventStream:
    """What happens to a run and its human tasks, from its beginning or from `Last-Event-ID`; ends with the run.

    Each event has an `id`, a type (`event:`), and as `data` a RunEvent. What happened within seconds before
    `Last-Event-ID` may come again, with the same `id`.
    """
    await pipelines_of(server, principal).get(run_id)
    return stream(server, principal, run_of(run_id), last_event_id, partial(RunEvent.of, run_id))


@router.post("/{run_id}/cancel", summary="Cancel a run")
async def cancel(run_id: str, principal: PipelineWriter, server: Server) -> RunOut:
    """Stop a run: its human tasks are closed, what it held comes back. Of a run that has ended nothing changes."""
    requester = pipelines_of(server, principal)
    await requester.cancel(run_id)
    return await shown(requester, await requester.get(run_id))


@router.post("/{run_id}/retry", summary="Retry a run")
async def retry(run_id: str, principal: PipelineWriter, server: Server) -> RunOut:
    """Start a run again that failed or was cancelled, from its failed calls on. What is done is not paid again."""
    requester = pipelines_of(server, principal)
    await requester.retry(run_id)
    return await shown(requester, await requester.get(run_id))


async def shown(requester: PipelineRequester, run: RunView) -> RunOut:
    """A run with its first calls, as it goes over the wire."""
    return RunOut.full(run, await _calls(requester, run.id, None, _FIRST_CALLS))


async def _calls(requester: PipelineRequester, run_id: str, cursor: str | None, limit: int) -> CallPage:
    found = await requester.calls(run_id, after=cursor, limit=limit + 1)
    items = [CallOut.of(call) for call in found[:limit]]
    return CallPage(items=items, next_cursor=items[-1].id if len(found) > limit else None)
