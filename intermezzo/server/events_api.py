"""`/v1/tasks/events` and `/v1/tasks/{id}/events`: what happens, as it happens (server-sent events).

`runs_api` streams what happens to runs in the same way.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from http import HTTPStatus
from typing import Annotated, Any, Literal, Protocol, Self

from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import AwareDatetime, Field, JsonValue

from intermezzo.access import Principal
from intermezzo.server.changes import Change, Source, task_of, tasks_of
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
            event=change.topic,
            task_id=change.subject,
            state=change.state,
            actor=change.actor,
            detail=change.detail,
            at=change.at,
        )


class Told(Protocol):
    """An event as it goes over the wire."""

    event: str

    def model_dump_json(self) -> str:
        """As JSON."""
        ...


class EventStream(StreamingResponse):
    """Server-sent events."""

    media_type = "text/event-stream"


def a_stream(model: Literal["TaskEvent", "RunEvent"]) -> dict[int | str, dict[str, Any]]:
    """The answer of a stream, for the API's description."""
    example = EXAMPLES[model]
    text = f"event: {example['event']}\ndata: {json.dumps(example)}\nid: 2\n\n"
    content = {"text/event-stream": {"schema": {"type": "string"}, "example": text}}
    return {200: {"description": f"Events, each with a {model} as its data.", "content": content}}


@router.get("/events", summary="Follow all tasks", response_class=EventStream, responses=a_stream("TaskEvent"))
async def follow_all(principal: Reader, server: Server, last_event_id: LastEventId = None) -> EventStream:
    """What happens to the organisation's tasks, from now on, or after `Last-Event-ID`, when some may come twice.

    Each event has an `id`, a type (`event:`), and as `data` a TaskEvent. The stream ends after 15 minutes: connect
    again, as an EventSource does by itself.
    """
    return stream(server, principal, tasks_of(principal.payer), last_event_id, TaskEvent.of)


@router.get("/{task_id}/events", summary="Follow a task", response_class=EventStream, responses=a_stream("TaskEvent"))
async def follow(task_id: str, principal: Reader, server: Server, last_event_id: LastEventId = None) -> EventStream:
    """What happens to a task, from its beginning or from `Last-Event-ID`; ends when the task is closed."""
    await requester_of(server, principal).get(task_id)
    return stream(server, principal, task_of(principal.payer, task_id), last_event_id, TaskEvent.of)


def stream(
    server: Context, principal: Principal, source: Source, last: str | None, told: "Callable[[Change], Told]"
) -> EventStream:
    """What happens to something, as server-sent events.

    Args:
        server: the server's own.
        principal: who asks.
        source: what is followed.
        last: `id` of the last event that came.
        told: a change as it goes over the wire.

    Raises:
        Refused: the organisation has too many streams open.
    """
    payer = principal.payer
    if server.streams[payer] >= MOST_STREAMS:
        detail = f"expected at most {MOST_STREAMS} streams of one organisation; follow all tasks with one"
        raise Refused(HTTPStatus.TOO_MANY_REQUESTS, "too_many_streams", detail, {"Retry-After": "30"})

    async def events() -> AsyncGenerator[bytes]:
        server.streams[payer] += 1
        changes = server.changes.follow(source, after=None if last is None else int(last))
        loop = asyncio.get_running_loop()
        end = loop.time() + LONGEST_STREAM_SECONDS
        try:
            async for change in changes:
                if change is None:
                    yield KEEPALIVE_COMMENT
                else:
                    event = told(change)
                    yield format_sse_event(data_str=event.model_dump_json(), event=event.event, id=str(change.seq))
                if loop.time() > end:
                    return
        finally:
            server.streams[payer] -= 1
            await changes.aclose()

    return EventStream(events(), headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
