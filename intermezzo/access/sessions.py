"""Sessions of people who have logged in: short-lived signed tokens (spec: CS-03)."""

import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from intermezzo.access import users
from intermezzo.access.principals import Principal, scopes_of
from intermezzo.access.users import User
from intermezzo.errors import NotAuthenticated, UserError
from intermezzo.store import insert_into
from intermezzo.store.tables import secrets as table

SESSION = timedelta(hours=1)
"""How long a token is good for: an evening's work needs a few, and a stolen one is soon worth nothing."""

_ALGORITHM = "HS256"
_ISSUER = "intermezzo"
_SECRET = "sessions"  # noqa: S105 (its name)


def begin(connection: Connection, user: User, *, test: bool, at: datetime) -> tuple[str, datetime]:
    """A token for somebody whose password was right.

    Args:
        test: they ask for test tasks and test credits.

    Returns:
        The token, and when it ends.
    """
    import jwt

    expires_at = at + SESSION
    claims = {
        "iss": _ISSUER,
        "sub": user.id,
        "iat": at,
        "exp": expires_at,
        "test": test,
        "generation": user.sessions,
    }
    return jwt.encode(claims, _make_secret(connection, at=at), algorithm=_ALGORITHM), expires_at


def find(connection: Connection, token: str, *, at: datetime) -> Principal:
    """Whose token that is.

    Raises:
        NotAuthenticated: it is not one of ours, has expired, or its user was logged out.
    """
    import jwt

    try:
        claims = jwt.decode(
            token,
            _secret(connection) or "",
            algorithms=[_ALGORITHM],
            issuer=_ISSUER,
            # By our own clock, below.
            options={"require": ["exp", "iat", "iss", "sub"], "verify_exp": False, "verify_iat": False},
        )
        user = users.by_id(connection, claims["sub"])
        ended = claims["exp"] <= at.timestamp()
        valid = claims["generation"] == user.sessions and not user.disabled
    except (jwt.PyJWTError, UserError, KeyError, TypeError):
        raise NotAuthenticated("that is no token of a session; log in again") from None
    if ended or not valid:
        raise NotAuthenticated("the session is over; log in again")
    return Principal(
        org=user.org,
        test=bool(claims.get("test")),
        scopes=scopes_of(user.role),
        name=user.email,
        worker_id=user.worker_id,
        user_id=user.id,
    )


def _secret(connection: Connection) -> str | None:
    """What tokens are signed with; None: nobody has ever logged in."""
    return connection.scalar(select(table.c.value).where(table.c.name == _SECRET))


def _make_secret(connection: Connection, *, at: datetime) -> str:
    """What tokens are signed with: made once per store, the same for all of its processes."""
    known = _secret(connection)
    if known is not None:
        return known
    new = insert_into(connection, table).values(name=_SECRET, value=secrets.token_urlsafe(48), created_at=at)
    connection.execute(new.on_conflict_do_nothing())
    return _secret(connection) or ""
