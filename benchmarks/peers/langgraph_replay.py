"""LangGraph: a thread with n finished tasks is taken up by a new process; time to the first new call."""

import asyncio
from typing import cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.func import entrypoint, task

from benchmarks.peers.langgraph_settings import describe
from benchmarks.sample import arguments, now, play_to_end, report, require_replay

executed = 0
THREAD: RunnableConfig = {"configurable": {"thread_id": "replayed"}}


class StopHereError(Exception):
    """Ends the first attempt once all tasks are done."""


@task
async def inc(x: int) -> int:
    global executed
    executed += 1
    return x + 1


@task
async def first_new() -> float:
    return now()


async def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    filling = options.phase == "fill"
    if not filling:
        play_to_end("benchmarks.peers.langgraph_replay", "fill", options)
    body_began = 0.0
    async with AsyncSqliteSaver.from_conn_string(str(options.folder / "langgraph.db")) as saver:

        @entrypoint(checkpointer=saver)
        async def run(n: int) -> float:
            nonlocal body_began
            body_began = now()
            await asyncio.gather(*(inc(i) for i in range(n)))
            if filling:
                raise StopHereError
            return await first_new()

        if filling:
            try:
                await run.ainvoke(options.n, THREAD, durability="sync")
            except StopHereError:
                return
        began = now()
        called = cast("float", await run.ainvoke(None, THREAD, durability="sync"))
        settings = await describe(saver, "sync")
    require_replay(executed)
    report(
        "langgraph",
        "replay",
        options.n,
        seconds=called - began,
        body_seconds=called - body_began,
        settings=settings,
    )


if __name__ == "__main__":
    asyncio.run(main())
