"""Problems that workers report with a task, and what the requester does about them (spec: SA-43).

The functions are part of the caller's transaction; `Reports` is for shell, pages and HTTP.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, cast

from sqlalchemy import Connection, insert, select, update

from intermezzo.errors import ClaimLost, HumanTaskReported, ReportNotFound
from intermezzo.human_steps.claims import give_back
from intermezzo.human_steps.history import record
from intermezzo.human_steps.notes import check_id
from intermezzo.human_steps.quality import Quality
from intermezzo.human_steps.tasks import lock_task, transition
from intermezzo.human_steps.terms import terms_of
from intermezzo.ledger import Payer
from intermezzo.store import Event, Store, emit, new_id, utc_now
from intermezzo.store.tables import assignments, human_tasks
from intermezzo.store.tables import reports as table

if TYPE_CHECKING:
    from collections.abc import Sequence

Problem = Literal["unclear", "broken", "harmful", "private", "other"]
"""What may be wrong with a task: nobody can tell what is asked; a link, an image or the form does not work; it does
harm to look at it; it shows what is private."""

PROBLEMS: tuple[Problem, ...] = ("unclear", "broken", "harmful", "private", "other")
MAX_NOTE_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A problem that a worker reported."""

    id: str
    task_id: str
    type: str
    name: str
    task_state: str
    worker: str
    reason: Problem
    note: str
    created_at: datetime
    dismissed_at: datetime | None
    dismissed_by: str | None
    dismissal: str | None
    """Why."""


def report(
    connection: Connection, task_id: str, worker_id: str, *, reason: Problem, note: str = "", at: datetime
) -> None:
    """Say that something is wrong with a claimed task: the claim goes back, and several reports close the task.

    Raises:
        HumanTaskNotFound: there is none of that id.
        ClaimLost: this worker holds no claim on it.
        ValueError: that is no reason, or the note is too long.
    """
    if reason not in PROBLEMS:
        raise ValueError(f"reason: expected one of {', '.join(PROBLEMS)}, got {reason!r}")
    if len(note) > MAX_NOTE_CHARACTERS:
        raise ValueError(f"note: expected at most {MAX_NOTE_CHARACTERS:,} characters, got {len(note):,}")
    task = lock_task(connection, task_id)
    said = f"{reason}: {note}" if note else reason
    mine = assignments.c.worker_id == worker_id
    if not give_back(connection, task, mine, "declined", actor=worker_id, note=said, at=at):
        raise ClaimLost(f"worker {worker_id!r} has no claim on human task {task_id}")
    connection.execute(
        insert(table).values(id=new_id(), task_id=task_id, worker_id=worker_id, reason=reason, note=note, created_at=at)
    )
    detail = json.dumps({"reason": reason, "note": note}, ensure_ascii=False)
    reported = Event("task.reported", task_id, task.run_id, actor=worker_id, detail=detail, tell=True)
    emit(connection, [reported], at=at)
    _close_if_many(connection, task_id, at=at)


def _close_if_many(connection: Connection, task_id: str, *, at: datetime) -> None:
    task = lock_task(connection, task_id)
    quality = terms_of(connection, task.terms_id).quality or Quality()
    rows = connection.execute(
        select(table.c.reason, table.c.note)
        .where(table.c.task_id == task_id, table.c.dismissed_at.is_(None))
        .order_by(table.c.created_at, table.c.id)
    ).all()
    if len(rows) >= quality.max_reports:
        said = "; ".join(f"{row.reason}: {row.note}" if row.note else row.reason for row in rows)
        error = HumanTaskReported(f"{task.name}: {len(rows)} workers reported a problem: {said}")
        transition(connection, task, "failed", error=error, at=at)


def open_reports(
    connection: Connection, payer: Payer, *, task_id: str | None = None, dismissed: bool = False, limit: int = 50
) -> list[Report]:
    """Reports on the tasks of an organisation, the earliest first; those on gold tasks are told of their items."""
    query = (
        select(table, human_tasks.c.type, human_tasks.c.name, human_tasks.c.state)
        .join(human_tasks, human_tasks.c.id == table.c.task_id)
        .where(human_tasks.c.org == payer.org, human_tasks.c.test == payer.test, human_tasks.c.gold_id.is_(None))
        .order_by(table.c.created_at, table.c.id)
        .limit(min(max(limit, 1), 1000))
    )
    if not dismissed:
        query = query.where(table.c.dismissed_at.is_(None))
    if task_id is not None:
        query = query.where(table.c.task_id == task_id)
    return [
        Report(
            id=row.id,
            task_id=row.task_id,
            type=row.type,
            name=row.name,
            task_state=row.state,
            worker=row.worker_id,
            reason=cast("Problem", row.reason),
            note=row.note,
            created_at=row.created_at,
            dismissed_at=row.dismissed_at,
            dismissed_by=row.dismissed_by,
            dismissal=row.dismissal,
        )
        for row in connection.execute(query)
    ]


def dismiss(connection: Connection, payer: Payer, report_id: str, *, by: str, reason: str, at: datetime) -> None:
    """Say that nothing is wrong: the report does not count any more; again changes nothing.

    Raises:
        ReportNotFound: the organisation has none of that id.
        ValueError: the reason is blank.
    """
    if not reason.strip():
        raise ValueError("a dismissal needs a reason")
    check_id(report_id, ReportNotFound)
    found = connection.execute(
        select(table.c.task_id)
        .join(human_tasks, human_tasks.c.id == table.c.task_id)
        .where(
            table.c.id == report_id,
            human_tasks.c.org == payer.org,
            human_tasks.c.test == payer.test,
            human_tasks.c.gold_id.is_(None),
        )
    ).first()
    if found is None:
        raise ReportNotFound(f"there is no report {report_id!r}")
    task = lock_task(connection, found.task_id)  # somebody may be counting its reports
    dismissed = connection.execute(
        update(table)
        .where(table.c.id == report_id, table.c.dismissed_at.is_(None))
        .values(dismissed_at=at, dismissed_by=by, dismissal=reason)
    ).rowcount
    if dismissed:
        record(connection, task, "dismissed", actor=by, at=at, report=report_id, reason=reason)


class Reports:
    """What workers reported of the tasks of one organisation.

    Args:
        store: where they are.
        payer: the organisation, in live or test credits.
    """

    def __init__(self, store: Store, payer: Payer) -> None:
        self.store = store
        self.payer = payer

    async def list(self, *, task_id: str | None = None, dismissed: bool = False, limit: int = 50) -> "Sequence[Report]":
        """Reports, the earliest first.

        Args:
            task_id: only those of this task.
            dismissed: those that were dismissed as well.
            limit: most to return, 1 to 1,000.
        """
        return await self.store.read(
            lambda c: open_reports(c, self.payer, task_id=task_id, dismissed=dismissed, limit=limit)
        )

    async def dismiss(self, report_id: str, *, by: str, reason: str) -> None:
        """Say that nothing is wrong with the task: the report does not count any more; again changes nothing.

        Args:
            by: who says so.

        Raises:
            ReportNotFound: the organisation has none of that id.
            ValueError: the reason is blank.
        """
        await self.store.write(lambda c: dismiss(c, self.payer, report_id, by=by, reason=reason, at=utc_now()))
