"""LangGraph: from invoking an interrupted thread with the answer to its next line, in one process.

LangGraph does not notice an answer that another process stores: somebody has to call it. So this is a
reference, the resume alone, without any way for the answer to get there.
"""

import asyncio
from typing import TYPE_CHECKING, cast

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.func import entrypoint
from langgraph.types import Command, interrupt

from benchmarks.peers.langgraph_settings import describe
from benchmarks.sample import arguments, now, report_latencies

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig


async def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    milliseconds: list[float] = []
    async with AsyncSqliteSaver.from_conn_string(str(options.folder / "langgraph.db")) as saver:

        @entrypoint(checkpointer=saver)
        async def run(question: str) -> float:
            interrupt(question)
            return now()

        for i in range(options.n + 1):
            thread: RunnableConfig = {"configurable": {"thread_id": str(i)}}
            await run.ainvoke("?", thread, durability="sync")
            began = now()
            resumed = cast("float", await run.ainvoke(Command(resume="!"), thread, durability="sync"))
            milliseconds.append((resumed - began) * 1000)
        settings = await describe(saver, "sync")
    report_latencies("langgraph", "resume", milliseconds[1:], settings=settings)


if __name__ == "__main__":
    asyncio.run(main())
