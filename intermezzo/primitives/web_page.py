"""Getting a page of the web and what a person can read on it; called by `web_research` (spec: CS-54).

HTML is parsed in a process of its own, under limits: a page of a few hundred kilobytes can be made to cost a parser
minutes or gigabytes, and no parser can be stopped from outside.
"""

import asyncio
import datetime as dt
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput, ProviderError, SandboxError
from intermezzo.primitives import web_page_reader
from intermezzo.primitives.web_page_reader import Reading, Request, read_plain
from intermezzo.web import decode_page, fetch, shown_url

if TYPE_CHECKING:
    from intermezzo.web.transport import GuardedTransport

MAX_PAGE_BYTES = 10 * 1024 * 1024
"""Largest page; what people read is rarely a tenth of it."""
MAX_PAGE_CHARACTERS = 50_000
"""How much of a page is read unless more is asked for: some 12,000 tokens of English."""

MAX_PAGE_TAGS = 250_000
"""Most tags, opening and closing; each costs some ten microseconds and a kilobyte."""

LIMITS = {"CPU": 5, "AS": 512 * 1024 * 1024, "FSIZE": 0, "CORE": 0}
"""Resource limits of the process that reads a page: seconds, and bytes of address space and files."""

_PATIENCE_SECONDS = 10.0
"""For that process altogether: on a busy machine it has to wait for its seconds."""

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
        InvalidInput: the address is not public, or what is there is not a page.
        ProviderError: it could not be fetched, or is too large or too complicated to be read.
        SandboxError: no process could be started to read it in.
    """
    fetched = await fetch(
        url, max_bytes=MAX_PAGE_BYTES, timeout_seconds=timeout_seconds, accept=_ACCEPT, transport=transport
    )
    html = _is_html(fetched.content, fetched.content_type)
    text = decode_page(fetched.content, fetched.content_type)
    if html:
        reading = await _read_apart(text, Request(url=fetched.url, max_characters=max_characters))
    else:
        reading = await asyncio.to_thread(read_plain, text, max_characters)
    return Page(
        url=fetched.url,
        title=reading.title,
        text=reading.text,
        truncated=reading.truncated,
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


async def _read_apart(html: str, request: Request) -> Reading:
    """Read HTML in a process of its own.

    Raises:
        ProviderError: it has too many tags, or took too much time or memory.
    """
    tags = html.count("<")
    if tags > MAX_PAGE_TAGS:
        raise ProviderError(f"{shown_url(request.url)} has {tags:,} tags; at most {MAX_PAGE_TAGS:,} are read")
    done = await asyncio.get_running_loop().run_in_executor(_threads(), _run_reader, html, request)
    if done is None:
        limits = f"{LIMITS['CPU']} seconds and {LIMITS['AS'] // 1024**2} MiB of memory"
        raise ProviderError(f"{shown_url(request.url)} is too complicated to be read in {limits}; use a simpler page")
    return Reading(**json.loads(done))


def _run_reader(html: str, request: Request) -> bytes | None:
    asked = {"limits": LIMITS, "path": [entry for entry in sys.path if entry], "request": asdict(request)}
    try:
        return subprocess.run(
            # Its import path comes with the request; its environment is empty, so that it holds no keys.
            [sys.executable, "-I", "-S", "-B", str(Path(web_page_reader.__file__))],
            input=json.dumps(asked).encode() + b"\n" + html.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            timeout=_PATIENCE_SECONDS,
            check=True,
        ).stdout
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        return None
    except OSError as error:
        raise SandboxError(
            f"could not start {sys.executable!r} to read a page: {error}; check that it can be run"
        ) from error


@cache
def _threads() -> ThreadPoolExecutor:
    """Threads that wait for readers: as many as there are cores, since a reader uses one in full."""
    return ThreadPoolExecutor(max_workers=os.cpu_count(), thread_name_prefix="web-page")
