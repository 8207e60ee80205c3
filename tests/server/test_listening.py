"""The server listens where it is told, or says why it cannot."""

import httpx
import pytest

from intermezzo.errors import ServerError
from intermezzo.server import listening
from intermezzo.store import Store


async def test_a_free_port_is_found_and_left(sqlite_desk_store: Store) -> None:
    async with listening(sqlite_desk_store) as address, httpx.AsyncClient() as http:
        assert (await http.get(f"{address}/health")).json() == {"status": "ok"}
        port = httpx.URL(address).port or 0
        with pytest.raises(ServerError, match=f"cannot listen at 127.0.0.1:{port}: Address already in use"):
            await listening(sqlite_desk_store, port=port).__aenter__()
    async with listening(sqlite_desk_store, port=port):
        pass


async def test_it_does_not_listen_elsewhere_than_told(sqlite_desk_store: Store) -> None:
    with pytest.raises(ServerError, match=r"cannot listen at 192\.0\.2\.1"):
        await listening(sqlite_desk_store, host="192.0.2.1").__aenter__()
