"""Reading addresses of the web, and showing them in messages; used by everything in this package."""

import re
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput, ProviderError

if TYPE_CHECKING:
    import httpx

MAX_URL_CHARACTERS = 8_192
"""Longest address; servers commonly refuse longer ones."""

_SHOWN_CHARACTERS = 200


def parse_url(text: str) -> "httpx.URL":
    """An address as httpx reads it: the same reading decides what is checked and what is connected to.

    Raises:
        InvalidInput: it is too long, or no address.
    """
    import httpx

    if len(text) > MAX_URL_CHARACTERS:
        raise InvalidInput(f"expected an address of at most {MAX_URL_CHARACTERS:,} characters, got {len(text):,}")
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        # Their texts quote parts of the address, which may hold a password.
        hint = "" if text.isascii() else "; write a name beyond ASCII in its xn-- form"
        message = f"expected an http or https address, got {shown_url(text)!r}, which is malformed{hint}"
        raise InvalidInput(message) from None


def redirect_target(source: "httpx.URL", location: str) -> "httpx.URL":
    """Where a Location header leads.

    Args:
        source: the address that answered with it.
        location: an address, perhaps relative to that.

    Raises:
        ProviderError: it is no address.
    """
    import httpx

    try:
        return source.join(parse_url(location))
    except (InvalidInput, httpx.InvalidURL, ValueError):
        raise ProviderError(f"{shown_url(source)} redirects to something that is not an address") from None


def shown_url(url: "httpx.URL | str") -> str:
    """An address for a message: without query and password, either of which may be a key, and not too long."""
    bare = re.split(r"[?#]", str(url), maxsplit=1)[0]
    return re.sub(r"^((?:[A-Za-z][\w+.-]*:)?[/\\]*)[^/\\]*@", r"\1", bare)[:_SHOWN_CHARACTERS]
