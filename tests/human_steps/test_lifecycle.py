"""Any number of workers and reviewers doing anything in any order: slots, states and money stay right."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, Row, func, select

from intermezzo import ledger
from intermezzo.errors import ClaimLost, NotClaimable, NotReviewable, WorkerError
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import Agreed, ConsensusStrategy, Split, consensus
from intermezzo.human_steps.tasks import PRIORITIES, Priority
from intermezzo.human_steps.terms import Terms
from intermezzo.ledger import platform_fee
from intermezzo.store import Store
from intermezzo.store.tables import assignments, human_tasks, outbox, step_calls, transfers
from tests.desk import FORM, START, Desk, empty

if TYPE_CHECKING:
    from pydantic import JsonValue

GRANTED = 2_000
MOST_OF_ONE_TASK = 80
LEAVES = AnswerSchema.of(json.loads(FORM)).leaves
CLOSED = ("completed", "expired", "cancelled", "failed")

STRATEGIES: st.SearchStrategy[ConsensusStrategy] = st.sampled_from(
    ["any_first", "majority_vote", "majority_vote", "unanimous", "requester_review"]
)
WORKERS = st.sampled_from(["ann", "bob", "cy", "dee"])


@dataclass
class Given:
    """What the test believes of one worker's part in a task."""

    reward: int
    until: datetime
    state: str = "claimed"
    category: str = ""
    review_due: datetime | None = None


@dataclass
class Expected:
    """What the test believes of one task."""

    id: str
    call_id: str
    generation: int
    terms: Terms
    priority: int
    created_at: datetime
    now: datetime
    slots: int = 0
    price: int = 0
    state: str = "open"
    void: bool = False
    deadline: datetime | None = None
    expires: datetime | None = None
    workers: dict[str, Given] = field(default_factory=dict[str, Given])
    """By worker, in the order of their answers."""
    decided: bool = False

    def __post_init__(self) -> None:
        self.price, self.slots = self.terms.price_credits, self.terms.assignments_required
        self.enter(self.terms, self.now)

    def enter(self, terms: Terms, at: datetime) -> None:
        self.terms = terms
        self.deadline = at + timedelta(seconds=terms.deadline_seconds) if terms.deadline_seconds else None
        self.touch(at)

    def touch(self, at: datetime) -> None:
        unclaimed = at + timedelta(seconds=self.terms.claim_timeout_seconds)
        if self.state == "open":
            self.expires = min(unclaimed, self.deadline) if self.deadline else unclaimed
        else:
            self.expires = self.deadline

    def of(self, *states: str) -> dict[str, Given]:
        return {worker: given for worker, given in self.workers.items() if given.state in states}

    @property
    def free(self) -> int:
        return self.slots - len(self.of("claimed", "submitted", "approved"))

    @property
    def is_closed(self) -> bool:
        return self.state in CLOSED

    @property
    def is_settled(self) -> bool:
        return self.is_closed and not self.of("submitted")

    @property
    def committed(self) -> int:
        """What counts against the run's budget: everything until it closes, then what is or may be paid."""
        if not self.is_closed:
            return self.price
        payable = self.of("approved", "submitted")
        rewards = sum(given.reward for given in payable.values())
        return rewards + platform_fee(rewards, len(payable))

    def go(self, state: str, at: datetime) -> None:
        self.state = state
        if state in CLOSED:
            for worker in self.of("claimed"):
                del self.workers[worker]
        else:
            self.touch(at)

    def take(self, worker: str, at: datetime) -> None:
        until = at + timedelta(seconds=self.terms.claim_timeout_seconds)
        self.workers[worker] = Given(self.terms.reward_credits, min(until, self.deadline) if self.deadline else until)
        self.go("open" if self.free else "claimed", at)

    def give_back(self, worker: str, at: datetime) -> None:
        del self.workers[worker]
        self.go("open", at)

    def answer(self, worker: str, category: str, at: datetime) -> None:
        given = self.workers.pop(worker)
        wait = self.terms.auto_approve_seconds
        given.category, given.state = category, "approved" if wait == 0 else "submitted"
        given.review_due = None if wait is None or wait == 0 else at + timedelta(seconds=wait)
        self.workers[worker] = given
        self.weigh(at)

    def review(self, worker: str, *, approved: bool, at: datetime) -> None:
        self.workers[worker].state = "approved" if approved else "rejected"
        if self.is_closed:
            return
        if not approved:
            self.go("open", at)
        self.weigh(at)

    def weigh(self, at: datetime) -> None:
        by_requester = self.terms.consensus_strategy == "requester_review"
        counted = self.of("approved") if by_requester else self.of("approved", "submitted")
        answers = [{"category": given.category} for given in counted.values()]
        outcome = consensus(self.terms.consensus_strategy, answers, LEAVES, self.slots)
        tied = isinstance(outcome, Split)
        if isinstance(outcome, Agreed):
            self.go("completed", at)
        elif tied and self.terms.consensus_strategy == "majority_vote" and self.slots < self.terms.max_assignments:
            self.slots += 1
            self.go("open", at)
        elif tied and self.terms.on_split == "fail":
            self.go("failed", at)
        elif not self.free and not self.of("claimed") and self.state != "submitted":
            self.go("submitted", at)

    def time_is_over(self, at: datetime) -> None:
        if self.terms.escalation and self.state != "submitted":
            for worker in self.of("claimed"):
                del self.workers[worker]
            self.state = "open"
            self.enter(self.terms.escalation, at)
        elif self.terms.default_answer:
            self.go("completed", at)
        else:
            self.go("expired", at)


def random_terms(draw: st.DrawFn) -> Terms:
    required, reward = draw(st.integers(1, 3)), draw(st.integers(0, 5))
    minutes = st.sampled_from([5, 30, 480])
    deadline = st.sampled_from([None, None, 20 * 60, 600 * 60])
    default: st.SearchStrategy[dict[str, JsonValue] | None] = st.sampled_from([None, {"category": "bad"}])
    later = Terms(
        type="label_text",
        consensus_strategy=draw(STRATEGIES),
        assignments_required=required,
        max_assignments=required + draw(st.sampled_from([0, 0, 2])),
        reward_credits=reward * 2,
        claim_timeout_seconds=draw(minutes) * 60,
        deadline_seconds=draw(deadline),
        auto_approve_seconds=draw(st.sampled_from([0, 0, 3600, None])),
        on_split=draw(st.sampled_from(["fail", "review"])),
        default_answer=draw(default),
    )
    if draw(st.booleans()):
        return later
    first = {"reward_credits": reward, "deadline_seconds": draw(deadline), "default_answer": None}
    return later.model_copy(update={**first, "claim_timeout_seconds": draw(minutes) * 60, "escalation": later})


TERMS = st.composite(random_terms)()


class Lifecycle(RuleBasedStateMachine):
    """The real thing and what is expected of it, side by side."""

    posted = Bundle("posted")

    def __init__(self, store: Store) -> None:
        super().__init__()
        empty(store)
        self.desk = Desk(store, granted=GRANTED, budget=GRANTED)
        self.now = START
        self.tasks: dict[str, Expected] = {}
        self.seen_closed: dict[str, str] = {}

    @initialize(target=posted, terms=TERMS)
    def post_one(self, terms: Terms) -> str:
        return self._post(terms, "normal")

    @rule(target=posted, terms=TERMS, priority=st.sampled_from(["low", "normal", "high", "urgent"]))
    @precondition(lambda self: self._committed() < GRANTED - MOST_OF_ONE_TASK and len(self.tasks) < 6)
    def post(self, terms: Terms, priority: Priority) -> str:
        return self._post(terms, priority)

    def _post(self, terms: Terms, priority: Priority) -> str:
        id = self.desk.post_under(terms, priority=priority, at=self.now)
        self.tasks[id] = Expected(id, id, 1, terms, PRIORITIES[priority], self.now, self.now)
        return id

    @rule(target=posted, old=posted)
    def post_a_void_call_anew(self, old: str) -> str:
        was = self.tasks[old]
        recorded = self.desk.recorded(was.call_id)
        if recorded.state != "void" or self._committed() >= GRANTED - MOST_OF_ONE_TASK:
            return old
        id = self.desk.post_under(was.terms, again=recorded, at=self.now)
        generation = recorded.generation + 1
        self.tasks[id] = Expected(id, was.call_id, generation, was.terms, PRIORITIES["normal"], self.now, self.now)
        return id

    @rule(id=posted, worker=WORKERS)
    def claim(self, id: str, worker: str) -> None:
        task = self.tasks[id]
        if worker in task.of("claimed"):
            assert self.desk.take(worker, id, at=self.now).lease_expires_at == task.workers[worker].until
        elif task.state == "open" and worker not in task.workers:
            claimed = self.desk.take(worker, id, at=self.now)
            task.take(worker, self.now)
            assert claimed.lease_expires_at == task.workers[worker].until
        else:
            self._refused(NotClaimable, lambda: self.desk.take(worker, id, at=self.now))

    @rule(worker=WORKERS)
    def claim_next(self, worker: str) -> None:
        free = [task for task in self.tasks.values() if task.state == "open" and worker not in task.workers]
        claimed = self.desk.take_next(worker, at=self.now)
        if claimed is None:
            assert not free
            return
        first = min(free, key=lambda task: (-task.priority, task.created_at, task.id))
        assert claimed.task_id == first.id
        first.take(worker, self.now)

    @rule(id=posted, worker=WORKERS, category=st.sampled_from(["good", "good", "bad"]))
    def submit(self, id: str, worker: str, category: str) -> None:
        task = self.tasks[id]
        given = task.workers.get(worker)
        if given is not None and given.state == "claimed":
            task.answer(worker, category, self.now)
            assert self.desk.submit(worker, id, category, at=self.now) == task.state
        elif given is not None and given.category == category:
            assert self.desk.submit(worker, id, category, at=self.now) == task.state
        else:
            self._refused(ClaimLost, lambda: self.desk.submit(worker, id, category, at=self.now))

    @rule(id=posted, category=st.sampled_from(["good", "bad"]))
    def every_holder_submits(self, id: str, category: str) -> None:
        for worker in self.tasks[id].of("claimed"):
            self.submit(id, worker, category)

    @rule(id=posted, worker=WORKERS, approved=st.booleans())
    def review(self, id: str, worker: str, approved: bool) -> None:
        task = self.tasks[id]
        assignment = self.desk.assignment(id, worker)
        if assignment is None:
            return
        if worker in task.of("submitted"):
            task.review(worker, approved=approved, at=self.now)
            assert self.desk.review(assignment, approved=approved, at=self.now) == task.state
        elif task.workers.get(worker, Given(0, START)).state != ("approved" if approved else "rejected"):
            self._refused(NotReviewable, lambda: self.desk.review(assignment, approved=approved, at=self.now))

    @rule(id=posted, category=st.sampled_from(["good", "bad"]))
    def decide(self, id: str, category: str) -> None:
        task = self.tasks[id]
        if task.state == "submitted":
            self.desk.decide(id, category, at=self.now)
            task.go("completed", self.now)
        else:
            self._refused(NotReviewable, lambda: self.desk.decide(id, category, at=self.now))

    @rule()
    def nobody_reviews(self) -> None:
        due = [
            (task, worker)
            for task in self.tasks.values()
            for worker, given in task.of("submitted").items()
            if given.review_due is not None and given.review_due <= self.now
        ]
        assert self.desk.approve_unreviewed(at=self.now) == len(due)
        for task, worker in due:
            task.review(worker, approved=True, at=self.now)

    @rule(id=posted, worker=WORKERS)
    def release(self, id: str, worker: str) -> None:
        task = self.tasks[id]
        if worker in task.of("claimed"):
            self.desk.release(worker, id, at=self.now)
            task.give_back(worker, self.now)
        else:
            self._refused(ClaimLost, lambda: self.desk.release(worker, id, at=self.now))

    @rule(minutes=st.sampled_from([0, 1, 5, 31, 500]))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes, seconds=1)

    @rule()
    def lapse(self) -> None:
        due = [
            (task, worker)
            for task in self.tasks.values()
            for worker, given in task.of("claimed").items()
            if given.until <= self.now
        ]
        assert self.desk.lapse(at=self.now) == len(due)
        for task, worker in due:
            task.give_back(worker, self.now)

    @rule()
    def expire(self) -> None:
        due = [t for t in self.tasks.values() if not t.is_closed and t.expires is not None and t.expires <= self.now]
        assert self.desk.expire(at=self.now) == len(due)
        for task in due:
            task.time_is_over(self.now)

    @rule(ids=st.lists(posted, min_size=1, max_size=2, unique=True), void=st.booleans())
    def cancel(self, ids: list[str], void: bool) -> None:
        open_ones = [self.tasks[id] for id in dict.fromkeys(ids) if not self.tasks[id].is_closed]
        assert self.desk.cancel(*dict.fromkeys(ids), void=void, at=self.now) == len(open_ones)
        for task in open_ones:
            task.go("cancelled", self.now)
            task.void = void

    def _refused(self, error: type[WorkerError], act: Callable[[], object]) -> None:
        with pytest.raises(error):
            act()

    def _committed(self) -> int:
        return sum(task.committed for task in self.tasks.values())

    @invariant()
    def everything_is_as_it_should_be(self) -> None:
        self.desk.see(self._look)

    def _look(self, connection: Connection) -> None:
        rows = {row.id: row for row in connection.execute(select(human_tasks))}
        given = connection.execute(select(assignments)).all()
        money = connection.execute(
            select(transfers.c.subject, transfers.c.move, func.sum(transfers.c.credits)).group_by(
                transfers.c.subject, transfers.c.move
            )
        ).all()
        moved = {(subject, move): int(credits) for subject, move, credits in money}
        assert rows.keys() == self.tasks.keys()
        for id, task in self.tasks.items():
            self._check_task(task, rows[id], [a for a in given if a.task_id == id])
            self._check_money(task, lambda move, of=id: moved.get((of, move), 0))
        self._check_journal(connection)
        report = ledger.audit(connection)
        assert report.problems == []
        self._check_totals(report.balances)

    def _check_task(
        self, task: Expected, row: "Row[tuple[object, ...]]", given: Sequence[Row[tuple[object, ...]]]
    ) -> None:
        assert row.state == task.state
        assert self.seen_closed.setdefault(task.id, row.state) == row.state if task.is_closed else True
        holding = {a.worker_id: a for a in given if a.state not in ("released", "expired")}
        assert {worker: a.state for worker, a in holding.items()} == {w: g.state for w, g in task.workers.items()}
        assert {worker: a.reward_credits for worker, a in holding.items()} == {
            w: g.reward for w, g in task.workers.items()
        }
        assert len(task.of("claimed", "submitted", "approved")) <= row.assignments_required == task.slots
        assert (row.closed_at is not None) == task.is_closed
        assert (row.settled_at is not None) == task.is_settled
        if not task.is_closed:
            assert row.open_slots == task.free
            assert row.expires_at == task.expires
            assert (row.state == "open") == (row.open_slots > 0)

    def _check_money(self, task: Expected, moved: Callable[[str], int]) -> None:
        approved = task.of("approved")
        rewards = sum(given.reward for given in approved.values())
        assert moved("reserve") == task.price
        assert moved("reward") == rewards
        assert moved("fee") == (platform_fee(rewards, len(approved)) if task.is_settled else 0)
        held = moved("reserve") - moved("reward") - moved("fee") - moved("release")
        assert held == (task.committed - rewards - moved("fee"))

    def _check_journal(self, connection: Connection) -> None:
        newest: dict[str, Expected] = {}
        for task in self.tasks.values():
            if task.call_id not in newest or newest[task.call_id].generation < task.generation:
                newest[task.call_id] = task
        for row in connection.execute(select(step_calls)):
            task = newest[row.id]
            ends = {"completed": "completed", "failed": "failed", "expired": "failed", "cancelled": "failed"}
            assert row.state == ("void" if task.void else ends.get(task.state, "open"))
            assert (row.closed_at is not None) == task.is_closed
            if row.state == "completed":
                assert set(json.loads(row.output)["answer"]) == {"category"}
        said = connection.scalars(select(outbox.c.subject).where(outbox.c.topic == "task.closed")).all()
        assert sorted(said) == sorted(id for id, task in self.tasks.items() if task.is_closed)

    def _check_totals(self, balances: dict[str, int]) -> None:
        payer = self.desk.payer
        paid = sum(credits for name, credits in balances.items() if name.startswith(("worker:", "platform:")))
        available, reserved = balances[payer.available], balances.get(payer.reserved, 0)
        assert available >= 0
        assert available + reserved + paid == GRANTED
        assert self.desk.committed == self._committed()


def test_no_order_of_moves_breaks_a_task_its_journal_or_its_money(desk: Desk) -> None:
    examples = 40 if desk.store.dialect == "sqlite" else 8
    run_state_machine_as_test(
        cast("type[RuleBasedStateMachine]", lambda: Lifecycle(desk.store)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
        ),
    )
