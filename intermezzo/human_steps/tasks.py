"""Human tasks: posted in bulk, then moved from state to state by one function that also moves the money.

Everything here is part of the caller's transaction. Workers' side of it is in `claims`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, Row, func, select, update

from intermezzo import journal, ledger
from intermezzo.errors import HumanTaskCancelled, HumanTaskExpired, HumanTaskNotFound, StepError
from intermezzo.human_steps.consensus import ConsensusStrategy
from intermezzo.journal import RecordedError
from intermezzo.ledger import Payer
from intermezzo.store import Event, Prepared, emit
from intermezzo.store.tables import assignments, human_tasks, step_calls

_INSERT = Prepared.insert(human_tasks)

HumanTaskState = Literal["open", "claimed", "completed", "expired", "cancelled", "failed"]
Priority = Literal["low", "normal", "high", "urgent"]

PRIORITIES: dict[Priority, int] = {"low": 0, "normal": 1, "high": 2, "urgent": 3}

LEGAL_MOVES: dict[HumanTaskState, frozenset[HumanTaskState]] = {
    "open": frozenset({"claimed", "completed", "expired", "cancelled", "failed"}),
    "claimed": frozenset({"open", "completed", "expired", "cancelled", "failed"}),
    "completed": frozenset(),
    "expired": frozenset(),
    "cancelled": frozenset(),
    "failed": frozenset(),
}
"""`claimed` means that every slot is taken; a slot that comes back makes the task `open` again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHumanTask:
    """What a human step posts for workers."""

    id: str
    call_id: str
    run_id: str
    generation: int
    type: str
    name: str
    input: str
    controls: str | None
    answer_schema: str
    instructions: str
    priority: Priority
    consensus_strategy: ConsensusStrategy
    assignments_required: int
    claim_timeout_seconds: int
    reward_credits: int


def post(connection: Connection, payer: Payer, tasks: Sequence[NewHumanTask], *, at: datetime) -> None:
    """Put human tasks into the queue; the caller has reserved their prices."""
    _INSERT.run(
        connection,
        [
            {
                "id": t.id,
                "call_id": t.call_id,
                "run_id": t.run_id,
                "generation": t.generation,
                "org": payer.org,
                "test": payer.test,
                "type": t.type,
                "name": t.name,
                "state": "open",
                "priority": PRIORITIES[t.priority],
                "input": t.input,
                "controls": t.controls,
                "answer_schema": t.answer_schema,
                "instructions": t.instructions,
                "consensus_strategy": t.consensus_strategy,
                "assignments_required": t.assignments_required,
                "open_slots": t.assignments_required,
                "claim_timeout_seconds": t.claim_timeout_seconds,
                "reward_credits": t.reward_credits,
                "created_at": at,
                "expires_at": at + timedelta(seconds=t.claim_timeout_seconds),
            }
            for t in tasks
        ],
    )
    emit(connection, [Event("task.opened", t.id) for t in tasks], at=at)


def lock_task(connection: Connection, task_id: str) -> "Row[tuple[object, ...]]":
    """Read a human task for a move; no other transaction can move it meanwhile.

    Raises:
        HumanTaskNotFound: there is none of that id.
    """
    row = connection.execute(select(human_tasks).where(human_tasks.c.id == task_id).with_for_update()).one_or_none()
    if row is None:
        raise HumanTaskNotFound(f"there is no human task {task_id!r}")
    return row


def transition(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    to: HumanTaskState,
    *,
    at: datetime,
    open_slots: int | None = None,
    output: str | None = None,
    error: StepError | None = None,
    void: bool = False,
) -> None:
    """Move a locked human task to another state, with its money, its journal entry and its outbox rows.

    Args:
        task: as `lock_task` returned it.
        to: the state it goes to; the same state only changes `open_slots`.
        open_slots: free slots from now on.
        output: what the flow gets, when it completes.
        error: what the flow gets, when it ends otherwise.
        void: the flow no longer asks for it.

    Raises:
        ValueError: that move is not legal.
    """
    if to != task.state and to not in LEGAL_MOVES[task.state]:
        raise ValueError(f"human task {task.id} cannot go from {task.state} to {to}")
    closing = not LEGAL_MOVES[to]
    slots = task.open_slots if open_slots is None else open_slots
    connection.execute(
        update(human_tasks)
        .where(human_tasks.c.id == task.id)
        .values(
            state=to,
            open_slots=slots,
            expires_at=at + timedelta(seconds=task.claim_timeout_seconds),
            closed_at=at if closing else None,
        )
    )
    if closing:
        _close(connection, task, output=output, error=error, void=void, at=at)
        emit(connection, [Event("task.closed", task.id, task.run_id)], at=at)


def _close(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    *,
    output: str | None,
    error: StepError | None,
    void: bool,
    at: datetime,
) -> None:
    connection.execute(
        update(assignments)
        .where(assignments.c.task_id == task.id, assignments.c.state == "claimed")
        .values(state="released", closed_at=at)
    )
    count = select(func.count()).select_from(assignments)
    approved = connection.scalar(count.where(assignments.c.task_id == task.id, assignments.c.state == "approved")) or 0
    reserved = ledger.human_price(task.reward_credits, task.assignments_required)
    payer = Payer(task.org, test=task.test)
    unused = reserved - task.reward_credits * approved - ledger.platform_fee(task.reward_credits, approved)
    if task.run_id is not None:
        journal.uncommit(connection, task.run_id, unused)
    ledger.settle_human_task(
        connection,
        payer,
        task.id,
        reserved_credits=reserved,
        reward_credits=task.reward_credits,
        approved=approved,
        at=at,
    )
    if task.call_id is not None:
        journal.close_human_call(
            connection,
            task.call_id,
            task.run_id,
            task.generation,
            output=output,
            error=RecordedError.of(error) if error else None,
            void=void,
            at=at,
        )


def cancel(connection: Connection, task_ids: Iterable[str], *, reason: str, void: bool = False, at: datetime) -> int:
    """Close tasks that are still open: answers that came are paid, everything else goes back.

    Returns:
        How many were open.
    """
    count = 0
    for task_id in sorted(task_ids):  # always in the same order, so that two cancellations cannot deadlock
        task = lock_task(connection, task_id)
        if LEGAL_MOVES[task.state]:
            error = HumanTaskCancelled(f"{task.name}: {reason}")
            transition(connection, task, "cancelled", error=error, void=void, at=at)
            count += 1
    return count


def expire(connection: Connection, *, at: datetime, limit: int = 500) -> int:
    """Close tasks with a free slot that nobody has claimed in time (spec: K2).

    Returns:
        How many were closed; call again if it is `limit`.
    """
    due = connection.scalars(
        select(human_tasks.c.id)
        .where(human_tasks.c.state == "open", human_tasks.c.expires_at <= at)
        .order_by(human_tasks.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for task_id in due:
        task = lock_task(connection, task_id)
        answered = task.assignments_required - task.open_slots
        minutes = task.claim_timeout_seconds / 60
        error = HumanTaskExpired(
            f"{task.name}: {answered} of {task.assignments_required} slots were taken "
            f"when {minutes:g} minutes had passed without a new claim"
        )
        transition(connection, task, "expired", error=error, at=at)
    return len(due)


def open_tasks_of(connection: Connection, run_id: str, call_ids: Sequence[str] | None = None) -> list[str]:
    """Ids of a run's tasks that are still open, or of those among these calls."""
    query = select(human_tasks.c.id).where(human_tasks.c.run_id == run_id, human_tasks.c.state.in_(("open", "claimed")))
    if call_ids is None:
        return list(connection.scalars(query))
    wanted = set(call_ids)
    rows = connection.execute(query.add_columns(human_tasks.c.call_id))
    return [row.id for row in rows if row.call_id in wanted]


def input_of_calls(connection: Connection, call_ids: Sequence[str]) -> dict[str, str]:
    """The input that each of these calls posted, as JSON text."""
    query = select(human_tasks.c.call_id, human_tasks.c.input).where(human_tasks.c.call_id.in_(call_ids))
    return {row.call_id: row.input for row in connection.execute(query.order_by(human_tasks.c.generation))}


def progress_of(connection: Connection, run_id: str) -> tuple[int, int]:
    """How many of a run's human calls are answered, and how many there are."""
    query = (
        select(step_calls.c.state, func.count())
        .where(step_calls.c.run_id == run_id, step_calls.c.kind == "human", step_calls.c.state != "void")
        .group_by(step_calls.c.state)
    )
    counts = {row[0]: row[1] for row in connection.execute(query)}
    return sum(counts.values()) - counts.get("open", 0), sum(counts.values())
