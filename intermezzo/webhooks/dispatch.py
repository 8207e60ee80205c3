"""What the outbox holds for webhooks becomes deliveries, in one transaction: nothing is lost, nothing made twice.

Entries are marked, not counted: on PostgreSQL they commit in another order than that of their numbers, so that
whoever remembered the last number it has read would miss some.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text, update

from intermezzo.ledger import Payer
from intermezzo.store.tables import human_tasks, outbox, runs
from intermezzo.webhooks import deliveries, endpoints
from intermezzo.webhooks.endpoints import Endpoint
from intermezzo.webhooks.events import WebhookEvent, event_of

MOST_AT_ONCE = 500
"""Entries in one transaction: it holds SQLite's only write lock meanwhile."""

# As in the partial index: SQLite does not see that `pending = 1` means the same.
PENDING = text("outbox.pending")


@dataclass(frozen=True, slots=True)
class _Subject:
    """Whom an event concerns, and where they want to hear of it."""

    payer: Payer
    webhook_url: str | None = None


def is_waiting(connection: Connection) -> bool:
    """Whether there is something to dispatch."""
    return connection.scalar(select(outbox.c.seq).where(PENDING).limit(1)) is not None


def dispatch(connection: Connection, *, at: datetime, limit: int = MOST_AT_ONCE) -> int:
    """Make the deliveries of what has happened.

    Returns:
        How many entries there were; call again if it is `limit`.
    """
    query = select(outbox.c.seq, outbox.c.topic, outbox.c.subject, outbox.c.detail, outbox.c.at).where(PENDING)
    entries = connection.execute(query.order_by(outbox.c.seq).limit(limit).with_for_update(skip_locked=True)).all()
    if not entries:
        return 0
    subjects = _subjects(connection, {entry.subject for entry in entries})
    known = _endpoints(connection, subjects.values(), at=at)
    new: list[dict[str, Any]] = []
    for entry in entries:
        event, subject = event_of(entry.topic, entry.detail), subjects.get(entry.subject)
        if event is not None and subject is not None:
            for endpoint, url in _told(known[subject.payer], subject, event, entry.at):
                new.append(deliveries.new_delivery(subject.payer, endpoint, event, entry.subject, url=url, at=at))
    deliveries.add(connection, new)
    connection.execute(update(outbox).where(outbox.c.seq.in_([entry.seq for entry in entries])).values(pending=False))
    return len(entries)


def _subjects(connection: Connection, ids: Collection[str]) -> dict[str, _Subject]:
    tasks = select(human_tasks.c.id, human_tasks.c.org, human_tasks.c.test, human_tasks.c.webhook_url).where(
        human_tasks.c.gold_id.is_(None)  # nobody has asked for those
    )
    found = {
        row.id: _Subject(Payer(row.org, test=row.test), row.webhook_url)
        for row in connection.execute(tasks.where(human_tasks.c.id.in_(ids)))
    }
    of_runs = select(runs.c.id, runs.c.org, runs.c.test).where(runs.c.id.in_(ids))
    found |= {row.id: _Subject(Payer(row.org, test=row.test)) for row in connection.execute(of_runs)}
    return found


def _endpoints(connection: Connection, subjects: Collection[_Subject], *, at: datetime) -> dict[Payer, list[Endpoint]]:
    payers = {subject.payer for subject in subjects}
    known = endpoints.of_payers(connection, payers)
    wanting = {subject.payer for subject in subjects if subject.webhook_url is not None}
    lacking = {payer for payer in wanting if all(endpoint.url is not None for endpoint in known[payer])}
    if not lacking:
        return known
    endpoints.ensure_for_tasks(connection, lacking, at=at)
    return endpoints.of_payers(connection, payers)


def _told(
    known: Collection[Endpoint], subject: _Subject, event: WebhookEvent, at: datetime
) -> Iterator[tuple[Endpoint, str]]:
    """The endpoints that are told of an event, and where each of them is."""
    for endpoint in known:
        url = endpoint.url or subject.webhook_url
        # Nobody is told of what happened before they asked.
        asked = endpoint.url is None or endpoint.created_at <= at
        if url is not None and asked and endpoint.disabled_at is None and event in endpoint.events:
            yield endpoint, url
