"""From an order to a run that a worker takes, whoever dies on the way. The store is the truth, Prefect follows.

The order of writes makes it impossible to lose an order or to begin it twice: the order is in the store first. Then
Prefect makes its flow run, Pending, so that no worker takes it; asked again for the same order, it gives the same one.
Then one transaction records the run, and only who has done that lets a worker take it. Killed before that, the
reconciler launches the order; killed after it, it finds a run that was due and is nobody's, and starts it.
"""

import asyncio
import time
from datetime import timedelta
from typing import Protocol

from intermezzo import journal
from intermezzo.errors import RunNotRetryable, RunsUnavailable
from intermezzo.flows import run_orders
from intermezzo.flows.run_orders import RunOrder
from intermezzo.flows.settling import settle_unless_ended
from intermezzo.settings import settings
from intermezzo.store import Event, Store, emit, reach, utc_now

_PATIENCE_SECONDS = 5.0
"""For an executor to stop a run in order; the reconciler stops one that takes longer."""


class Launcher(Protocol):
    """Where runs of pipelines are executed: Prefect.

    Every call raises `RunsUnavailable` if it cannot be reached.
    """

    async def create(self, order: RunOrder) -> str:
        """Id of the flow run of an order, made if there is none; no worker takes it yet."""
        ...

    async def release(self, run_id: str) -> None:
        """Let a worker take a flow run."""
        ...

    async def again(self, run_id: str) -> None:
        """Let a worker take a flow run that has ended.

        Raises:
            RunNotRetryable: it is no longer known.
        """
        ...

    async def stop(self, run_id: str) -> None:
        """Let no worker take a flow run any more; one that has ended stays as it is."""
        ...


async def launch(store: Store, launcher: Launcher, order_id: str) -> str | None:
    """Give an order its run, unless it has one.

    Returns:
        Id of the run; None: the order was withdrawn.

    Raises:
        RunsUnavailable: Prefect cannot be reached; nothing has begun.
    """
    order = await store.read(lambda c: run_orders.find(c, order_id))
    if order is None or order.run_id is not None:
        return None if order is None else order.run_id
    reach("launch.placed")
    run_id = await launcher.create(order)
    reach("launch.created")
    lease = timedelta(seconds=settings().lease_seconds)
    outcome = await store.write(lambda c: run_orders.begin(c, order_id, run_id, lease=lease, at=utc_now()))
    reach("launch.begun")
    if outcome == "begun":
        await _release(store, launcher, run_id)
        return run_id
    known = await store.read(lambda c: run_orders.find(c, order_id))
    return None if known is None else known.run_id


async def _release(store: Store, launcher: Launcher, run_id: str) -> None:
    try:
        await launcher.release(run_id)
    except RunsUnavailable:
        return  # the run is recorded: the reconciler starts it when its lease has run out
    reach("launch.released")
    await _nudge(store, run_id)


async def retry(store: Store, launcher: Launcher, run_id: str) -> None:
    """Start a run again that has ended without success, from its failed calls on; what is done is not paid again.

    Raises:
        RunNotRetryable: it goes on, it is completed, or nobody can start it again.
        RunsUnavailable: Prefect cannot be reached; the reconciler finds it ended, as it was.
    """
    lease = timedelta(seconds=settings().lease_seconds)
    if not await store.write(lambda c: journal.start_again(c, run_id, lease=lease, at=utc_now())):
        raise RunNotRetryable(
            f"run {run_id} goes on, is completed, or ended with the process that ran it; expected one that has failed "
            "or was cancelled"
        )
    await launcher.again(run_id)
    await _nudge(store, run_id)


async def cancel(store: Store, launcher: Launcher, run_id: str) -> None:
    """Cancel a run. That somebody wants it is kept: if it cannot be done at once, the reconciler does it."""
    if not await store.write(lambda c: journal.request_cancel(c, run_id, at=utc_now())):
        return
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while await store.read(lambda c: journal.is_held(c, run_id, at=utc_now())):
        if time.monotonic() >= deadline:
            return
        await asyncio.sleep(0.1)
    try:
        await launcher.stop(run_id)
    except RunsUnavailable:
        return
    await store.write(lambda c: settle_unless_ended(c, run_id, "cancelled", at=utc_now()))


async def _nudge(store: Store, run_id: str) -> None:
    """Let executors look for the run at once, without waiting for their next poll."""
    await store.write(lambda c: emit(c, [Event("run.scheduled", run_id, run_id)], at=utc_now()))
