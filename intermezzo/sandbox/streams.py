"""Waiting for descriptors and reading pipes in whatever event loop calls; shared by all levels of isolation."""

import asyncio
import contextlib
import os
from collections.abc import Generator

from intermezzo.sandbox.job import Captured

_CHUNK_BYTES = 65_536
_LARGEST_PIPE_BYTES = 1024 * 1024


class PipeReader:
    """Reads one pipe as it fills, keeps the first bytes and counts the rest."""

    def __init__(self, descriptor: int, keep_bytes: int) -> None:
        self.descriptor = descriptor
        self.keep_bytes = keep_bytes
        self.kept = bytearray()
        self.total_bytes = 0
        self.loop = asyncio.get_running_loop()
        os.set_blocking(descriptor, False)

    def read(self) -> bool:
        """Take what is there, at most one chunk; says whether there may be more at once."""
        try:
            chunk = os.read(self.descriptor, _CHUNK_BYTES)
        except BlockingIOError:
            return False
        if not chunk:
            self.loop.remove_reader(self.descriptor)
        self.total_bytes += len(chunk)
        self.kept += chunk[: self.keep_bytes - len(self.kept)]
        return bool(chunk)

    def drain(self) -> None:
        """Take what a pipe can still hold now that its writers are dead.

        Bounded, because a process that has left the group may still be writing.
        """
        for _ in range(_LARGEST_PIPE_BYTES // _CHUNK_BYTES * 2):
            if not self.read():
                return

    def captured(self) -> Captured:
        """What came."""
        return Captured(data=bytes(self.kept), total_bytes=self.total_bytes)


@contextlib.contextmanager
def reading(descriptor: int, keep_bytes: int) -> Generator[PipeReader]:
    """Read a pipe while inside, and close it."""
    reader = PipeReader(descriptor, keep_bytes)
    reader.loop.add_reader(descriptor, reader.read)
    try:
        yield reader
    finally:
        reader.loop.remove_reader(descriptor)
        os.close(descriptor)


async def until_readable(descriptor: int) -> None:
    """Wait until there is something to read, or, with a pidfd, until its process has ended."""
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(descriptor, lambda: readable.done() or readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(descriptor)


async def readable_within(descriptor: int, seconds: float | None) -> bool:
    """Wait until a descriptor is readable; False when the time is over first."""
    try:
        async with asyncio.timeout(seconds):
            await until_readable(descriptor)
    except TimeoutError:
        return False
    return True
