"""What runs, which steps it has called, and which pipelines there are."""

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
    UniqueConstraint,
    text,
)

from intermezzo.store.tables.columns import UtcDateTime, metadata

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
    Column("closed_at", UtcDateTime, doc="when it ended; null: it goes on"),
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
    Column("test", Boolean, primary_key=True),
    Column("name", String(63), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False, doc="counted from 1"),
    Column("digest", String(32), nullable=False, doc="of the document"),
    Column("document", Text, nullable=False, doc="canonical JSON"),
    Column("created_at", UtcDateTime, nullable=False),
    UniqueConstraint("org", "test", "name", "digest"),
)

pipeline_runs = Table(
    "pipeline_runs",
    metadata,
    Column("id", String(36), primary_key=True, doc="of the order, of which Prefect makes one flow run"),
    Column("run_id", String(36), unique=True, doc="of that flow run; null: there is none yet"),
    Column("org", String(64), nullable=False),
    Column("test", Boolean, nullable=False),
    Column("pipeline", String(63), nullable=False),
    Column("version", Integer, nullable=False),
    Column("input", Text, nullable=False, doc="JSON"),
    Column("budget_credits", BigInteger),
    Column("output", Text, doc="JSON, of the last attempt"),
    Column("error", Text, doc="JSON, of the last attempt"),
    Column("created_at", UtcDateTime, nullable=False),
    Index("ix_pipeline_runs_org", "org", "test", "id"),
    Index(
        "ix_pipeline_runs_unstarted",
        "created_at",
        sqlite_where=text("run_id IS NULL"),
        postgresql_where=text("run_id IS NULL"),
    ),
)
