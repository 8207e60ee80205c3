"""Requests that may come twice: the same key brings the same result, and nothing is done again."""

import hashlib
import json
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Connection, delete, select

from intermezzo.errors import KeyReused
from intermezzo.store.dialect import insert_into
from intermezzo.store.tables import idempotency_keys

MAX_KEY_CHARACTERS = 256


def fingerprint(request: JsonValue) -> str:
    """Tells one request from another."""
    text = json.dumps(request, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def once(
    connection: Connection,
    key: str,
    *,
    org: str,
    test: bool,
    scope: str,
    request: str,
    result: JsonValue,
    at: datetime,
) -> JsonValue | None:
    """Take a key for a request, as part of the transaction that fulfils it. Keys never expire (spec: K10).

    Args:
        key: the requester's, 1 to 256 characters.
        scope: what is asked for; the same key may be used in another scope.
        request: its fingerprint.
        result: what the request is about to make.

    Returns:
        None: go on. Otherwise what the same request made when it came first.

    Raises:
        KeyReused: another request came with this key before.
        ValueError: that cannot be a key.
    """
    if not 0 < len(key) <= MAX_KEY_CHARACTERS or not key.isprintable():
        raise ValueError(f"an idempotency key has 1 to {MAX_KEY_CHARACTERS} printable characters, got {key[:300]!r}")
    table = idempotency_keys
    new = insert_into(connection, table).values(
        org=org, test=test, scope=scope, key=key, fingerprint=request, result=json.dumps(result), created_at=at
    )
    # PostgreSQL waits here for another transaction that is taking the same key, and then finds it taken.
    if connection.execute(new.on_conflict_do_nothing().returning(table.c.key)).first() is not None:
        return None
    taken = connection.execute(
        select(table.c.fingerprint, table.c.result).where(
            table.c.org == org, table.c.test == test, table.c.scope == scope, table.c.key == key
        )
    ).one()
    if taken.fingerprint != request:
        raise KeyReused(f"the idempotency key {key!r} was used for another request; use a new key for a new request")
    return json.loads(taken.result)


def forget(connection: Connection, key: str, *, org: str, test: bool, scope: str) -> None:
    """Give a key back, in the transaction that takes back what its request has made."""
    table = idempotency_keys
    connection.execute(
        delete(table).where(table.c.org == org, table.c.test == test, table.c.scope == scope, table.c.key == key)
    )
