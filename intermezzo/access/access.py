"""The door: who may come in, for the HTTP server and the command line."""

import asyncio
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from intermezzo.access import keys, sessions, users
from intermezzo.access.keys import ApiKey, Dialect, NewKey
from intermezzo.access.principals import SCOPES, Principal, Role, Scope, scopes_of
from intermezzo.access.users import User
from intermezzo.errors import NotAllowed, NotAuthenticated, UserError
from intermezzo.store import Store, utc_now

MOST_NAME_CHARACTERS = 100


class Access:
    """Keys and users of a store.

    Args:
        store: where they are.
    """

    def __init__(self, store: Store) -> None:
        self.store = store

    async def authenticate(self, token: str) -> Principal:
        """Who comes with that API key or session token.

        Raises:
            NotAuthenticated: nobody who may.
        """
        at = utc_now()
        if token.count(".") == 2:  # noqa: PLR2004 (a JSON Web Token has three parts; keys have no dot)
            return await self.store.read(lambda c: sessions.find(c, token, at=at))
        principal, news = await self.store.read(lambda c: keys.find(c, token, at=at))
        if news and principal.key_id is not None:
            key_id = principal.key_id
            self.store.submit(lambda c: keys.note_use(c, key_id, at=at))
        return principal

    async def create_key(
        self,
        org: str,
        *,
        test: bool = False,
        name: str = "",
        scopes: Iterable[Scope] | None = None,
        dialect: Dialect = "native",
        worker_id: str | None = None,
        expires_at: datetime | None = None,
        by: Principal | None = None,
    ) -> tuple[str, ApiKey]:
        """Make an API key.

        Args:
            org: whose credits it spends.
            test: it posts test tasks, which simulated workers answer.
            name: to tell it from others, and for histories.
            scopes: what it may be used for; None: all that owners may do, or `work` for a worker.
            dialect: whose documents tell its client how to talk to us.
            worker_id: as whom it works.
            by: who makes it; it can do no more than they can. None: an operator at the machine.

        Returns:
            The key, which cannot be had again, and what is kept of it.

        Raises:
            UserError: a name too long, an unknown scope, or an end that has passed.
            NotAllowed: whoever makes it lacks a scope, or is of another organisation.
        """
        default: frozenset[Scope] = scopes_of("owner") if worker_id is None else scopes_of("worker")
        wanted = default if scopes is None else frozenset(scopes)
        if unknown := sorted(wanted - SCOPES.keys()):
            raise UserError(f"there is no scope {', '.join(unknown)}; the scopes are {', '.join(SCOPES)}")
        if "work" in wanted and worker_id is None:
            raise UserError("a key with the scope work needs a worker's id")
        if len(name) > MOST_NAME_CHARACTERS or not name.isprintable():
            raise UserError(f"a key's name has at most {MOST_NAME_CHARACTERS} printable characters")
        at = utc_now()
        if expires_at is not None and expires_at <= at:
            raise UserError(f"expires_at has passed: {expires_at.isoformat()}")
        if by is not None:
            _require_as_much(by, org, test=test, scopes=wanted)
        new = NewKey(
            org=org,
            test=test,
            name=name,
            scopes=wanted,
            dialect=dialect,
            worker_id=worker_id,
            expires_at=expires_at,
        )
        return await self.store.write(lambda c: keys.make(c, new, at=at))

    async def keys(self, org: str) -> list[ApiKey]:
        """The keys of an organisation, the newest first."""
        return await self.store.read(lambda c: list(keys.of_org(c, org)))

    async def revoke_key(self, org: str, key_id: str) -> ApiKey:
        """End a key at once; again changes nothing.

        Raises:
            AccessKeyNotFound: the organisation has none of that id.
        """
        return await self.store.write(lambda c: keys.revoke(c, org, key_id, at=utc_now()))

    async def add_user(self, email: str, password: str, *, org: str, role: Role, worker_id: str | None = None) -> User:
        """Let somebody log in.

        Raises:
            UserError: that is no e-mail address, somebody has it, the password is too short or long, or a worker
                has no id.
        """
        hashed = await asyncio.to_thread(users.hash_password, password)
        return await self.store.write(
            lambda c: users.add(c, email, hashed, org=org, role=role, worker_id=worker_id, at=utc_now())
        )

    async def users(self) -> list[User]:
        """All users, by address."""
        return await self.store.read(users.everybody)

    async def change_user(self, email: str, *, password: str | None = None, disabled: bool | None = None) -> User:
        """Set somebody's password, or whether they may log in; their sessions are over.

        Raises:
            UserError: there is no such user, or the password is too short or long.
        """
        hashed = None if password is None else await asyncio.to_thread(users.hash_password, password)

        def work(connection: Connection) -> User:
            user, _ = users.by_email(connection, email)
            users.change(connection, user.id, password_hash=hashed, disabled=disabled)
            return users.by_id(connection, user.id)

        return await self.store.write(work)

    async def log_in(self, email: str, password: str, *, test: bool = False) -> tuple[str, datetime]:
        """Begin a session (spec: CS-03).

        Args:
            test: for test tasks and test credits.

        Returns:
            Its token, and when it ends.

        Raises:
            NotAuthenticated: wrong address or password; it does not say which, nor by how long it takes.
        """
        try:
            user, hashed = await self.store.read(lambda c: users.by_email(c, email))
        except UserError:
            user, hashed = None, None
        right = await asyncio.to_thread(users.matches, hashed, password)
        if user is None or not right or user.disabled:
            raise NotAuthenticated("wrong e-mail address or password")
        return await self.store.write(lambda c: sessions.begin(c, user, test=test, at=utc_now()))

    async def log_out(self, principal: Principal) -> None:
        """End all sessions of whoever asks.

        Raises:
            NotAuthenticated: they came with a key; it is revoked, not logged out.
        """
        user_id = principal.user_id
        if user_id is None:
            raise NotAuthenticated("an API key has no session; revoke it instead")
        await self.store.write(lambda c: users.end_sessions(c, user_id))


def _require_as_much(by: Principal, org: str, *, test: bool, scopes: frozenset[Scope]) -> None:
    by.require("keys")
    if by.org != org or (by.test and not test):
        raise NotAllowed("a key is made for one's own organisation, and with a test key only test keys", scopes=[])
    by.require(*sorted(scopes))
