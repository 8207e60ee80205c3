"""A tiny web server on loopback, for tests that fetch: path → the raw answer."""

import asyncio
import contextlib
import gzip
import re
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import cast


class Site:
    """Answers every request with what is scripted for its path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.otherwise = b""
        """Answer for any other path."""
        self.heads: list[str] = []
        self.bodies: list[bytes] = []
        self.port = 0
        self.connections = 0
        self.pause_seconds = 0.0
        """Between two bytes of an answer."""
        self._ended = asyncio.Event()
        self._answering = set[asyncio.Task[None]]()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.heads.append(head)
            if declared := re.search(r"^content-length: (\d+)", head, re.IGNORECASE | re.MULTILINE):
                self.bodies.append(await reader.readexactly(int(declared[1])))
            await self._send(writer, self.answers.get(head.split()[1], self.otherwise))
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _send(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        """Send an answer; without one, keep the other side waiting until the test is over."""
        if not answer:
            await self._ended.wait()
        elif self.pause_seconds:
            for byte in answer:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(self.pause_seconds)
        else:
            writer.write(answer)
            await writer.drain()

    async def end(self) -> None:
        self._ended.set()
        await asyncio.gather(*self._answering)


@asynccontextmanager
async def running_site(host: str = "localhost", tls: ssl.SSLContext | None = None) -> AsyncGenerator[Site, None]:
    """A site that listens on all of a host's addresses, with the same port: either may be asked first."""
    site = Site()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        site.port = probe.getsockname()[1]
    async with await asyncio.start_server(site.answer, host, site.port, ssl=tls):
        yield site
        await site.end()


def ok(body: bytes, *headers: str) -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""])
    return head.encode() + body


def redirect(location: str) -> bytes:
    return (f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").encode()


def gzipped(body: bytes) -> bytes:
    return ok(gzip.compress(body), "Content-Encoding: gzip")
