"""Sweeps for what got lost: wake-ups, dead attempts, lapsed claims, runs ended behind our back.

Every sweep is safe to run at any time, twice at once, and on several machines: it looks, and then makes moves that
the store or Prefect refuses if they are no longer right.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Literal
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Cancelled, Crashed
from sqlalchemy import Connection, case, select, update

from intermezzo import journal
from intermezzo.errors import RunsUnavailable
from intermezzo.flows import run_orders
from intermezzo.flows.launching import launch
from intermezzo.flows.prefect_launcher import PrefectLauncher, order_of
from intermezzo.flows.reporting import Reporter
from intermezzo.flows.runtime import runtime
from intermezzo.flows.settling import settle
from intermezzo.flows.suspension import resume
from intermezzo.human_steps import claims, review, tasks
from intermezzo.journal import RunState
from intermezzo.settings import settings
from intermezzo.store import Event, Store, utc_now
from intermezzo.store.tables import runs

logger = logging.getLogger("intermezzo.reconciler")

_PAGE = 200
_REPORT_SECONDS = 2.0
_RESUMING_SECONDS = 10.0
_ORDERS_AGE = timedelta(seconds=20)
"""Until then whoever took an order may still be at it. Beginning it twice does no harm, but is work."""

Verdict = Literal["leave", "resume", "restart", "settle"]


class Reconciler:
    """Keeps runs moving.

    Args:
        store: the store.
        nudge: called when a run is ready to be taken, so that a worker of this process looks for it at once.
        cancel_run: stops a run that is active in this process; returns whether there was one.
        suspend_run: lets a run leave that is active in this process, if an operator has suspended it.
    """

    def __init__(
        self,
        store: Store,
        *,
        nudge: Callable[[], None] = lambda: None,
        cancel_run: Callable[[str], bool] = lambda _: False,
        suspend_run: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        self.store = store
        self._nudge = nudge
        self._cancel_run = cancel_run
        self._suspend_run = suspend_run
        self._closed: set[str] = set()
        self._cancel: set[str] = set()
        self._stale_reports: set[str] = set()
        self._resumed_at: dict[tuple[str, int], float] = {}
        """When a run was resumed from that epoch, monotonic seconds: its next attempt may not have begun yet."""
        self._wake = asyncio.Event()

    async def serve(self) -> None:
        """React to events and sweep until cancelled."""
        unsubscribe = self.store.subscribe_here(self._heard)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._react())
                group.create_task(self._repeat(self.sweep, settings().reconcile_seconds))
                group.create_task(self._repeat(self._report, _REPORT_SECONDS))
        finally:
            unsubscribe()

    # ------------------------------------------------------------------ events

    def _heard(self, events: Sequence[Event]) -> None:
        if any(e.topic == "run.scheduled" for e in events):
            self._nudge()
        self._closed |= {e.run_id for e in events if e.topic == "call.closed" and e.run_id}
        self._cancel |= {e.subject for e in events if e.topic == "run.cancel"}
        if self._closed or self._cancel:
            self._wake.set()

    async def _react(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            closed, self._closed = self._closed, set()
            cancel, self._cancel = self._cancel, set()
            for run_id in cancel:
                self._cancel_run(run_id)
            await self._guarded(lambda closed=closed: self._resume_ready(closed))

    async def _resume_ready(self, closed: set[str]) -> None:
        ready = await self.store.read(lambda c: journal.ready_runs(c, list(closed)))
        self._stale_reports |= closed - set(ready)
        for run_id, epoch in ready.items():
            await self._resume(run_id, epoch)

    async def _resume(self, run_id: str, epoch: int) -> None:
        now = time.monotonic()
        self._resumed_at = {key: at for key, at in self._resumed_at.items() if now - at < _RESUMING_SECONDS}
        if (run_id, epoch) in self._resumed_at:
            return
        if await resume(run_id):
            self._resumed_at[run_id, epoch] = now
            logger.info("run %s resumed", run_id)
            self._nudge()

    async def _report(self) -> None:
        stale, self._stale_reports = self._stale_reports, set()
        for run_id in stale:
            await Reporter(self.store, run_id).publish()

    # ------------------------------------------------------------------ sweeps

    async def sweep(self) -> None:
        """Look once at everything that may have been lost."""
        await self._sweep_workers()
        await self._sweep_orders()
        await self._sweep_pending()
        for run_id, epoch in (await self.store.read(journal.ready_runs)).items():
            await self._resume(run_id, epoch)
        for page in await self.store.read(_suspects):
            await self._compare(page)

    async def _sweep_workers(self) -> None:
        while await self.store.write(lambda c: claims.lapse(c, at=utc_now())) == _FULL:
            pass
        while await self.store.write(lambda c: tasks.expire(c, at=utc_now())) == _FULL:
            pass
        while await self.store.write(lambda c: review.approve_unreviewed(c, at=utc_now())) == _FULL:
            pass

    async def _sweep_orders(self) -> None:
        """Begin the runs of pipelines that were ordered of a process that died before it could begin them."""
        before = utc_now() - _ORDERS_AGE
        if orders := await self.store.read(lambda c: run_orders.unstarted(c, before=before)):
            async with get_client() as client:
                launcher = PrefectLauncher(client)
                for order_id in orders:
                    logger.warning("a run was ordered, but not begun: beginning it")
                    try:
                        await launch(self.store, launcher, order_id)
                    except RunsUnavailable as error:
                        logger.warning("%s", error)
                        return

    async def _sweep_pending(self) -> None:
        """Start runs again whose worker died between taking them and telling our store."""
        async with get_client() as client:
            pending = await client.read_flow_runs(
                work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[settings().work_pool])),
                flow_run_filter=FlowRunFilter(
                    state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.PENDING]))
                ),
                limit=_PAGE,
            )
            stuck = [r for r in pending if r.state is not None and _is_old(r.state)]
            known = await self.store.read(lambda c: _known(c, [str(run.id) for run in stuck]))
            for run in stuck:
                if str(run.id) in known:
                    continue
                if (order_id := order_of(run.idempotency_key)) is not None:
                    await self._sweep_ordered(client, run.id, order_id)
                else:
                    message = "Its worker died before it began; started again by the reconciler."
                    await client.set_flow_run_state(run.id, AwaitingRetry(message=message), force=True)
                    self._nudge()

    async def _sweep_ordered(self, client: PrefectClient, flow_run_id: UUID, order_id: str) -> None:
        """Drop a flow run that was made for an order which was withdrawn, or has another by now."""
        order = await self.store.read(lambda c: run_orders.find(c, order_id))
        if order is None or order.run_id not in (None, str(flow_run_id)):
            with suppress(ObjectNotFound):
                await client.delete_flow_run(flow_run_id)

    async def _compare(self, run_ids: Sequence[str]) -> None:
        """Compare runs with what Prefect thinks of them."""
        async with get_client() as client:
            ids = FlowRunFilter(id=FlowRunFilterId(any_=[UUID(id) for id in run_ids]))
            known = {str(r.id): r for r in await client.read_flow_runs(flow_run_filter=ids, limit=_PAGE)}
            for run_id in run_ids:
                await self._mend(client, run_id, known.get(run_id))
        await self.store.write(lambda c: _checked(c, run_ids))

    async def _mend(self, client: PrefectClient, run_id: str, flow_run: FlowRun | None) -> None:
        row = await self.store.read(lambda c: c.execute(select(runs).where(runs.c.id == run_id)).one())
        if flow_run is None or flow_run.state is None:
            await self._settle(run_id, "crashed")
            return
        state = flow_run.state
        ended = _end_of(state)
        if ended is not None:
            await self._settle(run_id, ended)
        elif state.is_cancelling() or row.cancel_requested:
            if not self._cancel_run(run_id):
                await self._settle(run_id, "cancelled")
                await client.set_flow_run_state(flow_run.id, Cancelled(message="Cancelled by a person."), force=True)
        elif row.state == "active" and state.is_paused() and self._suspend_run is not None:
            await self._suspend_run(run_id)
        elif _is_dead(state, lease_over=row.lease_expires_at is None or row.lease_expires_at <= utc_now()):
            await self._recover(client, flow_run, recoveries=row.recoveries, deployed=row.deployed)

    async def _settle(self, run_id: str, state: RunState) -> None:
        logger.info("run %s has %s: settling it", run_id, state)
        await self.store.write(lambda c: settle(c, run_id, state, at=utc_now()))

    async def _recover(self, client: PrefectClient, flow_run: FlowRun, *, recoveries: int, deployed: bool) -> None:
        """Start a run again whose process died, unless that has happened too often or nobody can start it."""
        run_id = str(flow_run.id)
        if not deployed or recoveries >= settings().max_recoveries:
            why = "its process died" if not deployed else f"its process died {recoveries + 1} times"
            await self._settle(run_id, "crashed")
            await client.set_flow_run_state(flow_run.id, Crashed(message=why), force=True)
            return
        taken = await self.store.write(lambda c: _take_over(c, run_id))
        if not taken:
            return
        logger.warning("run %s lost its process: starting it again", run_id)
        message = "Its process died; started again by the reconciler."
        await client.set_flow_run_state(flow_run.id, AwaitingRetry(message=message), force=True)
        self._nudge()

    # ------------------------------------------------------------------ helpers

    async def _repeat(self, work: Callable[[], Awaitable[None]], seconds: float) -> None:
        while True:
            await self._guarded(work)
            await asyncio.sleep(seconds)

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:  # a sweep that fails now is made again; Prefect or the database may be restarting
            logger.exception("a sweep failed; the next one follows")


_FULL = tasks.MOST_SWEPT


def _suspects(connection: Connection) -> list[list[str]]:
    """Runs to compare with Prefect: those whose attempt gave no sign of life, and the longest unchecked of the rest."""
    now = utc_now()
    dead = connection.scalars(
        select(runs.c.id).where(runs.c.state == "active", runs.c.lease_expires_at <= now).limit(10 * _PAGE)
    ).all()
    waiting = connection.scalars(
        select(runs.c.id)
        .where(runs.c.state.in_(("suspended", "scheduled", "active")), runs.c.checked_at <= now - timedelta(seconds=1))
        .order_by(runs.c.checked_at)
        .limit(_PAGE)
    ).all()
    ids = list(dict.fromkeys([*dead, *waiting]))
    return [ids[i : i + _PAGE] for i in range(0, len(ids), _PAGE)]


def _known(connection: Connection, run_ids: Sequence[str]) -> set[str]:
    return set(connection.scalars(select(runs.c.id).where(runs.c.id.in_(run_ids))))


def _checked(connection: Connection, run_ids: Sequence[str]) -> None:
    connection.execute(update(runs).where(runs.c.id.in_(run_ids)).values(checked_at=utc_now()))


def _take_over(connection: Connection, run_id: str) -> bool:
    """Refuse every later write of the dead attempt; only one reconciler gets a True. A released run did not die."""
    lease = runtime().lease
    taken = connection.execute(
        update(runs)
        .where(runs.c.id == run_id, (runs.c.lease_expires_at.is_(None)) | (runs.c.lease_expires_at <= utc_now()))
        .values(
            epoch=runs.c.epoch + 1,
            state="active",
            recoveries=runs.c.recoveries + case((runs.c.holder.is_(None), 0), else_=1),
            holder=None,
            lease_expires_at=utc_now() + lease,
        )
    )
    return bool(taken.rowcount)


def _end_of(state: State[object]) -> RunState | None:
    if state.is_completed():
        return "completed"
    if state.is_failed():
        return "failed"
    if state.is_cancelled():
        return "cancelled"
    return None


def _is_dead(state: State[object], *, lease_over: bool) -> bool:
    """Whether Prefect believes that somebody works on the run although nobody does."""
    if state.is_pending():
        # A worker has taken it, and renews the lease only when it has loaded the flow.
        return lease_over and _is_old(state)
    return lease_over and (state.is_running() or state.is_crashed())


def _is_old(state: State[object]) -> bool:
    return state.timestamp < utc_now() - timedelta(seconds=settings().lease_seconds)
