"""How many tasks are open, without counting them: `tasks` keeps the number, the inbox shows it.

The number of a type is the sum of a few rows. Whoever moves a task changes one that nobody else is changing, and adds
one if there is none, so that nobody waits and there are as many rows as there were ever transactions at once.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, select, update

from intermezzo.store import Prepared, new_id
from intermezzo.store.tables import open_counts

_free = (
    select(open_counts.c.id)
    .where(open_counts.c.test == bindparam("of_test"), open_counts.c.type == bindparam("of_type"))
    .limit(1)
    .with_for_update(skip_locked=True)
    .scalar_subquery()
)
_CHANGE = Prepared(
    update(open_counts).where(open_counts.c.id == _free).values(tasks=open_counts.c.tasks + bindparam("by"))
)
_INSERT = Prepared.insert(open_counts)


def change(connection: Connection, by: Mapping[str, int], *, test: bool) -> None:
    """Remember that so many more tasks of each type are open."""
    for type, tasks in by.items():
        if not _CHANGE.run(connection, [{"of_test": test, "of_type": type, "by": tasks}]):
            _INSERT.run(connection, [{"id": new_id(), "test": test, "type": type, "tasks": tasks}])


def open_count(connection: Connection, *, test: bool, types: Sequence[str] = ()) -> int:
    """How many tasks have a free slot.

    Args:
        types: only of these.
    """
    query = select(func.coalesce(func.sum(open_counts.c.tasks), 0)).where(open_counts.c.test == test)
    if types:
        query = query.where(open_counts.c.type.in_(types))
    return int(connection.scalar(query) or 0)
