"""Levels L2 and L3: a program in a process that the kernel has locked up, forked from a zygote. Called by `levels`."""

import asyncio
import atexit
import contextlib
import fcntl
import os
import platform
import sysconfig
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from intermezzo.errors import SandboxError
from intermezzo.sandbox.job import Isolation, Level, Limits, Outcome
from intermezzo.sandbox.seccomp import SELF, Filter
from intermezzo.sandbox.streams import readable_within, reading
from intermezzo.sandbox.watchdog import Watchdog
from intermezzo.sandbox.workdir import WorkDir
from intermezzo.sandbox.zygote import Plan
from intermezzo.sandbox.zygotes import Ready, Zygote

if TYPE_CHECKING:
    from concurrent.futures import Future

_SYSTEM_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")
_FOLDERS_PREFIX = "intermezzo-runs-"
_SYSTEM_FILES = ("/etc/ld.so.cache",)

_SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE

_LAYERS = {
    "L3": [
        "own file system root", "no network", "own processes only", "private memory-backed folder", "no capabilities",
        "system call filter", "no new processes", "clean environment", "memory limit", "CPU limit", "disk limit",
        "open files limit", "output cap", "no core dumps",
    ],
    "L2": [
        "file access rules", "no network", "no capabilities", "system call filter", "no new processes",
        "clean environment", "memory limit", "CPU limit", "watched folder", "open files limit", "output cap",
        "no core dumps",
    ],
}  # fmt: skip
_MISSING = {"L3": [], "L2": ["names and sizes of the host's files and numbers of its processes can be asked for"]}


class Jail:
    """Processes locked up at one level, for every thread and event loop.

    Args:
        level: `L3` with namespaces, `L2` with filters of the kernel only.
        limits: for every run; a run may have a shorter time.
        packages: directories of packages that runs may import.
        preload: modules to have ready.

    Raises:
        SandboxError: this processor or platform is not supported.
    """

    def __init__(
        self,
        level: Level,
        limits: Limits,
        *,
        packages: Sequence[str] = (),
        preload: Sequence[str] = (),
        spares: int = 2,
    ) -> None:
        self.level: Level = level
        self.limits = limits
        try:
            allowed = Filter.for_machine(platform.machine(), own_files_only=level == "L3")
        except LookupError as error:
            raise SandboxError(str(error)) from None
        self._folders = None if level == "L3" else _folders()
        readable = _readable(packages)
        at_once = max(4, 2 * (os.cpu_count() or 1)) + spares
        self.plan = Plan(
            namespaces=level == "L3",
            at_once=at_once,
            readable=readable,
            import_from=list(packages),
            preload=list(preload),
            folders=str(self._folders or _folder_inside(readable)),
            work_bytes=limits.disk_bytes,
            work_files=limits.files,
            memory_bytes=limits.memory_bytes,
            cpu_seconds=int(limits.timeout_seconds) + 1,
            file_bytes=limits.file_bytes,
            open_files=limits.open_files,
            system_calls=allowed.instructions.hex(),
            pid_placeholder=SELF,
        )
        self._zygote = Zygote(self.plan, spares=spares, at_once=at_once)

    @property
    def alive(self) -> bool:
        """Whether it can still run programs."""
        return self._zygote.alive

    @property
    def isolation(self) -> Isolation:
        """What its runs are protected by."""
        return Isolation(level=self.level, layers=_LAYERS[self.level], missing=_MISSING[self.level])

    def close(self) -> None:
        """End everything that runs in it."""
        self._zygote.close()

    async def run(self, code: bytes, *, stdin: bytes, limits: Limits) -> Outcome:
        """Run a program to its end, or until its time is over.

        Raises:
            SandboxError: no process could be had for it, or it was lost.
        """
        process = await _taken(self._zygote)
        try:
            return await self._run(process, code, stdin, limits)
        finally:
            process.kill()
            process.close()
            if self._folders is not None:
                await asyncio.shield(asyncio.to_thread(_remove_folder_of, process))

    async def _run(self, process: Ready, code: bytes, stdin: bytes, limits: Limits) -> Outcome:
        stdout_pipe, stderr_pipe = _start(process, code, stdin)
        started = time.monotonic()
        with reading(stdout_pipe, limits.output_bytes) as stdout, reading(stderr_pipe, limits.output_bytes) as stderr:
            folder = process.folder if self._folders else None
            watchdog = Watchdog(process, limits, (stdout, stderr), folder=folder)
            async with watchdog:
                timed_out = not await readable_within(process.pidfd, limits.timeout_seconds)
            runtime = time.monotonic() - started
            process.kill()
            ended = await asyncio.wrap_future(process.ended)
            stdout.drain()
            stderr.drain()
        return Outcome(
            stdout=stdout.captured(),
            stderr=stderr.captured(),
            exit_code=ended.exit_code,
            runtime_seconds=runtime,
            timed_out=timed_out,
            memory_peak_bytes=ended.peak_bytes,
            killed_for=watchdog.found,
            isolation=self.isolation,
        )


async def _taken(zygote: Zygote) -> Ready:
    future = zygote.take()
    try:
        return await asyncio.wrap_future(future)
    except asyncio.CancelledError:
        future.add_done_callback(_give_back)
        raise


def _give_back(taken: "Future[Ready]") -> None:
    """The caller has left at the very moment it got a process."""
    if not taken.cancelled() and taken.exception() is None:
        taken.result().kill()
        taken.result().close()


def _remove_folder_of(process: Ready) -> None:
    with contextlib.suppress(SandboxError):
        process.ended.result()  # before, it could still write
    WorkDir(Path(process.folder)).remove()


def _start(process: Ready, code: bytes, stdin: bytes) -> tuple[int, int]:
    """Start the program; returns where to read its stdout and its stderr."""
    with contextlib.ExitStack() as ours, contextlib.ExitStack() as its:
        ends: list[int] = []
        for _ in range(2):
            reading_end, writing_end = os.pipe()
            ours.callback(os.close, reading_end)
            its.callback(os.close, writing_end)
            ends += [reading_end, writing_end]
        source, text = (its.enter_context(_in_memory(content)) for content in (code, stdin))
        try:
            process.start(source, text, ends[1], ends[3])
        except OSError as error:
            raise SandboxError(f"a process for untrusted code was lost before its start: {error}") from error
        ours.pop_all()
    return ends[0], ends[2]


@contextlib.contextmanager
def _in_memory(content: bytes) -> Generator[int]:
    """A descriptor to read this content from, and to do nothing else with, not even by opening it again."""
    writable = os.memfd_create("intermezzo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with open(writable, "wb", closefd=False) as file:
            file.write(content)
        fcntl.fcntl(writable, fcntl.F_ADD_SEALS, _SEALS)
        readable = os.open(f"/proc/self/fd/{writable}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(writable)
    try:
        yield readable
    finally:
        os.close(readable)


def _readable(packages: Sequence[str]) -> list[str]:
    library = sysconfig.get_path("stdlib")
    found = [*_SYSTEM_LIBRARIES, str(Path(library).parent), *_SYSTEM_FILES, *packages]
    wanted: list[str] = []
    for path in dict.fromkeys(found):
        inside = any(path.startswith(f"{other}/") for other in wanted if not Path(other).is_symlink())
        if Path(path).exists() and not inside:
            wanted.append(path)
    return wanted


def _folder_inside(readable: Sequence[str]) -> str:
    """Where a run with a root of its own has its folder: where it hides nothing that the run may read."""
    return "/run/program" if any(path.startswith("/tmp/") for path in readable) else "/tmp"  # noqa: S108


def _folders() -> Path:
    """Where runs without a file system of their own get their folders; gone when this process ends."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDERS_PREFIX}{os.getpid()}-"))
    folder.chmod(0o711)
    atexit.register(WorkDir(folder).remove)
    return folder


def _sweep() -> None:
    """Remove what a killed process of this user has left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDERS_PREFIX}*-*"):
        pid = folder.name.removeprefix(_FOLDERS_PREFIX).partition("-")[0]
        if pid.isdigit() and folder.stat().st_uid == os.getuid() and not Path("/proc", pid).exists():
            WorkDir(folder).remove()
