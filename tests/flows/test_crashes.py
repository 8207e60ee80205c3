"""SIGKILL at every named point between two writes, then recovery: everything done once, charged once, refunded once."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL
from uuid import uuid4

import pytest
from prefect.client.orchestration import get_client

from intermezzo import ledger
from intermezzo.flows.deployments import schedule
from intermezzo.ledger import Payer
from intermezzo.settings import settings
from intermezzo.store import Store, utc_now
from intermezzo.store.faults import POINTS
from tests import crash_pipeline
from tests.crash_pipeline import EXPECTED, PRICE

pytestmark = [pytest.mark.prefect, pytest.mark.crash, pytest.mark.timeout(180)]

PAYER = Payer("default", test=True)
GRANTED = 1000

# The second arrival at a point is another place in the run: in the middle of a `.map`, at the second task, and so on.
PLACES = [*POINTS, *(f"{point}:2" for point in ("reserve.after", "work.after", "capture.before", "answer.stored"))]


class Zygote:
    """Executors to kill."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash_zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def run(self, **variables: str) -> int:
        """Run an executor until its run has ended; returns the signal that killed it, or 0."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(variables) + "\n")
        self._process.stdin.flush()
        ended = json.loads(self._process.stdout.readline())
        assert ended["signal"] or ended["exit"] == 0, f"the executor failed, see {self._log.name}"
        return ended["signal"]

    def close(self) -> None:
        """End the zygote."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()
        self._log.close()


@pytest.fixture(scope="session")
def zygote(prefect_url: str, session_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zygote]:
    """Forks executors that use the session's Prefect server."""
    made = Zygote(session_environment, tmp_path_factory.mktemp("zygote") / "log")
    yield made
    made.close()


class Victim:
    """A scheduled run of the pipeline, and the executors that get killed over it."""

    def __init__(self, zygote: Zygote, store: Store, url: str, pool: str, folder: Path) -> None:
        self.zygote, self.store, self.url, self.pool, self.folder = zygote, store, url, pool, folder
        self.run_id = ""

    async def schedule(self) -> None:
        """Grant credits and schedule the run."""
        await self.store.write(lambda c: ledger.grant(c, PAYER, GRANTED, subject="grant:test", at=utc_now()))
        target = f"{crash_pipeline.__file__}:crash_pipeline"
        async with get_client() as client:
            run = await schedule(client, self.store, target, {"folder": str(self.folder)}, payer=PAYER)
        self.run_id = str(run.id)

    def execute(self, crash_at: str = "") -> int:
        """Run an executor until the run has ended or it is killed."""
        return self.zygote.run(
            RUN_ID=self.run_id,
            INTERMEZZO_DATABASE_URL=self.url,
            INTERMEZZO_WORK_POOL=self.pool,
            INTERMEZZO_CRASH_AT=crash_at,
            INTERMEZZO_HOT_WAIT_SECONDS="0",
            INTERMEZZO_LEASE_SECONDS="1.5",
            INTERMEZZO_RECONCILE_SECONDS="0.3",
            INTERMEZZO_POLL_SECONDS="0.5",
        )

    async def check(self, *, redone: int = 0) -> None:
        """The run completed with the right result; each step was done and charged once.

        Args:
            redone: how many works may have been done a second time, because the kill came before their capture.
        """
        from uuid import UUID

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


@pytest.fixture
async def victim(
    zygote: Zygote, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> "Victim":
    """A scheduled run on each engine."""
    pool = f"crash-{uuid4().hex[:8]}"
    monkeypatch.setenv("INTERMEZZO_WORK_POOL", pool)
    settings.cache_clear()
    store = Store(store_url)
    try:
        made = Victim(zygote, store, store_url, pool, tmp_path)
        await made.schedule()
        yield made
    finally:
        store.close()


@pytest.mark.parametrize("place", PLACES)
async def test_a_run_killed_at_any_point_completes_and_the_books_balance(victim: Victim, place: str) -> None:
    assert victim.execute(crash_at=place) == SIGKILL, f"{place} was never reached"
    assert victim.execute() == 0
    # At most the works of one `.map` were under way, or done and not yet captured.
    await victim.check(redone=4)


async def test_a_run_killed_in_the_middle_of_a_work_does_it_again_on_the_same_reserve(victim: Victim) -> None:
    (victim.folder / "die-in-1").touch()
    assert victim.execute() == SIGKILL
    assert victim.execute() == 0
    await victim.check(redone=0)


async def test_a_run_killed_again_and_again_still_completes(victim: Victim) -> None:
    for place in ("capture.before", "post.after", "suspend.marked", "answer.outbox", "resume.before"):
        assert victim.execute(crash_at=place) == SIGKILL
    assert victim.execute() == 0
    await victim.check(redone=4)
