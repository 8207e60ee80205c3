"""People who log in: their address, their password's hash, and their part in an organisation."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from intermezzo.access.principals import Role, scopes_of
from intermezzo.errors import UserError
from intermezzo.store import new_id
from intermezzo.store.tables import users

if TYPE_CHECKING:
    from argon2 import PasswordHasher

LEAST_PASSWORD_CHARACTERS = 10
MOST_PASSWORD_CHARACTERS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who may log in."""

    id: str
    email: str
    org: str
    role: Role
    worker_id: str | None
    """The worker they are, if they work."""
    disabled: bool
    sessions: int
    """Generation of their sessions: those of an earlier one are over."""
    created_at: datetime


def add(
    connection: Connection,
    email: str,
    password_hash: str,
    *,
    org: str,
    role: Role,
    worker_id: str | None = None,
    at: datetime,
) -> User:
    """Let somebody log in.

    Raises:
        UserError: that is no e-mail address, somebody has it, or a worker has no id.
    """
    address = email.strip().lower()
    if not re.fullmatch(r"[^\s@]{1,64}@[^\s@]{1,190}", address):
        raise UserError(f"expected an e-mail address, got {email[:200]!r}")
    if "work" in scopes_of(role) and worker_id is None:
        raise UserError("whoever works needs a worker's id")
    user_id = new_id()
    values = {
        "id": user_id,
        "email": address,
        "password_hash": password_hash,
        "org": org,
        "role": role,
        "worker_id": worker_id,
        "sessions": 1,
        "disabled": False,
        "created_at": at,
    }
    try:
        with connection.begin_nested():
            connection.execute(insert(users).values(values))
    except IntegrityError:
        raise UserError(f"there is a user {address} already") from None
    return by_id(connection, user_id)


def by_id(connection: Connection, user_id: str) -> User:
    """One user.

    Raises:
        UserError: there is none of that id.
    """
    row = connection.execute(select(users).where(users.c.id == user_id)).one_or_none()
    if row is None:
        raise UserError(f"there is no user {user_id!r}")
    return _user(row)


def by_email(connection: Connection, email: str) -> tuple[User, str]:
    """One user, and the hash of their password.

    Raises:
        UserError: there is none of that address.
    """
    row = connection.execute(select(users).where(users.c.email == email.strip().lower())).one_or_none()
    if row is None:
        raise UserError(f"there is no user {email!r}")
    return _user(row), row.password_hash


def everybody(connection: Connection) -> list[User]:
    """All users, by address."""
    return [_user(row) for row in connection.execute(select(users).order_by(users.c.email))]


def change(
    connection: Connection, user_id: str, *, password_hash: str | None = None, disabled: bool | None = None
) -> None:
    """Set a password, or whether they may log in; either way their sessions are over."""
    given = {"password_hash": password_hash, "disabled": disabled}
    values = {name: value for name, value in given.items() if value is not None}
    connection.execute(update(users).where(users.c.id == user_id).values(**values, sessions=users.c.sessions + 1))


def end_sessions(connection: Connection, user_id: str) -> None:
    """Log somebody out everywhere."""
    connection.execute(update(users).where(users.c.id == user_id).values(sessions=users.c.sessions + 1))


def hash_password(password: str) -> str:
    """What is kept of a password; takes some 50 ms, so call it in a thread.

    Raises:
        UserError: the password is too short or too long.
    """
    if not LEAST_PASSWORD_CHARACTERS <= len(password) <= MOST_PASSWORD_CHARACTERS:
        raise UserError(f"a password has {LEAST_PASSWORD_CHARACTERS} to {MOST_PASSWORD_CHARACTERS} characters")
    return _hasher().hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether that is the password; takes as long for somebody who does not exist (None)."""
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _hasher().verify(password_hash or _nobody(), password[:MOST_PASSWORD_CHARACTERS])
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def _nobody() -> str:
    """A hash that no password has."""
    return _hasher().hash(new_id())


def _user(row: "Row[*tuple[Any, ...]]") -> User:
    return User(
        id=row.id,
        email=row.email,
        org=row.org,
        role=row.role,
        worker_id=row.worker_id,
        disabled=row.disabled,
        sessions=row.sessions,
        created_at=row.created_at,
    )
