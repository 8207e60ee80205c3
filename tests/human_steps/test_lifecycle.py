"""Any number of workers doing anything in any order: slots, states and money stay right after every move."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from sqlalchemy import Connection, Row, func, select

from intermezzo import ledger
from intermezzo.errors import ClaimLost, NotClaimable, WorkerError
from intermezzo.human_steps.consensus import Agreed, ConsensusStrategy, Split, consensus
from intermezzo.human_steps.tasks import PRIORITIES, Priority
from intermezzo.ledger import human_price, platform_fee
from intermezzo.store import Store
from intermezzo.store.tables import assignments, human_tasks, outbox, step_calls, transfers
from tests.desk import START, Desk, empty

GRANTED = 300
CLOSED = ("completed", "expired", "cancelled", "failed")

WORKERS = st.sampled_from(["ann", "bob", "cy", "dee"])
STRATEGIES = st.sampled_from(["any_first", "majority_vote", "majority_vote", "unanimous", "requester_review"])


@dataclass
class Expected:
    """What the test believes of one task."""

    id: str
    call_id: str
    generation: int
    required: int
    strategy: ConsensusStrategy
    reward: int
    lease: timedelta
    priority: int
    created_at: datetime
    expires_at: datetime
    open_slots: int
    state: str = "open"
    void: bool = False
    held: dict[str, datetime] = field(default_factory=dict[str, datetime])
    answers: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def is_closed(self) -> bool:
        return self.state in CLOSED

    @property
    def paid(self) -> int:
        """Rewards and fee once it is closed; until then everything counts as committed."""
        return self.reward * len(self.answers) + platform_fee(self.reward, len(self.answers))

    def take(self, worker: str, at: datetime) -> None:
        self.held[worker] = at + self.lease
        self.open_slots -= 1
        self.state = "open" if self.open_slots else "claimed"
        self.expires_at = at + self.lease

    def give_back(self, worker: str, at: datetime) -> None:
        del self.held[worker]
        self.open_slots += 1
        self.state = "open"
        self.expires_at = at + self.lease

    def answer(self, worker: str, category: str) -> None:
        del self.held[worker]
        self.answers[worker] = category
        given = [{"category": answer} for answer in self.answers.values()]
        outcome = consensus(self.strategy, given, ["category"], self.required)
        if isinstance(outcome, Agreed | Split):
            self.close("completed" if isinstance(outcome, Agreed) else "failed")

    def close(self, state: str) -> None:
        self.state = state
        self.held.clear()


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

    @initialize(target=posted)
    def post_one(self) -> str:
        return self._post("majority_vote", 3, 2, 30, "normal")

    @rule(
        target=posted,
        strategy=STRATEGIES,
        required=st.integers(1, 4),
        reward=st.integers(0, 5),
        minutes=st.sampled_from([5, 30, 480]),
        priority=st.sampled_from(["low", "normal", "high", "urgent"]),
    )
    @precondition(lambda self: self._committed() < GRANTED - 24 and len(self.tasks) < 6)
    def post(self, strategy: ConsensusStrategy, required: int, reward: int, minutes: int, priority: Priority) -> str:
        return self._post(strategy, required, reward, minutes, priority)

    def _post(self, strategy: ConsensusStrategy, required: int, reward: int, minutes: int, priority: Priority) -> str:
        id = self.desk.post(
            required=required,
            strategy=strategy,
            reward=reward,
            minutes=minutes,
            priority=priority,
            at=self.now,
        )
        lease = timedelta(minutes=minutes)
        self.tasks[id] = Expected(
            id=id,
            call_id=id,
            generation=1,
            required=required,
            strategy=strategy,
            reward=reward,
            lease=lease,
            priority=PRIORITIES[priority],
            created_at=self.now,
            expires_at=self.now + lease,
            open_slots=required,
        )
        return id

    @rule(target=posted, old=posted)
    def post_a_void_call_anew(self, old: str) -> str:
        was = self.tasks[old]
        recorded = self.desk.recorded(was.call_id)
        if recorded.state != "void" or self._committed() >= GRANTED - 24:
            return old
        id = self.desk.post(
            required=was.required,
            strategy=was.strategy,
            reward=was.reward,
            minutes=5,
            again=recorded,
            at=self.now,
        )
        self.tasks[id] = Expected(
            id=id,
            call_id=was.call_id,
            generation=recorded.generation + 1,
            required=was.required,
            strategy=was.strategy,
            reward=was.reward,
            lease=timedelta(minutes=5),
            priority=PRIORITIES["normal"],
            created_at=self.now,
            expires_at=self.now + timedelta(minutes=5),
            open_slots=was.required,
        )
        return id

    @rule(id=posted, worker=WORKERS)
    def claim(self, id: str, worker: str) -> None:
        task = self.tasks[id]
        if worker in task.held:
            assert self.desk.take(worker, id, at=self.now).lease_expires_at == task.held[worker]
        elif task.state == "open" and worker not in task.answers:
            assert self.desk.take(worker, id, at=self.now).lease_expires_at == self.now + task.lease
            task.take(worker, self.now)
        else:
            self._refused(NotClaimable, lambda: self.desk.take(worker, id, at=self.now))

    @rule(worker=WORKERS)
    def claim_next(self, worker: str) -> None:
        free = [
            task
            for task in self.tasks.values()
            if task.state == "open" and worker not in task.held and worker not in task.answers
        ]
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
        if worker in task.held:
            task.answer(worker, category)
            assert self.desk.submit(worker, id, category, at=self.now) == task.state
        elif task.answers.get(worker) == category:
            assert self.desk.submit(worker, id, category, at=self.now) == task.state
        else:
            self._refused(ClaimLost, lambda: self.desk.submit(worker, id, category, at=self.now))

    @rule(id=posted, category=st.sampled_from(["good", "bad"]))
    def every_holder_submits(self, id: str, category: str) -> None:
        for worker in list(self.tasks[id].held):
            self.submit(id, worker, category)

    @rule(id=posted, worker=WORKERS)
    def release(self, id: str, worker: str) -> None:
        task = self.tasks[id]
        if worker in task.held:
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
            (task, worker) for task in self.tasks.values() for worker, until in task.held.items() if until <= self.now
        ]
        assert self.desk.lapse(at=self.now) == len(due)
        for task, worker in due:
            task.give_back(worker, self.now)

    @rule()
    def expire(self) -> None:
        due = [task for task in self.tasks.values() if task.state == "open" and task.expires_at <= self.now]
        assert self.desk.expire(at=self.now) == len(due)
        for task in due:
            task.close("expired")

    @rule(ids=st.lists(posted, min_size=1, max_size=2, unique=True), void=st.booleans())
    def cancel(self, ids: list[str], void: bool) -> None:
        open_ones = [self.tasks[id] for id in dict.fromkeys(ids) if not self.tasks[id].is_closed]
        assert self.desk.cancel(*dict.fromkeys(ids), void=void, at=self.now) == len(open_ones)
        for task in open_ones:
            task.close("cancelled")
            task.void = void

    def _refused(self, error: type[WorkerError], act: Callable[[], object]) -> None:
        with pytest.raises(error):
            act()

    def _committed(self) -> int:
        return sum(
            task.paid if task.is_closed else human_price(task.reward, task.required) for task in self.tasks.values()
        )

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
        by_state: dict[str, list[str]] = {}
        for assignment in given:
            by_state.setdefault(assignment.state, []).append(assignment.worker_id)
        claimed, approved = by_state.get("claimed", []), by_state.get("approved", [])
        assert sorted(claimed) == sorted(task.held)
        assert sorted(approved) == sorted(task.answers)
        assert max(Counter(claimed + approved).values(), default=1) == 1
        assert len(approved) <= task.required
        if task.is_closed:
            assert not claimed
            assert row.closed_at is not None
        else:
            assert row.open_slots == task.open_slots
            assert row.open_slots + len(claimed) + len(approved) == task.required
            assert row.expires_at == task.expires_at
            assert (row.state == "claimed") == (row.open_slots == 0)

    def _check_money(self, task: Expected, moved: Callable[[str], int]) -> None:
        answered = len(task.answers)
        assert moved("reserve") == human_price(task.reward, task.required)
        assert moved("reward") == task.reward * answered
        assert moved("fee") == (platform_fee(task.reward, answered) if task.is_closed else 0)
        held = moved("reserve") - moved("reward") - moved("fee") - moved("release")
        assert held == 0 if task.is_closed else held > 0

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
                assert len(json.loads(row.output)["submissions"]) == len(task.answers)
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
