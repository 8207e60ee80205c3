"""The queue of human tasks beneath the authors' API, for measuring without flows."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection, func, select

from intermezzo import journal, ledger
from intermezzo.human_steps import tasks
from intermezzo.human_steps.open_counts import open_count
from intermezzo.human_steps.tasks import NewHumanTask
from intermezzo.human_steps.terms import Terms
from intermezzo.journal import NewCall, RunFacts
from intermezzo.ledger import Payer
from intermezzo.store import Store, new_id, utc_now
from intermezzo.store.tables import assignments, human_tasks, responses

PAYER = Payer("benchmark")
ANSWER = {"category": "good"}
POSTED_AT_ONCE = 1_000
_FORM = """{"type": "object", "required": ["category"], "additionalProperties": false,
  "properties": {"category": {"enum": ["good", "bad"]}, "note": {"type": "string"}}}"""

OPEN_TO_ALL = Terms(type="label_text", instructions="Choose.", reward_credits=1)
OF_THREE = OPEN_TO_ALL.model_copy(
    update={"assignments_required": 3, "max_assignments": 3, "consensus_strategy": "majority_vote"}
)


def for_experts(number: int) -> Terms:
    """Terms of a queue of their own that ask for what no worker here has."""
    return OPEN_TO_ALL.model_copy(update={"skills": (f"skill {number}",), "min_skill_level": 3})


def open_for_business(store: Store) -> str:
    """Grant what everything here can cost and start a run; returns its id."""
    facts = RunFacts(id=new_id(), flow_name="queue", deployed=True, payer=PAYER, budget_credits=None)
    at = utc_now()
    store.write_now(lambda c: ledger.grant(c, PAYER, 10**9, subject=new_id(), at=at))
    store.write_now(lambda c: journal.claim_run(c, facts, holder="here", lease=timedelta(days=1), again=False, at=at))
    return facts.id


def post(store: Store, run_id: str, terms: Terms, count: int, *, urgent: bool = False) -> None:
    """Post tasks as the engine does."""
    task = NewHumanTask(
        id="",
        call_id="",
        run_id=run_id,
        generation=1,
        type=terms.type,
        name="verify",
        input='{"text": "Is this a good text, or a bad one?"}',
        controls=None,
        answer_schema=_FORM,
        priority="urgent" if urgent else "normal",
        terms=terms,
    )
    for begin in range(0, count, POSTED_AT_ONCE):
        ids = [new_id() for _ in range(begin, min(begin + POSTED_AT_ONCE, count))]
        _open(store, [replace(task, id=id, call_id=id) for id in ids])


def _open(store: Store, posted: Sequence[NewHumanTask]) -> None:
    calls = [
        NewCall(
            id=task.id,
            reservation_id=task.id,
            step=task.name,
            key=task.id,
            kind="human",
            price_credits=task.terms.price_credits,
            generation=1,
            wave=task.id,
        )
        for task in posted
    ]
    at = utc_now()

    def work(c: Connection) -> None:
        journal.open_calls(c, str(posted[0].run_id), PAYER, calls, at=at)
        tasks.post(c, PAYER, posted, at=at)

    store.write_now(work)


def flaws(store: Store, *, answered: int, still_open: int) -> list[str]:
    """What is not as it must be once so many single-slot tasks were answered by whoever claimed them."""
    counts = {
        "assignments": (select(func.count()).select_from(assignments), answered),
        "tasks claimed": (select(func.count(func.distinct(assignments.c.task_id))), answered),
        "answers": (select(func.count()).select_from(responses), answered),
        "tasks completed": (select(func.count()).where(human_tasks.c.state == "completed"), answered),
        "tasks open": (select(func.count()).where(human_tasks.c.state == "open"), still_open),
    }
    found = {what: (store.read_now(lambda c, q=q: c.scalar(q)), wanted) for what, (q, wanted) in counts.items()}
    found["tasks said to be open"] = (store.read_now(lambda c: open_count(c, test=False)), still_open)
    wrong = [f"{what}: {is_} instead of {wanted}" for what, (is_, wanted) in found.items() if is_ != wanted]
    return [*wrong, *store.read_now(ledger.audit).problems]
