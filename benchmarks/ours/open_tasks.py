"""Intermezzo with very many open tasks: listing, counting and claiming, also by a worker who has claimed thousands."""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, nullcontext

from benchmarks import postgres
from benchmarks.ours import queue
from benchmarks.sample import arguments, now, report
from intermezzo.human_steps.inbox import Inbox
from intermezzo.store import Store

REPEATS = 50
DILIGENT = "diligent worker"


async def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--claimed", type=int, default=5_000, help="tasks that one worker has claimed already")
    options = parser.parse_args()
    file = f"sqlite+pysqlite:///{options.folder}/store.db"
    with ExitStack() as stack:
        url = stack.enter_context(postgres.database() if options.engine == "postgresql" else nullcontext(file))
        store = Store(url)
        stack.callback(store.close)
        run_id = queue.open_for_business(store)
        # All of them at the head of one queue, and open until two others have answered too.
        queue.post(store, run_id, queue.OF_THREE, options.claimed + REPEATS, urgent=True)
        queue.post(store, run_id, queue.OPEN_TO_ALL, options.n - options.claimed - REPEATS)
        inbox = Inbox(store)
        began = now()
        figures = {
            "list_ms": await median_ms(inbox.list, REPEATS),
            "count_ms": await median_ms(inbox.count, REPEATS),
            "claim_ms": await median_ms(lambda: inbox.claim_next("anybody"), REPEATS),
        }
        await median_ms(lambda: inbox.claim_next(DILIGENT), options.claimed)
        figures["claim_after_thousands_ms"] = await median_ms(lambda: inbox.claim_next(DILIGENT), REPEATS)
        found = await inbox.count()
        if found != options.n:
            raise RuntimeError(f"expected {options.n} open tasks, {found} are said to be")
        settings = postgres.settings(url) if options.engine == "postgresql" else {"engine": "sqlite"}
        report(options.engine, "open tasks", options.n, seconds=now() - began, settings=settings, **figures)


async def median_ms(work: Callable[[], Awaitable[object]], repeats: int) -> float:
    """What it takes at the median."""
    times: list[float] = []
    for _ in range(repeats):
        began = now()
        await work()
        times.append((now() - began) * 1000)
    return statistics.median(times)


if __name__ == "__main__":
    asyncio.run(main())
