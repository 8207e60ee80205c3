"""The one schema, for both engines. Migrations create it; `tests/store` proves that they agree."""

from datetime import UTC, datetime

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps no zone, so it is taken off there and put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the database."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 (SQLAlchemy's signature)
        """From the database."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_serial = BigInteger().with_variant(Integer, "sqlite")
_json = JSON().with_variant(JSONB(), "postgresql")

runs = Table(
    "runs",
    metadata,
    Column("id", String(36), primary_key=True, doc="Prefect flow run id"),
    Column("org", String(64), nullable=False),
    Column("test", Boolean, nullable=False),
    Column("flow_name", Text, nullable=False),
    Column("deployed", Boolean, nullable=False, doc="has a deployment, so it can suspend"),
    Column("state", String(16), nullable=False, doc="scheduled active suspended, or how it ended"),
    Column("epoch", Integer, nullable=False, doc="number of the newest attempt"),
    Column("holder", String(64), doc="process that runs the attempt"),
    Column("lease_expires_at", UtcDateTime),
    Column("budget_credits", BigInteger),
    Column("committed_credits", BigInteger, nullable=False, doc="reserved or spent, net of releases"),
    Column("recoveries", Integer, nullable=False),
    Column("cancel_requested", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("checked_at", UtcDateTime, nullable=False, doc="when the reconciler last compared it with Prefect"),
    Index("ix_runs_state_lease", "state", "lease_expires_at"),
)

step_calls = Table(
    "step_calls",
    metadata,
    Column("id", String(36), primary_key=True, doc="UUID of (run, step, key)"),
    Column("reservation_id", String(36), nullable=False, unique=True, doc="subject of its transfers"),
    Column("run_id", String(36), ForeignKey("runs.id"), nullable=False, index=True),
    Column("step", String(200), nullable=False),
    Column("key", Text, nullable=False),
    Column("kind", String(16), nullable=False, doc="primitive human"),
    Column("state", String(16), nullable=False, doc="open completed failed void"),
    Column("generation", Integer, nullable=False, doc="how often it was opened: n of its ledger moves"),
    Column("price_credits", BigInteger, nullable=False, doc="reserved for this generation"),
    Column("wave", String(36), doc="calls the flow waits for together, until it has seen them"),
    Column("output", Text),
    Column("error", Text),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime),
    CheckConstraint("price_credits >= 0", name="price"),
    Index(
        "ix_step_calls_wave",
        "wave",
        "state",
        sqlite_where=text("wave IS NOT NULL"),
        postgresql_where=text("wave IS NOT NULL"),
    ),
)

pipelines = Table(
    "pipelines",
    metadata,
    Column("org", String(64), primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False, doc="counted from 1"),
    Column("digest", String(32), nullable=False, doc="of the document"),
    Column("document", Text, nullable=False, doc="canonical JSON"),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("org", "name", "digest"),
)

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

workers = Table(
    "workers",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("skills", Text, nullable=False, doc="JSON: name → level 1 to 5"),
    Column("languages", Text, nullable=False, doc="JSON list of language tags"),
    Column("email", String(254), unique=True, doc="lower case; never shown to others"),
    Column("background", _json, nullable=False, doc="`Background`"),
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
    Column("profile", _json, nullable=False, doc="`GuildProfile`"),
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

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("org", String(64), primary_key=True),
    Column("test", Boolean, primary_key=True),
    Column("scope", String(40), primary_key=True, doc="what was asked for: `tasks`, …"),
    Column("key", String(256), primary_key=True, doc="the requester's"),
    Column("fingerprint", String(32), nullable=False, doc="digest of the request"),
    Column("result", Text, nullable=False, doc="what it made, as JSON"),
    Column("created_at", UtcDateTime, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("org", String(64), nullable=False, index=True),
    Column("test", Boolean, nullable=False),
    Column("name", Text, nullable=False),
    Column("prefix", String(40), nullable=False, doc="first characters, to tell it from others"),
    Column("digest", String(64), nullable=False, unique=True, doc="SHA-256 of the key"),
    Column("dialect", String(16), nullable=False, doc="native humanrail sanctifai scale"),
    Column("scopes", Text, nullable=False, doc="JSON list"),
    Column("worker_id", String(200), doc="as whom it works"),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime, doc="to the minute"),
    Column("revoked_at", UtcDateTime),
)

users = Table(
    "users",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("email", String(260), nullable=False, unique=True, doc="lower case"),
    Column("password_hash", Text, nullable=False, doc="Argon2id"),
    Column("org", String(64), nullable=False),
    Column("role", String(16), nullable=False, doc="owner member reader worker operator"),
    Column("worker_id", String(200), doc="as whom they work"),
    Column("sessions", Integer, nullable=False, doc="generation; those of earlier ones are over"),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

_once = "state IN ('claimed', 'submitted', 'disputed', 'approved', 'rejected', 'declined')"
_accepted = "state = 'approved' AND score_until IS NOT NULL"

assignments = Table(
    "assignments",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("task_id", String(36), ForeignKey("human_tasks.id"), nullable=False, index=True),
    Column("worker_id", String(200), nullable=False),
    Column("test", Boolean, nullable=False, doc="of its task, as are the next two: a reputation is read without tasks"),
    Column("type", String(200), nullable=False),
    Column("domain", String(64), nullable=False),
    Column(
        "state",
        String(16),
        nullable=False,
        doc="claimed submitted disputed approved rejected released declined expired",
    ),
    Column("reward_credits", BigInteger, nullable=False, doc="when it is approved"),
    Column("claimed_at", UtcDateTime, nullable=False),
    Column("lease_expires_at", UtcDateTime, nullable=False),
    Column("review_due_at", UtcDateTime, doc="approved then, unless somebody reviews it before"),
    Column("closed_at", UtcDateTime),
    Column("reviewed_by", String(200), doc="null: nobody did in time, or nobody had to"),
    Column("review_note", Text),
    Column("score", Integer, doc="0 to 10, as the requester found it"),
    Column("score_until", UtcDateTime, doc="when a missing score becomes the default; null: no answer, or disputed"),
    Column("agreement", Float, doc="with the outcome, 0 to 1; null: nothing to compare with"),
    Column("gold_id", String(36), ForeignKey("gold_items.id"), doc="of its task"),
    Column("gold_correct", Boolean, doc="whether the answer to a gold task was right; null: not gold, or no answer"),
    Index(
        "uq_assignments_worker",
        "task_id",
        "worker_id",
        unique=True,
        sqlite_where=text(_once),
        postgresql_where=text(_once),
    ),
    Index(
        "ix_assignments_lease",
        "lease_expires_at",
        sqlite_where=text("state = 'claimed'"),
        postgresql_where=text("state = 'claimed'"),
    ),
    Index(
        "ix_assignments_review",
        "review_due_at",
        sqlite_where=text("state = 'submitted'"),
        postgresql_where=text("state = 'submitted'"),
    ),
    Index("ix_assignments_worker", "worker_id", "state"),
    Index(
        "ix_assignments_reputation",
        "test",
        "worker_id",
        "domain",
        "type",
        "score",
        "score_until",
        "state",  # SQLite looks at it although the condition says it: so the index holds all that is read
        sqlite_where=text(_accepted),
        postgresql_where=text(_accepted),
    ),
    Index(
        "ix_assignments_gold",
        "gold_id",
        "worker_id",
        sqlite_where=text("gold_id IS NOT NULL"),
        postgresql_where=text("gold_id IS NOT NULL"),
    ),
    Index(
        "ix_assignments_gold_worker",
        "worker_id",
        "claimed_at",
        sqlite_where=text("gold_id IS NOT NULL"),
        postgresql_where=text("gold_id IS NOT NULL"),
    ),
)

disputes = Table(
    "disputes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("assignment_id", String(36), ForeignKey("assignments.id"), nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    Column("opened_by", String(200), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("resolved_by", String(200)),
    Column("resolved_at", UtcDateTime),
    Column("upheld", Boolean, doc="the requester is right; null: not resolved"),
    Column("note", Text, doc="of whoever resolved it"),
    Index(
        "ix_disputes_open",
        "opened_at",
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
)

responses = Table(
    "responses",
    metadata,
    Column("seq", _serial, primary_key=True, autoincrement=True),
    Column("assignment_id", String(36), ForeignKey("assignments.id"), nullable=False, unique=True),
    Column("task_id", String(36), nullable=False, index=True),
    Column("worker_id", String(200), nullable=False),
    Column("answer", Text, nullable=False),
    Column("submitted_at", UtcDateTime, nullable=False),
    Index("ix_responses_worker", "worker_id", "submitted_at"),
)

reports = Table(
    "reports",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("task_id", String(36), ForeignKey("human_tasks.id"), nullable=False),
    Column("worker_id", String(200), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("note", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("dismissed_at", UtcDateTime),
    Column("dismissed_by", String(200)),
    Column("dismissal", Text, doc="why it was dismissed"),
    Index("uq_reports_worker", "task_id", "worker_id", unique=True),
    Index(
        "ix_reports_open",
        "created_at",
        sqlite_where=text("dismissed_at IS NULL"),
        postgresql_where=text("dismissed_at IS NULL"),
    ),
)

blobs = Table(
    "blobs",
    metadata,
    Column("org", String(64), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("kind", String(40), nullable=False, doc="media type, as the content tells it"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("content", LargeBinary, nullable=False, doc="last, so that the others are read without it"),
)

# Most files are compressed already: that PostgreSQL tries it again made storing one take three times as long.
event.listen(
    blobs,
    "after_create",
    DDL("ALTER TABLE blobs ALTER COLUMN content SET STORAGE EXTERNAL").execute_if(dialect="postgresql"),
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("task_id", String(36), ForeignKey("human_tasks.id"), nullable=False, index=True),
    Column("org", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("sha256", String(64), doc="of the file; null: an address"),
    Column("media_type", String(40)),
    Column("size_bytes", BigInteger),
    Column("url", Text, doc="null: a file"),
    Column("added_by", String(200), doc="null: it came with the task's input"),
    Column("created_at", UtcDateTime, nullable=False),
    ForeignKeyConstraint(["org", "sha256"], ["blobs.org", "blobs.sha256"], name="fk_attachments_blob"),
    CheckConstraint("(sha256 IS NULL) <> (url IS NULL)", name="either"),
)

transfers = Table(
    "transfers",
    metadata,
    Column("seq", _serial, primary_key=True, autoincrement=True),
    Column("subject", String(80), nullable=False, doc="a step call's reservation_id, a human task or a grant"),
    Column("move", String(16), nullable=False, doc="grant reserve capture reward fee release"),
    Column("n", Integer, nullable=False),
    Column("source", String(120), nullable=False),
    Column("target", String(120), nullable=False),
    Column("credits", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("credits > 0", name="positive"),
    CheckConstraint("source <> target", name="distinct"),
    Index("uq_transfers_operation", "subject", "move", "n", unique=True),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("balance", BigInteger, nullable=False, doc="running sum of its transfers, guarded at 0"),
    CheckConstraint("balance >= 0", name="balance"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("seq", _serial, primary_key=True, autoincrement=True),
    Column("topic", String(40), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("run_id", String(36)),
    Column("actor", String(200), doc="worker or reviewer; null: the requester's flow, or time"),
    Column("detail", Text, doc="JSON"),
    Column("at", UtcDateTime, nullable=False),
    Column("pending", Boolean, nullable=False, doc="webhooks are to tell of it, and have not been made yet"),
    Index("ix_outbox_subject", "subject"),
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
