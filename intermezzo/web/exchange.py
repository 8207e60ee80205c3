"""What every exchange with a server has in common: its request, its deadline, its refusals; used by `fetch` and `post`.

Light to import: httpx is loaded for the first exchange.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.web.urls import shown_url

if TYPE_CHECKING:
    import httpx

    from intermezzo.web.transport import GuardedTransport

_USER_AGENT = "Mozilla/5.0 (compatible; Intermezzo)"
"""Many sites turn away clients that do not say `Mozilla/5.0`."""
_TIMEOUT_SECONDS = 30.0
"""Longest silence of a server."""
_CONNECT_TIMEOUT_SECONDS = 10.0
"""For looking up a name and connecting to it, TLS too."""


@contextlib.asynccontextmanager
async def deadline(
    url: str, timeout_seconds: float, transport: "GuardedTransport | None"
) -> "AsyncGenerator[GuardedTransport, None]":
    """What sends the requests, until the time is up; closed in the end.

    Args:
        url: what was asked for, for the message.
        timeout_seconds: for everything together.
        transport: what to use; None: one with the rules of the settings.

    Raises:
        ProviderError: the time is up.
    """
    from intermezzo.web.transport import GuardedTransport

    try:
        async with asyncio.timeout(timeout_seconds), transport or GuardedTransport() as sender:
            yield sender
    except TimeoutError:
        message = f"{shown_url(url)} did not answer in full within {timeout_seconds:g} seconds"
        raise ProviderError(message, retryable=True) from None


@contextlib.contextmanager
def naming_the_field(url: str, target: "httpx.URL | None" = None) -> Generator[None, None, None]:
    """Let a refusal say that it is about the input `url`, and to which `target` that has led."""
    way = f"{shown_url(url)} redirects to {shown_url(target)}: " if target else ""
    try:
        yield
    except InvalidInput as refused:
        raise InvalidInput(f"url: {way}{refused}") from None


def make_request(
    method: str, url: "httpx.URL", headers: Mapping[str, str], content: bytes | None = None
) -> "httpx.Request":
    """A request, with the headers that all have unless `headers` says otherwise."""
    import httpx

    timeout = httpx.Timeout(_TIMEOUT_SECONDS, connect=_CONNECT_TIMEOUT_SECONDS)
    every = httpx.Headers(
        {
            # As it stands in the address: httpx would decode an international name, and does not know all there are.
            "host": url.netloc.decode("ascii"),
            "user-agent": _USER_AGENT,
            "accept": "*/*",
        }
    )
    every.update(headers)
    return httpx.Request(method, url, headers=every, content=content, extensions={"timeout": timeout.as_dict()})
