"""What webhooks tell of, and how it follows from what the outbox says."""

import json
from typing import Literal

WebhookEvent = Literal[
    "task.completed",
    "task.failed",
    "task.expired",
    "task.cancelled",
    "task.submitted",
    "task.reported",
    "run.completed",
    "run.failed",
    "run.cancelled",
]
"""What an endpoint can be told of; `ping` comes on demand only."""

EVENTS: dict[WebhookEvent, str] = {
    "task.completed": "a task has an outcome",
    "task.failed": "its answers do not agree",
    "task.expired": "nobody answered in time",
    "task.cancelled": "the requester, or the end of its run, has closed it",
    "task.submitted": "an answer waits for its review",
    "task.reported": "a worker has reported a problem with it",
    "run.completed": "a run has come to its end",
    "run.failed": "it has failed, or lost its process too often",
    "run.cancelled": "somebody has cancelled it",
}

ENDS: tuple[WebhookEvent, ...] = tuple(event for event in EVENTS if event not in ("task.submitted", "task.reported"))
"""What an endpoint is told of unless it says otherwise."""

_CRASHED = "run.crashed"


def event_of(topic: str, detail: str | None) -> WebhookEvent | None:
    """What an entry of the outbox is to those who are told of it; None: nothing.

    Args:
        topic: of the entry.
        detail: its JSON, which says how something closed.
    """
    kind, _, what = topic.partition(".")
    if what == "closed":
        topic = f"{kind}.{json.loads(detail or '{}').get('state')}"
    name = "run.failed" if topic == _CRASHED else topic
    return name if name in EVENTS else None


def body_of(event: str, subject: str | None) -> str:
    """What is sent (spec: CS-33): nothing but what happened to what, since anybody may read it on its way."""
    field = "run_id" if event.startswith("run.") else "task_id"
    return json.dumps({field: subject, "event": event})
