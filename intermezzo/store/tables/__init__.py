"""The one schema, for both engines. Migrations create it; `tests/store` proves that they agree."""

from intermezzo.store.tables.access import api_keys, idempotency_keys, secrets, users
from intermezzo.store.tables.answers import assignments, disputes, reports, responses
from intermezzo.store.tables.columns import UtcDateTime, metadata
from intermezzo.store.tables.events import outbox, webhook_attempts, webhook_deliveries, webhook_endpoints
from intermezzo.store.tables.files import attachments, blobs
from intermezzo.store.tables.journal import pipeline_runs, pipelines, runs, step_calls
from intermezzo.store.tables.money import accounts, transfers
from intermezzo.store.tables.queue import gold_items, human_tasks, open_counts, queue_places, terms
from intermezzo.store.tables.workforce import guild_members, guilds, worker_tags, workers

__all__ = [
    "UtcDateTime",
    "accounts",
    "api_keys",
    "assignments",
    "attachments",
    "blobs",
    "disputes",
    "gold_items",
    "guild_members",
    "guilds",
    "human_tasks",
    "idempotency_keys",
    "metadata",
    "open_counts",
    "outbox",
    "pipeline_runs",
    "pipelines",
    "queue_places",
    "reports",
    "responses",
    "runs",
    "secrets",
    "step_calls",
    "terms",
    "transfers",
    "users",
    "webhook_attempts",
    "webhook_deliveries",
    "webhook_endpoints",
    "worker_tags",
    "workers",
]
