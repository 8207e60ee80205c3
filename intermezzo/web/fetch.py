"""Getting a document from a public address, and from nowhere else; called by `document_parse` and `web_research`."""

import datetime as dt
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.web.body import read_body
from intermezzo.web.exchange import deadline, make_request, naming_the_field
from intermezzo.web.urls import parse_url, redirect_target, shown_url

if TYPE_CHECKING:
    import httpx

    from intermezzo.web.transport import GuardedTransport

MAX_REDIRECTS = 5

_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A document as it came."""

    url: str
    """Where it came from, after redirects."""
    content: bytes
    """Unpacked, if it was compressed."""
    content_type: str
    """What the server says it is: the header as sent, or nothing."""
    fetched_at: dt.datetime
    """When it had come in full."""


async def fetch(
    url: str,
    *,
    max_bytes: int,
    timeout_seconds: float = 30.0,
    accept: str = "*/*",
    transport: "GuardedTransport | None" = None,
) -> Fetched:
    """Get a document.

    At most five redirects are followed, each checked like the first address. None leads from https to http: who
    asks for an encrypted page should not get one that anybody on the way could have written.

    Args:
        url: http or https address.
        max_bytes: largest document, counted while it comes in, as sent and unpacked.
        timeout_seconds: for everything together, redirects too.
        accept: media types that are wanted.
        transport: what sends the requests, closed in the end; None: one with the rules of the settings.

    Raises:
        InvalidInput: the address, or one it redirects to, may not be asked for; the message begins with `url: `.
        ProviderError: the server failed, was too slow, or sent too much.
    """
    async with deadline(url, timeout_seconds, transport) as sender:
        return await _follow(sender, url, accept, max_bytes)


async def _follow(sender: "GuardedTransport", url: str, accept: str, max_bytes: int) -> Fetched:
    import httpx

    # Some sites send every visitor away until they bring back a cookie.
    cookies = httpx.Cookies()
    with naming_the_field(url):
        target = parse_url(url)
    for hop in range(MAX_REDIRECTS + 1):
        with naming_the_field(url, target if hop else None):
            sender.guard.check_url(target)
            request = make_request("GET", target, {"accept": accept, "accept-encoding": "gzip, deflate"})
            # A cookie may have any letters; httpx would encode them as it finds the other headers: in ASCII.
            request.headers.encoding = "utf-8"
            cookies.set_cookie_header(request)
            response = await sender.handle_async_request(request)
        response.request = request
        # Obsolete, and Python takes quadratic time to read it.
        response.headers.pop("set-cookie2", None)
        cookies.extract_cookies(response)
        try:
            if not response.has_redirect_location:
                return Fetched(
                    url=str(target),
                    content=await _read(response, max_bytes),
                    content_type=response.headers.get("content-type", ""),
                    fetched_at=dt.datetime.now(dt.UTC),
                )
            target = _next(target, response.headers["location"])
        finally:
            await response.aclose()
    raise ProviderError(f"{shown_url(url)} redirects more than {MAX_REDIRECTS} times")


def _next(source: "httpx.URL", location: str) -> "httpx.URL":
    target = redirect_target(source, location)
    if source.scheme == "https" and target.scheme == "http":
        raise InvalidInput(
            f"url: {shown_url(source)} redirects to {shown_url(target)}, which is not encrypted; "
            "ask for that address itself if you trust what comes from it"
        )
    return target


async def _read(response: "httpx.Response", max_bytes: int) -> bytes:
    status = response.status_code
    if not response.is_success:
        # The server's own phrase could say anything, such as the query.
        phrase = next((known.phrase for known in HTTPStatus if known == status), "")
        raise ProviderError(
            f"{shown_url(response.url)} answered {status} {phrase}".rstrip(),
            retryable=response.is_server_error or status in _WORTH_ANOTHER_TRY,
        )
    return await read_body(response, max_bytes=max_bytes)
