"""Files that may be attached to human tasks: their names, sizes and content are checked before anything is stored."""

import binascii
import hashlib
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote

from intermezzo.errors import AttachmentRefused
from intermezzo.human_steps.media_types import Kind, MediaType, media_type_of, recognise

MAX_FILE_BYTES = 5 * 1024 * 1024
"""Of one file (spec: SA-52)."""
MAX_NAME_BYTES = 255
"""In UTF-8: what file systems have room for."""

_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]')
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
"""Names that Windows keeps for itself, whatever follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file that was found to be what it says."""

    name: str
    kind: Kind
    """What the content is."""
    content: bytes
    sha256: str
    """Digest of the content."""

    @classmethod
    def of(cls, name: str, content: bytes, *, media_type: str | None = None) -> "File":
        """Check a file.

        Args:
            name: of the file, without folders.
            content: of the file.
            media_type: what its sender says it is; it must agree with the content, or be left out.

        Raises:
            AttachmentRefused: its name, size, type or content is not allowed.
        """
        check_file_name(name)
        if not content:
            raise AttachmentRefused(f"{name!r} is empty (0 bytes); attach it when it has been written", kind="content")
        if len(content) > MAX_FILE_BYTES:
            raise AttachmentRefused(_too_large(repr(name), len(content)), kind="too_large")
        kind = recognise(name, content, media_type)
        return cls(name=name, kind=kind, content=content, sha256=hashlib.sha256(content).hexdigest())

    @property
    def media_type(self) -> MediaType:
        """As it is sent to whoever opens it."""
        return media_type_of(self.name)

    @property
    def headers(self) -> dict[str, str]:
        """HTTP headers under which a browser saves the file, or shows an image, and runs nothing that is in it."""
        charset = "; charset=utf-8" if self.media_type.startswith("text/") else ""
        plain = re.sub(r"[^A-Za-z0-9._ -]", "_", self.name)
        return {
            "Content-Type": f"{self.media_type}{charset}",
            "Content-Length": str(len(self.content)),
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(self.name, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
        }


def check_file_name(name: str) -> None:
    """Refuse a name that is not just the name of a file, or looks like another than it is.

    Raises:
        AttachmentRefused: saying why.
    """
    if not name or name != name.strip(" .") or _DEVICE.fullmatch(name):
        problem = "a name that is not blank, has no dots or blanks at its ends, and is none of a device"
    elif len(name.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        problem = f"a name of at most {MAX_NAME_BYTES} bytes in UTF-8"
    elif _NOT_IN_NAMES.search(name):
        problem = 'a name without folders and without / \\ : * ? " < > |'
    elif not "".join(char for char in name if unicodedata.category(char) != "Zs").isprintable():
        # Such as the one that makes `invoice<U+202E>fdp.exe` read `invoiceexe.pdf`.
        problem = "a name without control and formatting characters"
    else:
        return
    raise AttachmentRefused(f"expected {problem}, got {name[:100]!r}; rename the file", kind="name")


def from_base64(text: str) -> bytes:
    """The content of a file that was sent as base64, by the letter (RFC 4648, section 4).

    Raises:
        AttachmentRefused: it is larger than a file may be, or no base64.
    """
    if text[:5].lower() == "data:":
        message = "expected base64 alone, got a data URI; leave out what comes before the comma, and the comma"
        raise AttachmentRefused(message, kind="encoding")
    if len(text) > (MAX_FILE_BYTES + 2) // 3 * 4:
        raise AttachmentRefused(_too_large("the file", len(text) * 3 // 4), kind="too_large")
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        message = (
            f"expected base64 of the alphabet A-Z a-z 0-9 + / with its = and without blanks or line ends ({error})"
        )
        raise AttachmentRefused(message, kind="encoding") from None


def _too_large(name: str, size_bytes: int) -> str:
    return (
        f"expected a file of at most {MAX_FILE_BYTES:,} bytes, and {name} has {size_bytes:,}; "
        "make it smaller, or attach an address where it can be had"
    )
