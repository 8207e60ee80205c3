"""What a person sees of HTML, as text; called inside the sandbox, for pages of the web and for documents."""

import gc
import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement

MAX_TAGS = 250_000
"""Most tags, opening and closing, that are read; each costs some ten microseconds and a kilobyte."""
MAX_TITLE_CHARACTERS = 300
MAX_LINK_CHARACTERS = 500
"""Longer addresses are left out: they are trackers and inline data, which tell a reader nothing."""

REST = "[rest of the page]"
"""Line between the main content and the rest."""

_DEEPEST_TABLE = 3
"""Tables nested deeper are for layout."""

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
class Reading:
    """What can be read in a piece of HTML."""

    title: str
    """Its title or else its first heading; empty when it has neither."""
    text: str
    """What a person sees, with tabs between the cells of a row; at most `max_characters`."""
    tables: list[list[list[str]]]
    """Its tables, as rows of cells."""
    truncated: bool
    """Whether there is more than that."""


def read_html(html: str, *, max_characters: int, page_url: str | None = None) -> Reading:
    """Read HTML as a person does.

    Args:
        html: the source.
        max_characters: longest text.
        page_url: where a page of the web came from: its main content goes first then, and links keep their address.
    """
    from bs4 import BeautifulSoup

    end = _end_of_tags(html)
    # The tree is made once and never freed; looking through it for garbage takes a good part of the time.
    gc.disable()
    try:
        # Without the option, older libxml2 leaves out what is nested deeper than 256 tags, without a word.
        soup = BeautifulSoup(
            html[:end].replace("\x00", "\ufffd"),
            "lxml",
            huge_tree=True,
            multi_valued_attributes=None,
            store_line_numbers=False,
        )
        walk = _Walk(soup, max_characters, page_url)
        walk.run()
    finally:
        gc.enable()
    text = f"\n\n{REST}\n".join(filter(None, (walk.main.text(), walk.rest.text())))
    return Reading(
        title=_title(soup),
        text=text[:max_characters],
        tables=[rows for rows in walk.tables if rows],
        truncated=len(text) > max_characters or end < len(html),
    )


def visible(text: str) -> str:
    """A text without the characters that have no shape."""
    return _INVISIBLE.sub("", text)


def _end_of_tags(html: str) -> int:
    """Where the last tag that is read has ended."""
    beyond = next(islice(re.finditer("<", html), MAX_TAGS, None), None)
    return beyond.start() if beyond else len(html)


def _title(soup: "BeautifulSoup") -> str:
    for element in (soup.head and soup.head.title, soup.h1):
        if element and (words := visible(element.get_text(" ")).split()):
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
        text = visible(text)
        words = text.split()
        if text[:1].isspace():
            self.space()
        if words:
            self._add(" ".join(words))
        if words and text[-1:].isspace():
            self.space()

    def write_verbatim(self, text: str) -> None:
        """Add text whose lines and indentation mean something."""
        text = visible(text.replace("\r\n", "\n").replace("\r", "\n"))
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

    def end_cell(self, start: int, gap: str) -> None:
        """A cell of one line, since the part `start`, has `gap` before it, and the next cell follows on that line."""
        if len(self.parts) > start:
            self.parts[start] = (gap if start else "") + self.parts[start].lstrip()
            self.gap = "\t"
        else:
            self.gap = gap

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
    gap: str
    """What was to be before it."""
    verbatim: bool


class _Walk:
    """One way through a page, without recursion: pages may be nested deeper than Python's stack."""

    def __init__(self, soup: "BeautifulSoup", max_characters: int, page_url: str | None) -> None:
        self.main = _Lines(max_characters)
        self.rest = _Lines(max_characters)
        self.tables: list[list[list[str]]] = []
        self._open_tables: list[list[list[str]]] = []
        self._soup = soup
        self._is_page = page_url is not None
        self._url = _base(soup, page_url) if page_url is not None else ""
        self._main_tags = _main_tags(soup) if self._is_page else set[int]()

    def run(self) -> None:
        """Write the page's text into `main` and `rest`."""
        from bs4.element import NavigableString, PreformattedString, Tag

        start = self.rest if self._main_tags else self.main
        frames = [_Frame(self._soup, iter(self._soup.contents), start, 0, "", verbatim=False)]
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
        elif tag.name == "table":
            self._open_table()
        elif tag.name == "tr" and self._open_tables:
            self._open_tables[-1].append([])
        verbatim = parent.verbatim or tag.name in _VERBATIM
        return _Frame(tag, iter(tag.contents), lines, len(lines.parts), lines.gap, verbatim)

    def _open_table(self) -> None:
        rows: list[list[str]] = []
        if len(self._open_tables) < _DEEPEST_TABLE:
            self.tables.append(rows)
        self._open_tables.append(rows)

    def _lines_of(self, tag: "Tag", parent: _Frame) -> _Lines:
        if self._main_tags:
            return self.main if id(tag) in self._main_tags else parent.lines
        around = tag.name in _AROUND or str(tag.get("role", "")).lower() in _AROUND_ROLES
        return self.rest if around and self._is_page else parent.lines

    def _leave(self, frame: _Frame) -> None:
        match frame.tag.name:
            case "a" if self._is_page:
                self._write_address(frame)
            case "td" | "th" if len(self._open_tables) <= _DEEPEST_TABLE:
                self._end_cell(frame)
            case "table":
                self._open_tables.pop()
            case "li":
                frame.lines.bullet = ""
            case _:
                pass
        _break(frame.tag.name, frame.lines)

    def _end_cell(self, frame: _Frame) -> None:
        text = "".join(frame.lines.parts[frame.start :]).strip()
        if self._open_tables:
            rows = self._open_tables[-1]
            if not rows:
                rows.append([])
            rows[-1].append(" ".join(text.split()))
        if "\n" not in text:
            frame.lines.end_cell(frame.start, frame.gap)

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
        return "".join(visible(address).split())


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
