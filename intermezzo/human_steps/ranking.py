"""The order in which workers and guilds are found: the best score first, then the most tasks; a page at a time.

A page begins where the one before ended, not at a number, so that nobody is shown twice or left out because of others
who come, go or change their places between two pages.
"""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, TypeAdapter, ValidationError
from pydantic_core import to_json
from sqlalchemy import BigInteger, ColumnElement, Connection, Select, func, tuple_

from intermezzo.errors import InvalidInput
from intermezzo.human_steps.scores import ACCEPTED, MAX_SCORE, points
from intermezzo.store.tables import assignments

_UNIT = 1_000_000
"""Averages are compared in millionths, as whole numbers: both databases agree on those."""
_UNSCORED = -1
"""Below every average."""

_Cursor = TypeAdapter(
    tuple[
        AwareDatetime,
        Annotated[int, Field(ge=_UNSCORED, le=MAX_SCORE * _UNIT)],
        Annotated[int, Field(ge=0, le=2**53)],
        Annotated[str, Field(max_length=200, pattern=r"^[^\x00]+$")],
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ended."""

    at: datetime
    """When the first page was read: missing scores count as they did then."""
    score: int
    tasks: int
    id: str

    def encode(self) -> str:
        """As an opaque text."""
        return base64.urlsafe_b64encode(to_json([self.at, self.score, self.tasks, self.id])).decode()

    @classmethod
    def decode(cls, cursor: str) -> Self:
        """From the text.

        Raises:
            InvalidInput: it is none of ours.
        """
        try:
            at, score, tasks, id = _Cursor.validate_json(base64.urlsafe_b64decode(cursor.encode()), strict=True)
        except (ValidationError, binascii.Error, UnicodeError, ValueError):
            raise InvalidInput(
                f"cursor: expected the next_cursor of the page before, or none for the first, got {cursor[:200]!r}"
            ) from None
        return cls(at=at, score=score, tasks=tasks, id=id)


def worked(worker_id: ColumnElement[str], *, test: bool) -> ColumnElement[bool]:
    """How accepted answers are joined to whoever is ranked."""
    return (assignments.c.worker_id == worker_id) & (assignments.c.test == test) & ACCEPTED


def page(
    connection: Connection,
    query: "Select[*tuple[Any, ...]]",
    id: ColumnElement[str],
    *,
    after: Place | None,
    at: datetime,
    limit: int,
    min_score: float | None,
    min_tasks: int,
) -> tuple[list[str], Place | None]:
    """Ids of the best, and where their page ends if there are more.

    Args:
        query: from those to rank, with what is `worked` by them joined to it.
        id: of whoever is ranked.
        after: where the page before ended.
        at: when the first page was read.
        min_score: the least average.
        min_tasks: the least number of accepted answers.
    """
    counts = points(at)
    scored, total = func.count(counts), func.sum(counts)
    tasks = func.count(assignments.c.worker_id).label("tasks")
    average = total * _UNIT // func.nullif(scored, 0, type_=BigInteger)
    score = func.coalesce(average, _UNSCORED, type_=BigInteger).label("score")
    query = query.with_only_columns(id.label("id"), score, tasks).group_by(id)
    if min_score is not None:
        query = query.having(total * _UNIT >= round(min_score * _UNIT) * scored)
    if min_tasks:
        query = query.having(tasks >= min_tasks)
    if after is not None:
        query = query.having(
            (tuple_(score, tasks) < (after.score, after.tasks))
            | ((score == after.score) & (tasks == after.tasks) & (id > after.id))
        )
    found = connection.execute(query.order_by(score.desc(), tasks.desc(), id).limit(limit + 1)).all()
    last = found[limit - 1] if len(found) > limit else None
    end = None if last is None else Place(at=at, score=int(last.score), tasks=last.tasks, id=last.id)
    return [row.id for row in found[:limit]], end
