"""Processes that begin at the same moment, for scripts that measure what many get done together."""

import multiprocessing
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from benchmarks.sample import now

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

T = TypeVar("T")
LONGEST_SECONDS = 1_000.0
_FORK = multiprocessing.get_context("fork")
"""Fifty interpreters that import everything anew take a minute to start."""


def together(prepare: Callable[[int], Callable[[], T]], count: int) -> tuple[float, list[T]]:
    """Do the same in many processes; whoever calls this must have no threads and no connections.

    Args:
        prepare: called in each process with its number; returns what is to be measured.
        count: how many processes.

    Returns:
        Seconds from their common beginning until the last had ended, and what each returned.
    """
    barrier, results = _FORK.Barrier(count + 1), _FORK.Queue()
    members = [_FORK.Process(target=_take_part, args=(prepare, n, barrier, results)) for n in range(count)]
    for member in members:
        member.start()
    try:
        barrier.wait(LONGEST_SECONDS)
        began = now()
        found = [results.get(timeout=LONGEST_SECONDS) for _ in members]
        seconds = now() - began
        for failure in (result for result in found if isinstance(result, Exception)):
            raise failure
        for member in members:
            member.join()
    finally:
        for member in members:
            member.kill()
    return seconds, found


def apart(work: Callable[[], T]) -> T:
    """Do something in a process of its own, so that this one may still multiply."""
    [result] = together(lambda _: work, 1)[1]
    return result


def _take_part(
    prepare: "Callable[[int], Callable[[], T]]", number: int, barrier: "Barrier", results: "Queue[T | Exception]"
) -> None:
    try:
        work = prepare(number)
    except BaseException:
        barrier.abort()
        raise
    barrier.wait(LONGEST_SECONDS)
    try:
        results.put(work())
    except Exception as error:  # noqa: BLE001 (raised again by whoever waits for the result)
        results.put(RuntimeError(repr(error)))
