"""Addresses that others will open: public, or refused; and nothing is asked of them."""

import asyncio
from collections.abc import Sequence

import pytest

from intermezzo.errors import InvalidInput, ProviderError, ProviderTimedOut
from intermezzo.web import Guard, check_public
from tests.web.corpus import NOT_PUBLIC_ADDRESSES


class Names:
    """Answers every look-up alike, and writes it down."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.addresses


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://example.com/a?b#c", ("example.com", 443)),
        ("http://example.com", ("example.com", 80)),
        ("https://EXAMPLE.com:8443", ("example.com", 8443)),
    ],
)
async def test_a_public_host_is_looked_up_for_its_port(url: str, asked: tuple[str, int]) -> None:
    names = Names("93.184.216.34")
    await check_public(url, guard=Guard(), resolver=names)
    assert names.asked == [asked]


@pytest.mark.parametrize("address", [address for group in NOT_PUBLIC_ADDRESSES.values() for address in group])
async def test_a_host_that_stands_for_something_else_too_is_refused(address: str) -> None:
    with pytest.raises(InvalidInput):
        await check_public("https://example.com", guard=Guard(), resolver=Names("93.184.216.34", address))


@pytest.mark.parametrize(
    "url", ["ftp://example.com", "https://me@example.com", "https://localhost", "https://10.0.0.1"]
)
async def test_what_is_refused_by_itself_is_not_looked_up(url: str) -> None:
    names = Names("93.184.216.34")
    with pytest.raises(InvalidInput):
        await check_public(url, guard=Guard(), resolver=names)
    assert names.asked == []


async def test_a_look_up_that_takes_too_long_may_be_tried_again() -> None:
    async def silent(host: str, port: int) -> Sequence[str]:
        del host, port
        await asyncio.Event().wait()
        return []

    with pytest.raises(ProviderTimedOut) as caught:
        await check_public("https://example.com", guard=Guard(), resolver=silent, timeout_seconds=0.01)
    assert isinstance(caught.value, ProviderError)
    assert caught.value.retryable
