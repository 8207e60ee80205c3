"""Credits."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, String, Table, text

from intermezzo.store.tables.columns import UtcDateTime, metadata, serial

transfers = Table(
    "transfers",
    metadata,
    Column("seq", serial, primary_key=True, autoincrement=True),
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
    # What a worker has earned; the accounts of organisations are read whole.
    Index(
        "ix_transfers_rewards",
        "target",
        "credits",
        sqlite_where=text("move = 'reward'"),
        postgresql_where=text("move = 'reward'"),
    ),
)

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("balance", BigInteger, nullable=False, doc="running sum of its transfers, guarded at 0"),
    CheckConstraint("balance >= 0", name="balance"),
)
