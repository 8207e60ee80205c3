"""Reading PDF with pypdf; called by `document_readers`."""

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import Caps, Document, DocumentPage, stamp

if TYPE_CHECKING:
    from pypdf import DocumentInformation, PageObject, PdfReader


def read_pdf(data: bytes, caps: Caps, document: Document) -> None:
    """Fill a document with the pages of a PDF.

    Raises:
        InvalidInput: it is encrypted, or none of its pages can be read.
        Exception: whatever pypdf makes of a damaged file.
    """
    from pypdf import PdfReader

    document.gap = "\n\n"
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
            page.extract_text(visitor_text=lines.visit)
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


def _has_images(page: "PageObject") -> bool:
    resources = page.get("/Resources")
    objects = resources.get_object().get("/XObject") if resources is not None else None
    return any(
        getattr(item.get_object(), "get", dict[str, str]().get)("/Subtype") == "/Image"
        for item in (objects.get_object().values() if objects is not None else ())
    )


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


class _PageText:
    """Text of a page with an empty line between paragraphs, which a PDF only has as distance."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._last_y: float | None = None

    def visit(self, text: str, cm: Sequence[float], tm: Sequence[float], _font: object, size: float) -> None:
        """Take the next text of the page, with its transformation matrices."""
        parts = self._parts
        if not text.strip():
            parts.extend([text] if text else [])
            return
        y = cm[1] * tm[4] + cm[3] * tm[5] + cm[5]
        height = abs(size * tm[3] * cm[3])
        new_line = bool(parts) and parts[-1].endswith("\n")
        if new_line and self._last_y is not None and height and self._last_y - y > _PARAGRAPH_GAP * height:
            parts.append("\n")
        self._last_y = y
        parts.append(text)

    @property
    def text(self) -> str:
        """What came so far."""
        lines = (line.rstrip() for line in "".join(self._parts).splitlines())
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
