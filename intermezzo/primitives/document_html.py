"""Reading the text a person sees of an HTML page; called by `document_readers`."""

import contextlib
import re
from html.parser import HTMLParser

from intermezzo.primitives.document_content import Caps, Document, DocumentTable, line
from intermezzo.primitives.document_text import decode

# fmt: off
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div", "dl",
    "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr",
    "legend", "li", "main", "nav", "ol", "option", "p", "pre", "section", "summary", "table", "tbody", "tfoot",
    "thead", "tr", "ul",
})
_UNSEEN = frozenset({
    "datalist", "iframe", "math", "noscript", "object", "script", "select", "style", "svg", "template", "textarea",
    "title",
})
_VOID = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
})
_ENDED_BY_THE_NEXT = frozenset({"dd", "dt", "li", "option", "p", "td", "th", "tr"})
# fmt: on
_LONGEST_TITLE = 1000
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_DECLARATION_REACH = 2048


class _EnoughError(Exception):
    pass


def read_html(data: bytes, caps: Caps, document: Document, charset: str | None) -> None:
    """Fill a document with the visible text and the tables of a page.

    Raises:
        InvalidInput: it is no text.
    """
    declared = _DECLARED.search(data[:_DECLARATION_REACH])
    text, encoding = decode(data, charset or (declared[1].decode("ascii") if declared else None))
    document.note(encoding=encoding)
    read_markup(text, caps, document)


def read_markup(text: str, caps: Caps, document: Document) -> None:
    """Fill a document with what a person sees of HTML source."""
    page = _Page(caps, document)
    try:
        page.feed(text)
        page.close()
    except _EnoughError:
        caps.cut = True
    finally:
        page.finish()
        document.note(title=" ".join(page.title.split()))


class _Page(HTMLParser):
    """Collects lines while a page is read; one pass, no tree, so nesting costs nothing."""

    def __init__(self, caps: Caps, document: Document) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self._caps = caps
        self._document = document
        self._line: list[str] = []
        self._in_title = False
        self._preformatted = 0
        self._unseen = ""
        self._unseen_depth = 0
        self._rows: list[list[list[str]]] = []
        """Rows of the tables that are open, cells as pieces of text."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        self._in_title = tag == "title"
        if tag == self._unseen and tag in _ENDED_BY_THE_NEXT:
            self._unseen = ""
        if self._unseen:
            self._unseen_depth += tag == self._unseen
            return
        if tag not in _VOID and (tag in _UNSEEN or _is_hidden(dict(attrs))):
            self._unseen, self._unseen_depth = tag, 1
            return
        if tag == "table":
            self.end_line()
            self._rows.append([])
        elif tag in ("td", "th", "tr") and self._rows:
            self._begin_cell(tag)
        elif tag == "br" or tag in _BLOCKS:
            self.end_line()
            self._preformatted += tag == "pre"

    def _begin_cell(self, tag: str) -> None:
        rows = self._rows[-1]
        if tag == "tr" or not rows:
            rows.append([])
        if tag != "tr":
            rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        self._in_title = False
        if self._unseen:
            self._unseen_depth -= tag == self._unseen
            if not self._unseen_depth:
                self._unseen = ""
        elif tag == "table" and self._rows:
            self._end_table()
        elif tag in _BLOCKS:
            self.end_line()
            self._preformatted -= tag == "pre" and self._preformatted > 0

    def handle_data(self, data: str) -> None:
        """Take text."""
        if self._in_title and len(self.title) < _LONGEST_TITLE:
            self.title += data
        if self._unseen:
            return
        if self._rows:
            if self._rows[-1] and self._rows[-1][-1]:
                self._rows[-1][-1][-1] += data
            elif data.strip():  # a caption
                self._document.parts.append(self._caps.take(" ".join(data.split())))
        elif self._preformatted:
            first, *more = data.split("\n")
            self._line.append(first)
            for text in more:
                self.end_line()
                self._line.append(text)
        else:
            self._line.append(re.sub(r"\s+", " ", data))

    def end_line(self) -> None:
        """What comes next is on a line of its own."""
        if self._rows:
            if self._rows[-1] and self._rows[-1][-1]:
                self._rows[-1][-1][-1] += " "
            return
        text = "".join(self._line)
        self._line.clear()
        text = text.rstrip() if self._preformatted else re.sub(" {2,}", " ", text).strip()
        if text:
            self._document.parts.append(self._caps.take(text))
            if self._caps.no_more():
                raise _EnoughError

    def finish(self) -> None:
        """End what is open."""
        while self._rows:
            self._end_table()
        with contextlib.suppress(_EnoughError):
            self.end_line()

    def _end_table(self) -> None:
        rows = [self._caps.take_row([" ".join(cell.split()) for cell in row]) for row in self._rows.pop() if row]
        text = "\n".join(map(line, rows))
        if self._rows:  # a table for layout: what is inside belongs to a cell
            if self._rows[-1] and self._rows[-1][-1]:
                self._rows[-1][-1][-1] += text
        elif text:
            self._document.parts.append(text)
        if rows:
            self._document.tables.append(DocumentTable(rows))


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN_STYLE.search(attributes.get("style") or ""))
    )
