"""The baseline level: a `python -I` subprocess in a fresh folder, under limits, killed with all it started.

Called by `code_execute`. It is written on `add_reader` alone, so it works in any asyncio event loop of any
thread, and no thread waits while the program runs.
"""

import asyncio
import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from intermezzo.errors import SandboxError
from intermezzo.sandbox.job import Isolation, Limits, Outcome
from intermezzo.sandbox.streams import reading, until_readable
from intermezzo.sandbox.workdir import WorkDir

LAUNCHER = Path(__file__).with_name("launcher.py")

_POLL_SECONDS = 0.02
_LAYERS = ["isolated interpreter", "fresh folder", "clean environment", "own session", "process group kill",
           "output cap", "CPU limit", "file size limit", "open files limit", "no core dumps"]  # fmt: skip
_MISSING = ["file system", "network", "other processes of this user", "number of processes", "system calls"]


def isolation() -> Isolation:
    """What this level protects from on this platform."""
    # macOS accepts a limit on address space and does not enforce it.
    on, off = (["memory limit"], []) if sys.platform == "linux" else ([], ["memory"])
    return Isolation(level="L1", layers=_LAYERS + on, missing=_MISSING + off)


async def run(code: bytes, *, stdin: bytes, limits: Limits) -> Outcome:
    """Run a Python program to its end, or until its time is over.

    Args:
        code: source of the program; it finds itself as `main.py` in an empty folder of its own.
        stdin: what it reads as standard input.
        limits: what it may use.

    Raises:
        SandboxError: the process could not be started.
    """
    folder = WorkDir.create()
    try:
        await asyncio.to_thread(folder.fill, code, stdin)
        return await _run(folder, limits)
    finally:
        # Shielded: a cancelled call must still clean up behind itself.
        await asyncio.shield(asyncio.to_thread(folder.remove))


async def _run(folder: WorkDir, limits: Limits) -> Outcome:
    started = time.monotonic()
    process = _start(folder, limits)
    with (
        reading(_descriptor_of(process.stdout), limits.output_bytes) as stdout,
        reading(_descriptor_of(process.stderr), limits.output_bytes) as stderr,
    ):
        try:
            timed_out = not await _exited(process.pid, limits.timeout_seconds)
            runtime = time.monotonic() - started
        finally:
            # Also when the program has ended by itself: what it left running may hold the pipes, or go on
            # working. The process is not reaped yet, so its number cannot belong to anyone else.
            _kill_group(process.pid)
            await asyncio.shield(_reap(process))
        stdout.drain()
        stderr.drain()
    return Outcome(
        stdout=stdout.captured(),
        stderr=stderr.captured(),
        exit_code=process.returncode,
        runtime_seconds=runtime,
        timed_out=timed_out,
        isolation=isolation(),
    )


def _descriptor_of(pipe: IO[bytes] | None) -> int:
    """A descriptor of the pipe that is ours to close."""
    assert pipe is not None
    with pipe:
        return os.dup(pipe.fileno())


def _start(folder: WorkDir, limits: Limits) -> subprocess.Popen[bytes]:
    program = [sys.executable, "-I", "-u", "-X", "utf8", "main.py"]
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder.work),
        "TMPDIR": str(folder.work),
        "LC_ALL": "C.UTF-8",
    }
    try:
        with folder.stdin.open("rb") as stdin:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER), _rlimits(limits), *program],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=folder.work,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        raise SandboxError(
            f"could not start {sys.executable!r} for untrusted code: {error}; "
            "check that this interpreter can be run, and that the machine has processes and memory to spare"
        ) from error


def _rlimits(limits: Limits) -> str:
    values = {
        # A little above the wall clock: the wall clock should be what ends an endless loop, and says so.
        "CPU": math.ceil(limits.timeout_seconds) + 1,
        "AS": limits.memory_bytes,
        "FSIZE": limits.file_bytes,
        "NOFILE": limits.open_files,
        "CORE": 0,
    }
    return ",".join(f"{name}={value}" for name, value in values.items())


async def _exited(pid: int, timeout_seconds: float | None) -> bool:
    """Wait until a child has exited, without reaping it; False when the time is over first."""
    try:
        async with asyncio.timeout(timeout_seconds):
            await _exit_of(pid)
    except TimeoutError:
        return False
    return True


async def _exit_of(pid: int) -> None:
    handle = _pidfd(pid)
    if handle is None:
        while not _has_exited(pid):  # noqa: ASYNC110 - without a pidfd nothing tells
            await asyncio.sleep(_POLL_SECONDS)
        return
    try:
        await until_readable(handle)
    finally:
        os.close(handle)


def _has_exited(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _pidfd(pid: int) -> int | None:
    """A descriptor that turns readable when the process exits, where the kernel has such a thing."""
    if sys.platform != "linux":
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


async def _reap(process: subprocess.Popen[bytes]) -> None:
    await _exited(process.pid, None)
    process.wait()


def _kill_group(pid: int) -> None:
    # macOS answers "not permitted" for a group of which only a zombie is left.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
