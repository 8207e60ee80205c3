"""Whether an address that others will open leads to the public internet; nothing is fetched from it."""

import asyncio
from typing import TYPE_CHECKING

from intermezzo.errors import ProviderTimedOut
from intermezzo.web.guard import Guard
from intermezzo.web.urls import parse_url, shown_url

if TYPE_CHECKING:
    from intermezzo.web.transport import Resolver


async def check_public(
    url: str, *, guard: Guard | None = None, resolver: "Resolver | None" = None, timeout_seconds: float = 10.0
) -> None:
    """Refuse an address unless everything that its host stands for now may be connected to.

    Args:
        url: http or https address.
        guard: the rules; None: those of the settings.
        resolver: what looks hosts up; None: the operating system.
        timeout_seconds: for the look-up.

    Raises:
        InvalidInput: the address, or what its host stands for, is not allowed.
        ProviderError: the host cannot be looked up; retryable where it may be another time.
    """
    from intermezzo.web.transport import system_resolver

    guard = guard or Guard.from_settings()
    parsed = parse_url(url)
    guard.check_url(parsed)
    host, port = parsed.raw_host.decode("ascii"), parsed.port or (443 if parsed.scheme == "https" else 80)
    try:
        async with asyncio.timeout(timeout_seconds):
            answers = await (resolver or system_resolver)(host, port)
    except TimeoutError:
        message = f"looking up the host of {shown_url(url)} took longer than {timeout_seconds:g} seconds; try again"
        raise ProviderTimedOut(message) from None
    guard.check_answers(host, port, answers)
