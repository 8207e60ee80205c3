"""The queue of open human tasks, as one worker may see it.

Tasks that ask the same of a worker are one queue with its own stretch of the index, most urgent and oldest first, and
whether somebody may work on them is decided once for all of them. Tasks for a single worker are found by that worker.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, literal, or_, select

from intermezzo.human_steps.terms import EVERYBODY, terms_of
from intermezzo.human_steps.workers import Profile
from intermezzo.store.tables import assignments, human_tasks

HOLDING = ("claimed", "submitted", "disputed", "approved", "rejected", "declined")
"""States of an assignment whose worker may not claim the task again."""

IN_QUEUE = human_tasks.c.state == literal("open", literal_execute=True)
"""As a literal, for the planner to see that the index of the queue will do."""

HAS_ROOM = human_tasks.c.closed_at.is_(None) & (human_tasks.c.open_slots > literal(0, literal_execute=True))
"""The same in other words, which are those of the index of all that is open: if PostgreSQL could take that one for a
single queue, it would look for the queue's tasks among all others."""

ORDER = (human_tasks.c.priority.desc(), human_tasks.c.created_at, human_tasks.c.id)
"""The most urgent first, then the oldest."""

Head = Row[tuple[object, ...]]
"""A task at the head of a queue."""


def heads(
    connection: Connection, worker: Profile, *, test: bool, types: Sequence[str] = (), at: datetime
) -> list[Head]:
    """The next task of each queue that this worker may claim from, the most urgent and oldest first.

    Test tasks ask nothing of a worker: there is nobody but simulated ones.
    """
    found = [
        row
        for whose in (EVERYBODY, worker.id)
        for queue in connection.scalars(_OPEN_QUEUES, {"test": test, "whose": whose})
        if (row := next_of(connection, queue, whose, worker.id, test=test, at=at)) is not None
    ]
    allowed = [
        row
        for row in found
        if (not types or row.type in types) and (test or worker.refusal(terms_of(connection, row.terms_id)) is None)
    ]
    return sorted(allowed, key=lambda row: (-row.priority, row.created_at, row.id))


def next_of(
    connection: Connection,
    queue: str,
    for_worker: str,
    worker_id: str,
    *,
    test: bool,
    lock: bool = False,
    at: datetime,
) -> Head | None:
    """The most urgent, oldest task of a queue that a worker has not worked on.

    Args:
        for_worker: the only one for whom its tasks are, or `EVERYBODY`.
        lock: read it for a move; tasks that others are moving are passed over.
    """
    query = _of_queue(queue, for_worker, worker_id, test=test, limit=1, at=at)
    return connection.execute(query.with_for_update(skip_locked=True) if lock else query).one_or_none()


def offers(connection: Connection, worker: Profile, *, test: bool, limit: int, at: datetime) -> list[Head]:
    """The first tasks that this worker may claim, the most urgent and oldest first."""
    rows = [
        row
        for head in heads(connection, worker, test=test, at=at)
        for row in connection.execute(_of_queue(head.queue, head.for_worker, worker.id, test=test, limit=limit, at=at))
    ]
    return sorted(rows, key=lambda row: (-row.priority, row.created_at, row.id))[:limit]


def _of_queue(queue: str, for_worker: str, worker_id: str, *, test: bool, limit: int, at: datetime) -> "Select[Any]":
    """The most urgent, oldest tasks of a queue that a worker has not worked on."""
    worked_on = exists().where(
        assignments.c.task_id == human_tasks.c.id,
        assignments.c.worker_id == worker_id,
        assignments.c.state.in_(HOLDING),
    )
    return (
        select(human_tasks)
        .where(
            IN_QUEUE,
            human_tasks.c.test == test,
            human_tasks.c.for_worker == for_worker,
            human_tasks.c.queue == queue,
            or_(human_tasks.c.deadline_at.is_(None), human_tasks.c.deadline_at > at),
            ~worked_on,
        )
        .order_by(*ORDER)
        .limit(limit)
    )


def _open_queues() -> "Select[str]":
    """A walk from one queue of the index to the next, however many tasks there are in each."""
    least = func.min(human_tasks.c.queue)
    here = (
        IN_QUEUE,
        human_tasks.c.test == bindparam("test"),
        human_tasks.c.for_worker == bindparam("whose"),
    )
    walk = select(least.label("queue")).where(*here).cte("open_queues", recursive=True)
    after = select(least).where(*here, human_tasks.c.queue > walk.c.queue).scalar_subquery()
    walk = walk.union_all(select(after).where(walk.c.queue.is_not(None)))
    return select(walk.c.queue).where(walk.c.queue.is_not(None))


_OPEN_QUEUES = _open_queues()
