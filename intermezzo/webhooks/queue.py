"""Deliveries that are due: taken under a lease by any number of processes, and noted when they were tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, String, column, insert, select, text, update

from intermezzo.store.tables import UtcDateTime, outbox, webhook_attempts, webhook_deliveries, webhook_endpoints
from intermezzo.webhooks import dispatch, endpoints
from intermezzo.webhooks.deliveries import PATIENCE, DeliveryState

LEASE = timedelta(seconds=30)
"""How long an attempt may take, with its note; then another process makes it. Three times its deadline."""

# As in the partial index: SQLite does not compare it with a parameter. Each lane costs two look-ups in that index,
# however many deliveries wait in it.
DUE = text("""
    WITH RECURSIVE lanes(lane) AS (
        SELECT (SELECT min(lane) FROM webhook_deliveries WHERE state = 'pending')
        UNION ALL
        SELECT (SELECT min(d.lane) FROM webhook_deliveries AS d WHERE d.state = 'pending' AND d.lane > lanes.lane)
        FROM lanes WHERE lanes.lane IS NOT NULL
    )
    SELECT lane, (
        SELECT min(d.due_at) FROM webhook_deliveries AS d WHERE d.state = 'pending' AND d.lane = lanes.lane
    ) AS due_at
    FROM lanes WHERE lane IS NOT NULL
""").columns(column("lane", String), column("due_at", UtcDateTime))
PENDING = text("webhook_deliveries.state = 'pending'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A delivery to attempt now."""

    id: str
    lane: str
    url: str
    body: bytes
    n: int
    """Number of this attempt, from 1."""
    max_attempts: int
    secret: str
    previous_secret: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What came of an attempt."""

    id: str
    n: int
    state: DeliveryState
    at: datetime
    due_at: datetime
    """Of the next attempt, while it is pending."""
    status: int | None
    error: str | None
    milliseconds: int


def lanes(connection: Connection) -> dict[str, datetime]:
    """The lanes in which deliveries wait, and when the first of each is due; the longest due come first."""
    rows = [(row.due_at, row.lane) for row in connection.execute(DUE)]
    return {lane: due_at for due_at, lane in sorted(rows)}


def take(connection: Connection, room: dict[str, int], *, at: datetime) -> list[Taken]:
    """Take deliveries that are due; nobody else attempts them until the lease has run out.

    Args:
        room: how many of which lane at most.
    """
    table = webhook_deliveries
    taken: list[Taken] = []
    for lane, most in room.items():
        rows = connection.execute(
            select(table, *_SIGNING)
            .join(webhook_endpoints, webhook_endpoints.c.id == table.c.endpoint_id)
            .where(PENDING, table.c.lane == lane, table.c.due_at <= at)
            .order_by(table.c.due_at)
            .limit(most)
            .with_for_update(of=table, skip_locked=True)
        )
        taken += [_taken(row, at) for row in rows]
    if taken:
        connection.execute(update(table).where(table.c.id.in_([one.id for one in taken])).values(due_at=at + LEASE))
    return taken


_SIGNING = (webhook_endpoints.c.secret, webhook_endpoints.c.previous_secret, webhook_endpoints.c.rotated_at)


def _taken(row: Any, at: datetime) -> Taken:  # noqa: ANN401 (a row of two tables)
    secret, previous_secret = endpoints.secrets_at(row, at)
    return Taken(
        id=row.id,
        lane=row.lane,
        url=row.url,
        body=row.body.encode(),
        n=row.attempts + 1,
        max_attempts=row.max_attempts,
        secret=secret,
        previous_secret=previous_secret,
    )


def note(connection: Connection, tried: Sequence[Tried]) -> None:
    """Write down what came of attempts; one that somebody else has made meanwhile is theirs to note."""
    table = webhook_deliveries
    for one in tried:
        noted = connection.execute(
            update(table)
            .where(table.c.id == one.id, table.c.state == "pending", table.c.attempts == one.n - 1)
            .values(
                state=one.state,
                attempts=one.n,
                due_at=one.due_at,
                last_status=one.status,
                last_error=one.error,
                delivered_at=one.at if one.state == "delivered" else None,
            )
        )
        if noted.rowcount:
            connection.execute(
                insert(webhook_attempts).values(
                    delivery_id=one.id,
                    n=one.n,
                    at=one.at,
                    status=one.status,
                    error=one.error,
                    milliseconds=one.milliseconds,
                )
            )


def has_expired(connection: Connection, *, at: datetime) -> bool:
    """Whether something is to be given up."""
    table = webhook_deliveries
    return connection.scalar(select(table.c.id).where(PENDING, table.c.give_up_at <= at).limit(1)) is not None


def lag_seconds(connection: Connection, *, at: datetime) -> float:
    """For how long the oldest event that is still to be told of has waited; 0: there is none."""
    table = webhook_deliveries
    # By the ends of their time, of which there is an index.
    ends_at = connection.scalar(select(table.c.give_up_at).where(PENDING).order_by(table.c.give_up_at).limit(1))
    happened_at = connection.scalar(select(outbox.c.at).where(dispatch.PENDING).order_by(outbox.c.seq).limit(1))
    since = [*([ends_at - PATIENCE] if ends_at else []), *([happened_at] if happened_at else [])]
    return max([0.0, *((at - one).total_seconds() for one in since)])


def give_up(connection: Connection, *, at: datetime) -> int:
    """Fail what could not be delivered for too long; returns how many."""
    table = webhook_deliveries
    return connection.execute(
        update(table)
        .where(PENDING, table.c.give_up_at <= at)
        .values(state="failed", last_error="it could not be delivered within a day")
    ).rowcount
