"""Processes of our own that compile and evaluate CEL: whatever an expression does, it ends one of them and no more.

The library has no limits of time and memory, cannot be interrupted and holds Python's global lock meanwhile; and some
expressions of a few hundred characters take hours or all memory, even to compile. A process under limits of the
operating system costs about 0.2 ms more per evaluation, and bounds whatever may be found in the library yet.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intermezzo.pipelines import cel_worker
from intermezzo.pipelines.allowance import ExpressionTooCostly

PROCESSES = 2
"""Most that this process has at a time; further evaluations wait. One takes at most two seconds of computing time."""

_MAX_REPLY_BYTES = 8 * cel_worker.MAX_BYTES
_OUT_OF_TIME = {-signal.SIGPROF, -signal.SIGALRM}


def asked(request: Mapping[str, object]) -> dict[str, Any]:
    """Send a request to a process, and wait for its reply.

    Raises:
        ExpressionTooCostly: it took too much time or memory.
    """
    return _pool.ask(json.dumps(request).encode() + b"\n")


class _Process:
    def __init__(self) -> None:
        program = [sys.executable, "-I", str(Path(cel_worker.__file__))]
        # A session of its own: Ctrl-C in a terminal is for us.
        self._popen = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            start_new_session=True,
        )

    @property
    def is_there(self) -> bool:
        return self._popen.poll() is None

    def ask(self, request: bytes) -> dict[str, Any]:
        assert self._popen.stdin is not None
        assert self._popen.stdout is not None
        try:
            self._popen.stdin.write(request)
            self._popen.stdin.flush()
            line = self._popen.stdout.readline(_MAX_REPLY_BYTES)
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            raise ExpressionTooCostly(self._why())
        return json.loads(line)

    def _why(self) -> str:
        """Why there is no reply."""
        assert self._popen.stdout is not None
        self._popen.stdout.close()
        if self._popen.wait() in _OUT_OF_TIME:
            return f"it takes more than {cel_worker.MAX_SECONDS:g} s of computing time; make it simpler"
        return f"it takes more than {cel_worker.MAX_MEMORY_BYTES // 2**20} MB of memory; make it simpler"

    def end(self) -> None:
        self._popen.kill()
        self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # of what was not sent
                    continue


class _Pool:
    def __init__(self) -> None:
        self._slots = threading.BoundedSemaphore(PROCESSES)
        self._idle: list[_Process] = []

    def ask(self, request: bytes) -> dict[str, Any]:
        with self._slots:
            process = self._taken()
            try:
                reply = process.ask(request)
            except BaseException:
                process.end()
                raise
            if reply["retires"]:
                process.end()
            else:
                self._idle.append(process)
            return reply

    def _taken(self) -> _Process:
        while True:
            try:
                process = self._idle.pop()
            except IndexError:
                return _Process()
            if process.is_there:
                return process
            process.end()

    def forget(self) -> None:
        """In a fork: the processes are of the one that made them."""
        self.__init__()

    def end(self) -> None:
        while self._idle:
            self._idle.pop().end()


_pool = _Pool()
atexit.register(_pool.end)
os.register_at_fork(after_in_child=_pool.forget)
