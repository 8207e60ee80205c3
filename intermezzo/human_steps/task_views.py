"""Human tasks as their requester sees them: state, outcome and cost; read by `requester`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, tuple_

from intermezzo.errors import HumanTaskNotFound
from intermezzo.human_steps.tasks import LEGAL_MOVES, HumanTaskState, belongs_to
from intermezzo.ledger import Payer
from intermezzo.store import follow_indexes
from intermezzo.store.tables import assignments, human_tasks, step_calls, transfers

if TYPE_CHECKING:
    from intermezzo.human_steps.tasks import Priority

MOST_LISTED = 1_000
ANSWERED = ("submitted", "disputed", "approved")
"""States of an assignment whose answer counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A human task as its requester sees it."""

    id: str
    type: str
    name: str
    """Of the step; of a task without a flow its type."""
    state: HumanTaskState
    input: dict[str, JsonValue]
    outcome: dict[str, JsonValue] | None
    """`answer`, `summary`, `agreement` and `submissions`, once it is completed."""
    error: str | None
    """Why it ended without an outcome."""
    assignments_required: int
    assignments_completed: int
    """Answers that came and were not rejected."""
    reserved_credits: int
    """When it was posted."""
    spent_credits: int
    """On rewards and the fee, so far."""
    priority: "Priority"
    run_id: str | None
    webhook_url: str | None
    metadata: dict[str, JsonValue]
    created_at: datetime
    expires_at: datetime | None
    """When it closes as things are; None: not by itself."""
    closed_at: datetime | None

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will become of it."""
        return not LEGAL_MOVES[self.state]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFilter:
    """Which tasks to list; what is None does not matter."""

    states: Sequence[HumanTaskState] = ()
    types: Sequence[str] = ()
    run_id: str | None = None
    created_after: datetime | None = None
    """Exclusive."""
    created_before: datetime | None = None
    """Exclusive."""


def find(connection: Connection, payer: Payer, task_id: str) -> TaskView:
    """One task.

    Raises:
        HumanTaskNotFound: this organisation has none of that id.
    """
    row = connection.execute(_query(payer).where(human_tasks.c.id == task_id)).one_or_none()
    if row is None:
        raise HumanTaskNotFound(f"there is no human task {task_id!r}")
    return _view(row)


def newest(
    connection: Connection,
    payer: Payer,
    wanted: TaskFilter,
    *,
    after: str | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[TaskView]:
    """Tasks, the newest first.

    Args:
        after: id of the last task of the page before.
        offset: how many to leave out; what is posted meanwhile moves them, which `after` does not.
        limit: most to return, 1 to 1,000.

    Raises:
        HumanTaskNotFound: this organisation has no task `after`.
    """
    query = _query(payer).where(*_conditions(wanted))
    if after is not None:
        last = find(connection, payer, after)
        query = query.where(tuple_(human_tasks.c.created_at, human_tasks.c.id) < (last.created_at, last.id))
    query = query.order_by(human_tasks.c.created_at.desc(), human_tasks.c.id.desc()).offset(offset)
    follow_indexes(connection)
    return [_view(row) for row in connection.execute(query.limit(min(max(limit, 1), MOST_LISTED)))]


def count(connection: Connection, payer: Payer, wanted: TaskFilter) -> int:
    """How many tasks there are."""
    query = select(func.count()).where(_are_of(payer), *_conditions(wanted))
    return connection.scalar(query) or 0


def _conditions(wanted: TaskFilter) -> "list[ColumnElement[bool]]":
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        conditions.append(human_tasks.c.state.in_(wanted.states))
    if wanted.types:
        conditions.append(human_tasks.c.type.in_(wanted.types))
    if wanted.run_id is not None:
        conditions.append(human_tasks.c.run_id == wanted.run_id)
    if wanted.created_after is not None:
        conditions.append(human_tasks.c.created_at > wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(human_tasks.c.created_at < wanted.created_before)
    return conditions


def _query(payer: Payer) -> "Select[*tuple[Any, ...]]":
    completed = select(func.count()).where(assignments.c.task_id == human_tasks.c.id, assignments.c.state.in_(ANSWERED))
    spent = select(func.coalesce(func.sum(transfers.c.credits), 0)).where(
        transfers.c.subject == human_tasks.c.id, transfers.c.move.in_(("reward", "fee"))
    )
    return (
        select(
            human_tasks,
            step_calls.c.output.label("call_output"),
            step_calls.c.error.label("call_error"),
            completed.scalar_subquery().label("assignments_completed"),
            spent.scalar_subquery().label("spent_credits"),
        )
        # A call that was opened again has the outcome of its newest task.
        .outerjoin(
            step_calls,
            (step_calls.c.id == human_tasks.c.call_id) & (step_calls.c.generation == human_tasks.c.generation),
        )
        .where(_are_of(payer))
    )


def _are_of(payer: Payer) -> ColumnElement[bool]:
    return belongs_to(payer) & human_tasks.c.gold_id.is_(None)


_PRIORITIES: "dict[int, Priority]" = {0: "low", 1: "normal", 2: "high", 3: "urgent"}


def _view(row: "Row[*tuple[Any, ...]]") -> TaskView:
    output, error = row.output or row.call_output, row.error or row.call_error
    return TaskView(
        id=row.id,
        type=row.type,
        name=row.name,
        state=cast("HumanTaskState", row.state),
        input=json.loads(row.input),
        outcome=json.loads(output) if output and row.state == "completed" else None,
        error=json.loads(error)["message"] if error else None,
        assignments_required=row.assignments_required,
        assignments_completed=row.assignments_completed,
        reserved_credits=row.reserved_credits,
        spent_credits=int(row.spent_credits),
        priority=_PRIORITIES[row.priority],
        run_id=row.run_id,
        webhook_url=row.webhook_url,
        metadata=json.loads(row.metadata) if row.metadata else {},
        created_at=row.created_at,
        expires_at=row.expires_at,
        closed_at=row.closed_at,
    )
