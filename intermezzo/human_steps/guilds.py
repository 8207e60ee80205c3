"""Guilds as others see them, and finding them: aggregates over their members only (spec: SA-59, SA-60, SA-64)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Connection, func, select, update

from intermezzo.errors import WorkerError
from intermezzo.human_steps import ranking, reputation
from intermezzo.human_steps.background import GuildProfile
from intermezzo.human_steps.ranking import Place
from intermezzo.human_steps.reputation import Reputation
from intermezzo.human_steps.workers import GuildKind
from intermezzo.store.tables import assignments, guild_members, guilds, workers

MOST_FOUND = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicGuild:
    """A guild as others see it."""

    id: str
    name: str
    kind: GuildKind
    members: int
    """Those who may work."""
    profile: GuildProfile
    reputation: Reputation


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildFilter:
    """Which guilds to find; what is empty, None or 0 does not matter. Words match in whatever case."""

    text: str | None = None
    """Somewhere in name, summary or description."""
    kind: GuildKind | None = None
    domain: str | None = None
    """It serves."""
    languages: Sequence[str] = ()
    """All of these are its."""
    country: str | None = None
    """It works in."""
    certifications: Sequence[str] = ()
    """It has all of these."""
    min_score: float | None = None
    """The least average, 0 to 10."""
    min_members: int = 0

    def admits(self, name: str, kind: str, members: int, profile: GuildProfile) -> bool:
        """Whether a guild is wanted, whatever its reputation."""
        texts = (name, profile.summary, profile.description)
        return (
            (self.text is None or any(self.text.casefold() in text.casefold() for text in texts))
            and self.kind in (None, kind)
            and members >= self.min_members
            and _has(profile.domains, () if self.domain is None else (self.domain,))
            and _has(profile.location, () if self.country is None else (self.country,))
            and _has(profile.languages, self.languages)
            and _has(profile.certifications, self.certifications)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildPage:
    """Some of the guilds that were found, the best first."""

    guilds: Sequence[PublicGuild]
    next_cursor: str | None
    """For the next page; None: there is none."""


def _has(there: Sequence[str], wanted: Sequence[str]) -> bool:
    return {word.casefold() for word in wanted} <= {word.casefold() for word in there}


def describe_guild(connection: Connection, guild_id: str, profile: GuildProfile) -> None:
    """Set what a guild tells of itself.

    Raises:
        WorkerError: there is no such guild.
    """
    told = profile.model_dump(mode="json", exclude_defaults=True)
    if not connection.execute(update(guilds).where(guilds.c.id == guild_id).values(profile=told)).rowcount:
        raise WorkerError(f"there is no guild {guild_id!r}")


def public_guild(connection: Connection, guild_id: str, *, test: bool, at: datetime) -> PublicGuild:
    """One guild.

    Raises:
        WorkerError: there is none of that id.
    """
    found = _known(connection, guilds.c.id == guild_id)
    if not found:
        raise WorkerError(f"there is no guild {guild_id!r}")
    [guild] = _shown(connection, [guild_id], found, test=test, at=at)
    return guild


def directory(
    connection: Connection, wanted: GuildFilter, *, test: bool, cursor: str | None, limit: int, at: datetime
) -> GuildPage:
    """Guilds by the average score of their members, then by tasks, the most first.

    Raises:
        InvalidInput: the cursor is none of ours.
    """
    after = None if cursor is None else Place.decode(cursor)
    at = min(after.at, at) if after else at
    known = _known(connection)  # guilds are few, and their lists are not worth an index
    admitted = [id for id, known_as in known.items() if wanted.admits(*known_as)]
    query = (
        select(guilds.c.id)
        .outerjoin(guild_members, guild_members.c.guild_id == guilds.c.id)
        .outerjoin(assignments, ranking.worked(guild_members.c.worker_id, test=test))
        .where(guilds.c.id.in_(admitted))
    )
    ids, end = ranking.page(
        connection,
        query,
        guilds.c.id,
        after=after,
        at=at,
        limit=min(max(limit, 1), MOST_FOUND),
        min_score=wanted.min_score,
        min_tasks=0,
    )
    found = _shown(connection, ids, known, test=test, at=at)
    return GuildPage(guilds=found, next_cursor=end.encode() if end else None)


_Known = dict[str, tuple[str, GuildKind, int, GuildProfile]]
"""Id → name, kind, members, profile."""


def _known(connection: Connection, *which: ColumnElement[bool]) -> _Known:
    active = func.count(workers.c.id)
    query = (
        select(guilds.c.id, guilds.c.name, guilds.c.kind, guilds.c.profile, active.label("members"))
        .outerjoin(guild_members, guild_members.c.guild_id == guilds.c.id)
        .outerjoin(workers, (workers.c.id == guild_members.c.worker_id) & workers.c.suspended.is_(None))
        .where(*which)
        .group_by(guilds.c.id)
    )
    return {
        row.id: (
            row.name,
            cast("GuildKind", row.kind),
            row.members,
            GuildProfile.model_validate(row.profile),
        )
        for row in connection.execute(query)
    }


def _shown(connection: Connection, ids: Sequence[str], known: _Known, *, test: bool, at: datetime) -> list[PublicGuild]:
    reputations = reputation.of_guilds(connection, ids, test=test, at=at)
    shown: list[PublicGuild] = []
    for id in ids:
        name, kind, members, profile = known[id]
        shown.append(
            PublicGuild(id=id, name=name, kind=kind, members=members, profile=profile, reputation=reputations[id])
        )
    return shown
