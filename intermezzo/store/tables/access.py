"""Who may ask for what."""

from sqlalchemy import Boolean, Column, Integer, String, Table, Text

from intermezzo.store.tables.columns import UtcDateTime, metadata

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
