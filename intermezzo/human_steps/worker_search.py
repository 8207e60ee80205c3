"""Finding workers by what they can do, what they tell of themselves and how they did (spec: SA-61)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, case, exists, func, select

from intermezzo.human_steps import ranking
from intermezzo.human_steps.public_profiles import PublicProfile, WorkerType, profiles
from intermezzo.human_steps.ranking import Place
from intermezzo.store.tables import assignments, guild_members, guilds, worker_tags, workers

MOST_FOUND = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFilter:
    """Which workers to find; what is empty, None or 0 does not matter."""

    skills: Sequence[str] = ()
    """One of these at least, in whatever case."""
    languages: Sequence[str] = ()
    """One of these at least."""
    country: str | None = None
    """Exactly as they say it."""
    min_availability_hours: int = 0
    """A week."""
    max_rate_cents: int | None = None
    """The most that their hourly rate may begin at."""
    min_years_experience: int = 0
    worker_type: WorkerType | None = None
    min_score: float | None = None
    """The least average, 0 to 10."""
    domain: str | None = None
    """They have had a task of it accepted."""
    type: str | None = None
    """They have had a task of it accepted."""
    min_tasks: int = 0
    guild: str | None = None
    """Id of a guild they are a member of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPage:
    """Some of the workers that were found, the best first."""

    workers: Sequence[PublicProfile]
    next_cursor: str | None
    """For the next page; None: there is none."""


def search(
    connection: Connection, wanted: WorkerFilter, *, test: bool, cursor: str | None, limit: int, at: datetime
) -> WorkerPage:
    """Workers of whom something is known and who may work: by average score, then tasks, the most first.

    Raises:
        InvalidInput: the cursor is none of ours.
    """
    after = None if cursor is None else Place.decode(cursor)
    at = min(after.at, at) if after else at
    ids, end = ranking.page(
        connection,
        _chosen(wanted, test=test),
        workers.c.id,
        after=after,
        at=at,
        limit=min(max(limit, 1), MOST_FOUND),
        min_score=wanted.min_score,
        min_tasks=wanted.min_tasks,
    )
    found = profiles(connection, ids, test=test, at=at)
    return WorkerPage(workers=found, next_cursor=end.encode() if end else None)


def _chosen(wanted: WorkerFilter, *, test: bool) -> "Select[*tuple[Any, ...]]":
    query = (
        select(workers.c.id)
        .outerjoin(assignments, ranking.worked(workers.c.id, test=test))
        .where(workers.c.suspended.is_(None), *_told(wanted), *_tagged(wanted), *_belonging(wanted))
    )
    for column, value in ((assignments.c.domain, wanted.domain), (assignments.c.type, wanted.type)):
        if value is not None:
            query = query.having(func.count(case((column == value, 1))) > 0)
    return query


def _told(wanted: WorkerFilter) -> "list[ColumnElement[bool]]":
    """Of what they tell of themselves; who does not say is not found."""
    told = workers.c.background
    conditions: list[ColumnElement[bool]] = []
    if wanted.country is not None:
        conditions.append(told["country"].as_string() == wanted.country)
    if wanted.min_availability_hours:
        conditions.append(told["availability_hours_per_week"].as_integer() >= wanted.min_availability_hours)
    if wanted.max_rate_cents is not None:
        conditions.append(told["hourly_rate_min_cents"].as_integer() <= wanted.max_rate_cents)
    if wanted.min_years_experience:
        conditions.append(told["years_experience"].as_integer() >= wanted.min_years_experience)
    return conditions


def _tagged(wanted: WorkerFilter) -> "list[ColumnElement[bool]]":
    return [
        workers.c.id.in_(
            select(worker_tags.c.worker_id).where(
                worker_tags.c.kind == kind, worker_tags.c.tag.in_([tag.casefold() for tag in tags])
            )
        )
        for kind, tags in (("skill", wanted.skills), ("language", wanted.languages))
        if tags
    ]


def _belonging(wanted: WorkerFilter) -> "list[ColumnElement[bool]]":
    conditions: list[ColumnElement[bool]] = []
    member = guild_members.c.worker_id == workers.c.id
    if wanted.guild is not None:
        conditions.append(exists().where(member, guild_members.c.guild_id == wanted.guild))
    if wanted.worker_type is not None:
        chartered = exists().where(member, guilds.c.id == guild_members.c.guild_id, guilds.c.kind == "chartered")
        conditions.append(chartered if wanted.worker_type == "chartered" else ~chartered)
    return conditions
