"""Compares everything that a store holds about human tasks with what a state machine believes."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, func, select

from intermezzo import ledger
from intermezzo.human_steps.open_counts import open_count
from intermezzo.ledger import platform_fee
from intermezzo.store.tables import assignments, human_tasks, outbox, runs, step_calls, transfers
from tests.desk import Desk
from tests.human_steps.lifecycle_model import HOLDING, Expected

ASSIGNMENT_MOVES = {
    "claimed": {"submitted", "approved", "rejected", "released", "declined", "expired"},
    "submitted": {"disputed", "approved", "rejected"},
    "disputed": {"approved", "rejected"},
}
"""Where an assignment can have got to since it was last seen; what is not here stays as it is."""


class Checks:
    """What must hold after every step of a machine.

    Args:
        desks: every run, each with what its organisation was granted for it.
    """

    def __init__(self, desks: Sequence[Desk]) -> None:
        self.desks = desks
        self.ended: dict[str, tuple[object, ...]] = {}
        self.slots: dict[str, int] = {}
        self.assignments: dict[str, str] = {}

    def look(self, connection: Connection, tasks: Mapping[str, Expected]) -> None:
        """Everything is as it is believed to be, and what has ended stays as it was."""
        rows = {row.id: row for row in connection.execute(select(human_tasks))}
        given = connection.execute(select(assignments)).all()
        money = connection.execute(
            select(transfers.c.subject, transfers.c.move, func.sum(transfers.c.credits)).group_by(
                transfers.c.subject, transfers.c.move
            )
        ).all()
        moved = {(subject, move): int(credits) for subject, move, credits in money}
        assert rows.keys() == tasks.keys()
        for id, task in tasks.items():
            _check_task(task, rows[id], [a for a in given if a.task_id == id])
            _check_money(task, lambda move, of=id: moved.get((of, move), 0))
        _check_journal(connection, tasks)
        for test in (False, True):
            waiting = [task for task in tasks.values() if task.desk.payer.test is test and task.state == "open"]
            assert open_count(connection, test=test) == len(waiting)
        self._check_one_way(rows.values(), given)
        report = ledger.audit(connection)
        assert report.problems == []
        self._check_totals(connection, tasks, report.balances)

    def _check_one_way(self, rows: Any, given: Sequence[Row[Any]]) -> None:
        for row in rows:
            if row.closed_at is not None:
                assert self.ended.setdefault(row.id, (row.state, row.closed_at)) == (row.state, row.closed_at)
            assert row.id in self.ended or row.closed_at is None
            assert self.slots.get(row.id, 0) <= row.assignments_required
            self.slots[row.id] = row.assignments_required
        for row in given:
            before = self.assignments.setdefault(row.id, row.state)
            assert row.state == before or row.state in ASSIGNMENT_MOVES.get(before, ())
            self.assignments[row.id] = row.state

    def _check_totals(self, connection: Connection, tasks: Mapping[str, Expected], balances: dict[str, int]) -> None:
        committed = {row.id: row.committed_credits for row in connection.execute(select(runs))}
        for desk in self.desks:
            of_run = [task.committed for task in tasks.values() if task.desk is desk]
            assert committed[desk.facts.id] == sum(of_run)
        for payer in {desk.payer for desk in self.desks}:
            granted = sum(desk.granted for desk in self.desks if desk.payer == payer)
            theirs = [task for task in tasks.values() if task.desk.payer == payer]
            assert balances[payer.available] == granted - sum(task.committed for task in theirs) >= 0
            assert balances.get(payer.reserved, 0) == sum(task.held for task in theirs)


def _check_task(task: Expected, row: "Row[Any]", given: Sequence[Row[Any]]) -> None:
    assert (row.state, row.org, row.test) == (task.state, task.desk.payer.org, task.desk.payer.test)
    holding = {a.worker_id: a for a in given if a.state not in ("released", "expired")}
    assert {
        worker: (a.state, a.reward_credits, a.reviewed_by, a.score, a.score_until) for worker, a in holding.items()
    } == {worker: (g.state, g.reward, g.reviewed_by, g.score, g.score_until) for worker, g in task.workers.items()}
    assert len(task.of(*HOLDING)) <= row.assignments_required == task.slots
    assert (row.closed_at is not None) == task.is_closed
    assert (row.settled_at is not None) == task.is_settled
    if not task.is_closed:
        assert row.open_slots == task.free
        assert row.expires_at == task.expires
        assert (row.state == "open") == (row.open_slots > 0)


def _check_money(task: Expected, moved: Callable[[str], int]) -> None:
    assert moved("reserve") == task.price
    assert moved("reward") == task.paid
    approved = task.of("approved")
    assert moved("fee") == (platform_fee(task.paid, len(approved)) if task.is_settled else 0)
    assert moved("reserve") - moved("reward") - moved("fee") - moved("release") == task.held


def _check_journal(connection: Connection, tasks: Mapping[str, Expected]) -> None:
    newest: dict[str, Expected] = {}
    for task in tasks.values():
        if task.call_id not in newest or newest[task.call_id].generation < task.generation:
            newest[task.call_id] = task
    for row in connection.execute(select(step_calls)):
        task = newest[row.id]
        ends = {"completed": "completed", "failed": "failed", "expired": "failed", "cancelled": "failed"}
        assert row.state == ("void" if task.void else ends.get(task.state, "open"))
        assert (row.closed_at is not None) == task.is_closed
        if row.state == "completed":
            assert "category" in json.loads(row.output)["answer"]
    said = connection.scalars(select(outbox.c.subject).where(outbox.c.topic == "task.closed")).all()
    assert sorted(said) == sorted(id for id, task in tasks.items() if task.is_closed)
