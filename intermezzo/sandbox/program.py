"""Running the program itself, in a process that is ready for it; called by `zygote` in the child.

As `python -I program.py` would: fresh `__main__`, text streams, tracebacks, exit codes, threads waited for.
"""

import atexit
import builtins
import contextlib
import io
import linecache
import os
import sys
import threading
import traceback
import types
from typing import NoReturn, cast

_NAME = "main.py"
_FLUSH_FAILED = 120  # what CPython exits with


class _Exit:
    """`exit` and `quit`, which the module `site` would have put in place."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"Use {self.name}() or Ctrl-D (i.e. EOF) to exit"

    def __call__(self, code: object = None) -> NoReturn:
        raise SystemExit(code)


def prepare() -> None:
    """What every program finds in its interpreter; done once, before the processes fork."""
    for name in ("exit", "quit"):
        setattr(builtins, name, _Exit(name))


def run(source: bytes) -> NoReturn:
    """Execute a program on descriptors 0, 1 and 2, then end the process."""
    _open_streams()
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    sys.argv = [_NAME]
    sys.orig_argv = ["python", _NAME]  # ours says how the sandbox was made
    status = _execute(source, main)
    with contextlib.suppress(BaseException):
        cast("types.FunctionType", threading._shutdown)()  # noqa: SLF001 # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - what the interpreter calls
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001 (whatever the program made of its streams)
            status = status or _FLUSH_FAILED
    os._exit(status)


def _execute(source: bytes, main: types.ModuleType) -> int:
    try:
        code = compile(source, _NAME, "exec", dont_inherit=True)
        lines = source.decode("utf-8", "replace").splitlines(keepends=True)
        linecache.cache[_NAME] = (len(source), None, lines, _NAME)  # for tracebacks: there is no such file
        exec(code, main.__dict__)  # noqa: S102 (what a sandbox is for)
    except SystemExit as ending:
        return _status_of(ending.code)
    except BaseException as error:  # noqa: BLE001 (shown as the interpreter shows it)
        own = error.__traceback__
        with contextlib.suppress(BaseException):
            traceback.print_exception(type(error), error, own.tb_next if own else None)
        return 1
    return 0


def _status_of(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 255
    with contextlib.suppress(BaseException):
        print(code, file=sys.stderr)  # noqa: T201 (so does the interpreter)
    return 1


def _open_streams() -> None:
    sys.stdin = sys.__stdin__ = io.TextIOWrapper(
        io.BufferedReader(io.FileIO(0, "r", closefd=False)), encoding="utf-8", errors="surrogateescape"
    )
    sys.stdout = sys.__stdout__ = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(1, "w", closefd=False)),
        encoding="utf-8",
        errors="surrogateescape",
        line_buffering=True,  # what it has printed is kept when it is killed
    )
    sys.stderr = sys.__stderr__ = io.TextIOWrapper(
        io.BufferedWriter(io.FileIO(2, "w", closefd=False)),
        encoding="utf-8",
        errors="backslashreplace",
        line_buffering=True,
    )
