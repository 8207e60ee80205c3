"""The system calls that a sandboxed program may make, as a filter for the kernel. Built here, installed by `zygote`.

An allow-list: everything it does not name fails, as if the program had no right to it. Threads may be
started, processes may not, which turns the resource limits of a process into limits of the run. Programs for the
kernel's BPF machine are lists of eight-byte instructions; see seccomp(2) and `struct seccomp_data`.
"""

import errno
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_X86_64 = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8, "mmap": 9,
    "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15, "ioctl": 16,
    "pread64": 17, "pwrite64": 18, "readv": 19, "writev": 20, "access": 21, "pipe": 22, "select": 23,
    "sched_yield": 24, "mremap": 25, "msync": 26, "mincore": 27, "madvise": 28, "dup": 32, "dup2": 33, "pause": 34,
    "nanosleep": 35, "getitimer": 36, "alarm": 37, "setitimer": 38, "getpid": 39, "sendfile": 40, "sendto": 44,
    "recvfrom": 45, "recvmsg": 47, "shutdown": 48, "getsockname": 51, "getpeername": 52, "socketpair": 53,
    "getsockopt": 55, "clone": 56, "exit": 60, "kill": 62, "uname": 63,
    "fcntl": 72, "flock": 73, "fsync": 74, "fdatasync": 75, "truncate": 76, "ftruncate": 77, "getdents": 78,
    "getcwd": 79, "chdir": 80, "fchdir": 81, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86,
    "unlink": 87, "symlink": 88, "readlink": 89, "chmod": 90, "fchmod": 91, "umask": 95, "gettimeofday": 96,
    "getrlimit": 97, "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102, "getgid": 104, "geteuid": 107,
    "getegid": 108, "getppid": 110, "getpgrp": 111, "getgroups": 115, "getresuid": 118, "getresgid": 120,
    "getpgid": 121, "getsid": 124, "rt_sigpending": 127, "rt_sigtimedwait": 128, "rt_sigsuspend": 130,
    "sigaltstack": 131, "utime": 132, "statfs": 137, "fstatfs": 138, "getpriority": 140, "prctl": 157, "gettid": 186,
    "time": 201, "futex": 202, "sched_getaffinity": 204, "getdents64": 217, "restart_syscall": 219, "fadvise64": 221,
    "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "epoll_wait": 232,
    "epoll_ctl": 233, "tgkill": 234, "utimes": 235, "waitid": 247, "openat": 257, "mkdirat": 258, "newfstatat": 262,
    "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266, "readlinkat": 267, "fchmodat": 268,
    "faccessat": 269, "pselect6": 270, "ppoll": 271, "set_robust_list": 273, "get_robust_list": 274,
    "utimensat": 280, "epoll_pwait": 281, "fallocate": 285, "eventfd2": 290, "epoll_create1": 291, "dup3": 292,
    "pipe2": 293, "preadv": 295, "pwritev": 296, "prlimit64": 302, "getcpu": 309, "renameat2": 316, "getrandom": 318,
    "membarrier": 324, "copy_file_range": 326, "preadv2": 327, "pwritev2": 328, "statx": 332, "rseq": 334,
    "clone3": 435, "close_range": 436, "faccessat2": 439, "epoll_pwait2": 441, "wait4": 61,
}  # fmt: skip

_AARCH64 = {
    "getcwd": 17, "eventfd2": 19, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "dup": 23, "dup3": 24,
    "fcntl": 25, "ioctl": 29, "flock": 32, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37,
    "renameat": 38, "statfs": 43, "fstatfs": 44, "truncate": 45, "ftruncate": 46, "fallocate": 47, "faccessat": 48,
    "chdir": 49, "fchdir": 50, "fchmod": 52, "fchmodat": 53, "openat": 56, "close": 57, "pipe2": 59,
    "getdents64": 61, "lseek": 62, "read": 63, "write": 64, "readv": 65, "writev": 66, "pread64": 67, "pwrite64": 68,
    "preadv": 69, "pwritev": 70, "sendfile": 71, "pselect6": 72, "ppoll": 73, "readlinkat": 78, "newfstatat": 79,
    "fstat": 80, "fsync": 82, "fdatasync": 83, "utimensat": 88, "exit": 93, "exit_group": 94, "waitid": 95,
    "set_tid_address": 96, "futex": 98, "set_robust_list": 99, "get_robust_list": 100, "nanosleep": 101,
    "getitimer": 102, "setitimer": 103, "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115,
    "sched_getaffinity": 123, "sched_yield": 124, "restart_syscall": 128, "kill": 129, "tgkill": 131,
    "sigaltstack": 132, "rt_sigsuspend": 133, "rt_sigaction": 134, "rt_sigprocmask": 135, "rt_sigpending": 136,
    "rt_sigtimedwait": 137, "rt_sigreturn": 139, "getpriority": 141, "getresuid": 148, "getresgid": 150, "times": 153,
    "getpgid": 155, "getsid": 156, "getgroups": 158, "uname": 160, "getrlimit": 163, "getrusage": 165, "umask": 166,
    "prctl": 167, "getcpu": 168, "gettimeofday": 169, "getpid": 172, "getppid": 173, "getuid": 174, "geteuid": 175,
    "getgid": 176, "getegid": 177, "gettid": 178, "sysinfo": 179, "socketpair": 199, "getsockname": 204,
    "getpeername": 205, "sendto": 206, "recvfrom": 207, "getsockopt": 209, "shutdown": 210,
    "recvmsg": 212, "brk": 214, "munmap": 215, "mremap": 216, "clone": 220, "mmap": 222,
    "fadvise64": 223, "mprotect": 226, "msync": 227, "mincore": 232, "madvise": 233, "wait4": 260, "prlimit64": 261,
    "renameat2": 276, "getrandom": 278, "membarrier": 283, "copy_file_range": 285, "preadv2": 286, "pwritev2": 287,
    "statx": 291, "rseq": 293, "clone3": 435, "close_range": 436, "faccessat2": 439, "epoll_pwait2": 441,
}  # fmt: skip

_SYSCALLS = {
    "x86_64": (0xC000003E, _X86_64, range(188, 200)),
    "aarch64": (0xC00000B7, _AARCH64, range(5, 17)),
}
"""By machine: the value of `seccomp_data.arch`, the numbers of the allowed calls, and those for extended attributes."""

_CHECKED = (
    "clone", "clone3", "close_range", "fcntl", "ioctl", "kill", "prctl", "prlimit64", "sendto", "socketpair",
    "tgkill",
)  # fmt: skip
"""Allowed for some arguments only."""

_CHANGES_FILES = ("chmod", "fallocate", "fchmod", "fchmodat", "truncate", "utime", "utimes", "utimensat")
"""Landlock does not cover these, or not in every version, and gigabytes are allocated faster than anybody looks; where
the program sees the host's files they are refused."""

_LOAD, _JUMP, _JUMP_EQUAL, _JUMP_GREATER_OR_EQUAL, _RETURN = 0x20, 0x05, 0x15, 0x35, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_REFUSE = _ERRNO | errno.EPERM
_NUMBER, _ARCH = 0, 4

_THREADS = (0x3D0F00, 0x7D0F00)
"""The flags with which glibc and musl start a thread: it shares memory, descriptors and signals with the others."""
_CLOSE_RANGE_FLAGS = (0, 4)
"""None, and CLOSE_RANGE_CLOEXEC. The other one gives a thread descriptors of its own, which nobody would count."""
_AF_UNIX = 1
_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
"""TCGETS (which `isatty` asks), TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX."""
_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1032)
"""Duplicating, flags, locks, size of a pipe. Not F_SETOWN, which has the kernel send signals to other processes."""
_PRCTLS = (15, 16, 0x53564D41)
"""PR_SET_NAME, PR_GET_NAME, PR_SET_VMA: names of threads and of memory."""

SELF = 0x7E57_0001
"""Stands for the number of the process, which is known only once it runs."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A program for the kernel, but for the number of the process it is for."""

    instructions: bytes
    """With `SELF` in place of that number."""

    @classmethod
    def for_machine(cls, machine: str, *, own_files_only: bool) -> "Filter":
        """The filter for a kind of processor.

        Args:
            machine: as `platform.machine()` names it.
            own_files_only: the program sees no files of the host, so it may change modes, times and sizes of what it
                sees.

        Raises:
            LookupError: that processor is not known.
        """
        if machine not in _SYSCALLS:
            raise LookupError(f"no system calls are known for {machine}; known are {', '.join(_SYSCALLS)}")
        arch, numbers, attributes = _SYSCALLS[machine]
        refused = () if own_files_only else _CHANGES_FILES
        plain = sorted(number for name, number in numbers.items() if name not in {*_CHECKED, *refused})
        checks = [
            *_check_architecture(arch, max(numbers.values())),
            *_no_attributes(attributes),
            *_check_arguments(numbers),
        ]
        return cls(b"".join([*checks, *_search(_ranges(plain))]))


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, if_true, if_false, value)


def _low(argument: int) -> int:
    return 16 + 8 * argument


def _high(argument: int) -> int:
    return _low(argument) + 4


def _check_architecture(arch: int, newest: int) -> list[bytes]:
    return [
        _instruction(_LOAD, _ARCH),
        _instruction(_JUMP_EQUAL, arch, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER),
        # The x32 calls of x86-64, which are the same calls by other numbers.
        _instruction(_JUMP_GREATER_OR_EQUAL, 0x40000000, 0, 1),
        _instruction(_RETURN, _KILL),
        # A libc that is newer than this list does without a call that does not exist, not without one that is refused.
        _instruction(_JUMP_GREATER_OR_EQUAL, newest + 1, 0, 1),
        _instruction(_RETURN, _ERRNO | errno.ENOSYS),
    ]


def _no_attributes(numbers: range) -> list[bytes]:
    """Say of extended attributes that no file has any: what copies files takes that, and no other refusal."""
    return [
        _instruction(_JUMP_GREATER_OR_EQUAL, numbers.start, 0, 2),
        _instruction(_JUMP_GREATER_OR_EQUAL, numbers.stop, 1, 0),
        _instruction(_RETURN, _ERRNO | errno.EOPNOTSUPP),
    ]


def _check_arguments(numbers: dict[str, int]) -> list[bytes]:
    bodies = {
        # Its flags are in memory, which a filter cannot read; told that it does not exist, libc uses clone.
        "clone3": [_instruction(_RETURN, _ERRNO | errno.ENOSYS)],
        "clone": _one_of(_low(0), _THREADS, _REFUSE),
        "close_range": _one_of(_low(2), _CLOSE_RANGE_FLAGS, _REFUSE),
        "prlimit64": [
            # Reading limits, of itself only.
            _instruction(_LOAD, _low(0)),
            _instruction(_JUMP_EQUAL, 0, 1, 0),
            _instruction(_JUMP_EQUAL, SELF, 0, 4),
            *_null(2),
        ],
        # To the other end of its own socket, not to an address.
        "sendto": _null(4),
        "kill": _one_of(_low(0), [SELF], _REFUSE),
        "tgkill": _one_of(_low(0), [SELF], _REFUSE),
        "socketpair": _one_of(_low(0), [_AF_UNIX], _REFUSE),
        "prctl": _one_of(_low(0), _PRCTLS, _REFUSE),
        "fcntl": _one_of(_low(1), _FCNTLS, _REFUSE),
        "ioctl": _one_of(_low(1), _IOCTLS, _ERRNO | errno.ENOTTY),
    }
    checks: list[bytes] = []
    for name, body in bodies.items():
        checks += [_instruction(_JUMP_EQUAL, numbers[name], 0, len(body)), *body]
    return checks


def _one_of(argument: int, values: Sequence[int], otherwise: int) -> list[bytes]:
    comparisons = [_instruction(_JUMP_EQUAL, value, len(values) - position, 0) for position, value in enumerate(values)]
    return [
        _instruction(_LOAD, argument),
        *comparisons,
        _instruction(_RETURN, otherwise),
        _instruction(_RETURN, _ALLOW),
    ]


def _null(argument: int) -> list[bytes]:
    return [
        _instruction(_LOAD, _low(argument)),
        _instruction(_JUMP_EQUAL, 0, 0, 2),
        _instruction(_LOAD, _high(argument)),
        _instruction(_JUMP_EQUAL, 0, 1, 0),
        _instruction(_RETURN, _REFUSE),
        _instruction(_RETURN, _ALLOW),
    ]


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Neighbours together: first and last of each row of numbers."""
    ranges: list[tuple[int, int]] = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def _search(ranges: Sequence[tuple[int, int]]) -> list[bytes]:
    """A binary search: six comparisons instead of a hundred for every system call of the program."""
    if len(ranges) == 1:
        first, last = ranges[0]
        return [
            _instruction(_JUMP_GREATER_OR_EQUAL, first, 0, 2),
            _instruction(_JUMP_GREATER_OR_EQUAL, last + 1, 1, 0),
            _instruction(_RETURN, _ALLOW),
            _instruction(_RETURN, _REFUSE),
        ]
    middle = len(ranges) // 2
    lower, upper = _search(ranges[:middle]), _search(ranges[middle:])
    # A conditional jump reaches 255 instructions, a plain one any number.
    return [
        _instruction(_JUMP_GREATER_OR_EQUAL, ranges[middle][0], 0, 1),
        _instruction(_JUMP, len(lower)),
        *lower,
        *upper,
    ]
