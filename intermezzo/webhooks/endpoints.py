"""Endpoints: the addresses of an organisation that are told, each with its own secret (spec: CS-34).

One endpoint without an address signs what goes to the `webhook_url`s of single tasks. It is made when it is first
needed.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, func, insert, select, update

from intermezzo.errors import InvalidInput, WebhookNotFound
from intermezzo.ledger import Payer
from intermezzo.store import insert_into, new_id
from intermezzo.store.tables import webhook_endpoints as table
from intermezzo.webhooks.events import ENDS, EVENTS, WebhookEvent
from intermezzo.webhooks.signatures import ROTATION, new_secret

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

MOST_ENDPOINTS = 50
"""Of one organisation, live or test, that are not disabled: every event may go to each of them."""

DEFAULT_RETRIES = 3
MOST_RETRIES = 5
"""The fifth comes some 65 minutes after the first attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where an organisation is told of what happens; its secret is shown when it is made and rotated, only then."""

    id: str
    url: str | None
    """None: the `webhook_url`s of single tasks."""
    test: bool
    events: tuple[WebhookEvent, ...]
    max_retries: int
    created_at: datetime
    rotated_at: datetime | None
    """When its secret was last changed; the one before signs as well, for a day from then."""
    disabled_at: datetime | None
    """Told of nothing since then."""


def make(
    connection: Connection,
    payer: Payer,
    url: str | None,
    *,
    events: Collection[WebhookEvent] = ENDS,
    max_retries: int = DEFAULT_RETRIES,
    at: datetime,
) -> tuple[str, Endpoint]:
    """Make an endpoint.

    Args:
        url: None: for the `webhook_url`s of single tasks.
        events: what it is told of.
        max_retries: after the first attempt.

    Returns:
        Its secret, and what else is known of it.

    Raises:
        InvalidInput: the organisation has enough, or has the one for single tasks already.
    """
    _check(events, max_retries)
    _check_number(connection, payer)
    if url is None and _of_tasks(connection, payer) is not None:
        raise InvalidInput("url: there is an endpoint for the addresses of single tasks already; rotate its secret")
    secret, values = _new(payer, url, events=events, max_retries=max_retries, at=at)
    connection.execute(insert(table).values(values))
    return secret, find(connection, payer, values["id"])


def ensure_for_tasks(connection: Connection, payers: Collection[Payer], *, at: datetime) -> None:
    """Make the endpoints that sign what goes to addresses of single tasks, where there are none."""
    for payer in payers:
        _, values = _new(payer, None, events=ENDS, max_retries=DEFAULT_RETRIES, at=at)
        connection.execute(insert_into(connection, table).values(values).on_conflict_do_nothing())


def find(connection: Connection, payer: Payer, endpoint_id: str) -> Endpoint:
    """One endpoint of an organisation.

    Raises:
        WebhookNotFound: it has none of that id.
    """
    row = connection.execute(select(table).where(_of(payer), table.c.id == endpoint_id)).one_or_none()
    if row is None:
        raise WebhookNotFound(f"there is no webhook {endpoint_id!r}; `intermezzo webhooks list` shows those there are")
    return _endpoint(row)


def of_payer(connection: Connection, payer: Payer) -> Sequence[Endpoint]:
    """The endpoints of an organisation, live or test, the newest first."""
    query = select(table).where(_of(payer)).order_by(table.c.created_at.desc(), table.c.id.desc())
    return [_endpoint(row) for row in connection.execute(query)]


def of_payers(connection: Connection, payers: Collection[Payer]) -> dict[Payer, list[Endpoint]]:
    """The endpoints of several."""
    found: dict[Payer, list[Endpoint]] = {payer: [] for payer in payers}
    for row in connection.execute(select(table).where(table.c.org.in_({payer.org for payer in payers}))):
        found.get(Payer(row.org, test=row.test), []).append(_endpoint(row))
    return found


def change(
    connection: Connection,
    payer: Payer,
    endpoint_id: str,
    *,
    url: str | None = None,
    events: Collection[WebhookEvent] | None = None,
    max_retries: int | None = None,
    disabled: bool | None = None,
    at: datetime,
) -> Endpoint:
    """Change what is given of an endpoint.

    Raises:
        WebhookNotFound: the organisation has none of that id.
        InvalidInput: it is the one for single tasks, which has no address of its own; or there are enough.
    """
    known = find(connection, payer, endpoint_id)
    if url is not None and known.url is None:
        raise InvalidInput("url: this endpoint is for the addresses of single tasks; create another one")
    _check(known.events if events is None else events, known.max_retries if max_retries is None else max_retries)
    if disabled is False and known.disabled_at is not None:
        _check_number(connection, payer)
    given: dict[str, Any] = {
        "url": url,
        "events": None if events is None else _listed(events),
        "max_retries": max_retries,
    }
    values = {name: value for name, value in given.items() if value is not None}
    if disabled is not None:
        values["disabled_at"] = (known.disabled_at or at) if disabled else None
    if values:
        connection.execute(update(table).where(table.c.id == endpoint_id).values(values))
    return find(connection, payer, endpoint_id)


def rotate(connection: Connection, payer: Payer, endpoint_id: str, *, at: datetime) -> tuple[str, Endpoint]:
    """Give an endpoint a new secret; the one it had signs as well for a day (spec: CS-40).

    Raises:
        WebhookNotFound: the organisation has none of that id.
    """
    secret = new_secret()
    connection.execute(
        update(table)
        .where(_of(payer), table.c.id == endpoint_id)
        .values(previous_secret=table.c.secret, secret=secret, rotated_at=at)
    )
    return secret, find(connection, payer, endpoint_id)


def secrets_at(row: "Row[*tuple[Any, ...]]", at: datetime) -> tuple[str, str | None]:
    """What an endpoint signs with at a time: its secret, and the one before while both are good."""
    both = row.rotated_at is not None and at < row.rotated_at + ROTATION
    return row.secret, row.previous_secret if both else None


def _of(payer: Payer) -> "ColumnElement[bool]":
    return (table.c.org == payer.org) & (table.c.test == payer.test)


def _of_tasks(connection: Connection, payer: Payer) -> str | None:
    return connection.scalar(select(table.c.id).where(_of(payer), table.c.url.is_(None)))


def _new(
    payer: Payer, url: str | None, *, events: Collection[WebhookEvent], max_retries: int, at: datetime
) -> tuple[str, dict[str, Any]]:
    secret = new_secret()
    return secret, {
        "id": new_id(),
        "org": payer.org,
        "test": payer.test,
        "url": url,
        "secret": secret,
        "events": _listed(events),
        "max_retries": max_retries,
        "created_at": at,
    }


def _listed(events: Collection[WebhookEvent]) -> str:
    return json.dumps([event for event in EVENTS if event in events])


def _check(events: Collection[WebhookEvent], max_retries: int) -> None:
    unknown = sorted(set(events) - EVENTS.keys())
    if unknown or not events:
        raise InvalidInput(f"events: expected some of {', '.join(EVENTS)}, got {', '.join(unknown) or 'none'}")
    if not 0 <= max_retries <= MOST_RETRIES:
        raise InvalidInput(f"max_retries: expected 0 to {MOST_RETRIES}, got {max_retries}")


def _check_number(connection: Connection, payer: Payer) -> None:
    count = connection.scalar(select(func.count()).where(_of(payer), table.c.disabled_at.is_(None))) or 0
    if count >= MOST_ENDPOINTS:
        raise InvalidInput(f"an organisation has at most {MOST_ENDPOINTS} webhooks; disable one that is not needed")


def _endpoint(row: "Row[*tuple[Any, ...]]") -> Endpoint:
    return Endpoint(
        id=row.id,
        url=row.url,
        test=row.test,
        events=tuple(json.loads(row.events)),
        max_retries=row.max_retries,
        created_at=row.created_at,
        rotated_at=row.rotated_at,
        disabled_at=row.disabled_at,
    )
