"""The real server, for clients that connect to it."""

from collections.abc import Iterator

import pytest

from intermezzo.store import Store
from tests.client.live_server import LiveServer, serving


@pytest.fixture
def live(store: Store) -> Iterator[LiveServer]:
    """A server with simulated workers."""
    with serving(store) as server:
        yield server
