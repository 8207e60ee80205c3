"""One organisation's pipelines and their runs: stored, priced, started, followed and stopped; for HTTP."""

import asyncio
from collections.abc import Mapping

from pydantic import JsonValue

from intermezzo.errors import RunsUnavailable
from intermezzo.flows import run_orders, run_views, stored_pipelines
from intermezzo.flows.launching import Launcher, cancel, launch, retry
from intermezzo.flows.pipeline_runs import checked_input, tightest
from intermezzo.flows.run_orders import new_order
from intermezzo.flows.run_views import CallView, RunFilter, RunSummary, RunView
from intermezzo.flows.stored_pipelines import StoredPipeline
from intermezzo.human_steps.closings import Closings
from intermezzo.ledger import Payer
from intermezzo.pipelines import Plan
from intermezzo.store import Store, utc_now
from intermezzo.store.idempotency import fingerprint


class PipelineRequester:
    """What one organisation has of pipelines.

    Args:
        store: where they are.
        payer: the organisation, in live or test credits; it sees nothing of anybody else.
        launcher: where their runs are executed; None: nowhere, they can only be read.
        closings: of the runs of a process in which many wait.
    """

    def __init__(self, store: Store, payer: Payer, *, launcher: Launcher | None, closings: Closings) -> None:
        self.store = store
        self.payer = payer
        self._launcher = launcher
        self._closings = closings

    # ------------------------------------------------------------------ pipelines

    async def keep(self, plan: Plan) -> StoredPipeline:
        """Store a document as the next version; the same document again is the version that it is already."""
        return await self.store.write(lambda c: stored_pipelines.keep(c, self.payer, plan, at=utc_now()))

    async def find(self, name: str, version: int | None = None) -> StoredPipeline:
        """A version of a pipeline; without a number, the newest.

        Raises:
            PipelineNotFound: the organisation has none such.
        """
        return await self.store.read(lambda c: stored_pipelines.find(c, self.payer, name, version))

    async def list(self, *, after: str | None = None, limit: int = 50) -> "list[StoredPipeline]":
        """The newest version of each pipeline, by name.

        Args:
            after: name of the last one of the page before.
            limit: most to return.
        """
        return await self.store.read(lambda c: stored_pipelines.newest(c, self.payer, after=after, limit=limit))

    async def versions(self, name: str, *, before: int | None = None, limit: int = 50) -> "list[StoredPipeline]":
        """Versions of a pipeline, the newest first.

        Args:
            name: of the pipeline.
            before: the last version of the page before.
            limit: most to return.

        Raises:
            PipelineNotFound: the organisation has none of that name.
        """
        await self.find(name)
        return await self.store.read(
            lambda c: stored_pipelines.versions(c, self.payer, name, before=before, limit=limit)
        )

    # ------------------------------------------------------------------ runs

    async def run(
        self,
        name: str,
        input: Mapping[str, JsonValue],
        *,
        version: int | None = None,
        budget_credits: int | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Start a run.

        Args:
            name: of the pipeline.
            input: as its schema says.
            version: None: the newest.
            budget_credits: for this run; the document's own budget holds as well.
            idempotency_key: the same request with the same key is the same run, started once.

        Returns:
            Its id. From here on it is executed, whoever dies.

        Raises:
            PipelineNotFound: the organisation has none such.
            InvalidInput: the input does not fit the pipeline's schema.
            InvalidPipeline: the document no longer fits the step types of this process.
            KeyReused: another request came with this key.
            RunsUnavailable: nothing was started.
        """
        launcher = self._required()
        stored = await self.find(name, version)
        plan = await asyncio.to_thread(stored.plan)
        budget = tightest(budget_credits, plan.document.budget)
        order = new_order(self.payer, name, stored.version, checked_input(plan, input), budget_credits=budget)
        request = fingerprint([name, version, dict(input), budget_credits])
        order_id = await self.store.write(
            lambda c: run_orders.place(c, order, idempotency_key=idempotency_key, request=request, at=utc_now())
        )
        try:
            run_id = await launch(self.store, launcher, order_id)
        except RunsUnavailable:
            run_id = await self.store.write(
                lambda c: run_orders.withdraw(c, self.payer, order_id, idempotency_key=idempotency_key)
            )
            if run_id is None:
                raise
        if run_id is None:
            raise RunsUnavailable("another request with this key could not be fulfilled; try again")
        return run_id

    async def get(self, run_id: str) -> RunView:
        """One run.

        Raises:
            RunNotFound: the organisation has none of that id.
        """
        return await self.store.read(lambda c: run_views.find(c, self.payer, run_id))

    async def runs(self, wanted: RunFilter, *, after: str | None = None, limit: int = 50) -> "list[RunSummary]":
        """Runs, the newest first; see `run_views.newest`."""
        return await self.store.read(lambda c: run_views.newest(c, self.payer, wanted, after=after, limit=limit))

    async def calls(self, run_id: str, *, after: str | None = None, limit: int = 100) -> "list[CallView]":
        """Step calls of a run, in the order in which they were made; see `run_views.calls`."""
        await self.get(run_id)
        return await self.store.read(lambda c: run_views.calls(c, run_id, after=after, limit=limit))

    async def cancel(self, run_id: str) -> None:
        """Cancel a run; of one that has ended nothing changes. What it held comes back.

        Raises:
            RunNotFound: the organisation has none of that id.
            RunsUnavailable: this server runs no pipelines.
        """
        await self.get(run_id)
        await cancel(self.store, self._required(), run_id)

    async def retry(self, run_id: str) -> None:
        """Start a run again that failed or was cancelled: from its failed calls on, what is done is not paid again.

        Raises:
            RunNotFound: the organisation has none of that id.
            RunNotRetryable: it goes on, it is completed, or nobody can start it again.
            RunsUnavailable: it stays as it is.
        """
        await self.get(run_id)
        await retry(self.store, self._required(), run_id)

    async def wait(self, run_id: str, *, timeout_seconds: float) -> RunView:
        """Wait until a run has ended, or for so long; whoever needs an outcome looks whether `is_closed`.

        Raises:
            RunNotFound: the organisation has none of that id.
        """
        return await self._closings.until_closed(run_id, lambda: self.get(run_id), timeout_seconds=timeout_seconds)

    def _required(self) -> Launcher:
        if self._launcher is None:
            raise RunsUnavailable("this server starts no runs; ask one that was started as `intermezzo serve`")
        return self._launcher
