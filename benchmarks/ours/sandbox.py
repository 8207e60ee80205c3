"""Intermezzo: programs in the sandbox against bare interpreters, in turns; then n in a row, and what they leave."""

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.proc import resident_bytes, tree
from benchmarks.sample import arguments, report
from intermezzo.sandbox import code_sandbox

TURNS = 100
AT_ONCE = 2
THROUGHPUT_RUNS = 400
WARM_UP_RUNS = 200
PROGRAM = "print(1)"


def bare() -> None:
    subprocess.run([sys.executable, "-I", "-c", PROGRAM], env={}, stdout=subprocess.PIPE, check=True)


async def sandboxed() -> None:
    outcome = await code_sandbox().run(PROGRAM, timeout_seconds=10)
    assert outcome.stdout.data == b"1\n"


async def milliseconds(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await work()
    return (time.perf_counter() - began) * 1000


async def sandboxed_per_second() -> float:
    places = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with places:
            await sandboxed()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(THROUGHPUT_RUNS)))
    return THROUGHPUT_RUNS / (time.perf_counter() - began)


def bare_per_second() -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda _: bare(), range(THROUGHPUT_RUNS)))
    return THROUGHPUT_RUNS / (time.perf_counter() - began)


def held() -> tuple[int, int, int]:
    """Descriptors of this process, processes and resident bytes of it and all it started."""
    processes = tree(os.getpid())
    return len(list(Path("/proc/self/fd").iterdir())), len(processes), sum(map(resident_bytes, processes))


async def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    level = (await code_sandbox().run(PROGRAM, timeout_seconds=10)).isolation.level
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(TURNS):
        ours.append(await milliseconds(sandboxed))
        theirs.append(await milliseconds(lambda: asyncio.to_thread(bare)))
    throughput, bare_throughput = await sandboxed_per_second(), await asyncio.to_thread(bare_per_second)
    for _ in range(WARM_UP_RUNS):
        await sandboxed()
    await asyncio.sleep(0.5)
    before = held()
    began = time.perf_counter()
    for _ in range(options.n):
        await sandboxed()
    seconds = time.perf_counter() - began
    await asyncio.sleep(0.5)
    descriptors, processes, memory = (after - earlier for after, earlier in zip(held(), before, strict=True))
    report(
        "ours",
        "sandbox",
        options.n,
        seconds=seconds,
        median_ms=statistics.median(ours),
        bare_median_ms=statistics.median(theirs),
        per_second=throughput,
        bare_per_second=bare_throughput,
        descriptors_left=descriptors,
        processes_left=processes,
        megabytes_left=memory / 1_000_000,
        settings={"level": level, "at_once": AT_ONCE},
    )


if __name__ == "__main__":
    asyncio.run(main())
