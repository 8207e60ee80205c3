"""What people are asked, and on what terms."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from intermezzo.store.tables.columns import UtcDateTime, metadata

terms = Table(
    "terms",
    metadata,
    Column("id", String(32), primary_key=True, doc="digest of the document"),
    Column("document", Text, nullable=False, doc="`Terms` as JSON"),
    Column("created_at", UtcDateTime, nullable=False),
)

gold_items = Table(
    "gold_items",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("org", String(64), nullable=False),
    Column("test", Boolean, nullable=False),
    Column("gold_set", String(64), nullable=False),
    Column("type", String(200), nullable=False),
    Column("digest", String(32), nullable=False, doc="of type and input"),
    Column("input", Text, nullable=False),
    Column("controls", Text, doc="as in human_tasks"),
    Column("answer_schema", Text, nullable=False),
    Column("answer", Text, nullable=False, doc="the right one"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("retired_at", UtcDateTime, doc="from then on given to nobody, and counted for nobody"),
    Index(
        "uq_gold_items_input",
        "org",
        "test",
        "gold_set",
        "digest",
        unique=True,
        sqlite_where=text("retired_at IS NULL"),
        postgresql_where=text("retired_at IS NULL"),
    ),
)

human_tasks = Table(
    "human_tasks",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("call_id", String(36), ForeignKey("step_calls.id"), index=True),
    Column("run_id", String(36), index=True),
    Column("org", String(64), nullable=False),
    Column("test", Boolean, nullable=False),
    Column("type", String(200), nullable=False),
    Column("name", String(200), nullable=False),
    Column("terms_id", String(32), ForeignKey("terms.id"), nullable=False),
    Column("queue", String(33), nullable=False, doc="priority, and digest of what is asked of whoever claims"),
    Column("for_worker", String(200), nullable=False, doc="the only one who may claim; empty: not just one"),
    Column("state", String(16), nullable=False, doc="open claimed submitted completed expired cancelled failed"),
    Column("priority", Integer, nullable=False, doc="3 urgent … 0 low"),
    Column("input", Text, nullable=False),
    Column("controls", Text, doc="what the worker sees, when the type says so itself"),
    Column("answer_schema", Text, nullable=False),
    Column("assignments_required", Integer, nullable=False),
    Column("open_slots", Integer, nullable=False),
    Column("returned", Boolean, nullable=False, doc="a slot came back, or it came from another queue"),
    Column("reserved_credits", BigInteger, nullable=False, doc="when it was posted"),
    Column("generation", Integer, nullable=False, doc="of the step call that posted it"),
    Column("webhook_url", Text, doc="told when it is closed"),
    Column("metadata", Text, doc="the requester's own, as JSON"),
    Column("output", Text, doc="of a task without a step call; the journal has those of the others"),
    Column("error", Text, doc="likewise"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("deadline_at", UtcDateTime, doc="closes then, whoever is working on it"),
    Column("expires_at", UtcDateTime, doc="closes then as things are; null: not by itself"),
    Column("closed_at", UtcDateTime),
    Column("settled_at", UtcDateTime, doc="when every answer was reviewed and no credit was held any more"),
    Column("listed", Boolean, nullable=False, doc="workers see it before they claim it"),
    Column("gold_id", String(36), ForeignKey("gold_items.id"), doc="whose answer is known; null: a real task"),
    CheckConstraint("open_slots >= 0 AND open_slots <= assignments_required", name="slots"),
    Index(
        "ix_human_tasks_expiry",
        "expires_at",
        sqlite_where=text("closed_at IS NULL"),
        postgresql_where=text("closed_at IS NULL"),
    ),
)

Index(
    "ix_human_tasks_queue",
    human_tasks.c.test,
    human_tasks.c.for_worker,
    human_tasks.c.queue,
    human_tasks.c.created_at,
    human_tasks.c.id,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

Index(
    "ix_human_tasks_returned",
    human_tasks.c.test,
    human_tasks.c.for_worker,
    human_tasks.c.queue,
    human_tasks.c.created_at,
    human_tasks.c.id,
    sqlite_where=text("state = 'open' AND returned = 1"),
    postgresql_where=text("state = 'open' AND returned"),
)

queue_places = Table(
    "queue_places",
    metadata,
    Column("worker_id", String(200), primary_key=True),
    Column("test", Boolean, primary_key=True),
    Column("queue", String(33), primary_key=True),
    Column("task_id", String(36), ForeignKey("human_tasks.id"), nullable=False, doc="where the worker looks from"),
    Column("seen_at", UtcDateTime, nullable=False, doc="when the queue was last looked through from its beginning"),
)

open_counts = Table(
    "open_counts",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("test", Boolean, nullable=False),
    Column("type", String(200), nullable=False),
    Column("tasks", BigInteger, nullable=False, doc="one summand of how many are open"),
    Index("ix_open_counts_type", "test", "type"),
)

Index(
    "ix_human_tasks_open",
    human_tasks.c.test,
    human_tasks.c.priority.desc(),
    human_tasks.c.created_at,
    human_tasks.c.id,
    sqlite_where=text("closed_at IS NULL AND open_slots > 0 AND listed = 1"),
    postgresql_where=text("closed_at IS NULL AND open_slots > 0 AND listed"),
)

Index(
    "ix_human_tasks_org",
    human_tasks.c.org,
    human_tasks.c.test,
    human_tasks.c.created_at.desc(),
    human_tasks.c.id.desc(),
)
