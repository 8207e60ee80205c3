"""Everything `intermezzo serve` runs in one process: warm worker, reconciler, and simulated workers for test tasks."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable
from contextlib import asynccontextmanager, contextmanager, nullcontext

from prefect import flow_engine
from prefect.client.orchestration import PrefectClient
from prefect.context import AsyncClientContext, SyncClientContext

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
    # Everything below shares these clients: a new one costs Prefect 50 ms, for certificates that it may not need.
    with SyncClientContext(), _without_observers():
        async with AsyncClientContext() as prefect, _serving(prefect.client, crowd) as worker:
            yield worker


@contextmanager
def _unobserved(*_: object) -> Generator[None]:
    yield


@contextmanager
def _without_observers() -> Generator[None]:
    """Keep Prefect from starting a thread for each deployed run, to hear of an operator who suspends it.

    Its start and its end stop the event loop of all runs for 0.1 to 0.3 s. The reconciler looks after that here.
    """
    observe = flow_engine.observe_flow_run_suspension  # pyright: ignore[reportPrivateImportUsage]
    flow_engine.observe_flow_run_suspension = _unobserved  # pyright: ignore[reportPrivateImportUsage]
    try:
        yield
    finally:
        flow_engine.observe_flow_run_suspension = observe  # pyright: ignore[reportPrivateImportUsage]


@asynccontextmanager
async def _serving(client: PrefectClient, crowd: SimulatedCrowd | None) -> AsyncGenerator[WarmWorker]:
    await ensure_pool(client)
    store = open_store()
    worker = WarmWorker()
    reconciler = Reconciler(store, nudge=worker.nudge, cancel_run=worker.cancel_run, suspend_run=worker.suspend_run)
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


@asynccontextmanager
async def _running(services: Iterable[Callable[[], Coroutine[None, None, None]]]) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(service()) for service in services]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def serve_until_stopped(
    started: Callable[[], None] = lambda: None, *, beside: Iterable[Callable[[], Coroutine[None, None, None]]] = ()
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Args:
        started: called once everything runs.
        beside: what else runs in this process until then; each runs until it is cancelled.
    """
    # Prefect lets each flow run take SIGTERM for itself; here it is for all of them, and comes to us.
    flow_engine.capture_sigterm = nullcontext  # pyright: ignore[reportPrivateImportUsage, reportAttributeAccessIssue]
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, stopped.set)
    async with executor(), _running(beside):
        started()
        await stopped.wait()
