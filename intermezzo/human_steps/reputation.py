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
    """Accepted answers and their scores."""

    tasks: int = 0
    """Answers that were approved without a dispute."""
    score_average: float | None = None
    """Of those that have a score, given or defaulted, 0 to 10; None: none has."""
    scores_given: int = 0
    """How many the requesters have scored themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reputation:
    """What the history of a worker, or of a guild's members, says of them."""

    overall: Standing = Standing()
    by_domain: Mapping[str, Standing] = field(default_factory=dict[str, Standing])
    """Of tasks that have a domain, by its code."""
    by_type: Mapping[str, Standing] = field(default_factory=dict[str, Standing])
    answers: int = 0
    """All that were given, whatever became of them."""
    rejected: int = 0
    """Of these, those that were rejected, also after a dispute."""
    disputes: int = 0
    """Disputed answers; they are in no standing, whoever was right."""
    disputes_upheld: int = 0
    """The requester was right and got a refund."""
    disputes_dismissed: int = 0
    """The worker was right and was paid."""
    agreement: float | None = None
    """Mean over answers of how far each agrees with the outcome of its task, 0 to 1."""
    gold_accuracy: float | None = None
    """Share of right answers to tasks whose answer was known, 0 to 1."""
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
    def of_these(query: "Select[*tuple[Any, ...]]") -> "Select[*tuple[Any, ...]]":
        return query.add_columns(key.label("who")).where(key.in_(ids), assignments.c.test == test).group_by(key)

    accepted: dict[str, list[Row[*tuple[Any, ...]]]] = defaultdict(list)
    for row in connection.execute(of_these(_accepted(history, at))):
        accepted[row.who].append(row)
    answered = {row.who: row for row in connection.execute(of_these(_answered(history)))}
    disputed = {row.who: row for row in connection.execute(of_these(_disputed(history)))}
    return {id: _made_of(accepted[id], answered.get(id), disputed.get(id)) for id in ids}


def _accepted(history: FromClause, at: datetime) -> "Select[*tuple[Any, ...]]":
    counts = points(at)
    return (
        select(
            assignments.c.domain,
            assignments.c.type,
            func.count().label("tasks"),
            func.coalesce(func.sum(counts), 0).label("points"),
            func.count(counts).label("scored"),
            func.count(assignments.c.score).label("given"),
        )
        .select_from(history)
        .where(ACCEPTED)
        .group_by(assignments.c.domain, assignments.c.type)
    )


def _answered(history: FromClause) -> "Select[*tuple[Any, ...]]":
    gold = case((assignments.c.gold_correct.is_(True), 1.0), (assignments.c.gold_correct.is_(False), 0.0))
    return select(
        func.count().label("answers"),
        func.count(case((assignments.c.state == "rejected", 1))).label("rejected"),
        func.avg(assignments.c.agreement).label("agreement"),
        func.avg(gold).label("gold_accuracy"),
        func.min(responses.c.submitted_at).label("first_at"),
        func.max(responses.c.submitted_at).label("last_at"),
    ).select_from(history.join(responses, responses.c.assignment_id == assignments.c.id))


def _disputed(history: FromClause) -> "Select[*tuple[Any, ...]]":
    return select(
        func.count().label("disputes"),
        func.count(case((disputes.c.upheld.is_(True), 1))).label("upheld"),
        func.count(case((disputes.c.upheld.is_(False), 1))).label("dismissed"),
    ).select_from(history.join(disputes, disputes.c.assignment_id == assignments.c.id))


def _made_of(
    accepted: "Sequence[Row[*tuple[Any, ...]]]",
    answered: "Row[*tuple[Any, ...]] | None",
    disputed: "Row[*tuple[Any, ...]] | None",
) -> Reputation:
    if answered is None:
        return Reputation()
    agreement, gold = answered.agreement, answered.gold_accuracy
    return Reputation(
        overall=_standing(accepted),
        by_domain=_standings(accepted, lambda row: row.domain),
        by_type=_standings(accepted, lambda row: row.type),
        answers=answered.answers,
        rejected=answered.rejected,
        disputes=disputed.disputes if disputed else 0,
        disputes_upheld=disputed.upheld if disputed else 0,
        disputes_dismissed=disputed.dismissed if disputed else 0,
        agreement=None if agreement is None else float(agreement),
        gold_accuracy=None if gold is None else float(gold),
        first_active_on=answered.first_at.date(),
        last_active_on=answered.last_at.date(),
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
    scored = sum(row.scored for row in rows)
    return Standing(
        tasks=sum(row.tasks for row in rows),
        score_average=int(sum(row.points for row in rows)) / scored if scored else None,
        scores_given=sum(row.given for row in rows),
    )
