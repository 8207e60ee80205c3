"""Everything `intermezzo serve` runs in one process: warm worker, reconciler, and simulated workers for test tasks."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, nullcontext

from prefect import flow_engine
from prefect.client.orchestration import get_client

from intermezzo.flows.deployments import ensure_pool
from intermezzo.flows.reconciler import Reconciler
from intermezzo.flows.worker import WarmWorker
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.store import open_store


@asynccontextmanager
async def executor(crowd: SimulatedCrowd | None = None) -> AsyncGenerator[WarmWorker]:
    """A warm worker and a reconciler, running until the context is left.

    Args:
        crowd: who answers test tasks; by default simulated workers that answer at once.
    """
    async with get_client() as client:
        await ensure_pool(client)
    store = open_store()
    worker = WarmWorker()
    reconciler = Reconciler(store, nudge=worker.nudge, cancel_run=worker.cancel_run)
    async with asyncio.TaskGroup() as group:
        serving = [
            group.create_task(worker.serve(), name="warm worker"),
            group.create_task(reconciler.serve(), name="reconciler"),
            group.create_task((crowd or SimulatedCrowd(store)).serve(), name="simulated workers"),
        ]
        try:
            yield worker
        finally:
            for task in serving:
                task.cancel()


async def serve_until_stopped(started: Callable[[], None] = lambda: None) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        started: called once everything runs.
    """
    # Prefect lets each flow run take SIGTERM for itself; here it is for all of them, and comes to us.
    flow_engine.capture_sigterm = nullcontext  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    async with executor():
        started()
        await stopped.wait()
