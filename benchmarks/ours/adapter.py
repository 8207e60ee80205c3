"""Where the benchmarks touch Intermezzo beneath its authors' API; a name that moves there moves here."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import sqlalchemy
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.flow_engine import run_flow
from prefect.states import AwaitingRetry

from intermezzo import ledger
from intermezzo.human_steps.inbox import Inbox
from intermezzo.ledger import Payer
from intermezzo.settings import settings
from intermezzo.store import open_store, utc_now

T = TypeVar("T")
INTERMEZZO = [sys.executable, "-c", "from intermezzo.cli import main; main()"]
WORKER = "benchmark-worker"


def grant(credits: int) -> None:
    """Give the organisation that pays for runs enough to spend."""
    payer, at = Payer(settings().org), utc_now()
    open_store().write_now(lambda c: ledger.grant(c, payer, credits, subject="benchmark", at=at))


async def attempt(flow: Flow[..., T], run: FlowRun) -> T:
    """Execute a flow run once, as the warm worker does."""
    execution = run_flow(flow, flow_run=run, parameters=run.parameters, return_type="result")
    assert not isinstance(execution, (str, bytes))
    return await execution  # type: ignore[misc]


async def create_run(flow: Flow[..., T], parameters: dict[str, object]) -> FlowRun:
    """Make a flow run without executing it."""
    async with get_client() as client:
        return await client.create_flow_run(flow, parameters=parameters)


async def let_retry(run: FlowRun) -> FlowRun:
    """Put an ended flow run where a new attempt may start, as Prefect's own Retry does."""
    async with get_client() as client:
        await client.set_flow_run_state(run.id, AwaitingRetry(), force=True)
        return await client.read_flow_run(run.id)


async def claim_when_posted() -> str:
    """Wait until a human task is open, claim it and return its id."""
    inbox = Inbox(open_store())
    while (claimed := await inbox.claim_next(WORKER)) is None:
        await asyncio.sleep(0.01)
    return claimed.task_id


async def submit(task_id: str, answer: dict[str, object]) -> None:
    """Answer the claimed task; returns when the answer is stored."""
    await Inbox(open_store()).submit(WORKER, task_id, answer)


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """`intermezzo serve` in a process of its own, using the environment's Prefect server; gives its pid."""
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen([*INTERMEZZO, "serve", "--no-http"], stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()


async def start_deployed(entrypoint: str, **parameters: object) -> str:
    """Have the warm worker run a flow; returns the id of its run."""
    given = [part for name, value in parameters.items() for part in ("--param", f"{name}={json.dumps(value)}")]
    command = [*INTERMEZZO, "run", entrypoint, "--deployed", "--json", *given]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[3:])} exited with {process.returncode}")
    return str(json.loads(out.decode().strip().splitlines()[-1])["run_id"])


async def until_state(run_id: str, wanted: Callable[[FlowRun], bool], *, seconds: float = 600) -> FlowRun:
    """Wait until a flow run is in a state.

    Raises:
        TimeoutError: it was not within `seconds`.
    """

    async def poll() -> FlowRun:
        async with get_client() as client:
            while not wanted(run := await client.read_flow_run(run_id)):  # type: ignore[arg-type]
                await asyncio.sleep(0.1)
            return run

    return await asyncio.wait_for(poll(), seconds)


def is_suspended(run: FlowRun) -> bool:
    """Whether the run has left its process and waits."""
    return run.state is not None and run.state.is_paused()


def store_bytes() -> int:
    """Size of the store's file with everything that was in its write-ahead log."""
    store = open_store()
    with store.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Path(store.url.database or "").stat().st_size


def open_tasks() -> int:
    """How many human tasks wait in the store."""
    query = sqlalchemy.text("SELECT count(*) FROM human_tasks WHERE state = 'open'")
    return open_store().read_now(lambda c: int(c.execute(query).scalar_one()))


def describe() -> dict[str, object]:
    """How durable the store is as measured: the pragmas of a connection that writes."""
    engine = open_store().engine
    with engine.connect() as connection:
        found = {p: connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous")}
    chosen = settings()
    return {**found, "map_chunk_size": chosen.map_chunk_size, "hot_wait_seconds": chosen.hot_wait_seconds}
