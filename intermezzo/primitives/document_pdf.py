"""Reading PDF with pypdf; called by `document_readers`."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import Caps, Document, DocumentPage, stamp

if TYPE_CHECKING:
    from pypdf import DocumentInformation, PageObject, PdfReader
    from pypdf.generic import DictionaryObject


def read_pdf(data: bytes, caps: Caps, document: Document) -> None:
    """Fill a document with the pages of a PDF.

    Raises:
        InvalidInput: it is encrypted, or none of its pages can be read.
        Exception: whatever pypdf makes of a damaged file.
    """
    from pypdf.errors import LimitReachedError

    document.gap = "\n\n"
    try:
        _read(data, caps, document)
    except LimitReachedError as error:
        raise InvalidInput(
            "the PDF document has something in it that is too large to be read "
            f"({' '.join(str(error).split())[:200]}); split it, or save it anew with another program"
        ) from error


def _read(data: bytes, caps: Caps, document: Document) -> None:
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(data))
    _unlock(reader)
    total = len(reader.pages)
    if not total:
        raise InvalidInput("the PDF document has no pages; it is cut short or damaged")
    document.note(page_count=total)
    _note_information(reader, document)
    failure = _read_pages(reader, caps, document)
    if failure is not None and not document.text:
        raise failure


def _read_pages(reader: "PdfReader", caps: Caps, document: Document) -> Exception | None:
    """Read page by page; a page that cannot be read is left out, and the first reason is returned."""
    failure: Exception | None = None
    unreadable = 0
    images = False
    for index, page in enumerate(reader.pages):
        if index >= caps.pages or caps.no_more():
            caps.cut = True
            break
        lines = _PageText()
        try:
            _name_encodings(page)
            page.extract_text(visitor_text=lines.visit)
            _read_fields(page, lines)
            images |= not lines.text and _has_images(page)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 (a damaged page raises just about anything)
            failure = failure or error
            unreadable += 1
            caps.cut = True
        finally:
            text = caps.take(lines.text)
            document.pages.append(DocumentPage(index + 1, text))
            document.parts.append(text)
    if unreadable:
        document.note(unreadable_pages=unreadable)
    if images and not document.text:
        document.note(images_only="yes")
    return failure


_TWO_BYTES = re.compile(rb"begincodespacerange\s*<[0-9a-fA-F]{4}>")


def _name_encodings(page: "PageObject") -> None:
    """Have pypdf read fonts whose encoding is spelled out as a table.

    It takes codes of such fonts for single bytes. What a code means is in their other table, `ToUnicode`.
    """
    from pypdf.generic import NameObject, StreamObject

    for font in _entries(_entry(page, "/Resources"), "/Font"):
        encoding = _entry(font, "/Encoding")
        if "/ToUnicode" in font and isinstance(encoding, StreamObject) and _TWO_BYTES.search(encoding.get_data()):
            font[NameObject("/Encoding")] = NameObject("/Identity-H")


_HIDDEN_ANNOTATION = 0x2 | 0x20
"""Flags of what is on no page, or on printed ones only."""


def _read_fields(page: "PageObject", lines: "_PageText") -> None:
    """Read what is filled in: each field of a form, and each remark in a frame, is drawn apart from the page."""
    from pypdf.generic import EncodedStreamObject, StreamObject

    for annotation in page.annotations or ():
        field = annotation.get_object()
        look = _entry(_entry(field, "/AP"), "/N")
        hidden = int(field.get("/F", 0)) & _HIDDEN_ANNOTATION
        if field.get("/Subtype") in ("/Widget", "/FreeText") and isinstance(look, StreamObject) and not hidden:
            lines.end_paragraph()
            page.extract_xform_text(cast("EncodedStreamObject", look), visitor_text=lines.visit)


def _entry(item: object, name: str) -> object:
    """An entry of a dictionary of the PDF."""
    from pypdf.generic import DictionaryObject

    return item[name].get_object() if isinstance(item, DictionaryObject) and name in item else None


def _entries(item: object, name: str) -> "Iterator[DictionaryObject]":
    """The dictionaries in a dictionary of the PDF."""
    from pypdf.generic import DictionaryObject

    found = _entry(item, name)
    values = (value.get_object() for value in found.values()) if isinstance(found, DictionaryObject) else ()
    return (value for value in values if isinstance(value, DictionaryObject))


def _has_images(page: "PageObject") -> bool:
    return any(item.get("/Subtype") == "/Image" for item in _entries(_entry(page, "/Resources"), "/XObject"))


def _note_information(reader: "PdfReader", document: Document) -> None:
    info = reader.metadata
    if info:
        document.note(title=info.title, author=info.author, subject=info.subject, created=_created(info))


def _created(info: "DocumentInformation") -> str:
    try:
        return stamp(info.creation_date)
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


_SAME_LINE = 0.2
"""Text nearer to the line before than this many font sizes is on it: pypdf ends a line where the PDF does, and some
programs do after every word or cell."""
_WORD_GAP = 0.15
_WIDTH = 0.55
_WIDTHS = (
    dict.fromkeys("fijlrt.,:;'|!()[] ", 0.3)
    | dict.fromkeys("mwMW@%", 0.85)
    | dict.fromkeys("ABCDEFGHKLNOPQRSTUVXYZ", 0.67)
)
"""Of characters, in font sizes, as they are in most fonts."""


class _PageText:
    """Text of a page in lines, with an empty line between paragraphs; both a PDF only has as distance."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._last_y: float | None = None
        self._last_end = 0.0

    def visit(self, text: str, cm: Sequence[float], tm: Sequence[float], _font: object, size: float) -> None:
        """Take the next text of the page, with its transformation matrices."""
        parts = self._parts
        if not text.strip():
            if text and not (parts and parts[-1].endswith("\n")):
                parts.append(text)
            return
        x = cm[0] * tm[4] + cm[2] * tm[5] + cm[4]
        y = cm[1] * tm[4] + cm[3] * tm[5] + cm[5]
        height = abs(size * tm[3] * cm[3])
        if height and self._last_y is not None and parts and parts[-1].endswith("\n"):
            if abs(self._last_y - y) < _SAME_LINE * height and x > self._last_end - height:
                parts[-1] = parts[-1][:-1]
                parts.extend([" "] if x - self._last_end > _WORD_GAP * height else [])
            elif self._last_y - y > _PARAGRAPH_GAP * height:
                parts.append("\n")
        self._last_y = y
        self._last_end = x + height * sum(_WIDTHS.get(character, _WIDTH) for character in text.rstrip("\n"))
        parts.append(text)

    def end_paragraph(self) -> None:
        """What comes next belongs to no line so far."""
        self._parts.append("\n\n")
        self._last_y = None

    @property
    def text(self) -> str:
        """What came so far."""
        lines = (line.rstrip() for line in "".join(self._parts).splitlines())
        text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
        # In justified text, a space and the gap after it.
        return re.sub(r"(?<=\S)  (?=\S)", " ", text)
