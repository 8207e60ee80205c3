"""Who works."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from intermezzo.store.tables.columns import UtcDateTime, json_document, metadata

workers = Table(
    "workers",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("skills", Text, nullable=False, doc="JSON: name → level 1 to 5"),
    Column("languages", Text, nullable=False, doc="JSON list of language tags"),
    Column("email", String(254), unique=True, doc="lower case; never shown to others"),
    Column("background", json_document, nullable=False, doc="`Background`"),
    Column("suspended", Text, doc="why they may not work"),
    Column("daily_limit", Integer, doc="answers in 24 hours, whatever the type"),
    Column("created_at", UtcDateTime, nullable=False),
)

worker_tags = Table(
    "worker_tags",
    metadata,
    Column("kind", String(8), primary_key=True, doc="skill language"),
    Column("tag", String(300), primary_key=True, doc="case-folded; for finding workers by it"),
    Column("worker_id", String(200), ForeignKey("workers.id"), primary_key=True),
    Index("ix_worker_tags_worker_id", "worker_id"),
)

guilds = Table(
    "guilds",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False, doc="community chartered"),
    Column("profile", json_document, nullable=False, doc="`GuildProfile`"),
    Column("created_at", UtcDateTime, nullable=False),
)

guild_members = Table(
    "guild_members",
    metadata,
    Column("guild_id", String(64), ForeignKey("guilds.id"), primary_key=True),
    Column("worker_id", String(200), ForeignKey("workers.id"), primary_key=True),
    Column("joined_at", UtcDateTime, nullable=False),
    Index("ix_guild_members_worker_id", "worker_id"),
)
