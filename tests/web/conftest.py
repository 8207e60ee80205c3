"""A local server, and the small internet around it."""

from collections.abc import AsyncIterator

import pytest

from tests.web.internet import Internet
from tests.web.site import Site, running_site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with running_site() as site:
        yield site


@pytest.fixture
def internet(site: Site) -> Internet:
    return Internet(site)
