"""Any sequence of moves, any of them failing half way: no credit appears, vanishes or moves twice."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection, insert, update
from sqlalchemy.exc import IntegrityError

from intermezzo import ledger
from intermezzo.errors import InsufficientCredits
from intermezzo.human_steps.terms import Terms, keep
from intermezzo.ledger import Payer, Reservation, human_price, platform_fee
from intermezzo.store import Store, new_id
from intermezzo.store.tables import assignments, human_tasks, runs, step_calls
from tests.desk import START, Desk, empty


class PowerCut(Exception):
    """What interrupts a transaction after its last statement."""


@dataclass(frozen=True)
class Work:
    """Something that holds credits."""

    payer: Payer
    reservation: Reservation
    reward: int = 0
    required: int = 0


PAYERS = [Payer("acme"), Payer("acme", test=True), Payer("world")]
TERMS = Terms(type="t")
FAILS = st.sampled_from([False, False, False, True])


class Ledger(RuleBasedStateMachine):
    """The ledger against a model of it that is a few integers."""

    calls = Bundle("calls")
    closed = Bundle("closed")
    tasks = Bundle("tasks")

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        empty(store)
        self.run = new_id()
        self.available = dict.fromkeys(PAYERS, 0)
        self.reserved = dict.fromkeys(PAYERS, 0)
        self.approved: dict[str, int] = {}
        store.write_now(self._begin)

    def _begin(self, connection: Connection) -> None:
        connection.execute(
            insert(runs).values(
                id=self.run,
                org="acme",
                test=False,
                flow_name="f",
                deployed=True,
                state="active",
                epoch=1,
                committed_credits=0,
                recoveries=0,
                cancel_requested=False,
                created_at=START,
                checked_at=START,
            )
        )

    def commits(self, work: Callable[[Connection], object], *, fails: bool) -> bool:
        """Run a transaction that may be interrupted at its end; returns whether it was committed."""

        def interrupted(connection: Connection) -> None:
            work(connection)
            raise PowerCut

        if fails:
            with pytest.raises(PowerCut):
                self.store.write_now(interrupted)
            return False
        self.store.write_now(work)
        return True

    @rule(payer=st.sampled_from(PAYERS), credits=st.integers(1, 40), again=st.booleans(), fails=FAILS)
    def grant(self, payer: Payer, credits: int, again: bool, fails: bool) -> None:
        subject = new_id()

        def give(connection: Connection) -> None:
            ledger.grant(connection, payer, credits, subject=subject, at=START)

        if self.commits(give, fails=fails):
            self.available[payer] += credits
            if again:
                with pytest.raises(IntegrityError):
                    self.store.write_now(give)

    @rule(
        target=calls,
        payer=st.sampled_from(PAYERS),
        prices=st.lists(st.integers(0, 15), min_size=1, max_size=3),
        fails=FAILS,
    )
    def open_calls(self, payer: Payer, prices: list[int], fails: bool) -> list[Work]:
        opened = [Work(payer, Reservation(new_id(), 1, price)) for price in prices]

        def reserve(connection: Connection) -> None:
            ledger.reserve(connection, payer, [work.reservation for work in opened], at=START)
            for work in opened:
                connection.execute(insert(step_calls).values(**self._row(work.reservation)))

        return opened if self._reserve(payer, sum(prices), reserve, fails=fails) else []

    def _row(self, reservation: Reservation) -> dict[str, object]:
        return {
            "id": reservation.subject[::-1],
            "reservation_id": reservation.subject,
            "run_id": self.run,
            "step": "translate",
            "key": reservation.subject,
            "kind": "primitive",
            "state": "open",
            "generation": 1,
            "price_credits": reservation.credits,
            "opened_at": START,
        }

    def _reserve(self, payer: Payer, needed: int, reserve: Callable[[Connection], None], *, fails: bool) -> bool:
        if needed > self.available[payer]:
            with pytest.raises(InsufficientCredits) as caught:
                self.store.write_now(reserve)
            assert caught.value.available_credits == self.available[payer]
            return False
        if not self.commits(reserve, fails=fails):
            return False
        self.available[payer] -= needed
        self.reserved[payer] += needed
        return True

    @rule(target=closed, works=consumes(calls), succeeds=st.booleans(), fails=FAILS)
    def close_calls(self, works: list[Work], succeeds: bool, fails: bool) -> list[Work]:
        if not works:
            return []
        payer, state = works[0].payer, "completed" if succeeds else "failed"
        move = ledger.capture if succeeds else ledger.release

        def close(connection: Connection) -> None:
            move(connection, payer, [work.reservation for work in works], at=START)
            ids = [work.reservation.subject for work in works]
            connection.execute(update(step_calls).where(step_calls.c.reservation_id.in_(ids)).values(state=state))

        if not self.commits(close, fails=fails):
            return []
        total = sum(work.reservation.credits for work in works)
        self.reserved[payer] -= total
        self.available[payer] += 0 if succeeds else total
        if total:
            with pytest.raises(IntegrityError):
                self.store.write_now(close)
        return works

    @rule(works=closed)
    def reserve_again(self, works: list[Work]) -> None:
        again = [work.reservation for work in works]
        payer = works[0].payer if works else PAYERS[0]
        if 0 < sum(r.credits for r in again) <= self.available[payer]:
            with pytest.raises(IntegrityError):
                self.store.write_now(lambda c: ledger.reserve(c, payer, again, at=START))

    @rule(
        target=tasks,
        payer=st.sampled_from(PAYERS),
        reward=st.integers(0, 6),
        required=st.integers(1, 3),
        fails=FAILS,
    )
    def post(self, payer: Payer, reward: int, required: int, fails: bool) -> list[Work]:
        price = human_price(reward, required)
        work = Work(payer, Reservation(new_id(), 1, price), reward, required)

        def reserve(connection: Connection) -> None:
            ledger.reserve(connection, payer, [work.reservation], at=START)
            keep(connection, [TERMS], at=START)
            connection.execute(insert(human_tasks).values(**_task_row(work)))

        return [work] if self._reserve(payer, price, reserve, fails=fails) else []

    @rule(works=tasks, fails=FAILS)
    def approve(self, works: list[Work], fails: bool) -> None:
        for work in works:
            id = work.reservation.subject
            n = self.approved.get(id, 0) + 1
            if n > work.required:
                continue

            def reward(connection: Connection, work: Work = work, n: int = n) -> None:
                id, worker = work.reservation.subject, f"w{n}"
                connection.execute(insert(assignments).values(**_assignment_row(id, worker, work.reward)))
                ledger.reward(connection, work.payer, id, worker, work.reward, n=n, at=START)

            if self.commits(reward, fails=fails):
                self.approved[id] = n
                self.reserved[work.payer] -= work.reward
                with pytest.raises(IntegrityError):
                    self.store.write_now(reward)

    @rule(works=consumes(tasks), fails=FAILS)
    def settle(self, works: list[Work], fails: bool) -> None:
        for work in works:
            id, approved = work.reservation.subject, self.approved.get(work.reservation.subject, 0)

            def close(connection: Connection, work: Work = work, approved: int = approved) -> None:
                id = work.reservation.subject
                ended = {"state": "expired", "closed_at": START, "settled_at": START}
                connection.execute(update(human_tasks).where(human_tasks.c.id == id).values(ended))
                fee = platform_fee(work.reward * approved, approved)
                ledger.settle(connection, work.payer, id, fee_credits=fee, at=START)

            if self.commits(close, fails=fails):
                unused = human_price(work.reward, work.required) - work.reward * approved
                fee = platform_fee(work.reward * approved, approved)
                self.reserved[work.payer] -= unused
                self.available[work.payer] += unused - fee
                with pytest.raises(IntegrityError) if fee else contextlib.nullcontext():
                    self.store.write_now(close)
                self.approved[id] = work.required

    @invariant()
    def the_books_balance(self) -> None:
        report = self.store.read_now(ledger.audit)
        assert report.problems == []
        assert sum(report.balances.values()) == 0
        for payer in PAYERS:
            assert report.balances.get(payer.available, 0) == self.available[payer] >= 0
            assert report.balances.get(payer.reserved, 0) == self.reserved[payer] >= 0


def _task_row(work: Work) -> dict[str, object]:
    return {
        "id": work.reservation.subject,
        "org": work.payer.org,
        "test": work.payer.test,
        "type": "t",
        "name": "t",
        "state": "open",
        "priority": 1,
        "input": "{}",
        "answer_schema": "{}",
        "terms_id": TERMS.id,
        "queue": TERMS.queue,
        "for_worker": TERMS.for_worker,
        "assignments_required": work.required,
        "open_slots": work.required,
        "returned": False,
        "reserved_credits": work.reservation.credits,
        "generation": 1,
        "created_at": START,
        "expires_at": START,
        "listed": True,
    }


def _assignment_row(task_id: str, worker: str, reward: int) -> dict[str, object]:
    return {
        "id": new_id(),
        "task_id": task_id,
        "worker_id": worker,
        "test": False,
        "type": "label_text",
        "domain": "",
        "state": "approved",
        "reward_credits": reward,
        "claimed_at": START,
        "lease_expires_at": START,
    }


def test_no_sequence_of_moves_and_failures_breaks_the_books(desk: Desk) -> None:
    store = desk.store
    examples = 25 if store.dialect == "sqlite" else 5
    run_state_machine_as_test(
        cast("type[RuleBasedStateMachine]", lambda: Ledger(store)),
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[
                HealthCheck.too_slow,
                HealthCheck.data_too_large,
                HealthCheck.filter_too_much,
            ],
        ),
    )
