"""The process that sandboxed runs are forked from: locked up once, then a fork per run. Started by `zygotes`.

Runs as `python -I -S`, with no environment and no descriptor of the orchestrator but one socket. It builds what all
runs share (namespaces, a root of its own with nothing but the standard library) and keeps as many processes ready as
it is asked for. Each takes away its own rights, reports, waits for one program, runs it, and is gone.

Messages to it: one byte per wanted process. Messages from it: `R` it is ready; `H`, socket and pidfd of a process in
the making; `S` and `F`, that one is ready or could not be made so; `X`, it has ended. All but `R` name the process by
a number.
"""

import contextlib
import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from intermezzo.sandbox import kernel, program

SETUP_FAILED = 126
"""Exit code of a process that could not lock itself up."""

_NEW_ROOT = "/proc"
"""Covered in a mount namespace of our own. Any directory does that exists and that a run reads nothing of."""
_DEVICES = ("null", "zero", "random", "urandom")
_NOBODY = 65534
_INSIDE = 1000
_MESSAGE_BYTES = 4096
_MOST_DESCRIPTORS = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to lock up; made by the orchestrator, sent as JSON."""

    namespaces: bool
    """Whether to use them (level L3), or only filters of the kernel (L2)."""
    readable: list[str]
    """Files and directories of the host that a run may read."""
    import_from: list[str]
    """Directories to import from, after the standard library."""
    at_once: int
    """Most processes at a time."""
    preload: list[str]
    """Modules to import before the first run, shared by all; if there are none, nothing of ours is left to import."""
    folders: str
    """The directory where runs get theirs; with namespaces, where each finds its own."""
    work_bytes: int
    work_files: int
    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    open_files: int
    system_calls: str
    """The seccomp filter in hexadecimal digits, and …"""
    pid_placeholder: int
    """… the number in it that stands for the number of the process."""


class _ProgramError(BaseException):
    """Carries a program out of everything that is ours: nothing of the zygote is on the stack that it finds."""


def main(descriptor: int, plan: Plan) -> bytes:
    """Lock up, then serve until the orchestrator is gone; returns in each process that is to run a program, with it."""
    control = socket.socket(fileno=descriptor)
    sys.path += plan.import_from
    for name in plan.preload:
        importlib.import_module(name)
        if (threads := len(os.listdir("/proc/self/task"))) > 1:  # noqa: PTH208 (pathlib is not loaded)
            # They would not live on in copies of this process, where whoever waits for them waits for ever.
            raise SystemExit(f"{name} has started threads, of which there are now {threads}")
    program.prepare()
    if plan.namespaces:
        _enter_own_root(plan)
    kernel.allow_no_new_privileges()
    if not plan.preload:
        for name in [name for name in sys.modules if name.partition(".")[0] == "intermezzo"]:
            del sys.modules[name]
    gc.collect()
    gc.freeze()
    try:
        _Zygote(control, plan).serve()
    except _ProgramError as given:
        return given.args[0]


def _enter_own_root(plan: Plan) -> None:
    user, group = os.getuid(), os.getgid()
    others = kernel.NEW_MOUNTS | kernel.NEW_IPC | kernel.NEW_NETWORK | kernel.NEW_HOST_NAME
    if user == 0:
        kernel.unshare(others)
    else:
        kernel.unshare(kernel.NEW_USER | others)
        kernel.be_one_user(user, group, inside=_INSIDE)
    with contextlib.suppress(OSError):
        socket.sethostname("sandbox")
    kernel.keep_mounts_private()
    kernel.mount_tmpfs(_NEW_ROOT, kernel.NO_SETUID | kernel.NO_DEVICES, "size=1m,mode=755")
    for path in plan.readable:
        _show(path)
    Path(_NEW_ROOT, "dev").mkdir(exist_ok=True)
    for device in _DEVICES:
        target = f"{_NEW_ROOT}/dev/{device}"
        Path(target).touch()
        kernel.bind(f"/dev/{device}", target, read_only=False)
    Path(_NEW_ROOT + plan.folders).mkdir(parents=True, exist_ok=True)
    kernel.enter_root(_NEW_ROOT)


def _show(path: str) -> None:
    source, target = Path(path), Path(_NEW_ROOT + path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_symlink():
        target.symlink_to(source.readlink())
        return
    if source.is_dir():
        target.mkdir(exist_ok=True)
    else:
        target.touch()
    kernel.bind(path, str(target))


class _Zygote:
    def __init__(self, control: socket.socket, plan: Plan) -> None:
        self.control = control
        self.plan = plan
        self.made = 0
        self.numbers: dict[int, int] = {}
        self.keepers = [_keeper() for _ in range(plan.at_once)] if plan.namespaces else []
        self.free = list(self.keepers)
        """Keepers of namespaces in which no program runs."""
        self.used: dict[int, int] = {}
        """By the process of the program, the keepers of the others."""

    def serve(self) -> NoReturn:
        ended, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _do_nothing)
        self.control.send(b"R")
        while True:
            ready, _, _ = select.select([self.control, ended], [], [])
            if self.control in ready:
                wanted = self.control.recv(_MESSAGE_BYTES)
                if not wanted:
                    os._exit(0)
                for _ in wanted:
                    self.fork((ended, wake))
            if ended in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(ended, _MESSAGE_BYTES)
                self.reap()

    def fork(self, inherited: tuple[int, int]) -> None:
        self.made += 1
        try:
            pid = self.fork_alone() if self.plan.namespaces else kernel.fork_into(0)
        except OSError as error:
            self.report_failure(error)
            return
        if pid:
            self.numbers[pid] = self.made
            return
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (*inherited, *self.keepers):
                os.close(descriptor)
            source = _become_ready(self.control, self.made, self.plan)
        except BaseException as error:  # noqa: BLE001 (reported, whatever it is)
            self.report_failure(error)
            os._exit(SETUP_FAILED)
        raise _ProgramError(source)

    def fork_alone(self) -> int:
        """Fork into a namespace of processes in which nothing else runs but its keeper, and into one of mounts."""
        while not self.free:
            self.reap(0)  # one that was killed has not ended yet
        kernel.have_children_live_with(self.free[-1])
        pid = kernel.fork_into(kernel.NEW_MOUNTS)
        if pid:
            self.used[pid] = self.free.pop()
        return pid

    def report_failure(self, error: BaseException) -> None:
        with contextlib.suppress(OSError):
            self.control.send(f"F{self.made} {type(error).__name__}: {error}".encode()[:_MESSAGE_BYTES])

    def reap(self, options: int = os.WNOHANG) -> None:
        """Hear of processes that have ended, without waiting for one unless `options` is 0."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, options)
            except ChildProcessError:
                return
            if pid == 0:
                return
            options = os.WNOHANG
            if pid not in self.numbers:
                os._exit(SETUP_FAILED)  # a keeper, which nothing but the end of the machine should end
            if pid in self.used:
                self.free.append(self.used.pop(pid))
            self.report_end(self.numbers.pop(pid), status, usage)

    def report_end(self, number: int, status: int, usage: resource.struct_rusage) -> None:
        try:
            self.control.send(f"X{number} {os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}".encode())
        except OSError:
            os._exit(0)


def _keeper() -> int:
    """Make a namespace of processes; returns a descriptor of its first process, which keeps it.

    A program is never that process: no signal of its own would end it. Making one for each program would cost as much
    as the program. Since programs cannot fork, nothing of one is left for the next.
    """
    pid = kernel.fork_into(kernel.NEW_PROCESSES)
    if pid:
        return os.pidfd_open(pid)
    kernel.die_with_parent(signal.SIGKILL)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    os.closerange(0, _MOST_DESCRIPTORS)
    while True:
        signal.pause()


def _do_nothing(_signal: int, _frame: object) -> None:
    """Handle a signal: what matters is that it wakes `select`."""


def _become_ready(control: socket.socket, number: int, plan: Plan) -> bytes:
    """Give up every right, report, and wait for the program; returns its source, with its streams in place."""
    parent = os.getppid()
    os.setsid()
    folder = _own_folder(number, plan)
    if os.getuid() == 0 and _nobody_can_read(plan):
        if not plan.namespaces:
            os.chown(folder, _NOBODY, _NOBODY)
        kernel.become(_NOBODY, _NOBODY)
    os.chdir(folder)
    kernel.drop_capabilities()
    kernel.die_with_parent(signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)
    _limit(plan)
    os.environ.clear()
    os.environ.update(_environment(folder))
    version = kernel.landlock_version()
    if not plan.namespaces and version < kernel.LANDLOCK_NEEDED:
        raise RuntimeError(
            f"Landlock {kernel.LANDLOCK_NEEDED} is needed, kernel and container give {version or 'none'}"
        )
    if version:
        devices = [f"/dev/{device}" for device in _DEVICES]
        kernel.allow_files([*plan.readable, *devices], [folder, "/dev/null"])
    ours, theirs = socket.socketpair()
    handle = os.pidfd_open(os.getpid())
    socket.send_fds(control, [f"H{number}".encode()], [theirs.fileno(), handle])
    system_calls = bytes.fromhex(plan.system_calls).replace(
        plan.pid_placeholder.to_bytes(4, "little"), os.getpid().to_bytes(4, "little")
    )
    kernel.filter_system_calls(system_calls)
    control.send(f"S{number} {folder}".encode())
    control.close()
    theirs.close()
    os.close(handle)
    message, descriptors, _, _ = socket.recv_fds(ours, 1, 4)
    if not message:
        os._exit(0)
    return _take(descriptors)


def _own_folder(number: int, plan: Plan) -> str:
    if plan.namespaces:
        options = f"size={plan.work_bytes},nr_inodes={plan.work_files},mode=777"
        kernel.mount_tmpfs(plan.folders, kernel.NO_SETUID | kernel.NO_DEVICES | kernel.NO_EXEC, options)
        return plan.folders
    folder = f"{plan.folders}/{number}"
    os.mkdir(folder, 0o700)  # noqa: PTH102 (pathlib is not loaded here)
    return folder


def _nobody_can_read(plan: Plan) -> bool:
    """Whether the interpreter's library is open to everybody; inside of our own root it is."""
    if plan.namespaces:
        return True
    library = Path(os.__file__)
    return all(folder.stat().st_mode & 0o001 for folder in library.parents)


def _limit(plan: Plan) -> None:
    limits = {
        resource.RLIMIT_CPU: plan.cpu_seconds,
        resource.RLIMIT_AS: plan.memory_bytes,
        resource.RLIMIT_FSIZE: plan.file_bytes,
        resource.RLIMIT_NOFILE: plan.open_files,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (limit, limit))


def _environment(folder: str) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": folder,
        "TMPDIR": folder,
        "LC_ALL": "C.UTF-8",
        "OPENBLAS_NUM_THREADS": "1",
    }


def _take(descriptors: list[int]) -> bytes:
    source, *streams = descriptors
    with open(source, "rb") as file:  # noqa: PTH123 (a descriptor)
        text = file.read()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    return text
