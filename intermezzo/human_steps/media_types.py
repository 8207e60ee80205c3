"""What a file is: told by its content, which its name and what is said of it must agree with (spec: SA-52).

Called for every file that is attached to a human task. Nothing is decoded or unpacked: a file is looked at where its
format says what it is and where it ends, so one that unpacks to gigabytes costs no more than any other.
"""

import re
from typing import Literal, NoReturn, assert_never

from intermezzo.errors import AttachmentRefused

Kind = Literal["application/pdf", "image/png", "image/jpeg", "image/webp", "text/plain"]
"""What content tells of itself; a CSV is a text."""
MediaType = Literal["application/pdf", "image/png", "image/jpeg", "image/webp", "text/plain", "text/csv"]

_BY_EXTENSION: dict[str, MediaType] = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "txt": "text/plain",
    "csv": "text/csv",
}
ALLOWED = f"a file that ends in {', '.join(_BY_EXTENSION)}"

_OTHER_WORDS: dict[str, MediaType] = {
    "application/x-pdf": "application/pdf",
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "application/csv": "text/csv",
    "text/comma-separated-values": "text/csv",
    "application/vnd.ms-excel": "text/csv",  # as browsers on Windows say where Excel is installed
}
_SAYS_NOTHING = ("", "application/octet-stream", "binary/octet-stream")

_OTHER_MAGIC = {
    b"GIF8": "a GIF image; save it as PNG",
    b"BM": "a BMP image; save it as PNG",
    b"II*\x00": "a TIFF image; save it as PNG or PDF",
    b"MM\x00*": "a TIFF image; save it as PNG or PDF",
    b"PK\x03\x04": "a zip archive or an Office document; save it as PDF, or attach what is in it",
    b"\xd0\xcf\x11\xe0": "an old Office document; save it as PDF",
    b"\x1f\x8b": "a gzip archive; attach what is in it",
    b"{\\rtf": "an RTF document; save it as PDF",
}

_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"
_JPEG_START, _JPEG_END, _JPEG_IMAGE = b"\xff\xd8\xff", b"\xff\xd9", 0xDA
_MOST_JPEG_SEGMENTS = 2_000
"""Before the image itself; profiles and notes of cameras take some hundred at most."""
_PDF_END_REACH_BYTES = 1024
"""How far from the end of a PDF its last line may be, as readers of PDF have it."""
_ARCHIVE_END = b"PK\x05\x06"
_ARCHIVE_END_BYTES = 22
_ARCHIVE_END_REACH_BYTES = _ARCHIVE_END_BYTES + 65_535

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ufffe\uffff]")


def recognise(name: str, content: bytes, said: str | None = None) -> Kind:
    """What a file is.

    Args:
        name: of the file, with its extension.
        content: not empty.
        said: the media type that its sender claims, if any.

    Raises:
        AttachmentRefused: it is no file of an allowed type, damaged, or its name or its sender says something else.
    """
    media_type = media_type_of(name)
    kind = _kind(content)
    if kind is None:
        other = next((text for magic, text in _OTHER_MAGIC.items() if content.startswith(magic)), None)
        if other is not None or not media_type.startswith("text/"):
            _refuse_type(f"expected {media_type}, as the name {name!r} says, got {other or 'something else'}")
        _check_text(name, content)
        kind = "text/plain"
    if not agrees(media_type, kind):
        _refuse_type(f"expected {media_type}, as the name {name!r} says, got {kind}; give it the name of what it is")
    _check_claim(name, media_type, said)
    if problem := _damage(kind, content):
        raise AttachmentRefused(f"{name!r} {problem}; save or export it anew", kind="content")
    return kind


def media_type_of(name: str) -> MediaType:
    """The media type that the name of a file says.

    Raises:
        AttachmentRefused: it says none that is allowed.
    """
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    if extension not in _BY_EXTENSION:
        _refuse_type(f"expected {ALLOWED}, got {name!r}; convert it to one of these")
    return _BY_EXTENSION[extension]


def agrees(media_type: MediaType, kind: Kind) -> bool:
    """Whether content of that kind may go under that media type."""
    return kind == ("text/plain" if media_type == "text/csv" else media_type)


def _check_claim(name: str, media_type: MediaType, said: str | None) -> None:
    claim = (said or "").partition(";")[0].strip().lower()
    if claim in _SAYS_NOTHING or _OTHER_WORDS.get(claim, claim) == media_type:
        return
    if (claim, media_type) != ("text/plain", "text/csv"):
        _refuse_type(
            f"expected the media type {media_type} for {name!r}, got {claim[:100]!r}; correct it or leave it out"
        )


def _refuse_type(message: str) -> NoReturn:
    raise AttachmentRefused(message, kind="type")


def _kind(content: bytes) -> Kind | None:
    """What a file begins as; None: no format with a beginning of its own."""
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content.startswith(_PNG_START[:8]):
        return "image/png"
    if content.startswith(_JPEG_START):
        return "image/jpeg"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def _check_text(name: str, content: bytes) -> None:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        message = f"{name!r} is not UTF-8 (at byte {error.start:,}); save it with the encoding UTF-8"
        raise AttachmentRefused(message, kind="content") from None
    if found := _CONTROL.search(text):
        message = f"{name!r} holds the control character U+{ord(found[0]):04X}, as no text does; remove it"
        raise AttachmentRefused(message, kind="content")


def _damage(kind: Kind, content: bytes) -> str | None:
    """What is wrong with a file that begins as it should."""
    if _is_archive_too(content):
        return "is a zip archive as well"
    whole: bool
    match kind:
        case "application/pdf":
            whole = b"%%EOF" in content[-_PDF_END_REACH_BYTES:]
        case "image/png":
            whole = content.startswith(_PNG_START) and content.endswith(_PNG_END)
        case "image/jpeg":
            whole = _is_whole_jpeg(content)
        case "image/webp":
            whole = int.from_bytes(content[4:8], "little") + 8 == len(content) and content[12:15] == b"VP8"
        case "text/plain":
            whole = True
        case _:
            assert_never(kind)
    return None if whole else f"begins as {kind} and does not end as one: it is cut short, or has something behind it"


def _is_whole_jpeg(content: bytes) -> bool:
    """Whether the image ends. Phones put films and further images behind it, so it may end before the file does."""
    place = 2
    for _ in range(_MOST_JPEG_SEGMENTS):
        head = content[place : place + 4]
        if len(head) < 4 or head[0] != 0xFF:  # noqa: PLR2004 (marker and length, two bytes each)
            return False
        if head[1] == 0xFF:  # noqa: PLR2004 (a marker may be preceded by any number of these)
            place += 1
        elif head[1] == _JPEG_IMAGE:
            return _JPEG_END in content[place:]
        else:
            place += 2 + int.from_bytes(head[2:], "big")
    return False


def _is_archive_too(content: bytes) -> bool:
    """Whether what reads archives, by the directory at the end of a file, would take it for one."""
    tail = content[-_ARCHIVE_END_REACH_BYTES:]
    place = tail.rfind(_ARCHIVE_END)
    while place >= 0:
        comment_bytes = int.from_bytes(tail[place + 20 : place + 22], "little")
        if place + _ARCHIVE_END_BYTES + comment_bytes == len(tail):
            return True
        place = tail.rfind(_ARCHIVE_END, 0, place)
    return False
