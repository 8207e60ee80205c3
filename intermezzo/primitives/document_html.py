"""Reading an HTML document; called by `document_readers`."""

import re

from intermezzo.primitives.document_content import Caps, Document, DocumentTable
from intermezzo.primitives.document_text import decode
from intermezzo.primitives.html_text import read_html as read

_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
_DECLARATION_REACH = 2048


def read_html(data: bytes, caps: Caps, document: Document, charset: str | None, page_url: str | None) -> None:
    """Fill a document with the visible text and the tables of an HTML file.

    Raises:
        InvalidInput: it is no text.
    """
    declared = _DECLARED.search(data[:_DECLARATION_REACH])
    text, encoding = decode(data, charset or (declared[1].decode("ascii") if declared else None))
    document.note(encoding=encoding)
    read_markup(text, caps, document, page_url)


def read_markup(html: str, caps: Caps, document: Document, page_url: str | None = None) -> None:
    """Fill a document with what a person sees of HTML source; of a page of the web, its main content first."""
    reading = read(html, max_characters=caps.characters, page_url=page_url)
    caps.cut |= reading.truncated
    document.note(title=reading.title)
    document.parts.append(caps.take(reading.text))
    for rows in reading.tables:
        document.tables.append(DocumentTable([caps.take_cells(row) for row in rows]))
