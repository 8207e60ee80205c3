"""`client.pipelines` for programs with asyncio: the same calls, awaited."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import httpx
from pydantic import JsonValue

from intermezzo.client.connection import answer, lost
from intermezzo.client.following import Following
from intermezzo.client.pipeline_calls import Document, PipelineCalls
from intermezzo.client.pipeline_results import (
    CallPage,
    Estimate,
    Pipeline,
    PipelinePage,
    Run,
    RunEvent,
    RunPage,
    VersionPage,
)

if TYPE_CHECKING:
    from intermezzo.client.async_client import AsyncClient


class AsyncPipelines:
    """Pipelines of AI steps and human steps, as documents."""

    def __init__(self, client: "AsyncClient") -> None:
        self._client = client
        self._calls = PipelineCalls(client.retries)
        self.runs = AsyncRuns(client)

    async def create(self, document: Document) -> Pipeline:
        """Store a document as the next version; the same document again is the version that it is already.

        Args:
            document: an object, or its text in YAML or JSON.

        Raises:
            InvalidRequestError: it cannot be run as it is; `detail` says all that is wrong, with lines and columns.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.create(document))

    async def get(self, name: str, *, version: int | None = None) -> Pipeline:
        """A version of a pipeline; without a number, the newest.

        Raises:
            NotFoundError: there is none such, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.get(name, version))

    async def list(self, *, cursor: str | None = None, limit: int = 20) -> PipelinePage:
        """The organisation's pipelines by name, each with its newest version.

        Args:
            cursor: `next_cursor` of the page before.
            limit: at most 100.

        Raises:
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.list(cursor, limit))

    async def versions(self, name: str, *, cursor: int | None = None, limit: int = 20) -> VersionPage:
        """Every version of a pipeline, the newest first.

        Args:
            name: of the pipeline.
            cursor: `next_cursor` of the page before.
            limit: at most 100.

        Raises:
            NotFoundError: there is no such pipeline, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.versions(name, cursor, limit))

    async def estimate(
        self,
        name: str | None = None,
        *,
        document: Document | None = None,
        version: int | None = None,
        input: Mapping[str, JsonValue] | None = None,
        assume: Mapping[str, float] | None = None,
    ) -> Estimate:
        """What a run would cost; nothing is stored or spent.

        Args:
            name: of a stored pipeline.
            document: instead, one that need not be stored.
            version: of the stored one; default: the newest.
            input: of the run; without it, its lists and conditions are unknown as well.
            assume: calls by id of a step, in place of what is assumed otherwise.

        Raises:
            ValueError: neither a name nor a document was given, or both.
            InvalidRequestError: the document or the input is wrong.
            NotFoundError: there is no such pipeline, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.estimate(name, document, version, input, assume))

    async def run(
        self,
        name: str,
        input: Mapping[str, JsonValue],
        *,
        version: int | None = None,
        budget_credits: int | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """Start a run; `runs.wait` waits for its end.

        Args:
            name: of the pipeline.
            input: as its schema says.
            version: default: the newest; the run keeps it.
            budget_credits: most the run may spend; the document's own budget holds as well.
            idempotency_key: the same request with the same key is the same run, whoever sends it; default: one
                for this call, so that sending it again is safe.

        Raises:
            InvalidRequestError: the input does not fit.
            NotFoundError: there is no such pipeline, or it is another organisation's.
            ConflictError: the idempotency key came with another request before.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.run(name, input, version, budget_credits, idempotency_key))


class AsyncRuns:
    """Runs of pipelines."""

    def __init__(self, client: "AsyncClient") -> None:
        self._client = client
        self._calls = PipelineCalls(client.retries)

    async def get(self, run_id: str) -> Run:
        """One run: its state, steps, calls, credits and outcome.

        Raises:
            NotFoundError: there is no such run, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.get_run(run_id))

    async def list(self, **filters: str | int | datetime | Sequence[str] | None) -> RunPage:
        """The organisation's runs, the newest first, a page at a time.

        Args:
            filters: `state`, `pipeline` (one or several of each), `version`, `created_after`, `created_before`, `limit`
                (20, at most 100), and `cursor`: the `next_cursor` of the page before.

        Raises:
            InvalidRequestError: there is no such filter, or not with that value.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.list_runs(filters))

    async def calls(self, run_id: str, *, cursor: str | None = None, limit: int = 100) -> CallPage:
        """The step calls of a run, in the order in which they were made.

        Args:
            run_id: of the run.
            cursor: `next_cursor` of the page before.
            limit: at most 1,000.

        Raises:
            NotFoundError: there is no such run, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.calls(run_id, cursor, limit))

    async def cancel(self, run_id: str) -> Run:
        """Stop a run: its human tasks are closed, what it held comes back. Of a run that has ended nothing changes.

        Raises:
            NotFoundError: there is no such run, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.cancel(run_id))

    async def retry(self, run_id: str) -> Run:
        """Start a run again that failed or was cancelled, from its failed calls on. What is done is not paid again.

        Raises:
            ConflictError: it goes on, or is completed.
            NotFoundError: there is no such run, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.retry(run_id))

    async def wait(self, run_id: str, *, timeout_seconds: float | None = 3_600) -> Run:
        """The run, as soon as it is completed.

        Args:
            run_id: of that run.
            timeout_seconds: for how long; None: for as long as it takes.

        Raises:
            RunError: it failed or was cancelled.
            WaitTimeoutError: it has not ended in time; it goes on.
            NotFoundError: there is no such run, or it is another organisation's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.wait(run_id, timeout_seconds))

    async def events(self, run_id: str, *, after: str | None = None) -> AsyncIterator[RunEvent]:
        """What happens to a run and its human tasks, as it happens, from its beginning to its end.

        Args:
            run_id: of that run.
            after: `id` of the last event that is known; default: from the beginning.

        Raises:
            NotFoundError: there is no such run, or it is another organisation's.
            ClientError: see its tree.
        """
        following = Following(run_id, after, retries=self._client.retries)
        while True:
            came = None
            try:
                async with self._client.stream(following.request()) as response:
                    if response.is_success:
                        async for line in response.aiter_lines():
                            if (event := following.line(line)) is not None:
                                yield event
                    else:
                        await response.aread()
                        came = answer(response)
            except httpx.RequestError as error:
                came = lost(error)
            if await self._client.take(following.ended(came)):
                return
