"""What is read of a document, and how much of it; filled by the readers of each format."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypedDict

MAX_CHARACTERS = 1_000_000
"""Of the text of a document: a long book. The output is kept in the journal."""

SUPPORTED = "PDF, DOCX, XLSX, HTML, CSV, EML or plain text"


class Job(TypedDict):
    """What to read, and how."""

    mime_type: str | None
    """What its sender says it is."""
    seconds: float
    """Of computing time, after which it is handed back as far as it was read."""
    max_characters: int
    """Of its text."""
    page_url: str | None
    """Where a page of the web came from; None for a document."""


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One page of a PDF."""

    number: int
    """From 1."""
    text: str


@dataclass(frozen=True, slots=True)
class DocumentSheet:
    """One sheet of a workbook."""

    name: str
    text: str
    """One line per row, cells separated by tabs."""


@dataclass(frozen=True, slots=True)
class DocumentTable:
    """A table, as rows of cells."""

    rows: list[list[str]]
    sheet: str | None = None
    """Sheet it is on, in a workbook."""


@dataclass(slots=True)
class Document:
    """A document in the making: readers fill it until it is complete, a cap is reached or the time is over."""

    parts: list[str] = field(default_factory=list[str])
    """Its text in reading order: pages, sheets, or blocks such as paragraphs and tables."""
    gap: str = "\n"
    """What is between two parts."""
    verbatim: bool = False
    """Whether empty lines at its ends belong to it, as those of a plain text do."""
    pages: list[DocumentPage] = field(default_factory=list[DocumentPage])
    sheets: list[DocumentSheet] = field(default_factory=list[DocumentSheet])
    tables: list[DocumentTable] = field(default_factory=list[DocumentTable])
    metadata: dict[str, str | int] = field(default_factory=dict[str, "str | int"])
    truncated: bool = False

    @property
    def text(self) -> str:
        """All of its text."""
        text = self.gap.join(self.parts)
        return text if self.verbatim else text.strip("\n")

    @property
    def empty(self) -> bool:
        """Whether nothing was read of it."""
        return not any(self.parts) and not any(table.rows for table in self.tables)

    def note(self, **values: object) -> None:
        """Record metadata; what is empty is left out."""
        for name, value in values.items():
            if isinstance(value, int):
                self.metadata[name] = value
            elif value:
                self.metadata[name] = readable(str(value)[:1000])


@dataclass(slots=True, kw_only=True)
class Caps:
    """How much of a document is read; past it the output is `truncated`."""

    characters: int = MAX_CHARACTERS
    """Of text."""
    pages: int = 1_000
    cells: int = 200_000
    rows: int = 100_000
    """Of one sheet, empty ones too: a small file can claim a million of them."""
    cut: bool = False
    """Whether something was left out."""

    def take(self, text: str) -> str:
        """As much of the text as is still allowed."""
        taken = text[: max(0, self.characters)]
        self.characters -= len(taken) + 1  # what separates it from the next
        self.cut |= len(taken) < len(text)
        return taken if taken.isascii() and "\x00" not in taken else readable(taken)

    def take_row(self, cells: Sequence[str]) -> list[str]:
        """As many of the cells, and as much of their text, as is still allowed."""
        return [self.take(cell) for cell in self.take_cells(cells)]

    def take_cells(self, cells: Sequence[str]) -> list[str]:
        """As many of the cells as is still allowed, where their text counts elsewhere."""
        allowed = list(cells[: max(0, self.cells)])
        self.cells -= len(allowed)
        self.cut |= len(allowed) < len(cells)
        return allowed

    def no_more(self) -> bool:
        """Whether nothing more is to be read; asked only when there is more."""
        over = min(self.characters, self.cells) <= 0
        self.cut |= over
        return over


_UNREADABLE = re.compile("[\x00\ud800-\udfff]")


def readable(text: str) -> str:
    """The text without what is no character, which no database takes: fonts of a PDF may map glyphs to anything."""
    return _UNREADABLE.sub("", text)


def line(row: Iterable[str]) -> str:
    """A row of a table as a line of text, with tabs between its cells."""
    return "\t".join(" ".join(cell.split()) for cell in row)


def stamp(moment: dt.datetime | None) -> str:
    """A moment as metadata."""
    return moment.isoformat() if moment else ""
