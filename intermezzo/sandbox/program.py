"""Running the program itself, in a process that is ready for it; called by `zygote` in the child.

As `python -I program.py` would: fresh `__main__`, text streams, tracebacks, exit codes, threads waited for.
"""

import atexit
import builtins
import contextlib
import gc
import io
import linecache
import os
import signal
import sys
import threading
import traceback
import types
from typing import IO, NoReturn, cast

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
    streams = _open_streams()
    sys.excepthook = sys.__excepthook__ = _show
    threading.excepthook = threading.__excepthook__ = _show_of_thread
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __file__=f"{os.getcwd()}/{_NAME}")  # noqa: PTH109 (not loaded here)
    sys.modules["__main__"] = main
    sys.argv = [_NAME]
    sys.orig_argv = ["python", _NAME]  # ours says how the sandbox was made
    status = _execute(source, main)
    with contextlib.suppress(BaseException):
        cast("types.FunctionType", threading._shutdown)()  # noqa: SLF001 # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - what the interpreter calls
    if not _flush(getattr(sys, "stdout", None), getattr(sys, "stderr", None)):
        status = status or _FLUSH_FAILED
    _forget(main)
    _flush(*streams)
    if status == -signal.SIGINT:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    os._exit(status)


def _execute(source: bytes, main: types.ModuleType) -> int:
    try:
        code = compile(source, _NAME, "exec", dont_inherit=True)
        lines = [f"{line}\n" for line in source.decode("utf-8", "replace").splitlines()]
        linecache.cache[_NAME] = (len(source), None, lines, _NAME)  # for tracebacks: there is no such file
        exec(code, main.__dict__)  # noqa: S102 (what a sandbox is for)
    except SystemExit as ending:
        return _status_of(ending.code)
    except BaseException as error:  # noqa: BLE001 (shown as the interpreter shows it)
        own = error.__traceback__
        error.__traceback__ = own.tb_next if own else None
        with contextlib.suppress(BaseException):
            _call_hook(error)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _status_of(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 255 if abs(code) < 1 << 63 else 255
    with contextlib.suppress(BaseException):
        print(code, file=sys.stderr)  # noqa: T201 (so does the interpreter)
    return 1


def _call_hook(error: BaseException) -> None:
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except BaseException as failure:  # noqa: BLE001 (whatever the program's own hook does)
        print("Error in sys.excepthook:", file=sys.stderr)  # noqa: T201
        failure.__context__, own = None, failure.__traceback__
        traceback.print_exception(type(failure), failure, own.tb_next if own else None)
        print("\nOriginal exception was:", file=sys.stderr)  # noqa: T201
        traceback.print_exception(error)


def _show(_type: type[BaseException], error: BaseException, trace: types.TracebackType | None) -> None:
    """Show an error as the interpreter's own hook does, which would look for the lines in a file."""
    traceback.print_exception(_type, error, trace)


def _show_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_type is not SystemExit:
        print(f"Exception in thread {args.thread.name if args.thread else threading.get_ident()}:", file=sys.stderr)  # noqa: T201
        traceback.print_exception(args.exc_type, args.exc_value, args.exc_traceback)


def _flush(*streams: IO[str] | IO[bytes] | None) -> bool:
    """Says whether all could be; whatever a program has made of its streams."""
    done = True
    for stream in streams:
        try:
            if stream is not None and not getattr(stream, "closed", False):
                stream.flush()
        except BaseException:  # noqa: BLE001
            done = False
    return done


def _forget(main: types.ModuleType) -> None:
    """Have files written and `__del__` called, as at the end of an interpreter."""
    names = main.__dict__
    for name in sorted(names, key=lambda name: not name.startswith("_")):
        if name != "__builtins__":
            names[name] = None
    gc.collect()


def _open_streams() -> list[IO[str] | IO[bytes]]:
    """Put them in place; returns all that may hold text back."""
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
    return [sys.stdout, sys.stdout.buffer, sys.stderr, sys.stderr.buffer]
