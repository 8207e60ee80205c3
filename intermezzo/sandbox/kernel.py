"""Linux system calls that Python has no function for, through libc; called by `zygote` in its own process.

Needs nothing but the standard library, because the interpreter it runs in has nothing else.
"""

import ctypes
import errno
import os
import platform
import stat
import struct
from collections.abc import Sequence
from pathlib import Path

NEW_MOUNTS, NEW_HOST_NAME = 0x00020000, 0x04000000
NEW_IPC, NEW_USER, NEW_PROCESSES, NEW_NETWORK = 0x08000000, 0x10000000, 0x20000000, 0x40000000

READ_ONLY, NO_SETUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE = 32, 4096, 16384, 1 << 18
_NO_ACCESS_TIMES = 1024 | 2048
_DETACH = 2

_PR_SET_PDEATHSIG, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 1, 24, 38, 47
_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION_3 = 0x20080522

_NUMBERS = {"x86_64": {"clone": 56, "pivot_root": 155, "seccomp": 317}}.get(
    platform.machine(), {"clone": 220, "pivot_root": 41, "seccomp": 277}
)
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446

_libc = ctypes.CDLL(None, use_errno=True)
_libc_with_gil = ctypes.PyDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _text(value: str | None) -> bytes | None:
    return None if value is None else os.fsencode(value)


def unshare(flags: int) -> None:
    """Leave namespaces for new ones."""
    _check(_libc.unshare(flags), f"unshare({flags:#x})")


def be_one_user(user: int, group: int, *, inside: int) -> None:
    """In a new user namespace: be `inside`, which is `user` and `group` outside, and nobody else."""
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{inside} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{inside} {group} 1")


def become(user: int, group: int) -> None:
    """Be another user for good, with no groups; needs to be root."""
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def keep_mounts_private() -> None:
    """What is mounted from here on is seen by nobody outside of this namespace."""
    _mount(None, "/", None, _RECURSIVE | _PRIVATE)


def mount_tmpfs(path: str, flags: int, options: str) -> None:
    """A file system in memory, such as `size=64m,nr_inodes=4096`."""
    _mount("tmpfs", path, "tmpfs", flags, options)


def bind(source: str, target: str, *, read_only: bool = True) -> None:
    """Show a file or directory of the host at another path."""
    _mount(source, target, None, _BIND)
    if read_only:
        # A user namespace may not take away what the host's mount was given.
        kept = os.statvfs(target).f_flag & (NO_SETUID | NO_DEVICES | NO_EXEC | _NO_ACCESS_TIMES)
        _mount(None, target, None, _REMOUNT | _BIND | READ_ONLY | NO_SETUID | kept)


def enter_root(path: str) -> None:
    """Make a mounted directory the root, and let go of everything else; the root itself becomes read-only."""
    os.chdir(path)
    _check(_libc.syscall(_NUMBERS["pivot_root"], b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _DETACH), "umount of the old root")
    os.chdir("/")
    _mount(None, "/", None, _REMOUNT | _BIND | READ_ONLY | NO_SETUID)


def _mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    arguments = (_text(source), _text(target), _text(kind), ctypes.c_ulong(flags), _text(options))
    _check(_libc.mount(*arguments), f"mount of {source} at {target}")


def have_children_live_with(process: int) -> None:
    """Have what is forked from here on live in the namespace of processes of another process.

    Args:
        process: descriptor of it.
    """
    _check(_libc.setns(process, NEW_PROCESSES), "setns(CLONE_NEWPID)")


def fork_into(namespaces: int) -> int:
    """`os.fork` whose child lives in new namespaces; for callers without threads."""
    ctypes.pythonapi.PyOS_BeforeFork()
    # With the GIL held throughout, as `fork` in CPython itself does it.
    pid = _libc_with_gil.syscall(_NUMBERS["clone"], ctypes.c_ulong(namespaces | 17), 0, 0, 0, 0)
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    return _check(pid, "clone")


def _prctl(*arguments: int) -> int:
    padded = [ctypes.c_ulong(argument) for argument in (*arguments, 0, 0, 0, 0)[:5]]
    return _libc.prctl(*padded)


def die_with_parent(signal: int) -> None:
    """Get a signal when the parent ends."""
    _check(_prctl(_PR_SET_PDEATHSIG, signal), "prctl(PR_SET_PDEATHSIG)")


def allow_no_new_privileges() -> None:
    """From here on no program that is executed gains rights; what follows needs this."""
    _check(_prctl(_PR_SET_NO_NEW_PRIVS, 1), "prctl(PR_SET_NO_NEW_PRIVS)")


def drop_capabilities() -> None:
    """Have none, and no way to get any."""
    for capability in range(64):
        if _prctl(_PR_CAPBSET_DROP, capability) < 0:
            break
    _prctl(_PR_CAP_AMBIENT, _CAP_AMBIENT_CLEAR_ALL)
    header, data = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0), (ctypes.c_uint32 * 6)()
    _check(_libc.capset(header, data), "capset")


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def filter_system_calls(instructions: bytes) -> None:
    """Install a seccomp filter for all threads, for good."""
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    program = _Filter(len(instructions) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    _check(_libc.syscall(_NUMBERS["seccomp"], 1, 1, ctypes.byref(program)), "seccomp")


# ---------------------------------------------------------------------- Landlock

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_MAKE_DEVICES = 1 << 6 | 1 << 11
_MAKE_SOCKETS = 1 << 9
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
"""All rights over files that a version of Landlock knows; from the fifth on it is 16 of them."""
_NETWORK_SINCE, _SCOPES_SINCE = 4, 6

LANDLOCK_NEEDED = 3
"""Before this version a program could truncate files that it may not write."""


def landlock_version() -> int:
    """The version of Landlock that the kernel speaks; 0: none."""
    return max(int(_libc.syscall(_LANDLOCK_CREATE, None, 0, 1)), 0)


def allow_files(readable: Sequence[str], writable: Sequence[str]) -> None:
    """Have access to these paths and what is beneath them, to no other file, no TCP port, no abstract socket.

    Args:
        readable: may be read; those that are not there are passed over.
        writable: may also be changed, but not executed.

    Raises:
        OSError: the kernel has no Landlock.
    """
    version = landlock_version()
    if not version:
        raise OSError(errno.ENOSYS, "the kernel has no Landlock")
    rights = _FILE_RIGHTS.get(version, (1 << 16) - 1)
    network = 3 if version >= _NETWORK_SINCE else 0
    scopes = 3 if version >= _SCOPES_SINCE else 0
    size = 24 if version >= _SCOPES_SINCE else 16 if version >= _NETWORK_SINCE else 8
    attributes = struct.pack("<QQQ", rights, network, scopes)
    rules = _check(_libc.syscall(_LANDLOCK_CREATE, attributes, size, 0), "landlock_create_ruleset")
    try:
        read = _READ_FILE | _READ_DIR
        write = rights & ~(_EXECUTE | _MAKE_DEVICES | _MAKE_SOCKETS)
        for path in readable:
            _allow(rules, path, read)
        for path in writable:
            _allow(rules, path, write)
        _check(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0), "landlock_restrict_self")
    finally:
        os.close(rules)


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            rights &= _OF_FILES
        _check(_libc.syscall(_LANDLOCK_ADD, rules, 1, struct.pack("<Qi", rights, handle), 0), f"landlock of {path}")
    finally:
        os.close(handle)
