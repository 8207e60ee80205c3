"""Calls of `/v1/worker`, without a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from pydantic import JsonValue

from intermezzo.client.exchange import Request, Steps, call, exchange, read, segment
from intermezzo.client.results import Answered, Claim, Me, WorkerTask, WorkerTasks


@dataclass(frozen=True)
class WorkCalls:
    """Makes calls.

    Args:
        retries: how often a request is sent again.
    """

    retries: int

    def me(self) -> Steps[Me]:
        """Who works, and what they have earned."""
        return call(Request("GET", "/v1/worker/me"), Me, retries=self.retries)

    def balance(self) -> Steps[int]:
        """Credits that were earned."""
        return (yield from self.me()).balance_credits

    def list(self, *, mine: bool, limit: int) -> Steps[Sequence[WorkerTask]]:
        """Tasks to claim, or those that are claimed."""
        params: dict[str, str | int] = {"mine": "true" if mine else "false", "limit": limit}
        request = Request("GET", "/v1/worker/tasks", params)
        return (yield from call(request, WorkerTasks, retries=self.retries)).items

    def get(self, task_id: str) -> Steps[WorkerTask]:
        """A task as its worker sees it."""
        return call(Request("GET", _path(task_id)), WorkerTask, retries=self.retries)

    def claim(self, task_id: str) -> Steps[Claim]:
        """Claim this task; again gives the same claim, so that it may be sent twice."""
        return call(Request("POST", _path(task_id, "claim"), idempotent=True), Claim, retries=self.retries)

    def claim_next(self, types: Sequence[str]) -> Steps[Claim | None]:
        """Claim a task; sent twice, it could claim two."""
        request = Request("POST", "/v1/worker/tasks/claim", body={"types": list(types)})
        answer = yield from exchange(request, retries=self.retries)
        return None if answer.status == HTTPStatus.NO_CONTENT else read(Claim, answer)

    def submit(self, task_id: str, answer: Mapping[str, JsonValue]) -> Steps[str]:
        """Answer a task; the same again changes nothing, so that it may be sent twice."""
        request = Request("POST", _path(task_id, "submit"), body={"answer": dict(answer)}, idempotent=True)
        return (yield from call(request, Answered, retries=self.retries)).status

    def release(self, task_id: str) -> Steps[None]:
        """Give a claim back."""
        return self._done(Request("POST", _path(task_id, "release")))

    def decline(self, task_id: str, reason: str) -> Steps[None]:
        """Give a claim back for good."""
        return self._done(Request("POST", _path(task_id, "decline"), body={"reason": reason}))

    def report(self, task_id: str, reason: str, note: str) -> Steps[None]:
        """Say what is wrong with a task."""
        return self._done(Request("POST", _path(task_id, "report"), body={"reason": reason, "note": note}))

    def _done(self, request: Request) -> Steps[None]:
        yield from exchange(request, retries=self.retries)


def _path(task_id: str, *then: str) -> str:
    return "/".join(("/v1/worker/tasks", segment(task_id), *then))
