"""Intermezzo: n trivial steps of one credit in one flow, mapped or one after another."""

import asyncio
import time

from prefect import flow

from benchmarks.ours import adapter
from benchmarks.sample import arguments, report
from intermezzo import step


@step(credits=1)
async def inc(x: int) -> int:
    return x + 1


@flow
async def parallel(n: int) -> float:
    started = time.perf_counter()
    await inc.map([{"x": i} for i in range(n)])
    return time.perf_counter() - started


@flow
async def sequential(n: int) -> float:
    started = time.perf_counter()
    for i in range(n):
        await inc(x=i)
    return time.perf_counter() - started


async def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--mode", choices=["parallel", "sequential"], required=True)
    options = parser.parse_args()
    run = parallel if options.mode == "parallel" else sequential
    adapter.grant(options.n + 10)
    await run(10)
    seconds = await run(options.n)
    report("ours", options.mode, options.n, seconds=seconds, settings=adapter.describe())


if __name__ == "__main__":
    asyncio.run(main())
