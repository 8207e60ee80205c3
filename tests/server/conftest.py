"""The HTTP API as its clients meet it: over ASGI, in this process."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from intermezzo import ledger
from intermezzo.access import Access
from intermezzo.ledger import Payer
from intermezzo.server import create_app
from intermezzo.store import Store, new_id, utc_now
from tests.server.memory_launcher import MemoryLauncher

Connect = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def credits() -> int:
    """What each organisation starts with."""
    return 1_000


def refused(response: httpx.Response, status: int, code: str) -> str:
    """What an answer says that must be a problem."""
    body = response.json()
    assert response.status_code == status, body
    assert response.headers["content-type"] == "application/problem+json"
    assert (body["status"], body["code"], body["type"]) == (status, code, f"/problems/{code}")
    assert body["request_id"] == response.headers["x-request-id"]
    assert "Traceback" not in response.text
    return body["detail"]


@pytest.fixture
def launcher() -> MemoryLauncher:
    """Where runs of pipelines are executed."""
    return MemoryLauncher()


@pytest.fixture
def app(store: Store, launcher: MemoryLauncher) -> FastAPI:
    """The server."""
    return create_app(store, launcher=launcher)


@pytest.fixture
async def connect(app: FastAPI, store: Store, credits: int) -> AsyncIterator[Connect]:
    """Makes clients with a key of an organisation, which has credits when it is first heard of."""
    access, known = Access(store), set[Payer]()

    @asynccontextmanager
    async def client(org: str = "acme", **key: Any) -> AsyncGenerator[httpx.AsyncClient]:
        token, kept = await access.create_key(org, **key)
        payer = Payer(org, test=kept.test)
        if payer not in known:
            known.add(payer)
            await store.write(lambda c: ledger.grant(c, payer, credits, subject=new_id(), at=utc_now()))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://intermezzo", headers=headers) as opened:
            yield opened

    async with app.router.lifespan_context(app):
        yield client


@pytest.fixture
async def http(connect: Connect) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a live key of `acme` that may do all that owners may."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(connect())
