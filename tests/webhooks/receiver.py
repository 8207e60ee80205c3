"""A server that is told of events, and can be as bad as servers are."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def status(code: int, *headers: str) -> bytes:
    """An answer with nothing in it."""
    return "\r\n".join([f"HTTP/1.1 {code} x", "Content-Length: 0", "Connection: close", *headers, "", ""]).encode()


@dataclass(frozen=True)
class Received:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The delivery's."""
        return self.headers["x-crowdsorcerer-delivery"]

    @property
    def signature(self) -> str:
        return self.headers["x-crowdsorcerer-signature"]


class Receiver:
    """Remembers what it was told, and answers as a test says."""

    def __init__(self) -> None:
        self.port = 0
        self.received: list[Received] = []
        self.answer: Callable[[Received], bytes] = lambda _: OK
        """What to answer; with nothing, it keeps silent."""
        self.endless = b""
        """Sent after the answer, again and again."""
        self.pause_seconds = 0.0
        """Before each byte."""
        self.busy = self.most_busy = 0
        self._ended = asyncio.Event()
        self._answering = set[asyncio.Task[None]]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self._answer(reader, writer)
        self.busy -= 1
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        length = re.fullmatch(r"\d+", headers.get("content-length", "0"))
        assert length
        received = Received(line.split()[1], headers, await reader.readexactly(int(length[0])))
        self.received.append(received)
        answer = self.answer(received)
        if not answer:
            await self._ended.wait()
        for byte in answer if self.pause_seconds else ():
            writer.write(bytes([byte]))
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self.pause_seconds)
        if not self.pause_seconds:
            writer.write(answer)
        while self.endless and not self._ended.is_set():
            writer.write(self.endless)
            await writer.drain()

    async def end(self) -> None:
        """Let go of everybody who still waits."""
        self._ended.set()
        if self._answering:
            await asyncio.wait(self._answering)


@asynccontextmanager
async def running_receiver() -> AsyncGenerator[Receiver]:
    """A receiver on a free port."""
    receiver = Receiver()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        receiver.port = probe.getsockname()[1]
    async with await asyncio.start_server(receiver.handle, "127.0.0.1", receiver.port):
        yield receiver
        await receiver.end()
