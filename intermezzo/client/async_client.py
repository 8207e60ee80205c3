"""The client for programs with asyncio: the same calls, awaited."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from types import TracebackType
from typing import Self, TypeVar

import httpx
from pydantic import JsonValue

from intermezzo.client.async_pipelines import AsyncPipelines
from intermezzo.client.async_worker import AsyncWorker
from intermezzo.client.connection import answer, arguments, connection, lost
from intermezzo.client.exchange import Answer, Lost, Pause, Request, Steps, call
from intermezzo.client.results import Balance, Story, Submission, Task, TaskPage
from intermezzo.client.task_calls import TaskCalls

Done = TypeVar("Done")


class AsyncClient:
    """A connection to the server; for one event loop, closed by `close` or `async with`.

    Args:
        api_key: default: `INTERMEZZO_API_KEY`, else `CROWDSOURCERER_API_KEY`.
        base_url: the server's address; default: `INTERMEZZO_URL`, else this machine's `intermezzo serve`.
        timeout_seconds: for one answer; `wait` gives each of its requests as much more as it asks the server to wait.
        retries: how often a request is sent again after a lost connection, 429, 502, 503 or 504, if that is safe.

    Raises:
        ConfigurationError: there is no key, or the address or the key cannot be used.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        base_url: str | None = None,
        timeout_seconds: float = 30,
        retries: int = 4,
    ) -> None:
        self._connection = connection(api_key, base_url, timeout_seconds, retries)
        self._http = httpx.AsyncClient(**self._connection.options)
        self.tasks = AsyncTasks(self)
        self.credits = AsyncCredits(self)
        self.worker = AsyncWorker(self)
        self.pipelines = AsyncPipelines(self)

    def __repr__(self) -> str:
        """Without the key."""
        return f"{type(self).__name__}(base_url={self._connection.base_url!r})"

    async def __aenter__(self) -> Self:
        """Nothing is sent."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        await self.close()

    async def close(self) -> None:
        """Close the connection."""
        await self._http.aclose()

    @property
    def retries(self) -> int:
        """How often a request is sent again."""
        return self._connection.retries

    async def take(self, steps: Steps[Done]) -> Done:
        """Do what a call says, to its result.

        Raises:
            ClientError: it came to nothing.
        """
        came: Answer | Lost | None = None
        while True:
            try:
                step = steps.send(came)
            except StopIteration as end:
                return end.value
            came = await self._step(step)

    def stream(self, request: Request) -> AbstractAsyncContextManager[httpx.Response]:
        """The answer to a request, as it comes."""
        return self._http.stream(**arguments(request, self._connection.timeout_seconds))

    async def _step(self, step: Request | Pause) -> Answer | Lost | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            return answer(await self._http.request(**arguments(step, self._connection.timeout_seconds)))
        except httpx.RequestError as error:
            return lost(error)


class AsyncTasks:
    """Tasks for people."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._calls = TaskCalls(client.retries)

    async def create(
        self,
        type: str,
        input: Mapping[str, JsonValue],
        *,
        idempotency_key: str | None = None,
        **options: JsonValue,
    ) -> Task:
        """Ask people something. Its price is reserved; what is not used comes back.

        Args:
            type: what is to be done: `label_text`.
            input: as the type says.
            idempotency_key: the same request with the same key is the same task, paid once, whichever program sends it;
                default: one for this call, so that sending it again is safe.
            options: `assignments_required`, `consensus_strategy`, `claim_timeout_minutes`, `priority`, `webhook_url`,
                `metadata`, and whatever else `with_options` of a human step takes.

        Raises:
            InsufficientCreditsError: the organisation has too few available credits.
            InvalidRequestError: the type, the input or an option is wrong; `fields` says which.
            ConflictError: the idempotency key came with another request before.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.create(type, input, options, idempotency_key))

    async def create_many(
        self, tasks: Sequence[Mapping[str, JsonValue]], *, idempotency_key: str | None = None
    ) -> list[str]:
        """Post up to 1,000 tasks, all of them or none; gives their ids, in order.

        Args:
            tasks: each with `type`, `input` and options.
            idempotency_key: as for `create`, for all of them together.

        Raises:
            InsufficientCreditsError: the organisation has too few available credits.
            InvalidRequestError: a task is wrong; the error says which.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.create_many(tasks, idempotency_key))

    async def get(self, task_id: str) -> Task:
        """One task, with its output once it is completed.

        Raises:
            NotFoundError: there is no such task, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.get(task_id))

    async def list(self, **filters: str | int | datetime | Sequence[str] | None) -> TaskPage:
        """The organisation's tasks, the newest first, a page at a time.

        Args:
            filters: `status`, `type` (one or several of each), `run_id`, `created_after`, `created_before`, `limit`
                (20, at most 100), and `cursor`: the `next_cursor` of the page before.

        Raises:
            InvalidRequestError: there is no such filter, or not with that value.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.list(filters))

    async def cancel(self, task_id: str) -> Task:
        """Close a task: answers that came are paid, everything else comes back. Of a closed task nothing changes.

        Raises:
            NotFoundError: there is no such task, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.cancel(task_id))

    async def wait(self, task_id: str, *, timeout_seconds: float | None = 3_600) -> Task:
        """The task, as soon as it is completed.

        Args:
            task_id: of that task.
            timeout_seconds: for how long; None: for as long as it takes.

        Raises:
            TaskError: it failed, expired or was cancelled.
            WaitTimeoutError: it has not ended in time; it goes on.
            NotFoundError: there is no such task, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.wait(task_id, timeout_seconds))

    async def run(
        self,
        type: str,
        input: Mapping[str, JsonValue],
        *,
        timeout_seconds: float | None = 3_600,
        idempotency_key: str | None = None,
        **options: JsonValue,
    ) -> Task:
        """`create` and `wait` (spec: CS-43).

        Raises:
            ClientError: as of `create` and `wait`.
        """
        return await self._client.take(self._calls.run(type, input, options, idempotency_key, timeout_seconds))

    async def submissions(self, task_id: str) -> Sequence[Submission]:
        """Every answer that was given, also while the task is open.

        Raises:
            NotFoundError: there is no such task, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.submissions(task_id))

    async def approve(
        self, task_id: str, submission_id: str, *, score: int | None = None, note: str | None = None
    ) -> Submission:
        """Accept an answer and pay for it; again changes nothing.

        Args:
            task_id: of the task.
            submission_id: of the answer.
            score: how good it is, 0 to 10.
            note: for the worker.

        Raises:
            ConflictError: it was reviewed otherwise.
            NotFoundError: there is no such task or answer.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.approve(task_id, submission_id, score, note))

    async def reject(self, task_id: str, submission_id: str, *, reason: str) -> Submission:
        """Refuse an answer: it is not paid and does not count; while the task is open, another worker is asked.

        Args:
            task_id: of the task.
            submission_id: of the answer.
            reason: for the worker to learn from.

        Raises:
            ConflictError: it was reviewed otherwise.
            NotFoundError: there is no such task or answer.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.reject(task_id, submission_id, reason))

    async def score(self, task_id: str, submission_id: str, score: int, *, note: str | None = None) -> Submission:
        """Say how good an approved answer is, within 48 hours after it was submitted; again says it anew.

        Args:
            task_id: of the task.
            submission_id: of the answer.
            score: 0 to 10; an answer that nobody scores in time counts as 10.
            note: for the worker.

        Raises:
            ConflictError: it was not approved, was disputed, or its time is over.
            NotFoundError: there is no such task or answer.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.score(task_id, submission_id, score, note))

    async def dispute(self, task_id: str, submission_id: str, *, reason: str) -> Submission:
        """Ask an operator to look at an answer that waits for its review; its reward stays held meanwhile.

        Args:
            task_id: of the task.
            submission_id: of the answer.
            reason: for the operator.

        Raises:
            ConflictError: it does not wait for its review.
            NotFoundError: there is no such task or answer.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.dispute(task_id, submission_id, reason))

    async def decide(self, task_id: str, answer: Mapping[str, JsonValue]) -> Task:
        """Complete a task whose workers do not agree with an answer of your own; those given are paid.

        Args:
            task_id: of the task.
            answer: fits the form of the task.

        Raises:
            ConflictError: the task does not wait for you.
            InvalidRequestError: the answer does not fit; `fields` says where.
            NotFoundError: there is no such task, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.decide(task_id, answer))

    async def story(self, task_id: str) -> Story:
        """Who did what when, what they saw, and what they answered.

        Raises:
            NotFoundError: there is no such task, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.story(task_id))


class AsyncCredits:
    """The organisation's credits."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def balance(self) -> Balance:
        """How many are there (spec: CS-06).

        Raises:
            ClientError: see its tree.
        """
        return await self._client.take(
            call(Request("GET", "/v1/credits/balance"), Balance, retries=self._client.retries)
        )
