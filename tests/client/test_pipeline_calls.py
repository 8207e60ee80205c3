"""Pipelines and runs by both clients, against a server that does as it is told."""

import json
from typing import Any, Protocol

import pytest

from intermezzo.client import (
    AsyncClient,
    ConnectionFailedError,
    NotFoundError,
    Pipeline,
    Run,
    RunError,
    RunEvent,
    WaitTimeoutError,
)
from tests.client.failing_server import FailingServer, Play, failing
from tests.client.test_failing_server import Meet, by_async, by_sync, hasty, meet

__all__ = ["hasty", "meet"]  # fixtures

AT = "2026-04-11T00:00:00Z"
VERSION: dict[str, Any] = {"name": "p", "version": 3, "digest": "d", "created_at": AT, "document": {"name": "p"}}
ACTIVE: dict[str, Any] = {"id": "r1", "pipeline": "p", "version": 3, "state": "active", "created_at": AT, "novel": 1}
DONE = {**ACTIVE, "state": "completed", "output": [1]}
FAILED = {**ACTIVE, "state": "failed", "error": {"type": "ValueError", "message": "no"}}


def told(id: int, event: str) -> str:
    """One event of a stream."""
    data = {"event": event, "run_id": "r1", "state": "active", "at": AT}
    return f": ping\n\nevent: {event}\ndata: {json.dumps(data)}\nid: {id}\n\n"


def test_a_document_is_sent_as_what_it_is_and_again_if_need_be(meet: Meet) -> None:
    with failing([Play(0), Play(201, VERSION), Play(201, VERSION)]) as server:
        stored = meet(server, lambda client: client.pipelines.create("name: p\nsteps: []\n"))
        meet(server, lambda client: client.pipelines.create({"name": "p", "steps": []}))
    assert isinstance(stored, Pipeline)
    assert [one.headers["content-type"] for one in server.heard] == ["application/yaml"] * 2 + ["application/json"]
    assert server.heard[1].body == b"name: p\nsteps: []\n"
    assert json.loads(server.heard[2].body) == {"name": "p", "steps": []}


def test_a_run_is_ordered_again_with_the_same_key(meet: Meet) -> None:
    with failing([Play(503), Play(0), Play(201, ACTIVE)]) as server:
        run = meet(server, lambda client: client.pipelines.run("p", {"n": 1}, version=3, budget_credits=5))
    assert isinstance(run, Run)
    assert run.model_extra == {"novel": 1}
    assert {one.path for one in server.heard} == {"/v1/pipelines/p/runs"}
    assert len({(one.headers["idempotency-key"], one.body) for one in server.heard}) == 1
    assert json.loads(server.heard[0].body) == {"input": {"n": 1}, "version": 3, "budget_credits": 5}


def test_a_retry_that_may_have_been_heard_is_not_sent_again_but_a_cancellation_is(meet: Meet) -> None:
    with failing([Play(0), Play(0), Play(200, FAILED)]) as server:
        with pytest.raises(ConnectionFailedError):
            meet(server, lambda client: client.pipelines.runs.retry("r1"))
        meet(server, lambda client: client.pipelines.runs.cancel("r1"))
    assert [one.path.rpartition("/")[2] for one in server.heard] == ["retry", "cancel", "cancel"]


def test_who_waits_for_a_run_gets_it_completed_or_an_error(meet: Meet) -> None:
    with failing([Play(200, ACTIVE), Play(200, DONE), Play(200, FAILED), *[Play(200, ACTIVE)] * 9]) as server:
        assert meet(server, lambda client: client.pipelines.runs.wait("r1")).output == [1]
        with pytest.raises(RunError, match="the run r1 failed: ValueError: no") as ended:
            meet(server, lambda client: client.pipelines.runs.wait("r1"))
        assert ended.value.run.state == "failed"
        with pytest.raises(WaitTimeoutError, match=r"the run r1 was not closed within 0\.02 s"):
            meet(server, lambda client: client.pipelines.runs.wait("r1", timeout_seconds=0.02))


@pytest.mark.parametrize("given", [{}, {"name": "p", "document": "x"}, {"document": "x", "version": 1}])
def test_an_estimate_is_of_a_pipeline_or_of_a_document(meet: Meet, given: dict[str, Any]) -> None:
    with failing([]) as server, pytest.raises(ValueError, match="the name of a pipeline"):
        meet(server, lambda client: client.pipelines.estimate(**given))
    assert server.heard == []


class Follow(Protocol):
    """One client follows a run to its end."""

    def __call__(self, server: FailingServer, **given: Any) -> list[RunEvent]: ...


def sync_follow(server: FailingServer, **given: Any) -> list[RunEvent]:
    return by_sync(server, lambda client: list(client.pipelines.runs.events("r1", **given)))


def async_follow(server: FailingServer, **given: Any) -> list[RunEvent]:
    async def events(client: AsyncClient) -> list[RunEvent]:
        return [event async for event in client.pipelines.runs.events("r1", **given)]

    return by_async(server, events)


@pytest.fixture(params=[sync_follow, async_follow])
def follow(request: pytest.FixtureRequest) -> Follow:
    """Follows a run with either client."""
    return request.param


def test_a_run_is_followed_over_lost_connections_and_each_event_comes_once(follow: Follow) -> None:
    script = [
        Play(503),
        Play(200, told(4, "run.started") + told(7, "task.opened"), {"Content-Length": "9999"}),
        Play(0),
        Play(200, told(7, "task.opened") + told(6, "call.closed")),
        Play(200, ACTIVE),
        Play(200, told(9, "run.closed")),
    ]
    with failing(script) as server:
        events = follow(server)
    assert [(event.id, event.event) for event in events] == [
        ("4", "run.started"),
        ("7", "task.opened"),
        ("6", "call.closed"),
        ("9", "run.closed"),
    ]
    asked = [one.headers.get("last-event-id") for one in server.heard]
    assert asked == [None, None, "7", "7", None, "6"]
    assert server.heard[4].path == "/v1/pipelines/runs/r1"


def test_nothing_is_left_to_follow_after_the_last_event(follow: Follow) -> None:
    with failing([Play(200, ""), Play(200, DONE)]) as server:
        assert follow(server, after="9") == []
    assert server.heard[0].headers["last-event-id"] == "9"


def test_what_cannot_be_followed_is_an_error(follow: Follow) -> None:
    unknown = Play(404, {"code": "run_not_found", "detail": "there is no run"})
    with failing([unknown]) as server, pytest.raises(NotFoundError, match="there is no run"):
        follow(server)
    with failing([Play(0)] * 5) as server, pytest.raises(ConnectionFailedError):
        follow(server)
    assert len(server.heard) == 5
