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


_WEST = ("cp1252", "cp1250", "latin-1")
_SAMPLE_BYTES = 64 * 1024
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_FOREIGN_WORDS = re.compile(rb"[\x80-\xff]{3,}")
_LEAST_FOREIGN = 6
_FOREIGN = (
    "utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be", "cp1251", "koi8_r", "koi8_u", "cp866", "iso8859_5",
    "mac_cyrillic", "cp1253", "iso8859_7", "cp1255", "cp1256", "iso8859_6", "cp932", "euc_jp", "gb18030", "big5",
    "cp949", "cp874",
)  # fmt: skip
"""Encodings of other alphabets, and UTF-16 and UTF-32 without a mark. Encodings of Latin letters differ too little
to be told apart by a few accents; Windows-1252 is by far the most frequent."""


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
        allowed = 0 if encoding in _WEST else len(text) // 1000
        if len(_CONTROL.findall(text)) <= allowed and "\x00" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n"), encoding
    raise InvalidInput(
        f"expected {SUPPORTED}, got {len(data):,} bytes that are none of them and no text in a "
        f"known encoding; they start with {data[:8].hex(' ')}"
    )


def _encodings(data: bytes, charset: str | None) -> Iterator[str]:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            yield encoding
            return
    if charset:
        yield charset
    if b"\x00" not in data[:_SAMPLE_BYTES]:
        yield "utf-8"
    if foreign := _foreign_sample(data):
        # Imported here: a text in UTF-8 does without.
        from charset_normalizer import from_bytes

        best = from_bytes(foreign, cp_isolation=list(_FOREIGN)).best()
        if best is not None:
            yield best.encoding.replace("_", "-")
    # Bytes 0x80 to 0x9f are quotation marks and dashes on Windows and nothing in Latin-1.
    if _WINDOWS_ONLY.search(data):
        yield "cp1252"
        yield "cp1250"  # has letters of Central Europe in most places that are void in Windows-1252
    else:
        yield "latin-1"


def _foreign_sample(data: bytes) -> bytes:
    """The beginning of what is written in other letters than Latin, or in more than one byte each; empty if nothing."""
    if b"\x00" in data[:_SAMPLE_BYTES]:
        return data[:_SAMPLE_BYTES]
    first = _FOREIGN_WORDS.search(data)
    if first is None:
        return b""
    start = max(data.rfind(b"\n", 0, first.start()) + 1, first.start() - _SAMPLE_BYTES)
    sample = data[start : start + _SAMPLE_BYTES]
    if len(sample) == _SAMPLE_BYTES:
        sample = sample[: max(sample.rfind(b"\n"), sample.rfind(b" ")) + 1] or sample
    # In Latin letters accents stand alone.
    foreign = sum(map(len, _FOREIGN_WORDS.findall(sample)))
    return sample if foreign >= _LEAST_FOREIGN and foreign * 2 > len(_NOT_ASCII.findall(sample)) else b""
