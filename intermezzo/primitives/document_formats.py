"""Telling which format a document has; called by `document_job` before anything parses it.

Magic bytes decide. A `mime_type` is believed only where they cannot: text has none (spec: CS-55). Where it says
nothing either, or just that it is text, the shape of the text tells.
"""

import io
import re
import zipfile
from typing import Literal
from xml.parsers import expat

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import SUPPORTED
from intermezzo.primitives.document_csv import delimiter_of
from intermezzo.primitives.document_text import decode

Format = Literal["pdf", "docx", "xlsx", "html", "csv", "eml", "text"]

MAX_ARCHIVE_ENTRIES = 5_000
_ENTRY = b"PK\x01\x02"
"""Each entry in the directory of an archive begins with it."""
MAX_UNPACKED_BYTES = 200 * 1024 * 1024
"""What a DOCX or XLSX, which is an archive, may unpack to: 20 megabytes of zip can hold 20 gigabytes."""

_OFFICE_MIME = "application/vnd.openxmlformats-officedocument."
_FORMAT_OF_MIME: dict[str, Format] = {
    "application/pdf": "pdf",
    "application/x-pdf": "pdf",
    f"{_OFFICE_MIME}wordprocessingml.document": "docx",
    f"{_OFFICE_MIME}spreadsheetml.sheet": "xlsx",
    "application/vnd.ms-word.document.macroenabled.12": "docx",
    "application/vnd.ms-excel.sheet.macroenabled.12": "xlsx",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/csv": "csv",
    "application/csv": "csv",
    "text/tab-separated-values": "csv",
    "message/rfc822": "eml",
}
_FORMATS_WITH_MAGIC = ("pdf", "docx", "xlsx")
_WITHOUT_MAGIC = ("html", "csv", "eml")
_TEXT_MIME = re.compile(r"text/.+|application/(?:.+\+)?(?:json|xml|yaml|csv|x-ndjson|markdown|rtf)", re.IGNORECASE)
_SAYS_NOTHING = (
    "",
    "application/octet-stream",
    "binary/octet-stream",
    "application/unknown",
    "application/zip",
)

_OTHER_MAGIC = {
    b"\x89PNG\r\n": "a PNG image; recognise its text first (OCR)",
    b"\xff\xd8\xff": "a JPEG image; recognise its text first (OCR)",
    b"GIF8": "a GIF image; recognise its text first (OCR)",
    b"II*\x00": "a TIFF image; recognise its text first (OCR)",
    b"MM\x00*": "a TIFF image; recognise its text first (OCR)",
    b"RIFF": "a WebP image, a sound or a video",
    b"ID3": "a sound",
    b"\x1f\x8b": "a gzip archive; send the documents inside one by one",
    b"BZh": "a bzip2 archive; send the documents inside one by one",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive; send the documents inside one by one",
    b"\xfd7zXZ\x00": "an xz archive; send the documents inside one by one",
    b"Rar!": "a RAR archive; send the documents inside one by one",
    b"\x7fELF": "an ELF program",
    b"MZ\x90\x00": "a Windows program",
    b"SQLite format 3\x00": "an SQLite database",
    b"{\\rtf": "an RTF document; save it as DOCX",
    b"%!PS": "a PostScript document; convert it to PDF",
}
_OTHER_ARCHIVES = {
    "ppt/presentation.xml": "a PPTX presentation; save it as PDF",
    "xl/workbook.bin": "an XLSB workbook; save it as XLSX",
    "content.xml": "an OpenDocument file (ODT, ODS or ODP); save it as DOCX, XLSX or PDF",
    "META-INF/container.xml": "an EPUB book; convert it to PDF",
    "Index/Document.iwa": "an Apple iWork document; export it as PDF",
    "AndroidManifest.xml": "an Android program",
    "META-INF/MANIFEST.MF": "a Java archive",
}
"""What else is a zip archive, by what is in it."""
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "the document is encrypted; remove its password and send it again"
_ENCRYPTED_ENTRY = 0x1
"""Flag of an entry of an archive."""
_MAIN_PARTS: dict[Format, str] = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}
_UNKNOWN_ARCHIVE = "a zip archive that holds neither a DOCX nor an XLSX; send the documents inside one by one"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_PDF_MAGIC_REACH = 1024


def recognise(data: bytes, mime_type: str | None) -> Format:
    """The format of a document.

    Args:
        data: the document.
        mime_type: what its sender says it is; counts only where the bytes do not tell.

    Raises:
        InvalidInput: it is empty, damaged, encrypted, or in a format that is not supported.
    """
    if not data:
        raise InvalidInput(f"the document is empty (0 bytes); expected {SUPPORTED}")
    if data.startswith(b"PK"):
        return _office_format(data)
    if data.startswith(_OLE_MAGIC):
        raise InvalidInput(_ole_problem(data))
    for magic, kind in _OTHER_MAGIC.items():
        if data.startswith(magic):
            raise InvalidInput(f"expected {SUPPORTED}, got {kind}")
    if data[4:8] == b"ftyp":
        raise InvalidInput(f"expected {SUPPORTED}, got a HEIC image, a sound or a video")
    if b"%PDF-" in data[:_PDF_MAGIC_REACH]:
        return "pdf"
    return _format_without_magic(data, mime_type)


def contradicts(format: Format, mime_type: str | None) -> bool:
    """Whether a sender says that a document is something else than it is."""
    mime = _bare(mime_type)
    if mime in _SAYS_NOTHING:
        return False
    promised = _FORMAT_OF_MIME.get(mime)
    if promised is not None:
        return promised != format
    return format in _FORMATS_WITH_MAGIC


def macros_of(data: bytes) -> bool:
    """Whether a DOCX or XLSX, known to be one, carries macros."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return any(name.lower().endswith("vbaproject.bin") for name in archive.namelist())


def _bare(mime_type: str | None) -> str:
    return (mime_type or "").partition(";")[0].strip().lower()


def _format_without_magic(data: bytes, mime_type: str | None) -> Format:
    mime = _bare(mime_type)
    promised = _FORMAT_OF_MIME.get(mime)
    if promised in _WITHOUT_MAGIC:
        return promised
    if mime in _SAYS_NOTHING or mime == "text/plain":
        return _shape(data)
    if _TEXT_MIME.fullmatch(mime):
        return "text"
    if promised:
        raise InvalidInput(
            f"the mime_type says {promised.upper()} ({mime}), but the bytes are none: "
            "the document is damaged, or something else was sent, such as an error page"
        )
    raise InvalidInput(f"expected {SUPPORTED}, got mime_type {mime!r}; convert the document first")


_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]{0,200}>\s*)?(?:<!--.{0,2000}?-->\s*)?<(?:!doctype\s+html|html)\b",
    re.IGNORECASE | re.DOTALL,
)
_MAIL_LINE = re.compile(rb"([!-9;-~]{1,80}):[^\r\n]*\r?\n(?:[ \t][^\r\n]*\r?\n)*")
_MAIL_HEADERS = 200
_OF_EVERY_MAIL = {b"date", b"message-id", b"mime-version", b"received"}


def _shape(data: bytes) -> Format:
    """Format of a text that nothing is said about."""
    if _HTML.match(data):
        return "html"
    if _is_mail(data):
        return "eml"
    try:
        text, _ = decode(data, None)
    except InvalidInput:
        return "text"
    return "csv" if delimiter_of(text) else "text"


def _is_mail(data: bytes) -> bool:
    place = 0
    names: set[bytes] = set()
    for _ in range(_MAIL_HEADERS):
        found = _MAIL_LINE.match(data, place)
        if found is None:
            break
        names.add(found[1].lower())
        place = found.end()
    ended = place == len(data) or data[place : place + 1] in (b"\r", b"\n")
    return ended and b"from" in names and len(names & _OF_EVERY_MAIL) > 0


def _office_format(data: bytes) -> Format:
    # The library takes seconds to list hundreds of thousands. Archives in the archive count too, so only by far more.
    entries = data.count(_ENTRY)
    if entries > 10 * MAX_ARCHIVE_ENTRIES:
        raise InvalidInput(f"the document is packed in {entries:,} entries; at most {MAX_ARCHIVE_ENTRIES:,} are opened")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _format_of(archive)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        if isinstance(error, InvalidInput):
            raise
        raise InvalidInput(
            f"the document starts like DOCX or XLSX and is cut short or damaged ({error}); send it again, whole"
        ) from error


def _format_of(archive: zipfile.ZipFile) -> Format:
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES or len(entries) > MAX_ARCHIVE_ENTRIES:
        raise InvalidInput(
            f"the document unpacks to {unpacked:,} bytes in {len(entries):,} entries; "
            f"at most {MAX_UNPACKED_BYTES:,} bytes in {MAX_ARCHIVE_ENTRIES:,} entries are opened"
        )
    if any(entry.flag_bits & _ENCRYPTED_ENTRY for entry in entries):
        raise InvalidInput(_ENCRYPTED)
    names = {entry.filename for entry in entries}
    format: Format | None = next((format for format, name in _MAIN_PARTS.items() if name in names), None)
    if format is None:
        other = next((kind for name, kind in _OTHER_ARCHIVES.items() if name in names), _UNKNOWN_ARCHIVE)
        raise InvalidInput(f"expected {SUPPORTED}, got {other}")
    for entry in entries:
        if _is_markup(entry.filename) and _declares_types(archive, entry):
            raise InvalidInput(
                f"the {format.upper()} document has a DTD in {entry.filename[:100]!r}, as no office program writes "
                "and some attacks do; save it anew with an office program"
            )
    return format


def _is_markup(name: str) -> bool:
    return name.endswith((".xml", ".rels")) and not name.startswith("customXml/")  # there, people keep what they like


class _TypesError(Exception):
    pass


class _RootError(Exception):
    pass


def _declares_types(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether a part has a document type declaration (DTD), which would stand before its first element."""

    def declaration(*_: object) -> None:
        raise _TypesError

    def element(*_: object) -> None:
        raise _RootError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = declaration
    parser.StartElementHandler = element
    try:
        with archive.open(entry) as part:
            while chunk := part.read(4096):
                parser.Parse(chunk)
            parser.Parse(b"", True)  # noqa: FBT003 (expat's own; newer ones put off what they have begun until then)
    except _TypesError:
        return True
    except Exception:  # noqa: BLE001 (a damaged part raises just about anything; its reader will say so)
        return False
    return False


def _ole_problem(data: bytes) -> str:
    if _ENCRYPTED_PACKAGE in data:
        return _ENCRYPTED
    return f"expected {SUPPORTED}, got an old Office file (DOC, XLS or PPT); save it as DOCX or XLSX"
