"""What others may see of a worker: never a name, an address, money, why they are suspended, or what they did for whom.

spec: SA-62, SA-64.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import Connection, select

from intermezzo.human_steps import reputation
from intermezzo.human_steps.background import Background
from intermezzo.human_steps.reputation import Reputation
from intermezzo.human_steps.workers import GuildKind
from intermezzo.store.tables import guild_members, guilds, workers

WorkerType = Literal["freelancer", "chartered"]
"""`chartered`: a member of a chartered guild, through which they are asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """A guild somebody belongs to."""

    id: str
    name: str
    kind: GuildKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicProfile:
    """A worker as others see them."""

    id: str
    """What tasks for them are addressed to."""
    worker_type: WorkerType
    skills: Mapping[str, int]
    languages: Sequence[str]
    background: Background
    guilds: Sequence[Membership]
    reputation: Reputation


def profiles(
    connection: Connection, worker_ids: Sequence[str], *, test: bool, at: datetime
) -> "Sequence[PublicProfile]":
    """Workers as others see them, in this order; of somebody nobody has described there is only what they did."""
    rows = {row.id: row for row in connection.execute(select(workers).where(workers.c.id.in_(worker_ids)))}
    members: dict[str, list[Membership]] = defaultdict(list)
    for row in connection.execute(
        select(guild_members.c.worker_id, guilds.c.id, guilds.c.name, guilds.c.kind)
        .join(guilds, guilds.c.id == guild_members.c.guild_id)
        .where(guild_members.c.worker_id.in_(worker_ids))
        .order_by(guilds.c.id)
    ):
        kind = cast("GuildKind", row.kind)
        members[row.worker_id].append(Membership(id=row.id, name=row.name, kind=kind))
    known = reputation.of_workers(connection, worker_ids, test=test, at=at)
    return [
        PublicProfile(
            id=id,
            worker_type="chartered" if any(guild.kind == "chartered" for guild in members[id]) else "freelancer",
            skills=json.loads(rows[id].skills) if id in rows else {},
            languages=json.loads(rows[id].languages) if id in rows else [],
            background=Background.model_validate(rows[id].background) if id in rows else Background(),
            guilds=members[id],
            reputation=known[id],
        )
        for id in worker_ids
    ]
