"""The warm worker: runs flows in its own event loop, so a resumed run goes on in milliseconds, not seconds.

Stock process, Docker and Kubernetes workers can run the same deployments; this one saves them the start of an
interpreter. It polls Prefect every few seconds and is nudged when this process knows that a run is ready.
"""

import asyncio
import functools
import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import anyio.abc
import httpx
from prefect import Flow
from prefect._flow_run_suspension import is_suspended_flow_run_state, mark_flow_run_suspension_requested
from prefect.client.schemas.objects import FlowRun
from prefect.context import FlowRunContext
from prefect.exceptions import Abort, ObjectNotFound, Pause
from prefect.flow_engine import run_flow
from prefect.flows import load_flow_from_entrypoint
from prefect.states import Cancelled, Pending
from prefect.utilities.engine import propose_state
from prefect.workers.base import BaseJobConfiguration, BaseVariables, BaseWorker, BaseWorkerResult

from intermezzo import journal
from intermezzo.errors import AttemptSuperseded
from intermezzo.flows.engine import engine
from intermezzo.flows.runtime import runtime
from intermezzo.flows.settling import settle
from intermezzo.journal import RunFacts
from intermezzo.ledger import Payer
from intermezzo.settings import settings
from intermezzo.store import utc_now

WORKER_TYPE = "intermezzo"
"""Type of warm workers and of the work pools that they serve."""


class WarmWorkerResult(BaseWorkerResult):
    """How a run left the worker; its state in Prefect says the rest."""


class WarmWorker(BaseWorker[BaseJobConfiguration, BaseVariables, WarmWorkerResult]):
    """Runs flow runs of a work pool inside this process."""

    type = WORKER_TYPE
    job_configuration = BaseJobConfiguration
    job_configuration_variables = BaseVariables
    _description = "Runs flows inside the process of `intermezzo serve`, so that resumed runs go on at once."
    _display_name = "Intermezzo"

    def __init__(self) -> None:
        super().__init__(work_pool_name=settings().work_pool)
        self._nudged = asyncio.Event()
        self._flows: dict[str, tuple[float, Flow[..., Any]]] = {}
        self._taking: set[UUID] = set()
        self._taken: set[asyncio.Task[None]] = set()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._cancelling: set[str] = set()
        self._stopping = False

    async def serve(self) -> None:
        """Take and run scheduled flow runs until cancelled."""
        async with self:
            await self.sync_with_backend()
            beat = asyncio.create_task(self._heartbeats())
            try:
                while True:
                    self._nudged.clear()
                    await self._unless_unreachable(self.get_and_submit_flow_runs)
                    await self._until_nudged(settings().poll_seconds)
            finally:
                beat.cancel()
                self._stopping = True
                for running in list(self._running.values()):
                    running.cancel()
                if self._taken:
                    await asyncio.wait(self._taken)
                runtime().release()

    @property
    def active(self) -> frozenset[str]:
        """Ids of the runs that this process works on."""
        return frozenset(self._running)

    def nudge(self) -> None:
        """Look for scheduled runs now."""
        self._nudged.set()

    def cancel_run(self, run_id: str) -> bool:
        """Stop a run that is active in this process; returns whether there was one."""
        running = self._running.get(run_id)
        if running is None:
            return False
        self._cancelling.add(run_id)
        running.cancel()
        return True

    async def suspend_run(self, run_id: str) -> None:
        """Let a run that is active in this process leave, if an operator has suspended it."""
        if run_id not in self._running:
            return
        state = (await self.client.read_flow_run(UUID(run_id))).state
        if state is None or not is_suspended_flow_run_state(state):
            return
        mark_flow_run_suspension_requested(UUID(run_id), state)
        attempt = engine.attempt_of(run_id)
        if attempt is not None:
            attempt.end(Pause(state=state))

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Take the runs that are due.

        In place of Prefect's own way, which prepares infrastructure with six more requests; here is none to prepare.
        """
        due = await self.client.get_scheduled_flow_runs_for_work_pool(
            work_pool_name=settings().work_pool,
            scheduled_before=utc_now() + timedelta(seconds=self._prefetch_seconds),
        )
        taken = [response.flow_run for response in due if response.flow_run.id not in self._taking]
        for flow_run in taken:
            self._taking.add(flow_run.id)
            task = asyncio.create_task(self._take(flow_run))
            self._taken.add(task)
            task.add_done_callback(self._taken.discard)
        return taken

    async def _take(self, flow_run: FlowRun) -> None:
        try:
            state = await propose_state(self.client, Pending(), flow_run_id=flow_run.id)
        except (Abort, Pause, ObjectNotFound):  # another worker has it, or somebody has deleted it
            return
        except (httpx.HTTPError, OSError) as error:
            self._logger.warning("run %s could not be taken, trying again: %r", flow_run.id, error)
            return
        finally:
            self._taking.discard(flow_run.id)
        if state.is_pending() and not self._stopping:
            await self._unless_unreachable(lambda: self.run(flow_run, BaseJobConfiguration()))

    async def run(
        self,
        flow_run: FlowRun,
        configuration: BaseJobConfiguration,  # noqa: ARG002 (how infrastructure would be set up; there is none)
        task_status: anyio.abc.TaskStatus[int] | None = None,
    ) -> WarmWorkerResult:
        """Run one attempt of a flow run; called by Prefect's worker."""
        if task_status is not None:
            task_status.started(0)
        run_id = str(flow_run.id)
        task = asyncio.create_task(self._attempt(flow_run))
        self._running[run_id] = task
        try:
            await asyncio.wait([task])
        finally:
            if self._running.get(run_id) is task:
                del self._running[run_id]
        if run_id in self._cancelling:
            self._cancelling.discard(run_id)
            await self._end_cancelled(flow_run.id)
        elif not task.cancelled() and (error := task.exception()) is not None:
            self._logger.error("run %s stopped: %r", run_id, error)
        return WarmWorkerResult(status_code=0, identifier=run_id)

    async def _attempt(self, flow_run: FlowRun) -> None:
        flow = await self._load(flow_run)
        run_id = str(flow_run.id)
        here = runtime()
        if (older := engine.attempt_of(run_id)) is not None:
            # Or the engine would take this attempt for Prefect's retry of a body that has failed.
            older.end(AttemptSuperseded(f"run {run_id} was started again"))
        facts = RunFacts(
            id=run_id, flow_name=flow.name, deployed=True, payer=Payer(settings().org, test=settings().test_mode)
        )
        # The lease begins before the flow's body does: a process killed in between is noticed all the same.
        await here.store.write(
            lambda c: journal.enter_run(c, facts, holder=here.holder, lease=here.lease, at=utc_now())
        )
        here.keep(run_id)
        try:
            running: Any = run_flow(flow, flow_run=flow_run, parameters=flow_run.parameters, return_type="state")
            await running
        except (Pause, Abort):
            pass
        finally:
            here.drop(run_id)

    async def _load(self, flow_run: FlowRun) -> Flow[..., Any]:
        """The flow as its file is now: people may answer for days while its author goes on working."""
        assert flow_run.deployment_id is not None
        deployment = await self.client.read_deployment(flow_run.deployment_id)
        assert deployment.entrypoint is not None
        file = Path(deployment.entrypoint.rpartition(":")[0])
        changed_at = await asyncio.to_thread(_changed_at, file)
        known = self._flows.get(deployment.entrypoint)
        if known is None or known[0] != changed_at:
            if deployment.path and deployment.path not in sys.path:
                sys.path.insert(0, deployment.path)
            flow = await asyncio.to_thread(load_flow_from_entrypoint, deployment.entrypoint, use_placeholder_flow=False)
            known = self._flows[deployment.entrypoint] = (changed_at, ungrouped(flow, self._wants_stopped))
        return known[1]

    def _wants_stopped(self, run_id: str) -> bool:
        """Whether a cancellation of this run comes from the worker itself."""
        return self._stopping or run_id in self._cancelling

    async def _end_cancelled(self, flow_run_id: UUID) -> None:
        await runtime().store.write(lambda c: settle(c, str(flow_run_id), "cancelled", at=utc_now()))
        await self.client.set_flow_run_state(flow_run_id, Cancelled(message="Cancelled by a person."), force=True)

    async def _heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self.heartbeat_interval_seconds)
            await self._unless_unreachable(self.sync_with_backend)

    async def _unless_unreachable(self, ask: Callable[[], Awaitable[object]]) -> None:
        """Ask Prefect; if it cannot be reached, or answers with an error, it is asked again at the next turn."""
        try:
            await ask()
        except (httpx.HTTPError, ObjectNotFound, OSError) as error:
            self._logger.warning("Prefect could not be asked, trying again: %r", error)

    async def _until_nudged(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._nudged.wait()
        except TimeoutError:
            return


def _changed_at(file: Path) -> float:
    return file.stat().st_mtime if file.suffix == ".py" else 0.0


def ungrouped(flow: Flow[..., Any], stopped: Callable[[str], bool] = lambda _: False) -> Flow[..., Any]:
    """The flow, with what Prefect would take for a crash turned into what it is.

    A suspension that comes out of an `asyncio.TaskGroup` is taken out of its exception group. When the worker stops a
    run, Prefect's state of it stays: the run is cancelled or goes on elsewhere, it has not crashed.

    Args:
        flow: as its author wrote it.
        stopped: whether the worker has stopped the run of that id.
    """
    body = flow.fn

    @functools.wraps(body)
    async def fn(*args: object, **kwargs: object) -> object:
        try:
            return await body(*args, **kwargs)
        except asyncio.CancelledError:
            context = FlowRunContext.get()
            if context is not None and context.flow_run is not None and stopped(str(context.flow_run.id)):
                raise Abort("the worker has stopped this run") from None
            raise
        except BaseExceptionGroup as group:
            signals, others = group.split((Pause, Abort))
            if signals is None or others is not None:
                raise
            raise next(_leaves(signals)) from None

    copy = flow.with_options()
    copy.fn = fn
    return copy


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(cast("BaseExceptionGroup[BaseException]", error))
        else:
            yield error
