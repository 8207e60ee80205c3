"""Calls of `/v1/tasks`, without a network."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from intermezzo.client.connection import new_idempotency_key
from intermezzo.client.exchange import Request, Steps, call, segment
from intermezzo.client.failures import TaskError
from intermezzo.client.polling import poll
from intermezzo.client.results import Story, Submission, Submissions, Task, TaskIds, TaskPage


@dataclass(frozen=True)
class TaskCalls:
    """Makes calls.

    Args:
        retries: how often a request is sent again.
        now: a clock that never goes back, in seconds.
    """

    retries: int
    now: Callable[[], float] = time.monotonic

    def create(
        self, type: str, input: Mapping[str, JsonValue], options: Mapping[str, JsonValue], idempotency_key: str | None
    ) -> Steps[Task]:
        """Post a task."""
        body: dict[str, JsonValue] = {**options, "type": type, "input": dict(input)}
        key = idempotency_key or new_idempotency_key()
        return call(Request("POST", "/v1/tasks", body=body, idempotency_key=key), Task, retries=self.retries)

    def create_many(self, tasks: Sequence[Mapping[str, JsonValue]], idempotency_key: str | None) -> Steps[list[str]]:
        """Post many tasks: all of them or none."""
        key = idempotency_key or new_idempotency_key()
        request = Request("POST", "/v1/tasks/batch", body={"tasks": [dict(one) for one in tasks]}, idempotency_key=key)
        return (yield from call(request, TaskIds, retries=self.retries)).task_ids

    def get(self, task_id: str) -> Steps[Task]:
        """One task."""
        return call(Request("GET", f"/v1/tasks/{segment(task_id)}"), Task, retries=self.retries)

    def list(self, filters: Mapping[str, str | int | datetime | Sequence[str] | None]) -> Steps[TaskPage]:
        """A page of tasks."""
        params = {name: param(value) for name, value in filters.items() if value is not None}
        return call(Request("GET", "/v1/tasks", params), TaskPage, retries=self.retries)

    def cancel(self, task_id: str) -> Steps[Task]:
        """Close a task; of a closed one nothing changes, so that it may be sent twice."""
        path = f"/v1/tasks/{segment(task_id)}/cancel"
        return call(Request("POST", path, idempotent=True), Task, retries=self.retries)

    def wait(self, task_id: str, timeout_seconds: float | None) -> Steps[Task]:
        """The task once it is completed.

        Raises:
            TaskError: it ended otherwise.
            WaitTimeoutError: it has not ended in time.
        """
        path = f"/v1/tasks/{segment(task_id)}/wait"
        task = yield from poll(self, path, Task, task_id, "task", timeout_seconds)
        if task.ending != "completed":
            raise TaskError(task)
        return task

    def run(
        self,
        type: str,
        input: Mapping[str, JsonValue],
        options: Mapping[str, JsonValue],
        idempotency_key: str | None,
        timeout_seconds: float | None,
    ) -> Steps[Task]:
        """Post a task and wait for it."""
        task = yield from self.create(type, input, options, idempotency_key)
        return (yield from self.wait(task.id, timeout_seconds))

    def submissions(self, task_id: str) -> Steps[Sequence[Submission]]:
        """The answers to a task."""
        request = Request("GET", f"/v1/tasks/{segment(task_id)}/submissions")
        return (yield from call(request, Submissions, retries=self.retries)).items

    def approve(self, task_id: str, assignment_id: str, score: int | None, note: str | None) -> Steps[Submission]:
        """Accept an answer; again changes nothing, so that it may be sent twice."""
        path = f"/v1/tasks/{segment(task_id)}/submissions/{segment(assignment_id)}/approve"
        request = Request("POST", path, body={"score": score, "note": note}, idempotent=True)
        return call(request, Submission, retries=self.retries)

    def reject(self, task_id: str, assignment_id: str, reason: str) -> Steps[Submission]:
        """Refuse an answer."""
        path = f"/v1/tasks/{segment(task_id)}/submissions/{segment(assignment_id)}/reject"
        return call(Request("POST", path, body={"reason": reason}), Submission, retries=self.retries)

    def score(self, task_id: str, assignment_id: str, score: int, note: str | None) -> Steps[Submission]:
        """Say how good an answer is; again says it anew, so that it may be sent twice."""
        path = f"/v1/tasks/{segment(task_id)}/submissions/{segment(assignment_id)}/score"
        request = Request("POST", path, body={"score": score, "note": note}, idempotent=True)
        return call(request, Submission, retries=self.retries)

    def dispute(self, task_id: str, assignment_id: str, reason: str) -> Steps[Submission]:
        """Ask an operator; again changes nothing, so that it may be sent twice."""
        path = f"/v1/tasks/{segment(task_id)}/submissions/{segment(assignment_id)}/dispute"
        return call(Request("POST", path, body={"reason": reason}, idempotent=True), Submission, retries=self.retries)

    def decide(self, task_id: str, answer: Mapping[str, JsonValue]) -> Steps[Task]:
        """Complete a task oneself."""
        path = f"/v1/tasks/{segment(task_id)}/decide"
        return call(Request("POST", path, body={"answer": dict(answer)}), Task, retries=self.retries)

    def story(self, task_id: str) -> Steps[Story]:
        """What happened to a task."""
        return call(Request("GET", f"/v1/tasks/{segment(task_id)}/story"), Story, retries=self.retries)


def param(value: str | int | datetime | Sequence[str]) -> str | int | list[str]:
    """A filter as part of an address."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, str | int) else list(value)
