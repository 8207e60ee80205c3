"""Getting a page of the web and what a person can read on it; called by `web_research` (spec: CS-54).

HTML is read in the sandbox of documents: a page of a few hundred kilobytes can be made to cost a parser minutes or
gigabytes, and no parser can be stopped from outside.
"""

import asyncio
import datetime as dt
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_sandbox import parse_in_sandbox
from intermezzo.primitives.html_text import MAX_TITLE_CHARACTERS, visible
from intermezzo.web import decode_page, fetch, shown_url

if TYPE_CHECKING:
    from intermezzo.web.transport import GuardedTransport

MAX_PAGE_BYTES = 10 * 1024 * 1024
"""Largest page; what people read is rarely a tenth of it."""
MAX_PAGE_CHARACTERS = 50_000
"""How much of a page is read unless more is asked for: some 12,000 tokens of English."""

CUT = "\n[cut here: the page is longer]"
"""Last line of a text that was cut."""

_LONGEST_WORD = 200

_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = frozenset({
    "application/json", "application/ld+json", "application/x-ndjson", "application/xml", "application/yaml",
})  # fmt: skip
_ACCEPT = "text/html, application/xhtml+xml, text/plain;q=0.9, text/*;q=0.8, */*;q=0.1"
_SNIFFED_BYTES = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of the web, as text."""

    url: str
    """Where it came from, after redirects."""
    title: str
    """Empty when it has none."""
    text: str
    """What a person sees, main content first; links keep their address in parentheses."""
    truncated: bool
    """Whether the page is longer; the last line of `text` says so too."""
    fetched_at: dt.datetime
    """When it had come in full."""


async def read_page(
    url: str,
    *,
    max_characters: int = MAX_PAGE_CHARACTERS,
    timeout_seconds: float = 30.0,
    transport: "GuardedTransport | None" = None,
) -> Page:
    """Fetch a page and read what a person sees on it.

    Args:
        url: public http or https address of a page in HTML or plain text.
        max_characters: longest text; past it the text is cut.
        timeout_seconds: for fetching, redirects too; reading takes at most ten more.
        transport: what sends the requests, closed in the end; None: one with the rules of the settings.

    Raises:
        InvalidInput: the address is not public, or what is there is not a page or too complicated to be read.
        ProviderError: it could not be fetched, or is too large.
        SandboxError: there is no sandbox to read it in.
    """
    fetched = await fetch(
        url, max_bytes=MAX_PAGE_BYTES, timeout_seconds=timeout_seconds, accept=_ACCEPT, transport=transport
    )
    html = _is_html(fetched.content, fetched.content_type)
    text = decode_page(fetched.content, fetched.content_type)
    read = _read_html(text, fetched.url, max_characters) if html else asyncio.to_thread(_read_plain, text)
    title, text, truncated = await read
    truncated = truncated or len(text) > max_characters
    return Page(
        url=fetched.url,
        title=title,
        text=cut(text, max_characters) if truncated else text,
        truncated=truncated,
        fetched_at=fetched.fetched_at,
    )


def _is_html(content: bytes, content_type: str) -> bool:
    """Whether a document is HTML, or else plain text.

    Raises:
        InvalidInput: it is neither.
    """
    mime = content_type.partition(";")[0].strip().lower()
    start = content[:_SNIFFED_BYTES]
    utf_16 = start.startswith((b"\xff\xfe", b"\xfe\xff")) or "utf-16" in content_type.lower()
    binary = start.startswith(b"%PDF-") or (b"\x00" in start and not utf_16)
    known = not mime or mime in _HTML or mime in _TEXT or mime.startswith("text/") or mime.endswith(("+json", "+xml"))
    if binary or not known:
        raise InvalidInput(
            f"url: expected a page in HTML or plain text, got {mime[:100] or 'something else'!r}"
            f"{' that is binary' if binary and known else ''}; documents are read by document_parse"
        )
    if mime:
        return mime in _HTML
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


async def _read_html(html: str, url: str, max_characters: int) -> tuple[str, str, bool]:
    """Title, text, and whether there is more text.

    Raises:
        InvalidInput: it takes too much time or memory.
    """
    try:
        fields = await parse_in_sandbox(
            html.encode(), "text/html; charset=utf-8", max_characters=max_characters, page_url=url
        )
    except InvalidInput as error:
        raise InvalidInput(f"url: {shown_url(url)} cannot be read: {error}") from None
    match fields:  # the page may have taken over what reads it
        case {"text": str(text), "truncated": bool(truncated), "metadata": {"title": str(title)}}:
            return title[:MAX_TITLE_CHARACTERS], text, truncated
        case {"text": str(text), "truncated": bool(truncated)}:
            return "", text, truncated
        case _:
            raise InvalidInput(f"url: {shown_url(url)} cannot be read: the parser gave a malformed answer")


def _read_plain(text: str) -> tuple[str, str, bool]:
    """The lines of a plain text as they are, without invisible characters and empty stretches."""
    lines = (line.rstrip() for line in visible(text).splitlines())
    return "", re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n"), False


def cut(text: str, max_characters: int) -> str:
    """The beginning of a text, to the end of a word, and a line that says that there is more."""
    room = max(0, max_characters - len(CUT))
    start = text[:room]
    if len(text) > room and not text[room].isspace():
        words = (start.rsplit(None, 1) or [""])[0]
        start = words if len(start) - len(words) <= _LONGEST_WORD else start
    return start.rstrip() + CUT
