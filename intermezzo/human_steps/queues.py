"""The queue of open human tasks, as one worker may see it.

Tasks of one priority that ask the same of a worker are one queue with its own stretch of the index, the oldest first,
and whether somebody may work on them is decided once for all of them. Tasks for a single worker are found by that
worker.

A worker who has answered thousands of tasks that wait for others need not pass them again for every claim: everything
before their *place* in a queue is nothing for them, but for what came back since, which is marked as returned.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import Any
from zlib import crc32

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Row,
    Select,
    bindparam,
    delete,
    exists,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from intermezzo.human_steps.terms import EVERYBODY, terms_of
from intermezzo.human_steps.workers import Profile
from intermezzo.store import Prepared, insert_into, one_of
from intermezzo.store.tables import assignments, human_tasks, queue_places

HOLDING = ("claimed", "submitted", "disputed", "approved", "rejected", "declined")
"""States of an assignment whose worker may not claim the task again."""

IN_QUEUE = human_tasks.c.state == literal("open", literal_execute=True)
"""As a literal, for the planner to see that the index of the queue will do."""

HAS_ROOM = (
    human_tasks.c.closed_at.is_(None)
    & (human_tasks.c.open_slots > literal(0, literal_execute=True))
    & human_tasks.c.listed
)
"""The same in other words, which are those of the index of all that is open: if PostgreSQL could take that one for a
single queue, it would look for the queue's tasks among all others."""

ORDER = (human_tasks.c.priority.desc(), human_tasks.c.created_at, human_tasks.c.id)
"""The most urgent first, then the oldest."""

NOTED_EVERY = 32
"""Of so many tasks, one is where workers note their place: with every claim it would be one write more."""

PLACE_TRUSTED = timedelta(minutes=1)
"""After which a queue is looked through from its beginning once: a task may have been posted with an earlier time than
others that were seen before it, by a slow transaction or a clock that is behind."""

Head = Row[tuple[object, ...]]
"""A task at the head of a queue."""


def heads(
    connection: Connection, worker: Profile, *, test: bool, types: Sequence[str] = (), at: datetime
) -> Iterator[Head]:
    """The next task of each queue that this worker may claim from, the most urgent and oldest first.

    A queue is not looked into before the tasks of others could be younger than its first.
    Test tasks ask nothing of a worker: there is nobody but simulated ones.
    """
    waiting: list[tuple[tuple[int, datetime, str], Head | None, str, str]] = []
    for first in _OPEN_QUEUES.all(connection, {"test": test, "worker": worker.id}):
        terms = terms_of(connection, first.terms_id)
        if (not types or terms.type in types) and (test or worker.refusal(terms) is None):
            earliest = (-int(first.queue[0]), first.created_at, "")
            waiting.append((earliest, None, first.queue, first.for_worker))
    heapify(waiting)
    while waiting:
        _, head, queue, for_worker = heappop(waiting)
        if head is not None:
            yield head
        elif (head := next_of(connection, queue, for_worker, worker.id, test=test, at=at)) is not None:
            heappush(waiting, ((-head.priority, head.created_at, head.id), head, queue, for_worker))


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
    """The oldest task of a queue that a worker has not worked on.

    Args:
        for_worker: the only one for whom its tasks are, or `EVERYBODY`.
        lock: read it for a move; tasks that others are moving are passed over.
    """
    here = {"test": test, "for_worker": for_worker, "queue": queue, "worker": worker_id, "at": at, "limit": 1}
    place = _PLACE.first(connection, here)
    if place is not None:
        for query in (_RETURNED, _FROM_PLACE):
            row = query[lock].first(connection, {**here, "place": place[0]})
            if row is not None:
                return row
    return _FROM_BEGINNING[lock].first(connection, here)


def offers(connection: Connection, worker: Profile, *, test: bool, limit: int, at: datetime) -> list[Head]:
    """The first tasks that this worker may claim, the most urgent and oldest first."""
    here = {"test": test, "worker": worker.id, "at": at, "limit": limit}
    rows = [
        row
        for head in heads(connection, worker, test=test, at=at)
        if head.listed
        for row in _FROM_BEGINNING[False].all(connection, {**here, "for_worker": head.for_worker, "queue": head.queue})
    ]
    return sorted(rows, key=lambda row: (-row.priority, row.created_at, row.id))[:limit]


def note_place(connection: Connection, head: Head, worker_id: str, *, at: datetime) -> None:
    """Remember that a worker found nothing in a queue before its head, if that will spare them much.

    Args:
        head: as `heads` returned it: what is locked for a move would not do, for others are passed over then.
    """
    if crc32(head.id.encode()) % NOTED_EVERY:
        return
    here = {
        "test": head.test,
        "for_worker": head.for_worker,
        "queue": head.queue,
        "worker": worker_id,
        "at": at,
        "limit": 1,
    }
    if not connection.scalar(_WADED, {**here, "place": head.id}):
        return
    mine = (
        queue_places.c.worker_id == worker_id,
        queue_places.c.test == head.test,
        queue_places.c.queue == head.queue,
    )
    seen_at = connection.scalar(select(queue_places.c.seen_at).where(*mine))
    if seen_at is not None and seen_at <= at - PLACE_TRUSTED:
        first = _FROM_BEGINNING[False].first(connection, here)
        if first is None:
            connection.execute(delete(queue_places).where(*mine))
            return
        head, seen_at = first, None
    new = insert_into(connection, queue_places).values(
        worker_id=worker_id, test=head.test, queue=head.queue, task_id=head.id, seen_at=seen_at or at
    )
    kept = {"task_id": new.excluded.task_id, "seen_at": new.excluded.seen_at}
    connection.execute(new.on_conflict_do_update(index_elements=list(queue_places.primary_key), set_=kept))


_IN_THIS_QUEUE = (
    IN_QUEUE,
    human_tasks.c.test == bindparam("test"),
    human_tasks.c.for_worker == bindparam("for_worker"),
    human_tasks.c.queue == bindparam("queue"),
)

_IN_TIME = or_(human_tasks.c.deadline_at.is_(None), human_tasks.c.deadline_at > bindparam("at"))
"""What is too late is nobody's, even before somebody closes it."""

_POSITION = tuple_(human_tasks.c.created_at, human_tasks.c.id)
_passed = human_tasks.alias("passed")
_PLACE_POSITION = tuple_(
    select(_passed.c.created_at).where(_passed.c.id == bindparam("place")).scalar_subquery(), bindparam("place")
)


def _next(*where: ColumnElement[bool]) -> dict[bool, Prepared]:
    """The oldest tasks of a queue that a worker has not worked on, by whether they are to be locked."""
    # As a value, not as a join: planned while there were few assignments, PostgreSQL would keep to reading all of the
    # worker's for each task. The states are literals, so that a plan for all workers can take the index of them.
    worked_on = (
        select(assignments.c.id)
        .where(
            assignments.c.task_id == human_tasks.c.id,
            assignments.c.worker_id == bindparam("worker"),
            one_of(assignments.c.state, HOLDING),
        )
        .limit(literal(1, literal_execute=True))
        .scalar_subquery()
    )
    query = (
        select(human_tasks)
        .where(*_IN_THIS_QUEUE, *where, _IN_TIME, worked_on.is_(None))
        .order_by(human_tasks.c.created_at, human_tasks.c.id)
        .limit(bindparam("limit", type_=Integer))
    )
    return {False: Prepared(query), True: Prepared(query.with_for_update(skip_locked=True))}


_FROM_BEGINNING = _next()
_FROM_PLACE = _next(_POSITION >= _PLACE_POSITION)
_RETURNED = _next(human_tasks.c.returned, _POSITION < _PLACE_POSITION)
_WADED = select(exists().where(*_IN_THIS_QUEUE, _POSITION < _PLACE_POSITION))

_PLACE = Prepared(
    select(queue_places.c.task_id).where(
        queue_places.c.worker_id == bindparam("worker"),
        queue_places.c.test == bindparam("test"),
        queue_places.c.queue == bindparam("queue"),
    )
)


def _open_queues() -> "Select[Any]":
    """The queues of everybody and of one worker, and the first task of each."""
    found = union_all(_walk("of_everybody", literal(EVERYBODY)), _walk("of_worker", bindparam("worker"))).subquery()
    first = (
        select(human_tasks)
        .where(
            IN_QUEUE,
            human_tasks.c.test == bindparam("test"),
            human_tasks.c.for_worker == found.c.for_worker,
            human_tasks.c.queue == found.c.queue,
        )
        .order_by(human_tasks.c.created_at, human_tasks.c.id)
        .limit(literal(1, literal_execute=True))
    )
    # As values, not as a join, for which PostgreSQL might read all tasks.
    shown = [
        first.with_only_columns(column).scalar_subquery().label(column.name)
        for column in (human_tasks.c.created_at, human_tasks.c.terms_id)
    ]
    return select(found.c.for_worker, found.c.queue, *shown)


def _walk(name: str, whose: ColumnElement[str]) -> "Select[str, Any]":
    """From one queue of the index to the next, however many tasks there are in each."""
    least = (
        select(human_tasks.c.queue)
        .where(IN_QUEUE, human_tasks.c.test == bindparam("test"), human_tasks.c.for_worker == whose)
        .order_by(human_tasks.c.queue)
        .limit(literal(1, literal_execute=True))
    )
    walk = select(least.scalar_subquery().label("queue")).cte(name, recursive=True)
    after = least.where(human_tasks.c.queue > walk.c.queue).scalar_subquery()
    walk = walk.union_all(select(after).where(walk.c.queue.is_not(None)))
    return select(whose.label("for_worker"), walk.c.queue).where(walk.c.queue.is_not(None))


_OPEN_QUEUES = Prepared(_open_queues())
