"""Sending a document to a public address, and to nowhere else; for whoever is to be told of something."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput
from intermezzo.retry_after import retry_after_seconds
from intermezzo.web.exchange import deadline, make_request, naming_the_field
from intermezzo.web.guard import Guard
from intermezzo.web.urls import parse_url

if TYPE_CHECKING:
    from intermezzo.web.transport import GuardedTransport

MAX_RECEIVER_CHARACTERS = 2_048
"""Longest address of somebody who is to be told."""

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OF_THE_CONNECTION = frozenset({"connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"})


@dataclass(frozen=True, slots=True)
class Posted:
    """How a document was answered."""

    status: int
    retry_after_seconds: float | None = None
    """When the receiver wants to be asked again; None: it did not say."""


async def post(
    url: str,
    content: bytes,
    *,
    headers: Mapping[str, str],
    timeout_seconds: float = 30.0,
    transport: "GuardedTransport | None" = None,
) -> Posted:
    """Send a document once, byte for byte, and tell how it was answered, whatever that is.

    The body of the answer is not read: what was delivered stays delivered, however large or damaged that is. No
    redirect is followed, since a document with a signature is for one receiver; it is a status like any other.

    Args:
        url: http or https address.
        content: what to send.
        headers: name → value, such as its type and signature; those of the connection itself are not for the caller.
        timeout_seconds: for everything together.
        transport: what sends the request, closed in the end; None: one with the rules of the settings.

    Raises:
        InvalidInput: the address or a header may not be sent; the message begins with `url: ` or `headers: `.
        ProviderError: the server cannot be reached, was too slow, or does not speak HTTP.
    """
    _check_headers(headers)
    async with deadline(url, timeout_seconds, transport) as sender:
        with naming_the_field(url):
            response = await sender.handle_async_request(make_request("POST", parse_url(url), headers, content))
        await response.aclose()
        return Posted(response.status_code, retry_after_seconds(response.headers.get("Retry-After")))


def check_receiver(url: str) -> None:
    """Refuse an address that nothing could ever be sent to, without looking its name up: for whoever asks to be told.

    Args:
        url: https address; http as well where the settings let this machine's own be connected to.

    Raises:
        InvalidInput: the message begins with `url: `.
    """
    guard = Guard.from_settings()
    if len(url) > MAX_RECEIVER_CHARACTERS:
        raise InvalidInput(f"url: expected at most {MAX_RECEIVER_CHARACTERS:,} characters, got {len(url):,}")
    with naming_the_field(url):
        parsed = parse_url(url)
        guard.check_url(parsed)
    if parsed.scheme != "https" and not guard.allow_loopback:
        raise InvalidInput("url: expected an https address; over http anybody on the way can read and repeat it")


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or name.lower() in _OF_THE_CONNECTION:
            refused = ", ".join(sorted(_OF_THE_CONNECTION))
            raise InvalidInput(
                f"headers: expected names of letters, digits and hyphens, other than {refused}, got {name!r}"
            )
        if not value.isascii() or not value.isprintable() or value != value.strip():
            # It may be a secret.
            raise InvalidInput(
                f"headers: expected printable ASCII without blanks at its ends as {name!r}, got something else; "
                "encode it, as base64 for instance"
            )
