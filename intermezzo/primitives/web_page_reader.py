"""What a person sees of an HTML page, as text; run by `web_page` in a process of its own.

As a program it reads one line of JSON (`Request`) and then the page, in UTF-8, from standard input, and writes one
object of JSON (`Reading`). It needs BeautifulSoup and the standard library only, so that it starts quickly.
"""

import gc
import json
import re
import resource
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement

MAX_TITLE_CHARACTERS = 300
MAX_LINK_CHARACTERS = 500
"""Longer addresses are left out: they are trackers and inline data, which tell a reader nothing."""

CUT = "\n[cut here: the page is longer]"
"""Last line of a text that was cut."""
REST = "[rest of the page]"
"""Line between the main content and the rest."""

_LONGEST_WORD = 200

_UNSEEN = frozenset({
    "applet", "area", "audio", "base", "canvas", "datalist", "defs", "desc", "embed", "frame", "frameset", "head",
    "iframe", "link", "map", "meta", "metadata", "noembed", "noframes", "noscript", "object", "param", "script",
    "source", "style", "symbol", "template", "title", "track", "video",
})  # fmt: skip
_AROUND = frozenset({"aside", "footer", "header", "nav"})
_AROUND_ROLES = frozenset({"banner", "complementary", "contentinfo", "navigation", "search"})
_PARAGRAPHS = frozenset({
    "address", "article", "aside", "blockquote", "details", "dl", "fieldset", "figure", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "main", "nav", "ol", "p", "pre", "section", "table", "ul",
})  # fmt: skip
_LINES = frozenset({
    "body", "br", "caption", "center", "dd", "dialog", "div", "dt", "figcaption", "html", "legend", "li", "listing",
    "menu", "optgroup", "option", "plaintext", "search", "summary", "tbody", "tfoot", "thead", "tr", "xmp",
})  # fmt: skip
_VERBATIM = frozenset({"listing", "plaintext", "pre", "textarea", "xmp"})

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u2060-\u2064\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e0fff]"
)
"""Characters without a shape, such as the tags in which some hide instructions. Joiners are kept: words need them."""
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How a page is to be read."""

    url: str
    """Where it came from; its links are relative to that."""
    max_characters: int
    """Longest text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What can be read on a page."""

    title: str
    text: str
    """Main content first; at most `max_characters`, with a last line that says so if it was cut."""
    truncated: bool


def read_html(html: str, request: Request) -> Reading:
    """Read an HTML page.

    Args:
        html: the page.
        request: how to read it.
    """
    from bs4 import BeautifulSoup

    # Without the option, older libxml2 leaves out what is nested deeper than 256 tags, without a word.
    soup = BeautifulSoup(
        html.replace("\x00", "\ufffd"), "lxml", huge_tree=True, multi_valued_attributes=None, store_line_numbers=False
    )
    walk = _Walk(soup, request)
    walk.run()
    parts = [walk.main.text(), walk.rest.text()]
    text = f"\n\n{REST}\n".join(filter(None, parts))
    truncated = len(text) > request.max_characters
    return Reading(
        title=_title(soup),
        text=cut(text, request.max_characters) if truncated else text,
        truncated=truncated,
    )


def read_plain(text: str, max_characters: int) -> Reading:
    """Read a page that is plain text: its lines as they are, without invisible characters and empty stretches.

    Args:
        text: the page.
        max_characters: longest text.
    """
    lines = (line.rstrip() for line in _INVISIBLE.sub("", text).splitlines())
    whole = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
    truncated = len(whole) > max_characters
    return Reading(title="", text=cut(whole, max_characters) if truncated else whole, truncated=truncated)


def cut(text: str, max_characters: int) -> str:
    """The beginning of a text, to the end of a word, and a line that says that there is more."""
    room = max(0, max_characters - len(CUT))
    start = text[:room]
    if not text[room : room + 1].isspace():
        words = (start.rsplit(None, 1) or [""])[0]
        start = words if len(start) - len(words) <= _LONGEST_WORD else start
    return start.rstrip() + CUT


def _title(soup: "BeautifulSoup") -> str:
    for element in (soup.head and soup.head.title, soup.h1):
        if element and (words := _INVISIBLE.sub("", element.get_text(" ")).split()):
            return " ".join(words)[:MAX_TITLE_CHARACTERS]
    return ""


@dataclass(slots=True)
class _Lines:
    """Text in the making: white space collapses, and breaks are kept until something follows them."""

    max_characters: int
    parts: list[str] = field(default_factory=list[str])
    characters: int = 0
    gap: str = ""
    bullet: str = ""

    @property
    def full(self) -> bool:
        """Whether there is more text than will be wanted."""
        return self.characters > self.max_characters

    def text(self) -> str:
        """All of it."""
        return "".join(self.parts)

    def write(self, text: str) -> None:
        """Add text that flows."""
        text = _INVISIBLE.sub("", text)
        words = text.split()
        if text[:1].isspace():
            self.space()
        if words:
            self._add(" ".join(words))
        if words and text[-1:].isspace():
            self.space()

    def write_verbatim(self, text: str) -> None:
        """Add text whose lines and indentation mean something."""
        text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
        inner = text.strip("\n")
        if inner.strip():
            self._end_lines(len(text) - len(text.lstrip("\n")))
            self._add(inner)
            self._end_lines(len(text) - len(text.rstrip("\n")))
        elif inner:
            self.space()
        else:
            self._end_lines(len(text))

    def space(self) -> None:
        """What follows is another word."""
        self.gap = self.gap or " "

    def end_cell(self) -> None:
        """What follows is in the next cell of the row."""
        if not self.gap.startswith("\n"):
            self.gap = "\t"

    def end_line(self) -> None:
        """What follows begins a line."""
        if self.gap != "\n\n":
            self.gap = "\n"

    def end_paragraph(self) -> None:
        """What follows begins a paragraph."""
        self.gap = "\n\n"

    def _end_lines(self, count: int) -> None:
        if count > 1:
            self.end_paragraph()
        elif count:
            self.end_line()

    def append(self, text: str) -> None:
        """Add to the last word, before any gap."""
        self.parts.append(text)
        self.characters += len(text)

    def _add(self, text: str) -> None:
        self.append((self.gap if self.parts else "") + self.bullet + text)
        self.gap = self.bullet = ""


class _Frame(NamedTuple):
    """An element that is being walked through."""

    tag: "Tag"
    children: "Iterator[PageElement]"
    lines: _Lines
    start: int
    """How many parts `lines` had when it began."""
    verbatim: bool


class _Walk:
    """One way through a page, without recursion: pages may be nested deeper than Python's stack."""

    def __init__(self, soup: "BeautifulSoup", request: Request) -> None:
        self.main = _Lines(request.max_characters)
        self.rest = _Lines(request.max_characters)
        self._soup = soup
        self._url = _base(soup, request.url)
        self._main_tags = _main_tags(soup)

    def run(self) -> None:
        """Write the page's text into `main` and `rest`."""
        from bs4.element import NavigableString, PreformattedString, Tag

        start = self.rest if self._main_tags else self.main
        frames = [_Frame(self._soup, iter(self._soup.contents), start, 0, verbatim=False)]
        while frames and not self.main.full:
            frame = frames[-1]
            node = next(frame.children, None)
            if node is None:
                self._leave(frames.pop())
            elif isinstance(node, Tag):
                if not _hidden(node):
                    frames.append(self._enter(node, frame))
            elif (
                isinstance(node, NavigableString) and not isinstance(node, PreformattedString) and not frame.lines.full
            ):
                if frame.verbatim:
                    frame.lines.write_verbatim(node)
                else:
                    frame.lines.write(node)

    def _enter(self, tag: "Tag", parent: _Frame) -> _Frame:
        lines = self._lines_of(tag, parent)
        _break(tag.name, lines)
        if tag.name == "li":
            lines.bullet = "- "
        return _Frame(
            tag, iter(tag.contents), lines, len(lines.parts), verbatim=parent.verbatim or tag.name in _VERBATIM
        )

    def _lines_of(self, tag: "Tag", parent: _Frame) -> _Lines:
        if self._main_tags:
            return self.main if id(tag) in self._main_tags else parent.lines
        around = tag.name in _AROUND or str(tag.get("role", "")).lower() in _AROUND_ROLES
        return self.rest if around else parent.lines

    def _leave(self, frame: _Frame) -> None:
        if frame.tag.name == "a":
            self._write_address(frame)
        elif frame.tag.name in ("td", "th"):
            frame.lines.end_cell()
        elif frame.tag.name == "li":
            frame.lines.bullet = ""
        _break(frame.tag.name, frame.lines)

    def _write_address(self, frame: _Frame) -> None:
        text = "".join(frame.lines.parts[frame.start :]).strip()
        address = self._address(str(frame.tag.get("href") or ""))
        if text and address and address != text and not frame.lines.full:
            frame.lines.append(f" ({address})")

    def _address(self, href: str) -> str | None:
        href = href.strip()
        if not href or href.startswith("#") or len(href) > MAX_LINK_CHARACTERS:
            return None
        try:
            address = urljoin(self._url, href)
        except ValueError:
            return None
        if not address.lower().startswith(("http://", "https://")) or len(address) > MAX_LINK_CHARACTERS:
            return None
        return "".join(_INVISIBLE.sub("", address).split())


def _break(name: str, lines: _Lines) -> None:
    if name in _PARAGRAPHS:
        lines.end_paragraph()
    elif name in _LINES:
        lines.end_line()


def _base(soup: "BeautifulSoup", url: str) -> str:
    base = soup.find("base", href=True)
    try:
        return urljoin(url, str(base["href"])) if base else url
    except ValueError:
        return url


def _main_tags(soup: "BeautifulSoup") -> set[int]:
    """Identities of the elements that hold the main content; none when the page does not say."""
    for tags in (soup.find_all(_is_main), soup.find_all("article")):
        if found := {id(tag) for tag in tags if not _hidden(tag)}:
            return found
    return set()


def _is_main(tag: "Tag") -> bool:
    return tag.name == "main" or str(tag.get("role", "")).lower() == "main"


def _hidden(tag: "Tag") -> bool:
    """Whether a person does not see an element, as far as the element itself says."""
    attributes = tag.attrs
    if tag.name in _UNSEEN or "hidden" in attributes or (tag.name == "dialog" and "open" not in attributes):
        return True
    if str(attributes.get("aria-hidden", "")).strip().lower() == "true":
        return True
    style = attributes.get("style")
    return bool(style) and _hides(str(style))


def _hides(style: str) -> bool:
    declarations = (part.partition(":") for part in _COMMENT.sub("", style).lower().split(";"))
    values = {name.strip(): value.partition("!")[0].strip() for name, _, value in declarations}
    return (
        values.get("display") == "none"
        or values.get("visibility") in ("hidden", "collapse")
        or values.get("content-visibility") == "hidden"
    )


def _main() -> None:
    """Read a request from standard input, write what the page says to standard output."""
    asked = json.loads(sys.stdin.buffer.readline())
    for name, wanted in asked["limits"].items():
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (limit, limit))
    sys.path[:] = asked["path"]
    # The tree is made once and never freed; looking through it for garbage takes a good part of the time.
    gc.disable()
    reading = read_html(sys.stdin.buffer.read().decode(), Request(**asked["request"]))
    sys.stdout.write(json.dumps(asdict(reading)))


if __name__ == "__main__":
    _main()
