"""DBOS: n trivial steps in one workflow, gathered or one after another."""

import asyncio
import time

from dbos import DBOS

from benchmarks.peers.dbos_app import configure, describe
from benchmarks.sample import arguments, report


@DBOS.step()
async def inc(x: int) -> int:
    return x + 1


@DBOS.workflow()
async def parallel(n: int) -> float:
    started = time.perf_counter()
    await asyncio.gather(*(inc(i) for i in range(n)))
    return time.perf_counter() - started


@DBOS.workflow()
async def sequential(n: int) -> float:
    started = time.perf_counter()
    for i in range(n):
        await inc(i)
    return time.perf_counter() - started


async def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--mode", choices=["parallel", "sequential"], required=True)
    parser.add_argument("--wal", action="store_true", help="not its default: a database in WAL mode")
    options = parser.parse_args()
    configure(options.folder, wal=options.wal)
    DBOS.launch()
    run = parallel if options.mode == "parallel" else sequential
    await run(10)
    seconds = await run(options.n)
    settings = describe()
    DBOS.destroy()
    report("dbos", options.mode, options.n, seconds=seconds, settings=settings)


if __name__ == "__main__":
    asyncio.run(main())
