"""An httpx client that connects to nothing but what the guard allows; for whatever is sent rather than fetched.

Light to import: httpx is loaded when the first client is made.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from intermezzo.web.transport import GuardedTransport

USER_AGENT = "Mozilla/5.0 (compatible; Intermezzo)"
"""Many sites turn away clients that do not say `Mozilla/5.0`."""
TIMEOUT_SECONDS = 30.0
"""Longest silence of a server."""
CONNECT_TIMEOUT_SECONDS = 10.0
"""For looking up a name and connecting to it, TLS too."""


def guarded_client(transport: "GuardedTransport | None" = None) -> "httpx.AsyncClient":
    """A client for requests to addresses that others have chosen.

    Each request, and each redirect if it is told to follow them, is checked; proxies and passwords of the environment
    are not used. What the guard refuses raises `InvalidInput`, what goes wrong `ProviderError`. Stream responses,
    and read them with `read_body`: httpx itself reads as much as comes.

    Args:
        transport: what sends the requests; None: one with the rules of the settings.
    """
    import httpx

    from intermezzo.web.transport import GuardedTransport

    return httpx.AsyncClient(
        transport=transport or GuardedTransport(),
        # A proxy from the environment would look up names itself, unchecked.
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(TIMEOUT_SECONDS, connect=CONNECT_TIMEOUT_SECONDS),
        headers={"user-agent": USER_AGENT, "accept-encoding": "gzip, deflate"},
    )
