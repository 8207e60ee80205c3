"""What people do with a human task: claims, answers, disputes, reports."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text, text

from intermezzo.store.tables.columns import UtcDateTime, metadata, serial

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
    Column("seq", serial, primary_key=True, autoincrement=True),
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
