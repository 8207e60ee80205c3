"""Both clients against a server that fails on purpose."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import pytest

from intermezzo.client import (
    APIError,
    AsyncClient,
    Client,
    ConnectionFailedError,
    InvalidRequestError,
    RateLimitError,
    ServerError,
    Task,
    TaskError,
    UnreadableAnswerError,
    WaitTimeoutError,
    exchange,
    polling,
)
from tests.client.failing_server import DONE, OPEN, FailingServer, Play, failing

Doing = Callable[[Any], Any]
"""What a test does with a client; with the asynchronous one it gives what is to be awaited."""

INPUT = {"text": "Great!", "categories": ["positive", "negative"]}


class Meet(Protocol):
    """One client meets a server, and does something."""

    def __call__(self, server: FailingServer, do: Doing, **options: Any) -> Any: ...


def by_sync(server: FailingServer, do: Doing, **options: Any) -> Any:
    with Client("csk_x", base_url=server.url, **options) as client:
        return do(client)


def by_async(server: FailingServer, do: Doing, **options: Any) -> Any:
    async def main() -> Any:
        async with AsyncClient("csk_x", base_url=server.url, **options) as client:
            return await do(client)

    return asyncio.run(main())


@pytest.fixture(params=[by_sync, by_async])
def meet(request: pytest.FixtureRequest) -> Meet:
    """Meets a server with either client."""
    return request.param


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses are short here; how long they are is tested without a network."""
    monkeypatch.setattr(exchange, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(polling, "_LEAST_POLL_SECONDS", 0.01)


def create(client: Any) -> Any:
    return client.tasks.create("label_text", INPUT, assignments_required=3)


@pytest.mark.parametrize(
    "script",
    [[Play(503), Play(502), Play(504)], [Play(429, headers={"Retry-After": "0"})], [Play(0)], [Play(0), Play(503)]],
    ids=["busy", "rate limited", "closed", "closed then busy"],
)
def test_a_post_is_sent_again_with_the_same_key_until_it_is_answered(meet: Meet, script: Sequence[Play]) -> None:
    with failing([*script, Play(201, OPEN)]) as server:
        task = meet(server, create)
    assert isinstance(task, Task)
    assert (task.id, task.model_extra) == ("t1", {"novel": {"x": 1}})
    assert len(server.heard) == len(script) + 1
    assert len({(one.headers["idempotency-key"], one.body) for one in server.heard}) == 1
    assert json.loads(server.heard[0].body) == {"type": "label_text", "input": INPUT, "assignments_required": 3}
    assert server.heard[0].headers["authorization"] == "Bearer csk_x"


@pytest.mark.parametrize(
    ("play", "error", "said"),
    [
        (Play(500, "boom"), ServerError, "POST /v1/tasks was refused (HTTP 500)"),
        (Play(418, {"detail": 1}), InvalidRequestError, "HTTP 418"),
        (Play(201, '{"id": '), UnreadableAnswerError, "the body: Invalid JSON"),
        (Play(201, {"id": 1, "type": "secret", "status": "open"}), UnreadableAnswerError, "id: Input should be"),
        (Play(301, headers={"Location": "http://elsewhere"}), UnreadableAnswerError, "status 301"),
        (Play(429, headers={"Retry-After": "3600"}), RateLimitError, "HTTP 429"),
    ],
)
def test_what_no_repetition_helps_is_raised_at_once(meet: Meet, play: Play, error: type[Exception], said: str) -> None:
    with failing([play]) as server, pytest.raises(error) as raised:
        meet(server, create)
    assert said in str(raised.value)
    assert "secret" not in str(raised.value)
    assert len(server.heard) == 1
    if isinstance(raised.value, RateLimitError):
        assert raised.value.retry_after == 3_600


def test_a_problem_is_told_in_full(meet: Meet) -> None:
    problem = {
        "code": "invalid_request",
        "detail": "input: field required",
        "request_id": "r1",
        "errors": [{"field": "input", "message": "field required"}],
    }
    with failing([Play(422, problem)]) as server, pytest.raises(APIError) as raised:
        meet(server, create)
    error = raised.value
    assert (error.status, error.code, error.detail, error.request_id) == (
        422,
        "invalid_request",
        "input: field required",
        "r1",
    )
    assert error.fields == {"input": "field required"}


def test_it_gives_up_after_as_many_retries_as_it_may(meet: Meet) -> None:
    with failing([Play(503)] * 3) as server, pytest.raises(ServerError):
        meet(server, create, retries=2)
    assert len(server.heard) == 3


def test_a_server_that_is_too_slow_has_not_answered(meet: Meet) -> None:
    slow = Play(200, OPEN, after_seconds=0.5)
    with failing([slow, slow]) as server, pytest.raises(ConnectionFailedError, match="GET /v1/tasks/t1 got no answer"):
        meet(server, lambda client: client.tasks.get("t1"), timeout_seconds=0.1, retries=1)
    assert len(server.heard) == 2


def test_nobody_listens(meet: Meet) -> None:
    with failing([]) as gone:
        pass
    with pytest.raises(ConnectionFailedError, match="ConnectError"):
        meet(gone, create, retries=1)


def test_wait_asks_again_until_the_task_is_closed_whatever_happens_meanwhile(meet: Meet) -> None:
    with failing([Play(200, OPEN), Play(0), Play(503), Play(200, OPEN), Play(200, DONE)]) as server:
        task = meet(server, lambda client: client.tasks.wait("t1"))
    assert task.output.summary == "positive"
    assert {one.path for one in server.heard} == {"/v1/tasks/t1/wait?timeout=30.0"}


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ({"status": "failed", "state": "expired", "error": "nobody answered"}, "the task t1 expired: nobody answered"),
        ({"status": "failed", "state": "failed", "error": None}, "the task t1 failed: the server does not say why"),
        ({"status": "cancelled", "state": "cancelled", "error": "by ann"}, "the task t1 was cancelled: by ann"),
    ],
)
def test_wait_raises_when_a_task_ends_without_an_output(meet: Meet, ended: dict[str, Any], said: str) -> None:
    with failing([Play(200, {**OPEN, **ended})]) as server, pytest.raises(TaskError) as raised:
        meet(server, lambda client: client.tasks.wait("t1"))
    assert str(raised.value) == said
    assert raised.value.task.id == "t1"


def test_wait_ends_when_its_time_is_over(meet: Meet) -> None:
    with failing([Play(200, OPEN)] * 100) as server, pytest.raises(WaitTimeoutError, match=r"within 0\.1 s") as raised:
        meet(server, lambda client: client.tasks.wait("t1", timeout_seconds=0.1))
    assert isinstance(raised.value, TimeoutError)
    assert len(server.heard) < 20


@pytest.mark.parametrize("task_id", ["../keys", "a/b?c=d#e", "ü"])
def test_an_id_stays_one_part_of_the_path(meet: Meet, task_id: str) -> None:
    with failing([Play(200, OPEN)]) as server:
        meet(server, lambda client: client.tasks.get(task_id))
    assert server.heard[0].path.count("/") == 3
    assert "?" not in server.heard[0].path


@pytest.mark.parametrize("task_id", ["", ".", ".."])
def test_an_id_that_leads_elsewhere_is_refused(meet: Meet, task_id: str) -> None:
    with failing([]) as server, pytest.raises(ValueError, match="expected an id"):
        meet(server, lambda client: client.tasks.get(task_id))


def test_answers_are_read_and_reviewed(meet: Meet) -> None:
    waits = {"id": "a1", "worker": "ann", "status": "submitted", "answer": {"category": "positive"}}
    reviewed = [Play(200, {"items": [waits]}), Play(0), Play(200, {**waits, "status": "approved", "score": 9})]
    with failing(reviewed) as server:
        [answer] = meet(server, lambda client: client.tasks.submissions("t1"))
        approved = meet(server, lambda client: client.tasks.approve("t1", answer.id, score=9))
    assert (approved.status, approved.score) == ("approved", 9)
    assert {one.path for one in server.heard[1:]} == {"/v1/tasks/t1/submissions/a1/approve"}
    assert json.loads(server.heard[1].body) == {"score": 9, "note": None}


def test_a_rejection_that_may_have_been_heard_is_not_sent_again(meet: Meet) -> None:
    with failing([Play(0)]) as server, pytest.raises(ConnectionFailedError):
        meet(server, lambda client: client.tasks.reject("t1", "a1", reason="It is about something else."))
    assert json.loads(server.heard[0].body) == {"reason": "It is about something else."}
    assert len(server.heard) == 1
