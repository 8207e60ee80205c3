"""What no limit of the kernel counts: threads, files on disk and output of a run. Called by `jail`."""

import asyncio
import contextlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from intermezzo.sandbox.job import Limits
from intermezzo.sandbox.streams import PipeReader
from intermezzo.sandbox.zygotes import Ready

_LOOK_EVERY_SECONDS = 0.05
_LONGEST_PATH = 2000
"""Of a folder, in bytes; the kernel takes no path above 4,096, so beyond that nothing can be counted."""


_MAPPED_WITHOUT_NAME = re.compile(rb"^(?:\S+ ){4}(\d+) +(.*) \(deleted\)$", re.MULTILINE)


class _UncountableError(Exception):
    """Says what makes it so."""


class Watchdog:
    """While entered, kills a run that has taken too much; `found` then says of what.

    Args:
        process: the run.
        limits: what it may take.
        outputs: where its output is read.
        folder: its folder on the host's disk, or None if it has none there.
    """

    def __init__(self, process: Ready, limits: Limits, outputs: Sequence[PipeReader], *, folder: str | None) -> None:
        self.found = ""
        self._process = process
        self._limits = limits
        self._outputs = outputs
        self._folder = folder
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._watching = asyncio.ensure_future(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._watching is not None
        self._watching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watching

    async def _watch(self) -> None:
        while not self.found:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            self.found = await asyncio.to_thread(self._look)
        self._process.kill()

    def _look(self) -> str:
        if sum(output.total_bytes for output in self._outputs) > self._limits.flood_bytes:
            return f"more than {self._limits.flood_bytes:,} bytes of output"
        proc = Path("/proc", str(self._pid()))
        try:
            threads = len(list((proc / "task").iterdir()))
            if threads > self._limits.threads:
                return f"more than {self._limits.threads} threads"
            return self._look_at_files(proc) if self._folder is not None else ""
        except _UncountableError as error:
            return str(error)
        except OSError:
            return ""  # it has ended

    def _look_at_files(self, proc: Path) -> str:
        total = 0
        for count, size in enumerate(self._sizes(proc)):
            total += size
            if total > self._limits.disk_bytes:
                return f"more than {self._limits.disk_bytes:,} bytes of files"
            if count > self._limits.files:
                return f"more than {self._limits.files:,} files"
        return ""

    def _sizes(self, proc: Path) -> Iterator[int]:
        assert self._folder is not None
        folder = os.fsencode(self._folder)
        disk = Path(self._folder).stat().st_dev
        yield from _sizes_in(folder)
        # Files without a name: those that are mapped, and of them no more is told than that, and those that are open.
        mapped = {int(inode) for inode, path in _MAPPED_WITHOUT_NAME.findall((proc / "maps").read_bytes())
                  if path.startswith(folder)}  # fmt: skip
        for descriptor in (proc / "fd").iterdir():
            with contextlib.suppress(OSError):
                found = descriptor.stat()
                if stat.S_ISREG(found.st_mode) and found.st_dev == disk and not found.st_nlink:
                    mapped.discard(found.st_ino)
                    yield found.st_blocks * 512
        for _ in mapped:
            yield self._limits.file_bytes

    def _pid(self) -> int:
        for line in Path(f"/proc/self/fdinfo/{self._process.pidfd}").read_text().splitlines():
            if line.startswith("Pid:"):
                return int(line.split()[1])
        return -1


def _sizes_in(folder: bytes) -> Iterator[int]:
    """Sizes of everything in a folder, as it is at the moment; not recursive, because it may be nested very deep."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if len(path) > _LONGEST_PATH:
            raise _UncountableError("folders nested too deep")
        try:
            with os.scandir(path) as entries:
                for entry in entries:
                    yield entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except PermissionError:
            raise _UncountableError("a folder that cannot be listed") from None
        except OSError:
            pass  # it has moved or gone meanwhile
