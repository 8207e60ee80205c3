"""Intermezzo: a suspended run in the warm worker; from its answer being stored to its next line."""

import asyncio
import os
from pathlib import Path

from prefect import flow
from prefect.runtime import flow_run as this_run

from benchmarks.ours import adapter
from benchmarks.sample import arguments, now, report_latencies, stamp, stamps
from intermezzo import human_step

STAMPS = "BENCHMARK_STAMPS"
"""Environment variable with the path of the file where attempts write when they reached the next line."""

ask = human_step(
    "benchmark_question",
    output={"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]},
    reward_credits=1,
)


@flow
async def waiting(question: int) -> None:
    await ask(question=question)
    stamp(Path(os.environ[STAMPS]), str(this_run.id))


async def resume_once(question: int, path: Path) -> float:
    """Suspend a run, answer it and return the milliseconds to its next line."""
    run_id = await adapter.start_deployed("benchmarks.ours.parked_resume:waiting", question=question)
    await adapter.until_state(run_id, adapter.is_suspended)
    task_id = await adapter.claim_when_posted()
    await asyncio.sleep(2)  # as for raw Prefect
    await adapter.submit(task_id, {"answer": question})
    stored = now()
    while (at := stamps(path).get(run_id)) is None:
        await asyncio.sleep(0.05)
    return (at - stored) * 1000


async def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    path = options.folder / "stamps"
    os.environ[STAMPS] = str(path)
    adapter.grant(100 * (options.n + 1))
    with adapter.serving(options.folder):
        # The first carries the start of the worker.
        milliseconds = [await resume_once(i, path) for i in range(options.n + 1)]
    report_latencies("ours", "parked resume", milliseconds[1:], settings=adapter.describe())


if __name__ == "__main__":
    asyncio.run(main())
