"""Reputation: what a worker's history says of them, added up when somebody asks; no counters are kept (spec: SA-63).

It is over all organisations, and shows neither which they were nor which tasks. Live and test work never mix.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Row, Select, case, func, select

from intermezzo.human_steps.scores import ACCEPTED, points
from intermezzo.store.tables import assignments, disputes, guild_members, responses


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What became of answers, how good they were found, and how they agree with what others said."""

    tasks: int = 0
    """Answers that were approved without a dispute."""
    score_average: float | None = None
    """Of those that have a score, given or defaulted, 0 to 10; None: none has."""
    scores_given: int = 0
    """How many the requesters have scored themselves."""
    answers: int = 0
    """All that were given, whatever became of them."""
    rejected: int = 0
    """Of these, those that were rejected, also after a dispute."""
    disputes: int = 0
    """Disputed answers; they are not among `tasks` and have no score, whoever was right."""
    disputes_upheld: int = 0
    """The requester was right and got a refund."""
    disputes_dismissed: int = 0
    """The worker was right and was paid."""
    agreement: float | None = None
    """Mean over answers of how far each agrees with the outcome of its task, 0 to 1."""
    gold_accuracy: float | None = None
    """Share of right answers to tasks whose answer was known, 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reputation:
    """What the history of a worker, or of a guild's members, says of them."""

    overall: Standing = Standing()
    by_domain: Mapping[str, Standing] = field(default_factory=dict[str, Standing])
    """Of tasks that have a domain, by its code."""
    by_type: Mapping[str, Standing] = field(default_factory=dict[str, Standing])
    first_active_on: date | None = None
    """Day of the first answer, in UTC."""
    last_active_on: date | None = None


def of_workers(
    connection: Connection, worker_ids: Sequence[str], *, test: bool, at: datetime
) -> Mapping[str, Reputation]:
    """Reputations of workers; of those without a history, an empty one."""
    return _read(connection, assignments, assignments.c.worker_id, worker_ids, test=test, at=at)


def of_guilds(
    connection: Connection, guild_ids: Sequence[str], *, test: bool, at: datetime
) -> Mapping[str, Reputation]:
    """Reputations of guilds: what those who are members now have done, wherever and whenever."""
    of_members = guild_members.join(assignments, assignments.c.worker_id == guild_members.c.worker_id)
    return _read(connection, of_members, guild_members.c.guild_id, guild_ids, test=test, at=at)


def _read(
    connection: Connection,
    history: FromClause,
    key: ColumnElement[str],
    ids: Sequence[str],
    *,
    test: bool,
    at: datetime,
) -> Mapping[str, Reputation]:
    history_of: dict[str, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in connection.execute(
        _sums(history, at)
        .add_columns(key.label("who"))
        .where(key.in_(ids), assignments.c.test == test)
        .group_by(key, assignments.c.domain, assignments.c.type)
    ):
        history_of[row.who].append(row)
    return {id: _made_of(history_of[id]) for id in ids}


def _sums(history: FromClause, at: datetime) -> "Select[*tuple[Any, ...]]":
    score = case((ACCEPTED, points(at)))
    gold = assignments.c.gold_correct
    return select(
        assignments.c.domain,
        assignments.c.type,
        func.count(case((ACCEPTED, 1))).label("tasks"),
        func.sum(score).label("points"),
        func.count(score).label("scored"),
        func.count(case((ACCEPTED, assignments.c.score))).label("given"),
        func.count().label("answers"),
        func.count(case((assignments.c.state == "rejected", 1))).label("rejected"),
        func.count(disputes.c.id).label("disputes"),
        func.count(case((disputes.c.upheld.is_(True), 1))).label("upheld"),
        func.count(case((disputes.c.upheld.is_(False), 1))).label("dismissed"),
        func.sum(assignments.c.agreement).label("agreement"),
        func.count(assignments.c.agreement).label("agreements"),
        func.count(case((gold.is_(True), 1))).label("gold_right"),
        func.count(gold).label("gold"),
        func.min(responses.c.submitted_at).label("first_at"),
        func.max(responses.c.submitted_at).label("last_at"),
    ).select_from(
        history.join(responses, responses.c.assignment_id == assignments.c.id).outerjoin(
            disputes, disputes.c.assignment_id == assignments.c.id
        )
    )


def _made_of(rows: "Sequence[Row[*tuple[Any, ...]]]") -> Reputation:
    if not rows:
        return Reputation()
    return Reputation(
        overall=_standing(rows),
        by_domain=_standings(rows, lambda row: row.domain),
        by_type=_standings(rows, lambda row: row.type),
        first_active_on=min(row.first_at for row in rows).date(),
        last_active_on=max(row.last_at for row in rows).date(),
    )


def _standings(
    rows: "Sequence[Row[*tuple[Any, ...]]]", name_of: "Callable[[Row[*tuple[Any, ...]]], str]"
) -> dict[str, Standing]:
    grouped: dict[str, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in rows:
        if name := name_of(row):
            grouped[name].append(row)
    return {name: _standing(grouped[name]) for name in sorted(grouped)}


def _standing(rows: "Sequence[Row[*tuple[Any, ...]]]") -> Standing:
    def total(name: str) -> int:
        return int(sum(getattr(row, name) or 0 for row in rows))

    def mean(sums: str, counts: str) -> float | None:
        count = total(counts)
        return sum(float(getattr(row, sums) or 0) for row in rows) / count if count else None

    return Standing(
        tasks=total("tasks"),
        score_average=mean("points", "scored"),
        scores_given=total("given"),
        answers=total("answers"),
        rejected=total("rejected"),
        disputes=total("disputes"),
        disputes_upheld=total("upheld"),
        disputes_dismissed=total("dismissed"),
        agreement=mean("agreement", "agreements"),
        gold_accuracy=mean("gold_right", "gold"),
    )
