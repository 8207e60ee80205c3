"""SIGKILL at every named point between two writes, then recovery: everything done once, charged once, refunded once."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from signal import SIGKILL
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from prefect.client.orchestration import get_client
from pydantic import JsonValue
from sqlalchemy import Connection, update

from intermezzo import ledger
from intermezzo.flows.deployments import schedule
from intermezzo.flows.pipeline_runs import TARGET, order
from intermezzo.ledger import Payer
from intermezzo.pipelines import plan_of
from intermezzo.settings import settings
from intermezzo.store import Store, utc_now
from intermezzo.store.faults import POINTS
from intermezzo.store.tables import runs
from tests import crash_pipeline
from tests.crash_pipeline import EXPECTED, PRICE

pytestmark = [pytest.mark.prefect, pytest.mark.crash, pytest.mark.timeout(600)]

PAYER = Payer("default", test=True)
GRANTED = 1000

# The second arrival at a point is another place in the run: in the middle of a `.map`, at the second task, and so on.
PLACES = [*POINTS, *(f"{point}:2" for point in ("reserve.after", "work.after", "capture.before", "answer.stored"))]

REDONE = {"work.after": 1, "capture.before": 1, "work.after:2": 4, "capture.before:2": 4}
"""Works that were done but not captured when the kill came, and so are done again: of one call, or of one `.map`."""

AT_ONCE = 3
"""Runs that are killed and recovered at the same time: mostly they wait."""


class Zygote:
    """Forks executors to kill."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._orders: dict[str, asyncio.Future[int]] = {}
        self._reading = asyncio.create_task(self._read())

    async def execute(self, variables: dict[str, str]) -> int:
        """Run an executor until its run has ended; returns the signal that killed it, or 0."""
        assert self._process.stdin is not None
        order = str(uuid4())
        ended = self._orders[order] = asyncio.get_running_loop().create_future()
        self._process.stdin.write(json.dumps({**variables, "ORDER": order}).encode() + b"\n")
        return await ended

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            answer = json.loads(line)
            self._orders[answer["order"]].set_result(answer["signal"])

    async def close(self) -> None:
        """End the zygote."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        await self._reading


@pytest.fixture
async def zygote(session_environment: dict[str, str], tmp_path: Path) -> AsyncIterator[Zygote]:
    """Forks executors that use the session's Prefect server."""
    with (tmp_path / "executors.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.crash_zygote",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env=session_environment,
            cwd=Path(__file__).parents[2],
        )
        made = Zygote(process)
        yield made
        await made.close()


class Victim:
    """A run of the crash pipeline in a store of its own, and the executors that get killed over it."""

    def __init__(self, zygote: Zygote, url: str, pool: str, folder: Path) -> None:
        self.zygote, self.url, self.pool, self.folder = zygote, url, pool, folder
        self.store = Store(url)
        self.run_id = ""

    async def schedule(self, document: dict[str, JsonValue] | None) -> None:
        """Grant credits and schedule the run, of the flow or of a document that says the same."""
        await self.store.write(lambda c: ledger.grant(c, PAYER, GRANTED, subject="grant:test", at=utc_now()))
        target = f"{crash_pipeline.__file__}:crash_pipeline"
        parameters: dict[str, object] = {"folder": str(self.folder)}
        if document is not None:
            made = await order(self.store, PAYER, plan_of(document), {"folder": str(self.folder)})
            target, parameters = TARGET, made.parameters
        async with get_client() as client:
            run = await schedule(client, self.store, target, parameters, payer=PAYER)
        self.run_id = str(run.id)

    async def execute(self, crash_at: str = "") -> int:
        """Run an executor until the run has ended or it is killed."""
        killed_by = await self.zygote.execute(
            {
                "RUN_ID": self.run_id,
                "INTERMEZZO_DATABASE_URL": self.url,
                "INTERMEZZO_WORK_POOL": self.pool,
                "INTERMEZZO_CRASH_AT": crash_at,
                "INTERMEZZO_STEP_MODULES": "tests.crash_pipeline",
                "INTERMEZZO_HOT_WAIT_SECONDS": "0",
                "INTERMEZZO_LEASE_SECONDS": "30",
                "INTERMEZZO_RECONCILE_SECONDS": "1",
                "INTERMEZZO_POLL_SECONDS": "2",
            }
        )
        self.store.write_now(_end_leases)
        return killed_by

    async def check(self, *, redone: int) -> None:
        """The run completed with the right result; each step was done and charged once.

        Args:
            redone: how many works may have been done a second time, because the kill came before their capture.
        """
        async with get_client() as client:
            run = await client.read_flow_run(UUID(self.run_id))
            assert run.state is not None
            assert run.state.is_completed(), run.state
            assert await run.state.aresult() == EXPECTED
        report = self.store.read_now(ledger.audit)
        report.require_clean()
        assert report.balances[PAYER.available] == GRANTED - PRICE
        assert report.balances[PAYER.reserved] == 0
        done = Counter((self.folder / "done.txt").read_text().split("\n")[:-1])
        assert set(done) == {"fail", *(f"double {x}" for x in (1, 10, 11, 12, 13, 100))}
        assert sum(done.values()) - len(done) <= redone, done


def _end_leases(connection: Connection) -> None:
    """Let time pass: the lease of a process that was killed runs out."""
    connection.execute(update(runs).values(lease_expires_at=utc_now()))


class Victims(Protocol):
    """Makes runs to kill."""

    def __call__(self, document: dict[str, JsonValue] | None = None, /) -> Awaitable[Victim]: ...


@pytest.fixture
def crash_types(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step types of the crash pipeline, for documents."""
    monkeypatch.setenv("INTERMEZZO_STEP_MODULES", "tests.crash_pipeline")


@pytest.fixture
async def victims(
    zygote: Zygote,
    new_store_url: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    crash_types: None,
) -> AsyncIterator[Victims]:
    """Makes scheduled runs, each with a store and a work pool of its own, on each engine."""
    made: list[Victim] = []
    scheduling = asyncio.Lock()

    async def make(document: dict[str, JsonValue] | None = None, /) -> Victim:
        folder = tmp_path / f"victim-{len(made)}"
        folder.mkdir()
        victim = Victim(zygote, new_store_url(), f"crash-{uuid4().hex[:8]}", folder)
        made.append(victim)
        async with scheduling:  # the work pool is read from the settings of this process
            monkeypatch.setenv("INTERMEZZO_WORK_POOL", victim.pool)
            settings.cache_clear()
            await victim.schedule(document)
        return victim

    yield make
    for victim in made:
        victim.store.close()


async def test_a_run_killed_at_any_point_completes_and_the_books_balance(victims: Victims) -> None:
    limit = asyncio.Semaphore(AT_ONCE)

    async def kill_at(place: str) -> None:
        async with limit:
            victim = await victims()
            assert await victim.execute(crash_at=place) == SIGKILL, "the point was never reached"
            assert await victim.execute() == 0, "the run did not recover"
            await victim.check(redone=REDONE.get(place, 0))

    ended = await asyncio.gather(*(kill_at(place) for place in PLACES), return_exceptions=True)
    failed = {place: error for place, error in zip(PLACES, ended, strict=True) if error is not None}
    assert not failed


async def test_a_run_killed_in_the_middle_of_a_work_does_it_again_on_the_same_reserve(victims: Victims) -> None:
    victim = await victims()
    (victim.folder / "die-in-1").touch()
    assert await victim.execute() == SIGKILL
    assert await victim.execute() == 0
    await victim.check(redone=0)


async def test_a_pipeline_document_killed_at_any_point_completes_as_a_flow_does(victims: Victims) -> None:
    limit = asyncio.Semaphore(AT_ONCE)
    places = ["reserve.after", "work.after", "capture.after", "post.after", "suspend.marked", "answer.stored"]

    async def kill_at(place: str) -> None:
        async with limit:
            victim = await victims(crash_pipeline.DOCUMENT)
            assert await victim.execute(crash_at=place) == SIGKILL, "the point was never reached"
            assert await victim.execute() == 0, "the run did not recover"
            await victim.check(redone=REDONE.get(place, 0))

    await asyncio.gather(*map(kill_at, places))


async def test_a_run_killed_again_and_again_still_completes(victims: Victims) -> None:
    victim = await victims()
    places = ("capture.before", "attempt.claimed", "post.after", "suspend.marked", "suspend.proposed")
    # Quick workers may bring the run past a place before its turn to be killed there.
    kills = [await victim.execute(crash_at=place) for place in places]
    assert kills.count(SIGKILL) >= len(places) // 2
    assert await victim.execute() == 0
    await victim.check(redone=1)
