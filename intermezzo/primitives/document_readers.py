"""Reading a document of any format into one shape; called by `document_job`, inside the sandbox.

The parsing libraries are imported where they are used: `intermezzo step` must start at once.
"""

from typing import assert_never

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import Caps, Document
from intermezzo.primitives.document_csv import read_csv
from intermezzo.primitives.document_docx import read_docx
from intermezzo.primitives.document_eml import read_eml
from intermezzo.primitives.document_formats import Format
from intermezzo.primitives.document_html import read_html
from intermezzo.primitives.document_pdf import read_pdf
from intermezzo.primitives.document_text import read_text
from intermezzo.primitives.document_xlsx import read_xlsx


class TimeIsUp(BaseException):
    """Raised by a timer in the midst of a reader; what was read so far is kept."""


def read_document(
    data: bytes,
    format: Format,
    *,
    charset: str | None = None,
    caps: Caps | None = None,
    page_url: str | None = None,
) -> Document:
    """Read a document.

    Args:
        data: the document.
        format: its format, as recognised.
        charset: encoding of a text, where its sender says so.
        caps: how much of it to read.
        page_url: where a page of the web came from; its main content is read first then.

    Raises:
        InvalidInput: it is encrypted, damaged or not what it claims to be.
        MemoryError: it takes more memory than there is.
        TimeIsUp: a timer has raised it before anything was read.
    """
    caps = caps or Caps()
    document = Document()
    try:
        _fill(document, data, format, charset, caps, page_url)
    except (InvalidInput, MemoryError):
        raise
    except TimeIsUp:
        if document.empty:
            raise
        caps.cut = True
    except Exception as error:  # The libraries raise just about anything on a damaged file.
        raise InvalidInput(
            f"the {format.upper()} document is cut short or damaged "
            f"({type(error).__name__}: {' '.join(str(error).split())[:200]}); "
            "check that it opens in an office program, and send it again, whole"
        ) from error
    document.truncated = caps.cut
    return document


def _fill(
    document: Document, data: bytes, format: Format, charset: str | None, caps: Caps, page_url: str | None
) -> None:
    match format:
        case "pdf":
            read_pdf(data, caps, document)
        case "docx":
            read_docx(data, caps, document)
        case "xlsx":
            read_xlsx(data, caps, document)
        case "html":
            read_html(data, caps, document, charset, page_url)
        case "csv":
            read_csv(data, caps, document, charset)
        case "eml":
            read_eml(data, caps, document)
        case "text":
            read_text(data, caps, document, charset)
        case _:
            assert_never(format)
