"""A Prefect server for the whole session, and a rig that runs attempts of flows one by one."""

import os
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_API_URL, temporary_settings

from intermezzo import ledger
from intermezzo.flows.prefect_server import embedded_server, free_port
from intermezzo.flows.runtime import runtime
from intermezzo.settings import settings
from intermezzo.store import open_store, utc_now
from tests.flows import steps
from tests.rig import GRANTED, PAYER, Rig


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a Prefect server that all tests of the session share."""
    port = free_port(0)
    with embedded_server(tmp_path_factory.mktemp("prefect"), port):
        url = f"http://127.0.0.1:{port}/api"
        with temporary_settings({PREFECT_API_URL: url}):
            yield url


@pytest.fixture(autouse=True)
def nothing_done_yet() -> None:
    """No step has done anything yet."""
    steps.work.clear()


@pytest.fixture
def sqlite_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a fresh SQLite store."""
    return f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('store')}/store.db"


@pytest.fixture
async def rig(prefect_url: str, store_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A rig on each engine; runs suspend as soon as nothing moves."""
    async for made in _rig(store_url, monkeypatch):
        yield made


@pytest.fixture
async def sqlite_rig(prefect_url: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    """A rig on SQLite, for what cannot depend on the engine."""
    async for made in _rig(sqlite_url, monkeypatch):
        yield made


async def _rig(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Rig]:
    monkeypatch.setenv("INTERMEZZO_DATABASE_URL", url)
    monkeypatch.setenv("INTERMEZZO_HOT_WAIT_SECONDS", "0")
    settings.cache_clear()
    runtime.cache_clear()
    store = open_store(url)
    await store.write(lambda c: ledger.grant(c, PAYER, GRANTED, subject="grant:test", at=utc_now()))
    async with get_client() as client:
        yield Rig(store, client)
    runtime().close()
    runtime.cache_clear()
    store.close()


@pytest.fixture(scope="session")
def session_environment(prefect_url: str) -> dict[str, str]:
    """Environment of child processes that use the session's Prefect server."""
    return {
        **os.environ,
        "PREFECT_API_URL": prefect_url,
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
