"""`/v1/auth` and `/v1/keys`: sessions of people, and API keys (spec: CS-02, CS-03)."""

from http import HTTPStatus
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, Field

from intermezzo.access import ApiKey, Principal, Scope
from intermezzo.errors import AccessKeyNotFound
from intermezzo.server.context import Server, allowed, principal_of, take
from intermezzo.server.reading import Route
from intermezzo.server.task_wire import Time, Wired

router = APIRouter(prefix="/v1", tags=["access"], route_class=Route)

Anybody = Annotated[Principal, Depends(principal_of)]
"""Anybody with a valid key or session."""
KeyKeeper = Annotated[Principal, Depends(allowed("keys"))]
"""May see, make and revoke the organisation's keys."""


class Login(Wired):
    """Who wants to come in."""

    email: Annotated[str, Field(max_length=260)]
    password: Annotated[str, Field(max_length=1_000)]
    test: bool = False
    """For test tasks and test credits."""


class Session(Wired):
    """A session has begun."""

    token: str
    """Goes where an API key goes: `Authorization: Bearer TOKEN`."""
    access_token: str
    """The same."""
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 (its name)
    expires_at: AwareDatetime


class Whoami(Wired):
    """Who asks."""

    name: str
    """Of the key, or the user's e-mail address."""
    org: str
    test: bool
    scopes: list[Scope]
    worker_id: str | None


class NewApiKey(Wired):
    """A key to make; it can do no more than whoever makes it."""

    name: Annotated[str, Field(max_length=100)] = ""
    test: bool = False
    """For test tasks, which simulated workers answer."""
    scopes: list[Scope] | None = None
    """What it may be used for; left out: all that owners may do."""
    expires_at: Time | None = None
    """Left out: never."""


class KeyOut(Wired):
    """An API key, without the key."""

    id: str
    name: str
    prefix: str
    """Its first characters."""
    test: bool
    scopes: list[Scope]
    worker_id: str | None
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None
    """To the minute."""
    revoked_at: AwareDatetime | None

    @classmethod
    def of(cls, key: ApiKey) -> Self:
        """A key as it goes over the wire."""
        return cls(
            id=key.id,
            name=key.name,
            prefix=key.prefix,
            test=key.test,
            scopes=sorted(key.scopes),
            worker_id=key.worker_id,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )


class CreatedKey(KeyOut):
    """A key that was just made."""

    key: str
    """The key itself; it is shown this once."""


class Keys(Wired):
    """Keys of the organisation, the newest first."""

    items: list[KeyOut]


@router.post("/auth/login", summary="Log in")
async def login(given: Login, request: Request, server: Server) -> Session:
    """Begin a session, which lasts an hour."""
    take(server.strangers, f"login {request.client.host if request.client else ''}")
    token, expires_at = await server.access.log_in(given.email, given.password, test=given.test)
    return Session(token=token, access_token=token, expires_at=expires_at)


@router.post("/auth/logout", status_code=HTTPStatus.NO_CONTENT, summary="Log out")
async def logout(principal: Anybody, server: Server) -> Response:
    """End all sessions of the user who asks."""
    await server.access.log_out(principal)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.get("/auth/me", summary="See who you are")
async def whoami(principal: Anybody) -> Whoami:
    """On whose behalf you ask, and what you may do."""
    return Whoami(
        name=principal.name,
        org=principal.org,
        test=principal.test,
        scopes=sorted(principal.scopes),
        worker_id=principal.worker_id,
    )


@router.get("/keys", summary="List API keys")
async def list_keys(principal: KeyKeeper, server: Server) -> Keys:
    """Live and test keys, revoked ones too; a test key sees test keys only."""
    return Keys(items=[KeyOut.of(key) for key in await _visible(server, principal)])


@router.post("/keys", status_code=HTTPStatus.CREATED, summary="Make an API key")
async def create_key(new: NewApiKey, principal: KeyKeeper, server: Server) -> CreatedKey:
    """Make a key for your own organisation. It is shown this once."""
    key, kept = await server.access.create_key(
        principal.org,
        test=new.test,
        name=new.name,
        scopes=new.scopes,
        expires_at=new.expires_at,
        by=principal,
    )
    return CreatedKey(key=key, **KeyOut.of(kept).model_dump())


@router.delete("/keys/{key_id}", summary="Revoke an API key")
async def revoke_key(key_id: str, principal: KeyKeeper, server: Server) -> KeyOut:
    """End a key at once; again changes nothing."""
    if key_id not in {key.id for key in await _visible(server, principal)}:
        raise AccessKeyNotFound(f"there is no API key {key_id!r}; GET /v1/keys lists those there are")
    return KeyOut.of(await server.access.revoke_key(principal.org, key_id))


async def _visible(server: Server, principal: Principal) -> list[ApiKey]:
    return [key for key in await server.access.keys(principal.org) if key.test or not principal.test]
