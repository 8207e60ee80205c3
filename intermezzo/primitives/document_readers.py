"""Reading each document format into one shape; called by `document_parse`, in a worker thread.

The parsing libraries are imported where they are used: `intermezzo step` must start at once.
"""

import codecs
import datetime as dt
import io
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_formats import SUPPORTED, Format
from intermezzo.web import known_encoding

if TYPE_CHECKING:
    from docx.table import Table
    from pypdf import DocumentInformation, PageObject, PdfReader


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
    """A document in the making: readers fill it until it is complete or a cap is reached."""

    text: str = ""
    pages: list[DocumentPage] = field(default_factory=list[DocumentPage])
    sheets: list[DocumentSheet] = field(default_factory=list[DocumentSheet])
    tables: list[DocumentTable] = field(default_factory=list[DocumentTable])
    metadata: dict[str, str | int] = field(default_factory=dict[str, "str | int"])
    truncated: bool = False

    def note(self, **values: object) -> None:
        """Record metadata; what is empty is left out."""
        for name, value in values.items():
            if isinstance(value, int):
                self.metadata[name] = value
            elif value:
                self.metadata[name] = str(value)[:1000]


@dataclass(slots=True, kw_only=True)
class Caps:
    """How much of a document is read; past it the output is `truncated`."""

    characters: int = 1_000_000
    """Of text: a long book. The output is kept in the journal."""
    pages: int = 1_000
    cells: int = 200_000
    rows: int = 100_000
    """Of one sheet, empty ones too: a small file can claim a million of them."""
    seconds: float = 60.0
    """After which no further page or row is begun."""
    started: float = field(default_factory=time.monotonic)

    def take(self, text: str) -> str:
        """As much of the text as is still allowed."""
        taken = text[: self.characters]
        self.characters -= len(taken)
        return taken

    @property
    def used_up(self) -> bool:
        """Whether nothing more should be read."""
        return min(self.characters, self.cells) <= 0 or time.monotonic() - self.started > self.seconds


def read_document(data: bytes, format: Format, *, charset: str | None = None, caps: Caps | None = None) -> Document:
    """Read a document.

    Args:
        data: the document.
        format: its format, as recognised.
        charset: encoding of a text, where its sender says so.
        caps: how much of it to read.

    Raises:
        InvalidInput: it is encrypted, damaged or not what it claims to be.
    """
    caps = caps or Caps()
    if format == "text":
        return _read_text(data, caps, charset)
    readers: dict[str, Callable[[bytes, Caps], Document]] = {
        "pdf": _read_pdf,
        "docx": _read_docx,
        "xlsx": _read_xlsx,
    }
    try:
        return readers[format](data, caps)
    except InvalidInput:
        raise
    except Exception as error:  # The libraries raise just about anything on a damaged file.
        raise InvalidInput(
            f"the {format.upper()} document is cut short or damaged "
            f"({type(error).__name__}: {str(error)[:200]}); "
            "check that it opens in an office program, and send it again, whole"
        ) from error


def _read_pdf(data: bytes, caps: Caps) -> Document:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    _unlock(reader)
    total = len(reader.pages)
    if not total:
        raise InvalidInput("the PDF document has no pages; it is cut short or damaged")
    document = Document()
    document.note(page_count=total)
    for index in range(total):
        if index >= caps.pages or caps.used_up:
            document.truncated = True
            break
        text = _page_text(reader.pages[index])
        taken = caps.take(text)
        document.truncated |= len(taken) < len(text)
        document.pages.append(DocumentPage(index + 1, taken))
    document.text = "\n\n".join(page.text for page in document.pages).strip("\n")
    info = reader.metadata
    if info:
        document.note(title=info.title, author=info.author, subject=info.subject, created=_pdf_created(info))
    return document


def _pdf_created(info: "DocumentInformation") -> str:
    try:
        return _stamp(info.creation_date)
    except ValueError:
        return info.creation_date_raw or ""


def _unlock(reader: "PdfReader") -> None:
    """Open a PDF that anyone may read though it is encrypted; most viewers do so without a word."""
    from pypdf.errors import DependencyError

    if not reader.is_encrypted:
        return
    try:
        opened = bool(reader.decrypt(""))
    except (DependencyError, NotImplementedError) as error:
        raise InvalidInput(
            f"the PDF document is encrypted in a way that cannot be opened here ({error}); save it without encryption"
        ) from error
    if not opened:
        raise InvalidInput("the PDF document is encrypted; remove its password and send it again")


_PARAGRAPH_GAP = 1.8
"""Lines further apart than this many font sizes are in different paragraphs; wide leading is 1.5."""


def _page_text(page: "PageObject") -> str:
    """Text of a page with an empty line between paragraphs, which a PDF only has as distance."""
    parts: list[str] = []
    last_y: float | None = None

    def visit(text: str, cm: Sequence[float], tm: Sequence[float], _font: object, size: float) -> None:
        nonlocal last_y
        if not text.strip():
            parts.extend([text] if text else [])
            return
        y = cm[1] * tm[4] + cm[3] * tm[5] + cm[5]
        height = abs(size * tm[3] * cm[3])
        new_line = bool(parts) and parts[-1].endswith("\n")
        if new_line and last_y is not None and height and last_y - y > _PARAGRAPH_GAP * height:
            parts.append("\n")
        last_y = y
        parts.append(text)

    page.extract_text(visitor_text=visit)
    lines = (line.rstrip() for line in "".join(parts).splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _read_docx(data: bytes, caps: Caps) -> Document:
    import docx
    from docx.table import Table

    source = docx.Document(io.BytesIO(data))
    document = Document()
    blocks: list[str] = []
    for block in source.iter_inner_content():
        if caps.used_up:
            document.truncated = True
            break
        if isinstance(block, Table):
            rows = _docx_rows(block, caps)
            document.tables.append(DocumentTable(rows))
            # Set off by empty lines, as a person sees it.
            text = "\n" + "\n".join(map(_line, rows)) + "\n"
        else:
            text = block.text
        taken = caps.take(text)
        document.truncated |= len(taken) < len(text)
        blocks.append(taken)
    document.truncated |= caps.used_up
    document.text = "\n".join(blocks).strip("\n")
    info = source.core_properties
    document.note(title=info.title, author=info.author, subject=info.subject, created=_stamp(info.created))
    return document


def _stamp(moment: dt.datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _docx_rows(table: "Table", caps: Caps) -> list[list[str]]:
    rows: list[list[str]] = []
    for row in table.rows:
        if caps.used_up:
            break
        cells: list[str] = []
        previous = None
        for cell in row.cells:
            # A merged cell comes once for every column it spans.
            if cell._tc is not previous:  # noqa: SLF001 - its only identity  # pyright: ignore[reportPrivateUsage]
                cells.append(cell.text)
            previous = cell._tc  # noqa: SLF001 - as above  # pyright: ignore[reportPrivateUsage]
        caps.cells -= len(cells)
        rows.append(cells)
    return rows


def _read_xlsx(data: bytes, caps: Caps) -> Document:
    from openpyxl import load_workbook

    workbook = load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        document = Document()
        document.note(sheet_count=len(workbook.worksheets))
        for sheet in workbook.worksheets:
            if caps.used_up:
                document.truncated = True
                break
            # A file may claim a million rows by sixteen thousand columns and have three cells.
            sheet.reset_dimensions()
            rows, complete = _sheet_rows(sheet.iter_rows(values_only=True), caps)
            text = "\n".join(map(_line, rows))
            taken = caps.take(text)
            document.truncated |= not complete or len(taken) < len(text)
            document.sheets.append(DocumentSheet(sheet.title, taken))
            document.tables.append(DocumentTable([row for row in rows if row], sheet.title))
        info = workbook.properties
        document.note(title=info.title, author=info.creator, subject=info.subject, created=_stamp(info.created))
    finally:
        workbook.close()
    document.text = "\n\n".join(sheet.text for sheet in document.sheets if sheet.text)
    return document


def _sheet_rows(source: Iterable[Sequence[object]], caps: Caps) -> tuple[list[list[str]], bool]:
    """Rows as text, empty ones at the ends left out; and whether these are all of them."""
    rows: list[list[str]] = []
    for count, values in enumerate(source):
        if count >= caps.rows or caps.used_up:
            return rows, False
        cells = [_cell(value) for value in values[: caps.cells]]
        while cells and not cells[-1]:
            cells.pop()
        caps.cells -= len(cells)
        # One empty line is a gap a person sees; a thousand are nothing.
        if cells or (rows and rows[-1]):
            rows.append(cells)
    while rows and not rows[-1]:
        rows.pop()
    return rows, True


_LARGEST_WHOLE = 1e15
"""Beyond, a float has no whole-number precision, and a person sees an exponent."""


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "TRUE" if value else "FALSE"
        case float() if value.is_integer() and abs(value) < _LARGEST_WHOLE:
            return str(int(value))
        case dt.datetime() if value.time() == dt.time():
            return value.date().isoformat()
        case dt.datetime():
            return value.isoformat(" ", "seconds")
        case _:
            return str(value)


def _line(row: Sequence[str]) -> str:
    return "\t".join(" ".join(cell.split()) for cell in row)


_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")


def _read_text(data: bytes, caps: Caps, charset: str | None) -> Document:
    text, encoding = _decode(data, charset)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    taken = caps.take(text)
    document = Document(text=taken, truncated=len(taken) < len(text))
    document.note(encoding=encoding)
    return document


def _decode(data: bytes, charset: str | None) -> tuple[str, str]:
    for encoding in _encodings(data, charset):
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        # Real text has no control characters; a stray one is tolerated only where the bytes fit UTF-8.
        allowed = 0 if encoding in ("cp1252", "latin-1") else len(text) // 1000
        if len(_CONTROL.findall(text)) <= allowed and "\x00" not in text:
            return text, encoding
        break
    raise InvalidInput(
        f"expected {SUPPORTED}, got {len(data):,} bytes that are none of them and no text in UTF-8, UTF-16 "
        f"or Latin-1; they start with {data[:8].hex(' ')}"
    )


def _encodings(data: bytes, charset: str | None) -> Iterator[str]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            yield encoding
            return
    if charset and (encoding := known_encoding(charset)):
        yield encoding
    yield "utf-8"
    # Bytes 0x80 to 0x9f are quotation marks and dashes on Windows and nothing in Latin-1.
    yield "cp1252" if _WINDOWS_ONLY.search(data) else "latin-1"
