"""Files of every allowed type, as small as they get, for tests that attach them."""

import base64
import io
import random
import struct
import zipfile
import zlib

import pypdf


def png(*, padding_bytes: int = 0, seed: int = 0) -> bytes:
    """One black pixel, and if wanted noise in a chunk that no viewer looks at."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    noise = chunk(b"prIv", random.Random(seed).randbytes(padding_bytes)) if padding_bytes else b""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + noise + chunk(b"IDAT", zlib.compress(b"\x00\x00")) + chunk(b"IEND", b"")


def pdf() -> bytes:
    """One empty page."""
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def archive() -> bytes:
    """A zip archive."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as made:
        made.writestr("run.js", "alert(1)")
    return written.getvalue()


JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAP//////////////////////////////////////////////////////////////////////////"
    "////////////wgALCAABAAEBAREA/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQABPxA="
) + b"\xff\xd9"  # fmt: skip
WEBP = base64.b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
PNG, PDF = png(), pdf()
TXT = "Größe: 1 m²\n".encode()
CSV = b"\xef\xbb\xbfname,age\r\nAnn,7\r\n"

FILES = {
    "scan.pdf": PDF,
    "pixel.PNG": PNG,
    "photo.jpg": JPEG,
    "photo.jpeg": JPEG,
    "small.webp": WEBP,
    "notes.txt": TXT,
    "people.csv": CSV,
}
"""Name → content."""
