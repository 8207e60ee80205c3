"""Reading plain text, in the encoding it has; called by `document_readers`."""

import codecs
import re
from collections.abc import Iterator

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import SUPPORTED, Caps, Document

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")


def read_text(data: bytes, caps: Caps, document: Document, charset: str | None) -> None:
    """Fill a document with a text.

    Raises:
        InvalidInput: it is no text.
    """
    text, encoding = decode(data, charset)
    document.note(encoding=encoding)
    document.verbatim = True
    document.parts.append(caps.take(text))


def decode(data: bytes, charset: str | None) -> tuple[str, str]:
    """Bytes as text with line feeds between lines, and the encoding found.

    Args:
        data: the bytes.
        charset: their encoding, where their sender says so; not believed if they do not fit it.

    Raises:
        InvalidInput: they are no text.
    """
    for encoding in _encodings(data, charset):
        try:
            text = data.decode(encoding)
        except (UnicodeError, LookupError, ValueError):
            continue
        # Real text has no control characters; a stray one is tolerated only where the bytes fit UTF-8.
        allowed = 0 if encoding in ("cp1252", "latin-1") else len(text) // 1000
        if len(_CONTROL.findall(text)) <= allowed and "\x00" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
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
    if charset:
        yield charset
    yield "utf-8"
    # Bytes 0x80 to 0x9f are quotation marks and dashes on Windows and nothing in Latin-1.
    yield "cp1252" if _WINDOWS_ONLY.search(data) else "latin-1"
