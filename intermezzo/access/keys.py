"""API keys: shown once, kept as digests, narrowed by scopes, ended by time or by hand."""

import hashlib
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, cast

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from intermezzo.access.principals import Principal, Scope
from intermezzo.errors import AccessKeyNotFound, NotAuthenticated
from intermezzo.store import Prepared, new_id
from intermezzo.store.tables import api_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Dialect = Literal["native", "humanrail", "sanctifai", "scale"]
"""Whose documents tell the client how to talk to us; keys look as those documents say."""

PREFIXES: dict[Dialect, tuple[str, str]] = {
    "native": ("csk_", "csk_test_"),
    "humanrail": ("ek_live_", "ek_test_"),
    "sanctifai": ("sk_live_", "sk_test_"),
    "scale": ("live_", "test_"),
}
"""How live and test keys of a dialect begin (spec: CS-02, HR-01, SA-10, SC-03)."""

SECRET_BYTES = 24
"""Random bytes in a key: nobody guesses one in 192 bits, so a plain digest of it is safe to keep."""

_BY_DIGEST = Prepared(select(api_keys).where(api_keys.c.digest == bindparam("of")))

_MOST_CHARACTERS = 200
_USE_NOTED_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key as its organisation sees it; the key itself is known to nobody but who has it."""

    id: str
    name: str
    prefix: str
    """The first characters of the key, to tell it from others."""
    dialect: Dialect
    test: bool
    scopes: frozenset[Scope]
    worker_id: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to make."""

    org: str
    test: bool
    name: str
    """What it is called in lists and histories; empty: by how it begins."""
    scopes: frozenset[Scope]
    dialect: Dialect = "native"
    worker_id: str | None = None
    expires_at: datetime | None = None


def make(connection: Connection, new: NewKey, *, at: datetime) -> tuple[str, ApiKey]:
    """Make a key.

    Returns:
        The key itself, which cannot be had again, and what is kept of it.
    """
    prefix = PREFIXES[new.dialect][new.test]
    key = prefix + secrets.token_urlsafe(SECRET_BYTES)
    shown = key[: len(prefix) + 4]
    kept = {
        "id": new_id(),
        "org": new.org,
        "test": new.test,
        "name": new.name or f"key {shown}…",
        "prefix": shown,
        "digest": _digest(key),
        "dialect": new.dialect,
        "scopes": json.dumps(sorted(new.scopes)),
        "worker_id": new.worker_id,
        "created_at": at,
        "expires_at": new.expires_at,
    }
    connection.execute(insert(api_keys).values(kept))
    return key, _key(connection.execute(select(api_keys).where(api_keys.c.id == kept["id"])).one())


def find(connection: Connection, key: str, *, at: datetime) -> tuple[Principal, bool]:
    """Whose key that is, and whether its use is to be noted.

    Raises:
        NotAuthenticated: nobody's, or it is revoked or has expired.
    """
    row = None
    if len(key) <= _MOST_CHARACTERS:
        row = _BY_DIGEST.first(connection, {"of": _digest(key)})
    if row is None:
        raise NotAuthenticated("there is no such API key; `intermezzo keys create` makes one")
    if row.revoked_at is not None:
        raise NotAuthenticated(f"the API key {row.prefix}… was revoked")
    if row.expires_at is not None and row.expires_at <= at:
        raise NotAuthenticated(f"the API key {row.prefix}… has expired")
    principal = Principal(
        org=row.org,
        test=row.test,
        scopes=_scopes(row.scopes),
        name=row.name,
        worker_id=row.worker_id,
        key_id=row.id,
    )
    return principal, row.last_used_at is None or row.last_used_at <= at - _USE_NOTED_EVERY


def note_use(connection: Connection, key_id: str, *, at: datetime) -> None:
    """Remember that a key was used; a key that is used all the time is written down once a minute."""
    used = api_keys.c.last_used_at
    connection.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id, or_(used.is_(None), used <= at - _USE_NOTED_EVERY))
        .values(last_used_at=at)
    )


def of_org(connection: Connection, org: str) -> "Sequence[ApiKey]":
    """The keys of an organisation, live and test, the newest first; revoked ones too."""
    query = select(api_keys).where(api_keys.c.org == org).order_by(api_keys.c.created_at.desc(), api_keys.c.id.desc())
    return [_key(row) for row in connection.execute(query)]


def revoke(connection: Connection, org: str, key_id: str, *, at: datetime) -> ApiKey:
    """End a key at once; again changes nothing.

    Raises:
        AccessKeyNotFound: the organisation has none of that id.
    """
    query = select(api_keys).where(api_keys.c.org == org, api_keys.c.id == key_id)
    connection.execute(
        update(api_keys)
        .where(api_keys.c.org == org, api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=at)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise AccessKeyNotFound(f"there is no API key {key_id!r}; `intermezzo keys list` shows those there are")
    return _key(row)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _scopes(text: str) -> frozenset[Scope]:
    return frozenset(cast("Iterable[Scope]", json.loads(text)))


def _key(row: "Row[*tuple[Any, ...]]") -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        dialect=row.dialect,
        test=row.test,
        scopes=_scopes(row.scopes),
        worker_id=row.worker_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
