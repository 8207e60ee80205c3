"""A run with credits, step calls and human tasks, without Prefect: what the engine writes, when told to."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import JsonValue
from sqlalchemy import Connection, delete, select

from intermezzo import journal, ledger
from intermezzo.human_steps import claims, disputes, review, tasks, workers
from intermezzo.human_steps.claims import Claimed
from intermezzo.human_steps.consensus import ConsensusStrategy
from intermezzo.human_steps.disputes import Dispute
from intermezzo.human_steps.tasks import NewHumanTask, Priority
from intermezzo.human_steps.terms import Terms
from intermezzo.journal import Claim, Closing, NewCall, RecordedCall, RunFacts
from intermezzo.ledger import Payer, Reservation
from intermezzo.store import Store, new_id
from intermezzo.store.tables import assignments, human_tasks, metadata, runs

T = TypeVar("T")

START = datetime(2030, 1, 1, tzinfo=UTC)
"""When everything happens, unless a test says otherwise."""

LEASE = timedelta(seconds=30)

FORM = """{"type": "object", "required": ["category"], "additionalProperties": false,
  "properties": {"category": {"enum": ["good", "bad"]}, "note": {"type": "string"}}}"""
"""The form of every task here: one closed field, one open one."""


PLAIN_TASK = NewHumanTask(
    id="",
    call_id="",
    run_id="",
    generation=1,
    type="label_text",
    name="verify",
    input='{"text": "ok"}',
    controls=None,
    answer_schema=FORM,
    priority="normal",
    terms=Terms(type="label_text", instructions="Choose."),
)
"""What every task here is but for what its test says."""


class Desk:
    """One organisation and one run of it.

    Args:
        store: an open store.
        granted: credits the organisation starts with.
        budget: of the run.
        test: the run spends test credits.
        org: the organisation.
    """

    def __init__(
        self,
        store: Store,
        *,
        granted: int = 1_000,
        budget: int | None = None,
        test: bool = False,
        org: str = "acme",
    ) -> None:
        self.store = store
        self.granted = granted
        self.payer = Payer(org, test=test)
        self.facts = RunFacts(id=new_id(), flow_name="triage", deployed=True, payer=self.payer, budget_credits=budget)
        if granted:
            self.do(lambda c: ledger.grant(c, self.payer, granted, subject=new_id(), at=START))
        self.claim = self.attempt()

    def do(self, work: Callable[[Connection], T]) -> T:
        """One transaction."""
        return self.store.write_now(work)

    def see(self, work: Callable[[Connection], T]) -> T:
        """One read."""
        return self.store.read_now(work)

    def attempt(self, *, again: bool = False) -> Claim:
        """Begin the next attempt of the run."""
        return self.do(lambda c: journal.claim_run(c, self.facts, holder="here", lease=LEASE, again=again, at=START))

    # --- step calls

    def open(self, calls: Sequence[NewCall], posted: Sequence[NewHumanTask] = (), *, at: datetime = START) -> None:
        """Open calls as the engine does: budget, journal, reserve and tasks in one transaction."""

        def work(connection: Connection) -> None:
            journal.hold(connection, self.claim, credits=sum(call.price_credits for call in calls))
            journal.open_calls(connection, self.facts.id, self.payer, calls, at=at)
            if posted:
                tasks.post(connection, self.payer, posted, at=at)

        self.do(work)

    def call(self, *, price: int = 5) -> NewCall:
        """Open a call of a primitive."""
        new = new_call(price=price)
        self.open([new])
        return new

    def close(self, call: NewCall, *, output: str | None = None, error: str | None = None) -> None:
        """Close a call of a primitive as the engine does."""
        closing = Closing(
            id=call.id,
            reservation_id=call.reservation_id,
            generation=call.generation,
            price_credits=call.price_credits,
            output=output,
            error=error,
        )

        def work(connection: Connection) -> None:
            journal.hold(connection, self.claim)
            released = journal.close_primitives(connection, self.payer, [closing], at=START)
            journal.uncommit(connection, self.facts.id, released)

        self.do(work)

    def recorded(self, call_id: str) -> RecordedCall:
        """A call as the journal has it."""
        [found] = self.see(lambda c: journal.read_calls(c, self.facts.id, [call_id]))
        return found

    # --- human tasks

    def post(
        self,
        *,
        required: int = 1,
        strategy: ConsensusStrategy = "any_first",
        reward: int = 2,
        minutes: int = 30,
        priority: Priority = "normal",
        form: str = FORM,
        again: RecordedCall | None = None,
        at: datetime = START,
        **terms: Any,
    ) -> str:
        """Open a human call and post its task; returns the id of the task, which is the call's as well.

        Args:
            again: a void call to open anew; the task then has an id of its own.
        """
        call_id = again.id if again else new_id()
        task = replace(
            PLAIN_TASK,
            id=new_id() if again else call_id,
            call_id=call_id,
            run_id=self.facts.id,
            generation=again.generation + 1 if again else 1,
            answer_schema=form,
            priority=priority,
            terms=Terms(
                type="label_text",
                instructions="Choose.",
                consensus_strategy=strategy,
                assignments_required=required,
                claim_timeout_seconds=minutes * 60,
                reward_credits=reward,
                **{"max_assignments": required, **terms},  # pyright: ignore[reportArgumentType]
            ),
        )
        self.open([_call_for(task)], [task], at=at)
        return task.id

    def post_under(
        self, terms: Terms, *, priority: Priority = "normal", again: RecordedCall | None = None, at: datetime = START
    ) -> str:
        """Open a human call and post its task under any terms; see `post`."""
        call_id = again.id if again else new_id()
        task = replace(
            PLAIN_TASK,
            id=new_id() if again else call_id,
            call_id=call_id,
            run_id=self.facts.id,
            generation=again.generation + 1 if again else 1,
            priority=priority,
            terms=terms,
        )
        self.open([_call_for(task)], [task], at=at)
        return task.id

    def post_task(self, task: NewHumanTask) -> str:
        """Open a human call and post a task that its step made, but for its ids; returns its id."""
        id = new_id()
        task = replace(task, id=id, call_id=id, run_id=self.facts.id)
        self.open([_call_for(task)], [task])
        return id

    def post_many(self, count: int) -> list[str]:
        """Post tasks of one slot and no reward in one transaction; returns their ids."""
        ids = [new_id() for _ in range(count)]
        posted = [replace(PLAIN_TASK, id=id, call_id=id, run_id=self.facts.id) for id in ids]
        self.open([_call_for(task) for task in posted], posted)
        return ids

    def take(self, worker: str, task_id: str, *, at: datetime = START) -> Claimed:
        """A worker claims a task."""
        return self.do(lambda c: claims.claim_task(c, worker, task_id, test=self.payer.test, at=at))

    def take_next(self, worker: str, *, at: datetime = START) -> Claimed | None:
        """A worker claims whatever comes next."""
        return self.do(lambda c: claims.claim_next(c, worker, test=self.payer.test, at=at))

    def submit(self, worker: str, task_id: str, answer: JsonValue = "good", *, at: datetime = START) -> str:
        """A worker answers a task: with a category, or a whole answer."""
        whole: dict[str, JsonValue] = answer if isinstance(answer, dict) else {"category": answer}
        return self.do(lambda c: claims.submit(c, task_id, worker, whole, at=at))

    def answer(self, worker: str, task_id: str, answer: JsonValue = "good", *, at: datetime = START) -> str:
        """A worker claims a task and answers it."""
        self.take(worker, task_id, at=at)
        return self.submit(worker, task_id, answer, at=at)

    def assignment(self, task_id: str, worker: str) -> str | None:
        """Id of a worker's newest part in a task."""
        newest = select(assignments.c.id).where(assignments.c.task_id == task_id, assignments.c.worker_id == worker)
        return self.see(lambda c: c.scalars(newest.order_by(assignments.c.id.desc())).first())

    def agreements(self, task_id: str) -> dict[str, float | None]:
        """How far each worker agrees with the outcome of a task."""
        query = select(assignments.c.worker_id, assignments.c.agreement).where(assignments.c.task_id == task_id)
        return {row.worker_id: row.agreement for row in self.see(lambda c: c.execute(query).all())}

    def review(
        self, assignment_id: str, *, approved: bool, note: str = "as asked", by: str = "boss", at: datetime = START
    ) -> str:
        """The requester looks at an answer."""
        return self.do(lambda c: review.review(c, assignment_id, approved=approved, by=by, note=note, at=at))

    def score(self, assignment_id: str, score: int, *, note: str | None = None, at: datetime = START) -> None:
        """The requester says how good an answer is."""
        self.do(lambda c: review.score(c, assignment_id, score, by="boss", note=note, at=at))

    def dispute(self, assignment_id: str, *, reason: str = "off the point", at: datetime = START) -> Dispute:
        """The requester does not accept an answer."""
        return self.do(lambda c: disputes.dispute(c, assignment_id, reason=reason, by="boss", at=at))

    def resolve(self, dispute_id: str, *, upheld: bool, at: datetime = START) -> Dispute:
        """An operator says who is right."""
        return self.do(lambda c: disputes.resolve(c, dispute_id, upheld=upheld, by="ops", note="I looked", at=at))

    def decide(self, task_id: str, category: str, *, at: datetime = START) -> None:
        """The requester answers a task themselves."""
        self.do(lambda c: review.decide(c, task_id, {"category": category}, by="boss", at=at))

    def approve_unreviewed(self, *, at: datetime) -> int:
        """Somebody looks for answers whose review is overdue."""
        return self.do(lambda c: review.approve_unreviewed(c, at=at))

    def release(self, worker: str, task_id: str, *, at: datetime = START) -> None:
        """A worker gives a task back."""
        self.do(lambda c: claims.release(c, task_id, worker, at=at))

    def decline(self, worker: str, task_id: str, *, at: datetime = START) -> None:
        """A worker gives a task back for good."""
        self.do(lambda c: claims.decline(c, task_id, worker, reason="I know the author", at=at))

    def suspend(self, worker: str, *, at: datetime = START) -> None:
        """An operator keeps a worker from working."""
        self.do(lambda c: claims.suspend(c, worker, reason="answers at random", by="boss", at=at))

    def lapse(self, *, at: datetime) -> int:
        """Somebody looks for claims that have run out."""
        return self.do(lambda c: claims.lapse(c, at=at))

    def expire(self, *, at: datetime) -> int:
        """Somebody looks for tasks that nobody claimed."""
        return self.do(lambda c: tasks.expire(c, at=at))

    def cancel(self, *task_ids: str, void: bool = False, at: datetime = START) -> int:
        """The requester takes tasks back."""
        return self.do(lambda c: tasks.cancel(c, task_ids, reason="no longer needed", void=void, at=at))

    def state(self, task_id: str) -> str:
        """State of a task."""
        query = select(human_tasks.c.state).where(human_tasks.c.id == task_id)
        return self.see(lambda c: c.execute(query).scalar_one())

    def open_slots(self, task_id: str) -> int:
        """Free slots of a task."""
        query = select(human_tasks.c.open_slots).where(human_tasks.c.id == task_id)
        return self.see(lambda c: c.execute(query).scalar_one())

    def describe(
        self, worker: str, *, skills: dict[str, int] | None = None, languages: Sequence[str] | None = None
    ) -> None:
        """Say what a worker can do."""
        self.do(lambda c: workers.describe(c, worker, skills=skills, languages=languages, at=START))

    # --- money

    @property
    def available(self) -> int:
        """What the organisation may spend, by its transfers."""
        return self.balance(self.payer.available)

    @property
    def reserved(self) -> int:
        """What its open calls hold."""
        return self.balance(self.payer.reserved)

    def earned(self, worker: str) -> int:
        """What a worker was paid."""
        return self.see(lambda c: ledger.earned(c, self.payer.worker(worker)))

    def balance(self, account: str) -> int:
        """Credits of an account."""
        return self.see(lambda c: ledger.balance(c, account))

    @property
    def committed(self) -> int:
        """What counts against the run's budget."""
        query = select(runs.c.committed_credits).where(runs.c.id == self.facts.id)
        return self.see(lambda c: c.execute(query).scalar_one())

    def problems(self) -> list[str]:
        """What the audit finds."""
        return self.see(ledger.audit).problems


def _call_for(task: NewHumanTask) -> NewCall:
    assert task.call_id is not None
    return NewCall(
        id=task.call_id,
        reservation_id=task.id,
        step=task.name,
        key=task.call_id,
        kind="human",
        price_credits=task.terms.price_credits,
        generation=task.generation,
        wave=task.call_id,
    )


def new_call(*, price: int = 0, again: NewCall | None = None) -> NewCall:
    """A call of a primitive to open, or to open again after it failed."""
    if again is not None:
        return replace(again, price_credits=price, generation=again.generation + 1)
    id = new_id()
    return NewCall(
        id=id, reservation_id=reservation_of(id), step="translate", key=id, kind="primitive", price_credits=price
    )


def reservation_of(call_id: str) -> str:
    """The subject of a call's transfers: another id, which a test can tell from the call's."""
    return call_id[::-1]


def held(subject: str, credits: int, n: int = 1) -> list[Reservation]:
    """One reservation."""
    return [Reservation(subject, n, credits)]


def empty(store: Store) -> None:
    """Forget everything in a store: a fresh one for the next example, without migrating again."""

    def work(connection: Connection) -> None:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))

    store.write_now(work)
