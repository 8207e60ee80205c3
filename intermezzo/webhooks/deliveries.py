"""Deliveries: one event on its way to one address, and every attempt to get it there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Connection, Row, select, update

from intermezzo.errors import InvalidInput, WebhookNotFound
from intermezzo.ledger import Payer
from intermezzo.store import Prepared, new_id
from intermezzo.store.tables import webhook_attempts, webhook_deliveries
from intermezzo.web import parse_url
from intermezzo.webhooks import endpoints
from intermezzo.webhooks.endpoints import Endpoint
from intermezzo.webhooks.events import body_of

if TYPE_CHECKING:
    from sqlalchemy import Select

DeliveryState = Literal["pending", "delivered", "failed"]

PATIENCE = timedelta(hours=24)
"""A delivery that is still pending then has failed: its server was down, and was tried less and less often."""

MOST_LISTED = 100

_INSERT = Prepared.insert(webhook_deliveries)
_LANE_CHARACTERS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt to deliver."""

    n: int
    at: datetime
    status: int | None
    """Of the answer."""
    error: str | None
    """Why there was no answer."""
    milliseconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one address."""

    id: str
    """Stays the same at every attempt: what the receiver tells repetitions by."""
    endpoint_id: str
    url: str
    event: str
    subject: str | None
    """The task or run; None: of a ping."""
    body: str
    state: DeliveryState
    attempts: int
    max_attempts: int
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    created_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries to list; what is left out does not matter."""

    state: DeliveryState | None = None
    endpoint_id: str | None = None
    subject: str | None = None


def lane_of(payer: Payer, url: str) -> str:
    """What a delivery waits in: those of one organisation to one server wait for each other, and for no others."""
    try:
        parsed = parse_url(url)
        port = parsed.port or (443 if parsed.scheme == "https" else 80)
        server = f"{parsed.scheme}://{parsed.raw_host.decode()}:{port}"
    except ValueError:  # it will be refused when it is sent
        server = "?"
    return f"{payer.org}{':test' if payer.test else ''} {server}"[:_LANE_CHARACTERS]


def new_delivery(
    payer: Payer, endpoint: Endpoint, event: str, subject: str | None, *, url: str, at: datetime
) -> dict[str, Any]:
    """A delivery to add."""
    return {
        "id": new_id(),
        "endpoint_id": endpoint.id,
        "org": payer.org,
        "test": payer.test,
        "url": url,
        "lane": lane_of(payer, url),
        "event": event,
        "subject": subject,
        "body": body_of(event, subject),
        "state": "pending",
        "attempts": 0,
        "max_attempts": 1 + endpoint.max_retries,
        "due_at": at,
        "give_up_at": at + PATIENCE,
        "created_at": at,
    }


def add(connection: Connection, new: Sequence[dict[str, Any]]) -> None:
    """Add deliveries; they are due at once."""
    if new:
        _INSERT.run(connection, new)


def find(connection: Connection, payer: Payer, delivery_id: str) -> Delivery:
    """One delivery of an organisation.

    Raises:
        WebhookNotFound: it has none of that id.
    """
    row = connection.execute(_query(payer).where(webhook_deliveries.c.id == delivery_id)).one_or_none()
    if row is None:
        raise WebhookNotFound(f"there is no delivery {delivery_id!r}")
    return _delivery(row)


def attempts_of(connection: Connection, delivery_id: str) -> Sequence[Attempt]:
    """The attempts of a delivery, in order."""
    table = webhook_attempts
    rows = connection.execute(select(table).where(table.c.delivery_id == delivery_id).order_by(table.c.n))
    return [
        Attempt(n=row.n, at=row.at, status=row.status, error=row.error, milliseconds=row.milliseconds) for row in rows
    ]


def newest(
    connection: Connection, payer: Payer, wanted: DeliveryFilter, *, after: str | None = None, limit: int = 50
) -> Sequence[Delivery]:
    """Deliveries, the newest first.

    Args:
        after: id of the last delivery of the page before.
        limit: most to return, 1 to 100.
    """
    table = webhook_deliveries
    query = _query(payer)
    if wanted.state is not None:
        query = query.where(table.c.state == wanted.state)
    if wanted.endpoint_id is not None:
        query = query.where(table.c.endpoint_id == wanted.endpoint_id)
    if wanted.subject is not None:
        query = query.where(table.c.subject == wanted.subject)
    if after is not None:
        query = query.where(table.c.id < after)
    query = query.order_by(table.c.id.desc()).limit(min(max(limit, 1), MOST_LISTED + 1))
    return [_delivery(row) for row in connection.execute(query)]


def again(connection: Connection, payer: Payer, delivery_id: str, *, at: datetime) -> Delivery:
    """Deliver once more, under the same id and with the same body, to where its endpoint is now.

    Raises:
        WebhookNotFound: the organisation has none of that id.
        InvalidInput: its endpoint is disabled.
    """
    known = find(connection, payer, delivery_id)
    endpoint = endpoints.find(connection, payer, known.endpoint_id)
    if endpoint.disabled_at is not None:
        raise InvalidInput(f"the webhook {endpoint.id} is disabled; enable it first")
    url = endpoint.url or known.url
    connection.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.id == delivery_id)
        .values(
            url=url,
            lane=lane_of(payer, url),
            state="pending",
            max_attempts=webhook_deliveries.c.attempts + 1 + endpoint.max_retries,
            due_at=at,
            give_up_at=at + PATIENCE,
            delivered_at=None,
        )
    )
    return find(connection, payer, delivery_id)


def drop(connection: Connection, endpoint_id: str) -> None:
    """Fail what is still on its way to an endpoint."""
    table = webhook_deliveries
    connection.execute(
        update(table)
        .where(table.c.endpoint_id == endpoint_id, table.c.state == "pending")
        .values(state="failed", last_error="the webhook was disabled")
    )


def _query(payer: Payer) -> "Select[*tuple[Any, ...]]":
    table = webhook_deliveries
    return select(table).where(table.c.org == payer.org, table.c.test == payer.test)


def _delivery(row: "Row[*tuple[Any, ...]]") -> Delivery:
    return Delivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        url=row.url,
        event=row.event,
        subject=row.subject,
        body=row.body,
        state=row.state,
        attempts=row.attempts,
        max_attempts=row.max_attempts,
        next_attempt_at=row.due_at if row.state == "pending" else None,
        last_status=row.last_status,
        last_error=row.last_error,
        created_at=row.created_at,
        delivered_at=row.delivered_at,
    )
