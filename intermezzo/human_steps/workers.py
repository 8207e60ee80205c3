"""Who works: profiles with skills and languages, guilds, and what a task asks of whoever claims it."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from intermezzo.errors import InvalidInput, WorkerError
from intermezzo.human_steps.terms import GUILD, PUBLIC, Terms
from intermezzo.store.tables import assignments, guild_members, guilds, workers

MAX_WORKER_ID_CHARACTERS = 100
"""So that a worker's account in the ledger, which is named after them, has room for the name."""

LEVELS = range(1, 6)
"""Of a skill: 1 has it, 5 is an expert (spec: CS-14)."""

GuildKind = Literal["community", "chartered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What is known of a worker."""

    id: str
    skills: Mapping[str, int] = field(default_factory=dict[str, int])
    """Level of each, 1 to 5. A skill named like a type of task counts for tasks of that type."""
    languages: frozenset[str] = frozenset()
    """Language tags in lower case, such as `en` or `pt-br`."""
    guilds: frozenset[str] = frozenset()
    """Ids of the guilds they are a member of."""
    suspended: str | None = None
    """Why they may not work; None: they may."""
    daily_limit: int | None = None
    """Answers in any 24 hours, whatever the type; None: as many as they like."""

    def refusal(self, terms: Terms) -> str | None:
        """Why they may not claim a task under these terms; None: they may."""
        if self.suspended is not None:
            return f"worker {self.id!r} is suspended: {self.suspended}"
        if isinstance(terms.audience, tuple):
            if self.id not in terms.audience:
                return "it is for other workers"
        elif terms.audience != PUBLIC and terms.audience.removeprefix(GUILD) not in self.guilds:
            return f"it is for members of the guild {terms.audience.removeprefix(GUILD)!r}"
        if lacking := [tag for tag in terms.languages if tag not in self.languages]:
            return f"it asks for the language {', '.join(lacking)}"
        least = terms.min_skill_level
        asked = terms.skills or ((terms.type,) if least > 1 else ())
        if weak := [skill for skill in asked if self.skills.get(skill, 0) < least]:
            return f"it asks for skill level {least} in {', '.join(weak)}"
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guild:
    """A named set of workers to whom tasks can be given."""

    id: str
    name: str
    kind: GuildKind
    members: int
    """How many they are."""


def check_worker_id(worker_id: str) -> None:
    """Refuse what cannot be a worker's id.

    Raises:
        WorkerError: it is empty, too long, or holds what cannot be printed.
    """
    if not 0 < len(worker_id) <= MAX_WORKER_ID_CHARACTERS or not worker_id.isprintable():
        raise WorkerError(
            f"a worker's id has 1 to {MAX_WORKER_ID_CHARACTERS} printable characters, got {worker_id[:200]!r}"
        )


def profile_of(connection: Connection, worker_id: str) -> Profile:
    """A worker's profile; of somebody nobody has described, one without skills."""
    row = connection.execute(select(workers).where(workers.c.id == worker_id)).one_or_none()
    if row is None:
        return Profile(id=worker_id)
    member_of = select(guild_members.c.guild_id).where(guild_members.c.worker_id == worker_id)
    return Profile(
        id=worker_id,
        skills=json.loads(row.skills),
        languages=frozenset(json.loads(row.languages)),
        guilds=frozenset(connection.scalars(member_of)),
        suspended=row.suspended,
        daily_limit=row.daily_limit,
    )


def one_claim_at_a_time(connection: Connection, worker_id: str) -> None:
    """Let nobody else claim for this worker until the transaction ends: what they may do depends on what they hold."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        lock = int.from_bytes(hashlib.blake2b(worker_id.encode(), digest_size=8).digest(), signed=True)
        connection.execute(select(func.pg_advisory_xact_lock(lock)))


def describe(
    connection: Connection,
    worker_id: str,
    *,
    skills: Mapping[str, int] | None = None,
    languages: Iterable[str] | None = None,
    daily_limit: int | None = None,
    at: datetime,
) -> Profile:
    """Set what is known of a worker; what is None stays as it is.

    Args:
        daily_limit: answers in any 24 hours; 0: as many as they like.

    Raises:
        WorkerError: that cannot be a worker's id, a level is not 1 to 5, or the limit is negative.
    """
    check_worker_id(worker_id)
    for skill, level in (skills or {}).items():
        if level not in LEVELS:
            raise WorkerError(f"{skill}: a skill level is 1 to 5, got {level!r}")
    if daily_limit is not None and daily_limit < 0:
        raise WorkerError(f"a daily limit is a number of answers, or 0 for none, got {daily_limit!r}")
    before = profile_of(connection, worker_id)
    values: dict[str, object] = {
        "daily_limit": before.daily_limit if daily_limit is None else daily_limit or None,
        "skills": json.dumps(dict(sorted((before.skills if skills is None else skills).items()))),
        "languages": json.dumps(sorted(before.languages if languages is None else {tag.lower() for tag in languages})),
    }
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(workers).values(id=worker_id, created_at=at, **values)
    connection.execute(new.on_conflict_do_update(index_elements=[workers.c.id], set_=values))
    return profile_of(connection, worker_id)


def make_guild(connection: Connection, guild_id: str, *, name: str, kind: GuildKind, at: datetime) -> None:
    """Found a guild.

    Raises:
        WorkerError: there is one of that id, or that cannot be an id.
    """
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", guild_id) is None:
        raise WorkerError(
            f"a guild's id has 1 to 64 letters, digits, dots, dashes or underscores, got {guild_id[:100]!r}"
        )
    if connection.execute(select(guilds.c.id).where(guilds.c.id == guild_id)).first() is not None:
        raise WorkerError(f"there is a guild {guild_id!r} already")
    connection.execute(insert(guilds).values(id=guild_id, name=name, kind=kind, created_at=at))


def check_audience(connection: Connection, terms: Terms) -> None:
    """Refuse terms that name members of a chartered guild: tasks are given to such a guild (spec: SA-34).

    Raises:
        InvalidInput: naming the worker and the guild.
    """
    named = [id for link in terms.chain() if isinstance(link.audience, tuple) for id in link.audience]
    if not named:
        return
    found = connection.execute(
        select(guild_members.c.worker_id, guilds.c.id)
        .join(guilds, guilds.c.id == guild_members.c.guild_id)
        .where(guilds.c.kind == "chartered", guild_members.c.worker_id.in_(named))
    ).first()
    if found is not None:
        raise InvalidInput(
            f"worker {found.worker_id!r} belongs to the chartered guild {found.id!r}: "
            f'make the audience of the task "{GUILD}{found.id}"'
        )


def all_guilds(connection: Connection) -> list[Guild]:
    """All guilds, by id."""
    members = func.count(guild_members.c.worker_id).label("members")
    rows = connection.execute(
        select(guilds.c.id, guilds.c.name, guilds.c.kind, members)
        .outerjoin(guild_members, guild_members.c.guild_id == guilds.c.id)
        .group_by(guilds.c.id)
        .order_by(guilds.c.id)
    )
    return [Guild(id=row.id, name=row.name, kind=row.kind, members=row.members) for row in rows]


def join(connection: Connection, guild_id: str, worker_id: str, *, at: datetime) -> None:
    """Make a worker a member of a guild; again changes nothing.

    Raises:
        WorkerError: there is no such guild, or that cannot be a worker's id.
    """
    if connection.execute(select(guilds.c.id).where(guilds.c.id == guild_id)).first() is None:
        raise WorkerError(f"there is no guild {guild_id!r}")
    describe(connection, worker_id, at=at)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    new = dialect.insert(guild_members).values(guild_id=guild_id, worker_id=worker_id, joined_at=at)
    connection.execute(new.on_conflict_do_nothing())


def leave(connection: Connection, guild_id: str, worker_id: str) -> None:
    """End a worker's membership; without one nothing happens."""
    connection.execute(
        delete(guild_members).where(guild_members.c.guild_id == guild_id, guild_members.c.worker_id == worker_id)
    )


def set_suspended(connection: Connection, worker_id: str, reason: str | None, *, at: datetime) -> None:
    """Keep a worker from claiming anything, or let them again."""
    describe(connection, worker_id, at=at)
    connection.execute(update(workers).where(workers.c.id == worker_id).values(suspended=reason))


def unfinished_work(connection: Connection, worker_id: str) -> list[tuple[str, str]]:
    """What a worker has claimed, or submitted and not been paid for: ids of task and assignment."""
    rows = connection.execute(
        select(assignments.c.task_id, assignments.c.id)
        .where(assignments.c.worker_id == worker_id, assignments.c.state.in_(("claimed", "submitted")))
        .order_by(assignments.c.task_id)  # as everybody locks them
    )
    return [(row.task_id, row.id) for row in rows]
