"""Gold and real tasks in any order of claims, answers, returns, reports and time: the money and the rules hold."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import Connection, func, select

from intermezzo import ledger
from intermezzo.errors import ClaimLost, HumanTaskNotFound, NotClaimable
from intermezzo.human_steps import queues, reports, workers
from intermezzo.human_steps.quality import Quality
from intermezzo.human_steps.terms import Terms
from intermezzo.store import Store
from intermezzo.store.tables import assignments, human_tasks
from tests.desk import START, Desk, empty
from tests.human_steps.gold_desk import SET, stock

GRANTED = 150
"""Not enough for all the gold that could be given."""

WORKERS = st.sampled_from(["ann", "bob", "cy"])
QUALITIES = st.sampled_from(
    [
        None,
        Quality(gold_set=SET, gold_share=0.5),
        Quality(gold_set=SET, gold_share=0.9, min_gold_accuracy=0.5, max_reports=1),
        Quality(gold_set=SET, gold_share=0.3, qualification_tasks=2, qualification_accuracy=0.5),
        Quality(gold_set=SET, daily_limit=4),
    ]
)


class GoldAmongTasks(RuleBasedStateMachine):
    """Three workers, a gold set of four items, and little money."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store

    @initialize()
    def begin(self) -> None:
        empty(self.store)
        self.desk, self.now = Desk(self.store, granted=GRANTED), START
        self.held: list[tuple[str, str]] = []
        stock(self.desk, 4)

    @rule(
        quality=QUALITIES,
        required=st.integers(1, 2),
        wait=st.sampled_from([0, 3600, None]),
        deadline=st.sampled_from([None, 7200]),
        escalates=st.booleans(),
    )
    def post(
        self, quality: Quality | None, required: int, wait: int | None, *, deadline: int | None, escalates: bool
    ) -> None:
        given: dict[str, Any] = {"quality": quality, "auto_approve_seconds": wait, "deadline_seconds": deadline}
        if self.desk.available >= 60:
            given["escalation"] = _later(quality) if escalates else None
            given["default_answer"] = None if escalates else {"category": "bad"}
            given |= {"required": required, "strategy": "majority_vote", "on_split": "review"}
            self.desk.post(at=self.now, **given)

    @rule(worker=WORKERS)
    def take(self, worker: str) -> None:
        try:
            claim = self.desk.take_next(worker, at=self.now)
        except NotClaimable:
            return
        if claim is not None:
            self.held.append((worker, claim.task_id))

    @rule(category=st.sampled_from(["good", "bad"]), data=st.data())
    def submit(self, category: str, data: st.DataObject) -> None:
        self._with_claim(data, lambda worker, task: self.desk.submit(worker, task, category, at=self.now))

    @rule(how=st.sampled_from(["release", "decline", "report"]), data=st.data())
    def give_back(self, how: str, data: st.DataObject) -> None:
        moves: dict[str, Callable[[str, str], object]] = {
            "release": lambda worker, task: self.desk.release(worker, task, at=self.now),
            "decline": lambda worker, task: self.desk.decline(worker, task, at=self.now),
            "report": lambda worker, task: self.desk.do(
                lambda c: reports.report(c, task, worker, reason="broken", at=self.now)
            ),
        }
        self._with_claim(data, moves[how])

    def _with_claim(self, data: st.DataObject, move: Callable[[str, str], object]) -> None:
        if self.held:
            worker, task = data.draw(st.sampled_from(self.held))
            try:
                move(worker, task)
            except (ClaimLost, HumanTaskNotFound):
                return

    @rule(worker=WORKERS)
    def suspend(self, worker: str) -> None:
        self.desk.suspend(worker, at=self.now)
        self.desk.do(lambda c: workers.set_suspended(c, worker, None, at=self.now))

    @rule(minutes=st.sampled_from([10, 45, 60 * 50]))
    def time_goes_by(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self._sweep()

    def _sweep(self) -> None:
        self.desk.lapse(at=self.now)
        self.desk.expire(at=self.now)
        self.desk.approve_unreviewed(at=self.now)

    @invariant()
    def it_all_adds_up(self) -> None:
        self.desk.see(self._look)

    def _look(self, connection: Connection) -> None:
        report = ledger.audit(connection)
        assert report.problems == []
        assert sum(credits for name, credits in report.balances.items() if name != "world") == GRANTED
        gold = human_tasks.c.gold_id.is_not(None)
        shown = select(func.count()).where(gold, queues.HAS_ROOM)
        assert connection.scalar(shown) == 0
        parts = connection.execute(select(assignments, gold.label("gold")).join(human_tasks)).all()
        assert all((part.gold_id is not None) == part.gold for part in parts)
        assert all((part.gold_correct is not None) == (part.gold and part.state in _ANSWERED) for part in parts)
        assert not any(part.gold and part.state == "rejected" for part in parts)
        given = {(part.worker_id, part.gold_id, part.task_id) for part in parts if part.gold}
        assert len({(worker, item) for worker, item, _ in given}) == len(given)

    def teardown(self) -> None:
        if hasattr(self, "desk"):
            for _ in range(4):
                self.now += timedelta(days=3)
                self._sweep()
            unsettled = select(func.count()).where(
                human_tasks.c.gold_id.is_not(None), human_tasks.c.settled_at.is_(None)
            )
            assert self.desk.see(lambda c: c.scalar(unsettled)) == 0
            self.it_all_adds_up()


_ANSWERED = ("submitted", "approved")


def _later(quality: Quality | None) -> Terms:
    return Terms(type="label_text", quality=quality, reward_credits=4, auto_approve_seconds=3600)


def test_no_order_of_gold_and_real_tasks_breaks_the_money_or_the_rules(desk: Desk) -> None:
    run_state_machine_as_test(
        cast("type[RuleBasedStateMachine]", lambda: GoldAmongTasks(desk.store)),
        settings=settings(
            max_examples=12 if desk.store.dialect == "sqlite" else 3,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
        ),
    )
