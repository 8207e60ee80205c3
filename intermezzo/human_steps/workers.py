"""Who works: profiles with skills and languages, guilds, and what a task asks of whoever claims it."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from intermezzo.errors import InvalidInput, WorkerError
from intermezzo.human_steps.background import Background
from intermezzo.human_steps.notes import MAX_NAME_CHARACTERS, check_id, check_text
from intermezzo.human_steps.terms import GUILD, PUBLIC, Terms
from intermezzo.store import Prepared, insert_into
from intermezzo.store.tables import assignments, guild_members, guilds, worker_tags, workers

MAX_WORKER_ID_CHARACTERS = 100
"""So that a worker's account in the ledger, which is named after them, has room for the name."""

LEVELS = range(1, 6)
"""Of a skill: 1 has it, 5 is an expert (spec: CS-14)."""

MAX_TAGS = 200
"""Most skills, or languages, of a worker."""

MAX_TAG_CHARACTERS = 100

MAX_EMAIL_CHARACTERS = 254

GuildKind = Literal["community", "chartered"]

_EMAIL = re.compile(r"[^\s@<>,;\"]+@[^\s@<>,;\".]+(\.[^\s@<>,;\".]+)+")


_WORKER = Prepared(select(workers).where(workers.c.id == bindparam("worker")))
_SUSPENDED = Prepared(select(workers.c.suspended).where(workers.c.id == bindparam("worker")))
_MEMBER_OF = Prepared(select(guild_members.c.guild_id).where(guild_members.c.worker_id == bindparam("worker")))


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
    email: str | None = None
    """Where they are reached, in lower case. Nobody but operators and they themselves may see it."""
    background: Background = field(default_factory=Background)
    """What they tell of themselves."""
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
    row = _WORKER.first(connection, {"worker": worker_id})
    if row is None:
        return Profile(id=worker_id)
    return Profile(
        id=worker_id,
        skills=json.loads(row.skills),
        languages=frozenset(json.loads(row.languages)),
        guilds=frozenset(guild for (guild,) in _MEMBER_OF.all(connection, {"worker": worker_id})),
        email=row.email,
        background=Background.model_validate(row.background),
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
    background: Background | None = None,
    email: str | None = None,
    daily_limit: int | None = None,
    at: datetime,
) -> Profile:
    """Set what is known of a worker; what is None stays as it is.

    Args:
        email: where they are reached; empty: it is forgotten.
        daily_limit: answers in any 24 hours; 0: as many as they like.

    Raises:
        WorkerError: that cannot be a worker's id, a skill, a language, a limit or an address, or another worker has the
            address.
    """
    check_worker_id(worker_id)
    values: dict[str, object] = {}
    if skills is not None:
        _check_levels(skills)
        values["skills"] = json.dumps(dict(sorted(skills.items())))
    if languages is not None:
        languages = {tag.lower() for tag in languages}
        values["languages"] = json.dumps(sorted(languages))
    if background is not None:
        values["background"] = background.model_dump(mode="json", exclude_defaults=True)
    if email is not None:
        values["email"] = _own_address(connection, worker_id, email) if email else None
    if daily_limit is not None:
        if daily_limit < 0:
            raise WorkerError(f"a daily limit is a number of answers, or 0 for none, got {daily_limit!r}")
        values["daily_limit"] = daily_limit or None
    _put(connection, worker_id, values, at=at)
    for kind, tags in (("skill", skills), ("language", languages)):
        if tags is not None:
            _tag(connection, worker_id, kind, tags)
    return profile_of(connection, worker_id)


def _put(connection: Connection, worker_id: str, values: Mapping[str, object], *, at: datetime) -> None:
    blank: dict[str, object] = {"skills": "{}", "languages": "[]", "background": {}}
    new = insert_into(connection, workers).values(id=worker_id, created_at=at, **{**blank, **values})
    if values:
        connection.execute(new.on_conflict_do_update(index_elements=[workers.c.id], set_=dict(values)))
    else:
        connection.execute(new.on_conflict_do_nothing())


def _own_address(connection: Connection, worker_id: str, email: str) -> str:
    address = email.strip().lower()
    if len(address) > MAX_EMAIL_CHARACTERS or not address.isprintable() or _EMAIL.fullmatch(address) is None:
        raise WorkerError(f"an e-mail address looks like ann@example.com, got {email[:300]!r}")
    others = select(workers.c.id).where(workers.c.email == address, workers.c.id != worker_id)
    if connection.execute(others).first() is not None:
        raise WorkerError(f"another worker has the e-mail address {address!r}")
    return address


def _tag(connection: Connection, worker_id: str, kind: str, tags: Iterable[str]) -> None:
    """Index a worker by their skills or languages."""
    tags = list(tags)
    if len(tags) > MAX_TAGS:
        raise WorkerError(f"a worker has at most {MAX_TAGS} {kind}s, got {len(tags)}")
    for tag in tags:
        if not 0 < len(tag) <= MAX_TAG_CHARACTERS or not tag.isprintable():
            raise WorkerError(f"a {kind} has 1 to {MAX_TAG_CHARACTERS} printable characters, got {tag[:200]!r}")
    connection.execute(delete(worker_tags).where(worker_tags.c.worker_id == worker_id, worker_tags.c.kind == kind))
    if tags:
        folded = sorted({tag.casefold() for tag in tags})
        connection.execute(insert(worker_tags), [{"kind": kind, "tag": tag, "worker_id": worker_id} for tag in folded])


def _check_levels(skills: Mapping[str, int]) -> None:
    for skill, level in skills.items():
        if level not in LEVELS:
            raise WorkerError(f"{skill}: a skill level is 1 to 5, got {level!r}")


def make_guild(connection: Connection, guild_id: str, *, name: str, kind: GuildKind, at: datetime) -> None:
    """Found a guild.

    Raises:
        WorkerError: there is one of that id, or that cannot be an id.
    """
    if re.fullmatch(r"[A-Za-z0-9._-]{1,64}", guild_id) is None:
        raise WorkerError(
            f"a guild's id has 1 to 64 letters, digits, dots, dashes or underscores, got {guild_id[:100]!r}"
        )
    check_text(name, "a guild's name", most=MAX_NAME_CHARACTERS)
    if connection.execute(select(guilds.c.id).where(guilds.c.id == guild_id)).first() is not None:
        raise WorkerError(f"there is a guild {guild_id!r} already")
    connection.execute(insert(guilds).values(id=guild_id, name=name, kind=kind, profile={}, created_at=at))


def addressed(connection: Connection, terms: Terms) -> Terms:
    """Terms whose audience names workers by their ids where it named them by e-mail address (spec: SA-34).

    Raises:
        InvalidInput: nobody has the address.
    """
    changed: dict[str, object] = {}
    if isinstance(terms.audience, tuple) and any("@" in name for name in terms.audience):
        changed["audience"] = tuple(sorted({_id_of(connection, name) for name in terms.audience}))
    if terms.escalation is not None and (later := addressed(connection, terms.escalation)) is not terms.escalation:
        changed["escalation"] = later
    return terms.model_copy(update=changed) if changed else terms


def _id_of(connection: Connection, name: str) -> str:
    """The id of a worker who is named by it, or by e-mail address; the address comes first."""
    if "@" not in name:
        return name
    id = connection.scalar(select(workers.c.id).where(workers.c.email == name.strip().lower()))
    id = id or connection.scalar(select(workers.c.id).where(workers.c.id == name))
    if id is None:
        raise InvalidInput(
            f"audience: no worker has the e-mail address {name!r}; `intermezzo workers set ID --email {name}` gives it "
            "to one"
        )
    return id


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
    check_id(guild_id, WorkerError)
    if connection.execute(select(guilds.c.id).where(guilds.c.id == guild_id)).first() is None:
        raise WorkerError(f"there is no guild {guild_id!r}")
    describe(connection, worker_id, at=at)
    new = insert_into(connection, guild_members).values(guild_id=guild_id, worker_id=worker_id, joined_at=at)
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


def suspension_of(connection: Connection, worker_id: str) -> str | None:
    """Why a worker may not work; None: they may."""
    return _SUSPENDED.scalar(connection, {"worker": worker_id})


def unfinished_work(connection: Connection, worker_id: str) -> list[tuple[str, str]]:
    """What a worker has claimed, or submitted and not been paid for: ids of task and assignment."""
    rows = connection.execute(
        select(assignments.c.task_id, assignments.c.id).where(
            assignments.c.worker_id == worker_id, assignments.c.state.in_(("claimed", "submitted"))
        )
    )
    return [(row.task_id, row.id) for row in rows]
