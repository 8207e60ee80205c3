"""What a server under `http_load` is given before, and whether all that it has acknowledged is there afterwards."""

from sqlalchemy import ColumnElement, func, select

from benchmarks.http_load import Outcome
from intermezzo import ledger
from intermezzo.access import Access
from intermezzo.ledger import Payer
from intermezzo.store import Store, new_id, utc_now
from intermezzo.store.tables import assignments, human_tasks, responses

ORG = "benchmark"


async def open_for_business(url: str, workers: int) -> dict[str, str | list[str]]:
    """Grant what everything here can cost, and make keys for a requester and for each worker."""
    store = Store(url)
    await store.write(lambda c: ledger.grant(c, Payer(ORG), 10**9, subject=new_id(), at=utc_now()))
    access = Access(store)
    requester, _ = await access.create_key(ORG)
    made = [await access.create_key(ORG, worker_id=f"worker {number}") for number in range(workers)]
    store.close()
    return {"requester": requester, "workers": [key for key, _ in made]}


def flaws(url: str, outcome: Outcome) -> list[str]:
    """What is not as the server has said that it is, and what is wrong with the books."""
    store = Store(url)

    def stored(column: "ColumnElement[str]") -> list[str]:
        return sorted(store.read_now(lambda c: c.scalars(select(column)).all()))

    found: list[str] = []
    claims, answers = set(stored(assignments.c.id)), stored(responses.c.task_id)
    if stored(human_tasks.c.id) != sorted(outcome.posted):
        found.append(f"expected the {len(outcome.posted)} tasks that were posted, got {len(stored(human_tasks.c.id))}")
    if missing := set(outcome.claimed) - claims:
        found.append(f"{len(missing)} claims are gone")
    if answers != sorted(outcome.answered):
        found.append(f"expected the {len(outcome.answered)} answers that were sent, got {len(answers)}")
    held = select(func.count()).where(assignments.c.state == "claimed")
    if left := store.read_now(lambda c: c.scalar(held)):
        found.append(f"{left} claims are left without an answer")
    found += store.read_now(ledger.audit).problems
    store.close()
    return found
