"""What has happened, and whom it is told."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from intermezzo.store.tables.columns import UtcDateTime, metadata, serial

outbox = Table(
    "outbox",
    metadata,
    Column("seq", serial, primary_key=True, autoincrement=True),
    Column("topic", String(40), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("run_id", String(36)),
    Column("actor", String(200), doc="worker or reviewer; null: the requester's flow, or time"),
    Column("detail", Text, doc="JSON"),
    Column("at", UtcDateTime, nullable=False),
    Column("pending", Boolean, nullable=False, doc="webhooks are to tell of it, and have not been made yet"),
    Index("ix_outbox_subject", "subject"),
    Index(
        "ix_outbox_run",
        "run_id",
        "seq",
        sqlite_where=text("run_id IS NOT NULL"),
        postgresql_where=text("run_id IS NOT NULL"),
    ),
    Index("ix_outbox_pending", "seq", sqlite_where=text("pending"), postgresql_where=text("pending")),
)

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("org", String(64), nullable=False),
    Column("test", Boolean, nullable=False),
    Column("url", Text, doc="null: those of single tasks"),
    Column("secret", String(80), nullable=False),
    Column("previous_secret", String(80), doc="still signed with for a day"),
    Column("rotated_at", UtcDateTime),
    Column("events", Text, nullable=False, doc="JSON list"),
    Column("max_retries", Integer, nullable=False),
    Column("disabled_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_webhook_endpoints_org", "org", "test"),
    Index(
        "uq_webhook_endpoints_tasks",
        "org",
        "test",
        unique=True,
        sqlite_where=text("url IS NULL"),
        postgresql_where=text("url IS NULL"),
    ),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", String(36), primary_key=True, doc="what the receiver tells repetitions by"),
    Column("endpoint_id", String(36), ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("org", String(64), nullable=False),
    Column("test", Boolean, nullable=False),
    Column("url", Text, nullable=False),
    Column("lane", String(400), nullable=False, doc="organisation, and server: one lane holds up no other"),
    Column("event", String(40), nullable=False),
    Column("subject", String(80), doc="the task or run; null: of a ping"),
    Column("body", Text, nullable=False, doc="as it is sent, every time"),
    Column("state", String(16), nullable=False, doc="pending delivered failed"),
    Column("attempts", Integer, nullable=False),
    Column("max_attempts", Integer, nullable=False),
    Column("due_at", UtcDateTime, nullable=False, doc="the next attempt; while one is under way, its lease's end"),
    Column("give_up_at", UtcDateTime, nullable=False),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("delivered_at", UtcDateTime),
    Index("ix_webhook_deliveries_endpoint", "endpoint_id"),
    Index("ix_webhook_deliveries_org", "org", "test", "id"),
    Index(
        "ix_webhook_deliveries_due",
        "lane",
        "due_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "ix_webhook_deliveries_give_up",
        "give_up_at",
        sqlite_where=text("state = 'pending'"),
        postgresql_where=text("state = 'pending'"),
    ),
)

webhook_attempts = Table(
    "webhook_attempts",
    metadata,
    Column("delivery_id", String(36), ForeignKey("webhook_deliveries.id"), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("status", Integer, doc="of the answer; null: there was none"),
    Column("error", Text, doc="why there was none"),
    Column("milliseconds", Integer, nullable=False),
)
