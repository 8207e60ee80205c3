"""A small HTTP client for making load: httpx would need more of the CPU than the server that is measured.

Imports nothing but the standard library.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

LONGEST_SECONDS = 60.0
"""After which an answer is not waited for any more."""


class ConnectionLostError(ConnectionError):
    """The server was gone before its answer was here: whether it did what was asked is not known."""


class Connection:
    """One connection that is kept, with the headers that every request has.

    Args:
        host: an address.
        port: where somebody listens, or will.
        headers: of every request.
    """

    def __init__(self, host: str, port: int, headers: Mapping[str, str]) -> None:
        self._host, self._port = host, port
        lines = {"Host": f"{host}:{port}", "Content-Type": "application/json", **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send a request; its status, and its body as JSON (None: it has none).

        Raises:
            ConnectionLostError: nobody listens, or the connection broke.
        """
        content = b"" if body is None else json.dumps(body).encode()
        more = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{more}Content-Length: {len(content)}\r\n\r\n"
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                reader, writer = self._streams or await self._connect()
                writer.write(head.encode() + content)
                return await _read(reader)
        except (OSError, EOFError) as error:  # a timeout is one of them
            self.close()
            raise ConnectionLostError(repr(error)) from None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._streams = await asyncio.open_connection(self._host, self._port)
        return self._streams

    def close(self) -> None:
        """Let go of it; the next request connects again."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def _read(reader: asyncio.StreamReader) -> tuple[int, Any]:
    head = await reader.readuntil(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines if line)
    content = await reader.readexactly(int(fields.get("content-length", 0)))
    return int(status.split()[1]), json.loads(content) if content else None
