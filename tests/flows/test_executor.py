"""The warm worker and the reconciler together, on real deployments, in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from prefect import flow, task
from prefect.flow_runs import asuspend_flow_run
from prefect.states import AwaitingRetry, Pending
from sqlalchemy import update

from intermezzo import StepFailed, human_step, step
from intermezzo.flows.deployments import schedule
from intermezzo.flows.reconciler import Reconciler
from intermezzo.flows.serve import executor
from intermezzo.flows.worker import WarmWorker
from intermezzo.settings import settings
from intermezzo.store import utc_now
from intermezzo.store.tables import runs
from tests.rig import PAYER, Rig

pytestmark = pytest.mark.prefect

SOON_SECONDS = 60
AGES_AGO = utc_now() - timedelta(days=1)

approve = human_step("approve_invoice", output={"type": "object", "properties": {"fine": {"type": "boolean"}}})


@flow
async def asks() -> bool:
    return bool((await approve(invoice="A-17"))["fine"])


@flow
async def asks_three_times() -> None:
    for number in range(3):
        await approve(invoice=f"A-{number}")


def note(record: str) -> None:
    with Path(record).open("a") as file:
        file.write("tried\n")


def notes(record: str) -> list[str]:
    return Path(record).read_text().splitlines()


@step(credits=1)
async def never_works(record: str) -> None:
    note(record)
    raise ValueError("no")


@flow
async def asks_after_a_failure(record: str) -> None:
    with suppress(StepFailed):
        await never_works(record=record)
    await approve(invoice="A-17")


@task
async def short() -> None:
    await asyncio.sleep(0.1)


@flow
async def only_tasks() -> None:
    for _ in range(1000):
        await short()


@dataclass
class Served:
    """An executor, and a rig to play the operator and the workers."""

    rig: Rig
    worker: WarmWorker

    async def start(self, name: str, **parameters: object) -> UUID:
        """Schedule a flow of this file, and wait until the executor has it."""
        run = await schedule(self.rig.client, self.rig.store, f"{__file__}:{name}", parameters, payer=PAYER)
        await self.until(run.id, "Running")
        return run.id

    async def until(self, run_id: UUID, state: str) -> None:
        """Wait until the run is in that state."""
        async with asyncio.timeout(SOON_SECONDS):
            while await self.rig.state(run_id) != state:
                await asyncio.sleep(0.05)

    async def until_asked(self) -> None:
        """Wait until a human task is open."""
        async with asyncio.timeout(SOON_SECONDS):
            while not await self.rig.tasks():
                await asyncio.sleep(0.05)

    async def until_left(self, run_id: UUID) -> None:
        """Wait until the process no longer works on the run."""
        async with asyncio.timeout(SOON_SECONDS):
            while str(run_id) in self.worker.active:
                await asyncio.sleep(0.05)


@pytest.fixture
async def served(request: pytest.FixtureRequest, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """An executor on a pool of its own, whose runs wait in memory for a minute; `request` may change its settings."""
    changed: dict[str, float] = getattr(request, "param", {})
    chosen = {"HOT_WAIT_SECONDS": 60, "RECONCILE_SECONDS": 0.2, **changed}
    monkeypatch.setenv("INTERMEZZO_WORK_POOL", f"pool-{uuid4()}")
    for name, value in chosen.items():
        monkeypatch.setenv(f"INTERMEZZO_{name}", str(value))
    settings.cache_clear()
    async with executor() as worker:
        yield Served(rig, worker)
    settings.cache_clear()


async def test_a_run_is_taken_answered_while_it_waits_in_memory_and_completed(served: Served) -> None:
    run_id = await served.start("asks")
    await served.until_asked()
    await served.rig.answer_all(fine=True)
    await served.until(run_id, "Completed")


@pytest.mark.parametrize(
    "served", [{"HOT_WAIT_SECONDS": 0, "RECONCILE_SECONDS": 600, "POLL_SECONDS": 600}], indirect=True
)
async def test_suspended_runs_go_on_by_events_alone_without_polls_or_sweeps(served: Served) -> None:
    run_id = await served.start("asks_three_times")
    async with asyncio.timeout(SOON_SECONDS):
        for _ in range(3):
            while not await served.rig.answer_all(fine=True):
                await asyncio.sleep(0.05)
    await served.until(run_id, "Completed")


async def test_a_run_that_an_operator_suspends_goes_on_when_the_operator_says_so(served: Served) -> None:
    run_id = await served.start("asks")
    await served.until_asked()
    await asuspend_flow_run(flow_run_id=run_id)
    await served.until_left(run_id)
    assert await served.rig.answer_all(fine=False) == 1
    await asyncio.sleep(1)  # several sweeps, none of which may resume it
    assert await served.rig.state(run_id) == "Suspended"
    await served.rig.client.resume_flow_run(run_id)
    await served.until(run_id, "Completed")


async def test_an_operator_suspends_a_run_that_makes_no_call_of_ours(served: Served) -> None:
    run_id = await served.start("only_tasks")
    await asuspend_flow_run(flow_run_id=run_id)
    await served.until_left(run_id)
    assert await served.rig.state(run_id) == "Suspended"


async def test_a_run_started_again_over_an_attempt_that_still_waits_fails_no_step_again(
    served: Served, tmp_path: Path
) -> None:
    record = str(tmp_path / "tried")
    run_id = await served.start("asks_after_a_failure", record=record)
    await served.until_asked()
    await served.rig.client.set_flow_run_state(run_id, AwaitingRetry(), force=True)
    served.worker.nudge()
    await served.until(run_id, "Running")
    await served.rig.answer_all(fine=True)
    await served.until(run_id, "Completed")
    assert notes(record) == ["tried"]


@pytest.mark.parametrize(("lease_seconds", "then"), [(30, "Pending"), (0.01, "AwaitingRetry")])
async def test_a_run_that_a_worker_has_just_taken_is_not_dead(
    lease_seconds: float, then: str, sqlite_rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERMEZZO_LEASE_SECONDS", str(lease_seconds))
    settings.cache_clear()
    run_id = await sqlite_rig.deploy(asks)
    await sqlite_rig.attempt(asks, run_id)
    await sqlite_rig.store.write(
        lambda c: c.execute(update(runs).values(lease_expires_at=utc_now(), checked_at=AGES_AGO))
    )
    await sqlite_rig.client.set_flow_run_state(run_id, Pending(), force=True)
    await asyncio.sleep(0.1)
    await Reconciler(sqlite_rig.store).sweep()
    assert await sqlite_rig.state(run_id) == then
