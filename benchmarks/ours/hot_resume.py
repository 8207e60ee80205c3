"""Intermezzo: a flow waits hot for a person; from the answer, stored by another process, to its next line."""

import asyncio
import random
import statistics
import sys

from prefect import flow

from benchmarks.ours import adapter
from benchmarks.sample import Sender, arguments, latencies, now, play, report_latencies
from intermezzo import human_step

ask = human_step(
    "benchmark_question",
    output={"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]},
    reward_credits=1,
)
sender: Sender


@flow
async def waiting(n: int) -> list[float]:
    woken: list[float] = []
    for i in range(n):
        sender.ask(i)
        await ask(question=i)
        woken.append(now())
    return woken


async def send() -> None:
    """Answer a task for every line of stdin, after a pause that takes every place in a polling interval."""
    for line in sys.stdin:
        task_id = await adapter.claim_when_posted()
        await asyncio.sleep(random.uniform(0.2, 1.2))
        began = now()
        await adapter.submit(task_id, {"answer": int(line)})
        print(repr(began), repr(now()), flush=True)


async def measure(n: int) -> None:
    # The first carries the start of the answering process.
    woken = await waiting(n + 1)
    stored, begun = latencies(sender, woken)
    sender.close()
    since_begun = statistics.median(begun[1:])
    report_latencies("ours", "hot resume", stored[1:], settings=adapter.describe(), median_since_begun_ms=since_begun)


def main() -> None:
    global sender
    options = arguments(__doc__ or "").parse_args()
    if options.phase == "send":
        asyncio.run(send())
        return
    adapter.grant(100 * (options.n + 1))
    sender = Sender(play("benchmarks.ours.hot_resume", "send", options))
    asyncio.run(measure(options.n))


if __name__ == "__main__":
    main()
