"""The orchestrator's end of a zygote: takes ready processes from it and hears how they ended. Called by `jail`."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from pathlib import Path

from intermezzo.errors import SandboxError
from intermezzo.sandbox.zygote import Plan

_PACKAGE = Path(__file__).parent

_FOLDERS = {
    "intermezzo": str(_PACKAGE.parent),
    **{f"intermezzo.{name}": str(_PACKAGE.parent / name) for name in ("sandbox", "primitives")},
}

_BOOT = f"""
import json, sys, types
for name, folder in {_FOLDERS!r}.items():
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from intermezzo.sandbox.zygote import Plan, main
from intermezzo.sandbox.program import run
run(main(int(sys.argv[1]), Plan(**json.loads(sys.argv[2]))))
"""
"""Bare packages instead of ours, which would load what a sandbox has no use for."""

_MESSAGE_BYTES = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a process ended."""

    exit_code: int
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A process that is locked up and waits for a program; used once."""

    number: int
    socket: socket.socket
    pidfd: int
    folder: str
    """Its working directory, as it sees it."""
    ended: "Future[Ended]" = field(default_factory=Future[Ended])

    def start(self, source: int, stdin: int, stdout: int, stderr: int) -> None:
        """Have it run the program of a descriptor, on these streams."""
        socket.send_fds(self.socket, [b"1"], [source, stdin, stdout, stderr])

    def kill(self) -> None:
        """End it; nothing it runs can prevent that."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def close(self) -> None:
        """Let go of it."""
        self.socket.close()
        os.close(self.pidfd)


class Zygote:
    """One zygote process, for every thread and event loop of the orchestrator.

    Args:
        plan: how its runs are locked up.
        spares: processes kept ready.
        at_once: most processes at a time, ready ones included; more would only slow each other down.
    """

    def __init__(self, plan: Plan, *, spares: int, at_once: int) -> None:
        self._spares = spares
        self._at_once = at_once
        self._lock = threading.Lock()
        self._handles: dict[int, list[int]] = {}
        self._ready: deque[Ready] = deque()
        self._waiting: deque[Future[Ready]] = deque()
        self._ordered = 0
        self._running: dict[int, Ready] = {}
        self._failure: SandboxError | None = None
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _BOOT, str(theirs.fileno()), json.dumps(asdict(plan))],
                env={},
                cwd="/",
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the orchestrator
            )
        self._thread = threading.Thread(target=self._listen, name="intermezzo-sandbox", daemon=True)
        self._thread.start()
        with self._lock:
            self._order()

    def take(self) -> "Future[Ready]":
        """A ready process, as soon as there is one; to be killed, if it has not ended, and closed.

        Its exception is a SandboxError if the zygote has died or could not lock anything up.
        """
        future: Future[Ready] = Future()
        with self._lock:
            if self._failure is not None:
                future.set_exception(self._failure)
                return future
            self._waiting.append(future)
            self._hand_out()
        return future

    @property
    def alive(self) -> bool:
        """Whether it can still start processes."""
        return self._failure is None

    def close(self) -> None:
        """End it, and every process of it."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _hand_out(self) -> None:
        while self._waiting and self._ready:
            future, process = self._waiting.popleft(), self._ready.popleft()
            if future.set_running_or_notify_cancel():
                self._running[process.number] = process
                future.set_result(process)
            else:
                self._ready.appendleft(process)
        self._order()

    def _order(self) -> None:
        room = self._at_once - len(self._running) - len(self._ready) - self._ordered
        wanted = self._spares + len(self._waiting) - len(self._ready) - self._ordered
        number = min(room, wanted)
        if number > 0 and self._failure is None:
            self._ordered += number
            with contextlib.suppress(OSError):  # it has died; the listener says so
                self._control.send(b"1" * number)

    def _listen(self) -> None:
        while True:
            try:
                message, descriptors, _, _ = socket.recv_fds(self._control, _MESSAGE_BYTES, 2)
            except OSError:
                break
            if not message:
                break
            kind, text = message[:1], message[1:].decode("utf-8", "replace")
            if kind == b"H":
                self._handles[int(text)] = descriptors
            elif kind == b"S":
                self._got(text)
            elif kind == b"X":
                self._lost(text)
            elif kind == b"F":
                self._failed(text)
        self._end()

    def _got(self, text: str) -> None:
        number, _, folder = text.partition(" ")
        peer, pidfd = self._handles.pop(int(number))
        ready = Ready(number=int(number), socket=socket.socket(fileno=peer), pidfd=pidfd, folder=folder)
        ready.ended.set_running_or_notify_cancel()  # a caller that leaves does not cancel it
        with self._lock:
            self._ordered -= 1
            self._ready.append(ready)
            self._hand_out()

    def _lost(self, text: str) -> None:
        number, code, kilobytes = map(int, text.split())
        if number in self._handles:
            self._failed(f"{number} it ended with exit code {code} before it was")
        with self._lock:
            running = self._running.pop(number, None)
            spare = next((ready for ready in self._ready if ready.number == number), None)
            if spare is not None:
                self._ready.remove(spare)
                spare.close()
            self._hand_out()
        # At level L3 it is said twice: by the first process of its namespace, and when that one has ended.
        if running is not None:
            running.ended.set_result(Ended(exit_code=code, peak_bytes=kilobytes * 1024))

    def _failed(self, text: str) -> None:
        number, _, why = text.partition(" ")
        self._drop_handles(int(number))
        error = SandboxError(f"a process for untrusted code could not be locked up: {why}")
        with self._lock:
            self._ordered -= 1
            future = self._waiting.popleft() if self._waiting else None
        if future is not None and future.set_running_or_notify_cancel():
            future.set_exception(error)

    def _drop_handles(self, number: int) -> None:
        for descriptor in self._handles.pop(number, ()):
            os.close(descriptor)

    def _end(self) -> None:
        self._control.close()
        for number in list(self._handles):
            self._drop_handles(number)
        assert self._process.stderr is not None
        with self._process.stderr as stderr:
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            said = stderr.read(2000).decode("utf-8", "replace").strip().rpartition("\n")[2]
        error = SandboxError(f"the process that starts untrusted code has ended{': ' if said else ''}{said}")
        with self._lock:
            self._failure = error
            for ready in self._ready:
                ready.close()
            self._ready.clear()
            waiting, running = list(self._waiting), list(self._running.values())
            self._waiting.clear()
        for future in waiting:
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
        for process in running:
            process.ended.set_exception(error)
