"""`/v1/tasks/events` and `/v1/tasks/{id}/events`: what happens, as it happens (server-sent events)."""

import asyncio
import json
from collections.abc import AsyncGenerator
from http import HTTPStatus
from typing import Annotated, Any, Self

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import AwareDatetime, Field, JsonValue

from intermezzo.access import Principal
from intermezzo.server.changes import Change
from intermezzo.server.context import Context, Reader, Server, requester_of
from intermezzo.server.examples import EXAMPLES
from intermezzo.server.problems import Refused
from intermezzo.server.reading import Route
from intermezzo.server.task_wire import Wired

router = APIRouter(prefix="/v1/tasks", tags=["events"], route_class=Route)

LONGEST_STREAM_SECONDS = 900
"""Then the client comes again, with a key that is looked at again."""
MOST_STREAMS = 50
"""Of one organisation, in one process."""

LastEventId = Annotated[
    str | None,
    Header(pattern=r"^\d{1,18}$", description="`id` of the last event that came: the stream goes on after it."),
]


class TaskEvent(Wired):
    """Something happened to a task."""

    event: Annotated[str, Field(examples=["task.claimed"])]
    """`task.opened`, `task.claimed`, `task.submitted`, … `task.closed`."""
    task_id: str
    state: str
    """Of the task, when this was sent."""
    actor: str | None
    """The worker or reviewer; null: the requester, or time."""
    detail: dict[str, JsonValue]
    at: AwareDatetime

    @classmethod
    def of(cls, change: Change) -> Self:
        """An event as it goes over the wire."""
        return cls(
            event=f"task.{change.what}",
            task_id=change.task_id,
            state=change.state,
            actor=change.actor,
            detail=change.detail,
            at=change.at,
        )


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


_A_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events, each with a TaskEvent as its data.",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": f"event: task.claimed\ndata: {json.dumps(EXAMPLES['TaskEvent'])}\nid: 2\n\n",
            }
        },
    }
}


@router.get("/events", summary="Follow all tasks", response_class=EventStream, responses=_A_STREAM)
async def follow_all(principal: Reader, server: Server, last_event_id: LastEventId = None) -> EventStream:
    """What happens to the organisation's tasks, from now on, or after `Last-Event-ID`, when some may come twice.

    Each event has an `id`, a type (`event:`), and as `data` a TaskEvent. The stream ends after 15 minutes: connect
    again, as an EventSource does by itself.
    """
    return _stream(server, principal, None, last_event_id)


@router.get("/{task_id}/events", summary="Follow a task", response_class=EventStream, responses=_A_STREAM)
async def follow(task_id: str, principal: Reader, server: Server, last_event_id: LastEventId = None) -> EventStream:
    """What happens to a task, from its beginning or from `Last-Event-ID`; ends when the task is closed."""
    await requester_of(server, principal).get(task_id)
    return _stream(server, principal, task_id, last_event_id)


def _stream(server: Context, principal: Principal, task_id: str | None, last: str | None) -> EventStream:
    payer = principal.payer
    if server.streams[payer] >= MOST_STREAMS:
        detail = f"expected at most {MOST_STREAMS} streams of one organisation; follow all tasks with one"
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too_many_streams", detail, {"Retry-After": "30"})

    async def events() -> AsyncGenerator[bytes]:
        server.streams[payer] += 1
        changes = server.changes.follow(payer, task_id=task_id, after=None if last is None else int(last))
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST_STREAM_SECONDS
        try:
            async for change in changes:
                yield KEEPALIVE_COMMENT if change is None else _event(change)
                if loop.time() > end:
                    return
        finally:
            server.streams[payer] -= 1
            await changes.aclose()

    return EventStream(events(), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


def _event(change: Change) -> bytes:
    told = TaskEvent.of(change)
    return format_sse_event(data_str=told.model_dump_json(), event=told.event, id=str(change.seq))
