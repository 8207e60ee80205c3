"""Disputes: the requester does not accept an answer, and an operator says who is right (spec: SA-58).

Meanwhile its reward stays held, it does not count, and neither time nor the requester can approve or reject it.
Everything here is part of the caller's transaction.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from intermezzo.errors import DisputeNotFound, NotReviewable
from intermezzo.human_steps.history import record
from intermezzo.human_steps.notes import MAX_NAME_CHARACTERS, check_id, check_text
from intermezzo.human_steps.review import approve, go_on, lock_assignment, reject
from intermezzo.store import new_id
from intermezzo.store.tables import assignments, disputes, human_tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """An answer that its requester does not accept."""

    id: str
    assignment_id: str
    task_id: str
    worker: str
    reason: str
    opened_by: str
    opened_at: datetime
    resolved_by: str | None
    resolved_at: datetime | None
    upheld: bool | None
    """The requester is right: the answer is rejected. None: nobody has decided yet."""
    note: str | None
    """Of whoever decided."""


_QUERY = select(disputes, assignments.c.task_id, assignments.c.worker_id.label("worker")).join(
    assignments, assignments.c.id == disputes.c.assignment_id
)


def dispute(connection: Connection, assignment_id: str, *, reason: str, by: str, at: datetime) -> Dispute:
    """Ask an operator to look at an answer that waits for its review; again changes nothing.

    Raises:
        AssignmentNotFound: there is none of that id.
        NotReviewable: it does not wait for its review.
        ValueError: the reason is blank.
        WorkerError: `by` or `reason` cannot be stored.
    """
    if not reason.strip():
        raise ValueError("a dispute needs a reason that an operator can judge by")
    check_text(reason, "a reason")
    check_text(by, "a requester's name", most=MAX_NAME_CHARACTERS)
    task, assignment = lock_assignment(connection, assignment_id)
    if before := _read(connection, _QUERY.where(disputes.c.assignment_id == assignment_id)):
        return before[0]
    if assignment.state != "submitted":
        raise NotReviewable(
            f"assignment {assignment_id} is {assignment.state}; only an answer that waits for its review is disputed"
        )
    id = new_id()
    connection.execute(
        insert(disputes).values(id=id, assignment_id=assignment_id, reason=reason, opened_by=by, opened_at=at)
    )
    connection.execute(
        update(assignments).where(assignments.c.id == assignment_id).values(state="disputed", score_until=None)
    )
    record(connection, task, "disputed", actor=by, at=at, assignment=assignment_id, dispute=id, reason=reason)
    return find(connection, id)


def resolve(
    connection: Connection, dispute_id: str, *, upheld: bool, by: str, note: str | None = None, at: datetime
) -> Dispute:
    """Decide a dispute; the same decision again changes nothing.

    Args:
        upheld: the requester is right: the answer is rejected, and asked of another worker while the task is open.
            Else it is approved and paid.
        by: the operator.
        note: for both sides.

    Raises:
        DisputeNotFound: there is none of that id.
        NotReviewable: the other decision was made before.
        WorkerError: `by` or `note` cannot be stored.
    """
    check_text(note or "", "a note")
    check_text(by, "an operator's name", most=MAX_NAME_CHARACTERS)
    task, assignment = lock_assignment(connection, find(connection, dispute_id).assignment_id)
    found = find(connection, dispute_id)  # as it is now that nobody else can decide it
    if found.resolved_at is not None:
        if found.upheld == upheld:
            return found
        raise NotReviewable(f"dispute {dispute_id} was {'upheld' if found.upheld else 'dismissed'} before")
    values = {"resolved_by": by, "resolved_at": at, "upheld": upheld, "note": note}
    connection.execute(update(disputes).where(disputes.c.id == dispute_id).values(values))
    record(
        connection,
        task,
        "resolved",
        actor=by,
        at=at,
        assignment=assignment.id,
        dispute=dispute_id,
        upheld=upheld,
        note=note,
    )
    if upheld:
        reject(connection, task, assignment, by=by, reason=note or found.reason, at=at)
    else:
        approve(connection, task, assignment, by=by, note=note, at=at)
    go_on(connection, task, at=at)
    return find(connection, dispute_id)


def find(connection: Connection, dispute_id: str) -> Dispute:
    """One dispute.

    Raises:
        DisputeNotFound: there is none of that id.
    """
    check_id(dispute_id, DisputeNotFound)
    found = _read(connection, _QUERY.where(disputes.c.id == dispute_id))
    if not found:
        raise DisputeNotFound(f"there is no dispute {dispute_id!r}")
    return found[0]


def open_disputes(connection: Connection, *, test: bool, limit: int) -> list[Dispute]:
    """Disputes that nobody has decided, the oldest first."""
    query = (
        _QUERY.join(human_tasks, human_tasks.c.id == assignments.c.task_id)
        .where(disputes.c.resolved_at.is_(None), human_tasks.c.test == test)
        .order_by(disputes.c.opened_at, disputes.c.id)
        .limit(limit)
    )
    return _read(connection, query)


def _read(connection: Connection, query: "Select[*tuple[Any, ...]]") -> list[Dispute]:
    return [Dispute(**row) for row in connection.execute(query).mappings()]
