"""Raw Prefect: n trivial tasks in one flow, gathered, mapped or one after another; results kept."""

import asyncio
import time

from prefect import flow, task

from benchmarks.peers.prefect_settings import describe
from benchmarks.sample import arguments, report


@task(persist_result=True)
async def inc(x: int) -> int:
    return x + 1


@flow
async def parallel(n: int) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(inc(i) for i in range(n)))
    return time.perf_counter() - started


@flow
async def mapped(n: int) -> float:
    started = time.perf_counter()
    inc.map(range(n)).result()
    return time.perf_counter() - started


@flow
async def sequential(n: int) -> float:
    started = time.perf_counter()
    for i in range(n):
        await inc(i)
    return time.perf_counter() - started


MODES = {"parallel": parallel, "mapped": mapped, "sequential": sequential}


async def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--mode", choices=list(MODES), required=True)
    options = parser.parse_args()
    run = MODES[options.mode]
    await run(3)
    seconds = await run(options.n)
    report("prefect", options.mode, options.n, seconds=seconds, settings=await describe())


if __name__ == "__main__":
    asyncio.run(main())
