"""Reading the body of a response in bounded memory; called by `fetch`."""

import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from intermezzo.errors import ProviderError
from intermezzo.web.urls import shown_url

if TYPE_CHECKING:
    import httpx

Compression = Literal["gzip", "deflate"]

_COMPRESSIONS: dict[str, Compression] = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_WINDOW_BYTES = 64 * 1024
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_GZIP_MEMBERS = 1_000
"""A gzip file may be many, one after the other; each costs time, however little is in it."""

_AUTO_DEFLATE = 8
_ZLIB_CHECK = 31


async def read_body(response: "httpx.Response", *, max_bytes: int) -> bytes:
    """The body of a streamed response, decompressed.

    A compressed body is measured while it comes in, and unpacked once it is known to fit: one that unpacks to a
    gigabyte costs no more memory than what has been sent of it.

    Args:
        response: what the server answered, unread.
        max_bytes: most bytes, as sent and unpacked.

    Raises:
        ProviderError: it is larger, damaged, cut short, or compressed in another way than once with gzip or deflate.
    """
    url = shown_url(response.url)
    too_large = ProviderError(f"{url} sends more than the {max_bytes:,} bytes that are read")
    compression = _compression(response.headers.get_list("content-encoding", split_commas=True), url)
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > max_bytes:
        raise too_large
    received = bytearray()
    meter = Inflater(compression) if compression else None
    unpacked_bytes = 0
    try:
        async for chunk in response.aiter_raw():
            received += chunk
            for piece in meter.feed(chunk) if meter else ():
                unpacked_bytes += len(piece)
                if unpacked_bytes > max_bytes:
                    raise too_large
            if len(received) > max_bytes:
                raise too_large
        if compression is None:
            return bytes(received)
        content = b"".join(_unpacked(received, compression))
    except (zlib.error, EOFError) as error:
        cut_short = isinstance(error, EOFError)
        problem = "cut short" if cut_short else "damaged"
        raise ProviderError(f"{url} sends a {compression} body that is {problem}", retryable=cut_short) from None
    if len(content) > max_bytes:
        raise too_large
    return content


def _compression(encodings: list[str], url: str) -> Compression | None:
    layers = [encoding for encoding in map(str.lower, encodings) if encoding not in ("", "identity")]
    if not layers:
        return None
    if len(layers) == 1 and (compression := _COMPRESSIONS.get(layers[0])):
        return compression
    shown = ", ".join(layers)[:100]
    raise ProviderError(f"{url} compresses its answer as {shown!r}; expected gzip or deflate, once, or nothing")


def _unpacked(data: bytearray, compression: Compression) -> Iterator[bytes]:
    inflater = Inflater(compression)
    # In slices, because zlib copies what it has not used yet.
    for start in range(0, len(data), _WINDOW_BYTES):
        yield from inflater.feed(bytes(data[start : start + _WINDOW_BYTES]))
    yield inflater.finish()


class Inflater:
    """Unpacks one layer of gzip or deflate, in pieces of bounded size."""

    def __init__(self, compression: Compression) -> None:
        self._compression: Compression = compression
        self._stream: zlib._Decompress | None = None  # pyright: ignore[reportPrivateUsage] - it has no public name
        self._members = 0
        self._head = b""
        self._done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take the next bytes as sent, give back what they unpack to; what follows the end is ignored.

        Raises:
            zlib.error: they are damaged.
        """
        while data and not self._done:
            if self._stream is None:
                data = self._begin(self._head + data)
                continue
            yield self._stream.decompress(data, _WINDOW_BYTES)
            if self._stream.eof:
                data = self._stream.unused_data
                self._stream = None
                self._done = self._compression == "deflate"
            else:
                data = self._stream.unconsumed_tail

    def finish(self) -> bytes:
        """What is left when all has been fed.

        Raises:
            EOFError: it was cut short.
        """
        if self._stream is None:
            if self._head and not self._members:
                raise EOFError
            return b""
        rest = self._stream.flush()
        if not self._stream.eof:
            raise EOFError
        return rest

    def _begin(self, data: bytes) -> bytes:
        """Open the next member; gives back the data to feed it, nothing while there is too little to tell."""
        if len(data) < len(_GZIP_MAGIC):
            self._head = data
            return b""
        self._head = b""
        if self._members and not data.startswith(_GZIP_MAGIC):
            self._done = True
            return b""
        self._members += 1
        if self._members > _MAX_GZIP_MEMBERS:
            raise zlib.error
        self._stream = zlib.decompressobj(self._window_bits(data))
        return data

    def _window_bits(self, data: bytes) -> int:
        if self._compression == "gzip":
            return zlib.MAX_WBITS | 16
        # `deflate` should have zlib's header; some servers leave it out.
        has_header = data[0] & 0x0F == _AUTO_DEFLATE and int.from_bytes(data[:2], "big") % _ZLIB_CHECK == 0
        return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
