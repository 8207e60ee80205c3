"""Files beside human tasks."""

from sqlalchemy import (
    DDL,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    String,
    Table,
    Text,
    event,
)

from intermezzo.store.tables.columns import UtcDateTime, metadata

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
