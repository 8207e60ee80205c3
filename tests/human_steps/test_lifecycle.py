"""Any number of workers and reviewers doing anything in any order: slots, states and money stay right."""

from collections.abc import Callable
from datetime import timedelta
from typing import cast

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

from intermezzo.errors import ClaimLost, NotClaimable, NotReviewable, WorkerError
from intermezzo.human_steps import queues
from intermezzo.human_steps.tasks import PRIORITIES, Priority
from intermezzo.human_steps.terms import Terms
from intermezzo.store import Store
from tests.desk import START, Desk, empty
from tests.human_steps.lifecycle_checks import Checks
from tests.human_steps.lifecycle_model import CATEGORIES, MOST_OF_ONE_TASK, TERMS, Expected

GRANTED = 2_000

EVERYBODY = ("ann", "bob", "cy", "dee")
WORKERS = st.sampled_from(EVERYBODY)
NTH = st.integers(0, 9)
REVIEWERS = st.sampled_from(["boss", "chief"])


class Lifecycle(RuleBasedStateMachine):
    """The real thing and what is expected of it, side by side."""

    posted = Bundle("posted")

    def __init__(self, store: Store) -> None:
        super().__init__()
        empty(store)
        self.desk = Desk(store, granted=GRANTED, budget=GRANTED)
        self.now = START
        self.tasks: dict[str, Expected] = {}
        self.disputes: dict[str, str] = {}
        """By assignment."""
        self.checks = Checks([self.desk])

    @initialize(target=posted, terms=TERMS)
    def post_one(self, terms: Terms) -> str:
        return self._post(terms, "normal")

    @rule(target=posted, terms=TERMS, priority=st.sampled_from(["low", "normal", "high", "urgent"]))
    @precondition(lambda self: self._committed() < GRANTED - MOST_OF_ONE_TASK and len(self.tasks) < 6)
    def post(self, terms: Terms, priority: Priority) -> str:
        return self._post(terms, priority)

    def _post(self, terms: Terms, priority: Priority) -> str:
        id = self.desk.post_under(terms, priority=priority, at=self.now)
        self.tasks[id] = Expected(self.desk, id, id, 1, terms, PRIORITIES[priority], self.now, self.now)
        return id

    @rule(target=posted, old=posted)
    def post_a_void_call_anew(self, old: str) -> str:
        was = self.tasks[old]
        recorded = self.desk.recorded(was.call_id)
        if recorded.state != "void" or self._committed() >= GRANTED - MOST_OF_ONE_TASK:
            return old
        id = self.desk.post_under(was.terms, again=recorded, at=self.now)
        generation = recorded.generation + 1
        priority = PRIORITIES["normal"]
        self.tasks[id] = Expected(self.desk, id, was.call_id, generation, was.terms, priority, self.now, self.now)
        return id

    @rule(id=posted, worker=WORKERS)
    def claim(self, id: str, worker: str) -> None:
        task = self.tasks[id]
        if worker in task.of("claimed"):
            assert self.desk.take(worker, id, at=self.now).lease_expires_at == task.workers[worker].until
        elif task.is_free(self.now) and worker not in task.workers:
            claimed = self.desk.take(worker, id, at=self.now)
            task.take(worker, self.now)
            assert claimed.lease_expires_at == task.workers[worker].until
        else:
            self._refused(NotClaimable, lambda: self.desk.take(worker, id, at=self.now))

    @rule(worker=WORKERS)
    def claim_next(self, worker: str) -> None:
        free = [task for task in self.tasks.values() if task.is_free(self.now) and worker not in task.workers]
        claimed = self.desk.take_next(worker, at=self.now)
        if claimed is None:
            assert not free
            return
        first = min(free, key=lambda task: task.order)
        assert claimed.task_id == first.id
        first.take(worker, self.now)

    @rule(id=posted, worker=WORKERS, category=CATEGORIES)
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

    @rule(id=posted, category=CATEGORIES)
    def everybody_answers(self, id: str, category: str) -> None:
        for worker in EVERYBODY:
            if self.tasks[id].is_free(self.now) and worker not in self.tasks[id].workers:
                self.claim(id, worker)
                self.submit(id, worker, category)

    @rule(id=posted, category=st.sampled_from(["good", "bad"]))
    def every_holder_submits(self, id: str, category: str) -> None:
        for worker in self.tasks[id].of("claimed"):
            self.submit(id, worker, category)

    @rule(n=NTH, approved=st.booleans(), by=REVIEWERS)
    @precondition(lambda self: self._parts())
    def review(self, n: int, approved: bool, by: str) -> None:
        id, worker = self._nth(n)
        task = self.tasks[id]
        assignment = self.desk.assignment(id, worker) or ""
        if worker in task.of("submitted"):
            task.review(worker, approved=approved, by=by, at=self.now)
            assert self.desk.review(assignment, approved=approved, by=by, at=self.now) == task.state
        elif task.was_reviewed(worker, approved=approved):
            assert self.desk.review(assignment, approved=approved, by=by, at=self.now) == task.state
        else:
            self._refused(NotReviewable, lambda: self.desk.review(assignment, approved=approved, by=by, at=self.now))

    @rule(n=NTH)
    @precondition(lambda self: self._parts())
    def dispute(self, n: int) -> None:
        id, worker = self._nth(n)
        assignment = self.desk.assignment(id, worker) or ""
        task, before = self.tasks[id], self.disputes.get(assignment)
        if before is not None:  # asking again changes nothing, whatever has become of it
            assert self.desk.dispute(assignment, at=self.now).id == before
        elif worker in task.of("submitted"):
            self.disputes[assignment] = self.desk.dispute(assignment, at=self.now).id
            task.dispute(worker)
        else:
            self._refused(NotReviewable, lambda: self.desk.dispute(assignment, at=self.now))

    @rule(n=NTH, upheld=st.booleans())
    @precondition(lambda self: self._parts())
    def resolve(self, n: int, upheld: bool) -> None:
        id, worker = self._nth(n)
        dispute = self.disputes.get(self.desk.assignment(id, worker) or "")
        if dispute is None:
            return
        task = self.tasks[id]
        decided = task.workers[worker].upheld
        if decided is None:
            task.resolve(worker, upheld=upheld, by="ops", at=self.now)
        if decided is None or decided == upheld:
            assert self.desk.resolve(dispute, upheld=upheld, at=self.now).upheld == upheld
        else:
            self._refused(NotReviewable, lambda: self.desk.resolve(dispute, upheld=upheld, at=self.now))

    @rule(n=NTH, score=st.integers(0, 10))
    @precondition(lambda self: self._parts())
    def score(self, n: int, score: int) -> None:
        id, worker = self._nth(n)
        assignment = self.desk.assignment(id, worker) or ""
        given = self.tasks[id].of("approved").get(worker)
        if given is None or given.score_until is None:
            self._refused(NotReviewable, lambda: self.desk.score(assignment, score, at=self.now))
        elif given.score == score or self.now < given.score_until:
            self.desk.score(assignment, score, at=self.now)
            given.score = score
        else:
            self._refused(NotReviewable, lambda: self.desk.score(assignment, score, at=self.now))

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

    @rule(minutes=st.sampled_from([0, 1, 5, 31, 500, 2_880]))
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

    def _parts(self) -> list[tuple[str, str]]:
        return [(id, worker) for id, task in self.tasks.items() for worker in task.workers]

    def _nth(self, n: int) -> tuple[str, str]:
        parts = self._parts()
        return parts[n % len(parts)]

    def _committed(self) -> int:
        return sum(task.committed for task in self.tasks.values())

    @invariant()
    def everything_is_as_it_should_be(self) -> None:
        self.desk.see(lambda connection: self.checks.look(connection, self.tasks))


def test_no_order_of_moves_breaks_a_task_its_journal_or_its_money(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "NOTED_EVERY", 1)
    examples = 60 if desk.store.dialect == "sqlite" else 8
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
