"""The queue of open human tasks, as one worker may see it.

Tasks under the same terms ask the same of a worker, so whether somebody may work on them is decided once per terms,
and each has its own stretch of the index, most urgent and oldest first.
"""

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Row, Select, bindparam, exists, func, literal, select

from intermezzo.human_steps.terms import Terms, terms_of
from intermezzo.human_steps.workers import Profile
from intermezzo.store.tables import assignments, human_tasks

HOLDING = ("claimed", "submitted", "disputed", "approved", "rejected", "declined")
"""States of an assignment whose worker may not claim the task again."""

IN_QUEUE = human_tasks.c.state == literal("open", literal_execute=True)
"""As a literal, for the planner to see that the index of the queue will do."""

_ORDER = (human_tasks.c.priority.desc(), human_tasks.c.created_at, human_tasks.c.id)


def best_first(connection: Connection, worker: Profile, *, test: bool, types: Sequence[str] = ()) -> list[Terms]:
    """The terms of the tasks that this worker may claim, those with the most urgent and oldest task first.

    Test tasks ask nothing of a worker: there is nobody but simulated ones.
    """
    allowed = [
        terms
        for terms in open_terms(connection, test=test)
        if (not types or terms.type in types) and (test or worker.refusal(terms) is None)
    ]
    if len(allowed) < 2:  # noqa: PLR2004 (nothing to sort)
        return allowed
    heads = [(head(connection, terms.id, worker.id, test=test), terms) for terms in allowed]
    found = [(row, terms) for row, terms in heads if row is not None]
    return [terms for _, terms in sorted(found, key=lambda pair: (-pair[0].priority, pair[0].created_at, pair[0].id))]


def open_terms(connection: Connection, *, test: bool) -> Iterator[Terms]:
    """All terms under which a task is open."""
    for id in connection.scalars(_OPEN_TERMS, {"test": test}):
        yield terms_of(connection, id)


def head(
    connection: Connection, terms_id: str, worker_id: str, *, test: bool, lock: bool = False
) -> "Row[tuple[object, ...]] | None":
    """The most urgent, oldest open task under these terms that a worker has not worked on.

    Args:
        lock: read it for a move; tasks that others are moving are passed over.
    """
    worked_on = exists().where(
        assignments.c.task_id == human_tasks.c.id,
        assignments.c.worker_id == worker_id,
        assignments.c.state.in_(HOLDING),
    )
    query = (
        select(human_tasks)
        .where(IN_QUEUE, human_tasks.c.test == test, human_tasks.c.terms_id == terms_id, ~worked_on)
        .order_by(*_ORDER)
        .limit(1)
    )
    return connection.execute(query.with_for_update(skip_locked=True) if lock else query).one_or_none()


def _distinct_open_terms() -> "Select[str]":
    """A walk from one value of the index to the next, however many tasks there are of each."""
    least = func.min(human_tasks.c.terms_id)
    in_queue = (IN_QUEUE, human_tasks.c.test == bindparam("test"))
    here = select(least.label("id")).where(*in_queue).cte("open_terms", recursive=True)
    after = select(least).where(*in_queue, human_tasks.c.terms_id > here.c.id).scalar_subquery()
    walk = here.union_all(select(after).where(here.c.id.is_not(None)))
    return select(walk.c.id).where(walk.c.id.is_not(None))


_OPEN_TERMS = _distinct_open_terms()
