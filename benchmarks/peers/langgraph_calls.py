"""LangGraph's functional API: n trivial tasks in one checkpointed entrypoint, gathered or in sequence."""

import asyncio
import time

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.func import entrypoint, task

from benchmarks.peers.langgraph_settings import describe
from benchmarks.sample import arguments, report


@task
async def inc(x: int) -> int:
    return x + 1


async def gathered(n: int) -> None:
    await asyncio.gather(*(inc(i) for i in range(n)))


async def sequential(n: int) -> None:
    for i in range(n):
        await inc(i)


async def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--mode", choices=["parallel", "sequential"], required=True)
    parser.add_argument("--durability", choices=["async", "sync"], required=True)
    options = parser.parse_args()
    body = gathered if options.mode == "parallel" else sequential
    seconds = 0.0
    async with AsyncSqliteSaver.from_conn_string(str(options.folder / "langgraph.db")) as saver:

        @entrypoint(checkpointer=saver)
        async def run(n: int) -> int:
            nonlocal seconds
            started = time.perf_counter()
            await body(n)
            seconds = time.perf_counter() - started
            return n

        for thread, n in (("warm-up", 10), ("measured", options.n)):
            await run.ainvoke(n, {"configurable": {"thread_id": thread}}, durability=options.durability)
        settings = await describe(saver, options.durability)
    report("langgraph", options.mode, options.n, seconds=seconds, settings=settings)


if __name__ == "__main__":
    asyncio.run(main())
