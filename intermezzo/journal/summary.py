"""What a run has done and spent, step by step: for operators, the command line and the demo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from intermezzo.store.tables import human_tasks, step_calls, transfers


@dataclass(slots=True)
class StepSummary:
    """One step of a run."""

    step: str
    kind: str
    calls: int = 0
    completed: int = 0
    open: int = 0
    failed: int = 0
    spent_credits: int = 0
    reserved_credits: int = 0


def summarize(connection: Connection, run_id: str) -> list[StepSummary]:
    """Calls and credits of each step of a run, in the order in which they were first called."""
    counted = (
        select(step_calls.c.step, step_calls.c.kind, step_calls.c.state, func.count().label("calls"))
        .where(step_calls.c.run_id == run_id)
        .group_by(step_calls.c.step, step_calls.c.kind, step_calls.c.state)
        .order_by(func.min(step_calls.c.opened_at))
    )
    steps: dict[str, StepSummary] = {}
    for row in connection.execute(counted):
        summary = steps.setdefault(row.step, StepSummary(row.step, row.kind))
        summary.calls += row.calls
        state = "failed" if row.state == "void" else row.state
        setattr(summary, state, getattr(summary, state) + row.calls)
    _add_money(connection, run_id, steps)
    return list(steps.values())


def credits_of_runs(connection: Connection, run_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Credits that runs have spent, and that they hold, of those that have moved any."""
    moved: dict[str, tuple[int, int]] = {}
    for query in _moves(step_calls.c.run_id, human_tasks.c.run_id):
        for row in connection.execute(query.where(query.selected_columns[0].in_(run_ids))):
            spent, held = moved.get(row[0], (0, 0))
            moved[row[0]] = (spent + int(row.spent), held + int(row.held))
    return moved


def _add_money(connection: Connection, run_id: str, steps: dict[str, StepSummary]) -> None:
    primitives, human = _moves(step_calls.c.step, human_tasks.c.name)
    for query in (primitives.where(step_calls.c.run_id == run_id), human.where(human_tasks.c.run_id == run_id)):
        for row in connection.execute(query):
            steps[row[0]].spent_credits += int(row.spent)
            steps[row[0]].reserved_credits += int(row.held)


def _moves(
    of_calls: "ColumnElement[str]", of_tasks: "ColumnElement[Any]"
) -> "tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]":
    """What primitives and human tasks have spent and hold, by these columns."""
    spent = func.sum(case((transfers.c.move.in_(("capture", "reward", "fee")), transfers.c.credits), else_=0))
    gone = func.sum(case((transfers.c.move != "reserve", transfers.c.credits), else_=0))
    held = func.sum(case((transfers.c.move == "reserve", transfers.c.credits), else_=0)) - gone
    columns = (spent.label("spent"), held.label("held"))
    primitives = (
        select(of_calls, *columns)
        .join(transfers, transfers.c.subject == step_calls.c.reservation_id)
        .where(step_calls.c.kind == "primitive")
        .group_by(of_calls)
    )
    human = select(of_tasks, *columns).join(transfers, transfers.c.subject == human_tasks.c.id).group_by(of_tasks)
    return primitives, human
