"""The program of a process that compiles and evaluates CEL for `cel_processes`; its limits end it.

It imports nothing of Intermezzo, so that it is there in a tenth of a second. A line of JSON comes in for each request,
one goes out for each reply. What takes too much time or memory is ended by the operating system, with the process.
"""

import base64
import json
import math
import resource
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, cast

from cel_expr_python import cel  # pyright: ignore[reportMissingTypeStubs] (it has none)
from cel_expr_python.ext import ext_strings  # pyright: ignore[reportMissingTypeStubs] (the same)

MAX_BYTES = 32 * 1024 * 1024
"""Size of what an expression reads, and of what it gives: a large document in base64."""
MAX_VALUES = 1_000_000
"""Values in what an expression reads, and in what it gives."""
MAX_SECONDS = 2.0
"""Computing time of compiling or evaluating one expression."""
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
"""Memory of the process: several times the largest values that it may read and give."""

_MAX_TREE_BYTES = 512 * 1024
_RETIRES_AT_KB = 256 * 1024
_MAX_WALL_SECONDS = 60.0


def main() -> None:
    """Answer requests until there are no more."""
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_AS, MAX_MEMORY_BYTES)  # macOS does not keep it: there only time is bounded
    for line in sys.stdin.buffer:
        # Both signals end the process; the first counts computing time, however busy the machine is.
        signal.setitimer(signal.ITIMER_PROF, MAX_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, _MAX_WALL_SECONDS)
        started = time.process_time()
        reply = _reply(json.loads(line))
        reply["seconds"] = time.process_time() - started
        reply["retires"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > _RETIRES_AT_KB
        written = json.dumps(reply, ensure_ascii=False).encode() + b"\n"
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.stdout.buffer.write(written)
        sys.stdout.buffer.flush()


def _limit(which: int, most: int) -> None:
    with suppress(ValueError, OSError):
        resource.setrlimit(which, (most, most))


def _reply(request: Mapping[str, Any]) -> dict[str, object]:
    try:
        program = _program(request["text"], tuple(request["variables"]))
        if "values" in request:
            return {"value": _Result().json(program.eval(data=request["values"]))}
        tree = program.serialize()
        if len(tree) > _MAX_TREE_BYTES:
            return {"error": "the expression is too complex"}
        return {"tree": base64.b64encode(tree).decode(), "kind": program.return_type().name().partition("<")[0]}
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:  # TypeError: half of a surrogate pair
        return {"error": str(error)[:10_000].encode(errors="replace").decode()}


@lru_cache(64)
def _program(text: str, variables: tuple[str, ...]) -> cel.Expression:
    return _environment(variables).compile(text)


@cache
def _environment(variables: tuple[str, ...]) -> cel.Env:
    types = {name: cel.Type.INT if name == "index" else cel.Type.DYN for name in variables}
    return cel.NewEnv(variables=types, extensions=[ext_strings.ExtStrings()])


class _Result:
    """A value of the library as JSON, read piece by piece so that nothing huge is ever made."""

    def __init__(self) -> None:
        self._bytes = MAX_BYTES
        self._values = MAX_VALUES

    def json(self, value: cel.Value) -> object:
        if value.type() == cel.Type.ERROR:
            raise ValueError(str(value.plain_value()))
        plain = value.value()
        self._values -= 1
        if isinstance(plain, str):
            self._bytes -= len(plain)
        if self._bytes < 0 or self._values < 0:
            raise ValueError(f"it gives more than {MAX_BYTES // 2**20} MB or {MAX_VALUES:,} values")
        if isinstance(plain, list):
            return [self.json(item) for item in cast("list[cel.Value]", plain)]
        if isinstance(plain, dict):
            fields = {_key(key): item for key, item in cast("dict[object, cel.Value]", plain).items()}
            return {key: self.json(fields[key]) for key in sorted(fields)}  # the library's order is chance
        return _scalar(plain)


def _scalar(plain: object) -> object:
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"it gives {plain!r}, which is not JSON")
    if plain is None or isinstance(plain, str | bool | int | float):
        return plain
    if isinstance(plain, datetime):
        return plain.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(plain, timedelta):
        return f"{plain.total_seconds():g}s"
    raise ValueError(f"it gives {type(plain).__name__}, which is not JSON")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"it gives an object with the key {key!r}; keys are texts")  # noqa: TRY004 (a value is wrong, no code)
    return key


if __name__ == "__main__":
    main()
