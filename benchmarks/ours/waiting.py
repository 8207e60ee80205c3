"""Intermezzo: n human tasks wait under one suspended run; what that costs in store, processes and CPU."""

import asyncio
import os

from prefect import flow

from benchmarks import proc
from benchmarks.ours import adapter
from benchmarks.sample import arguments, now, report
from intermezzo import human_step

IDLE_SECONDS = 20.0
SETTLE_SECONDS = 15.0

ask = human_step(
    "benchmark_question",
    output={"type": "object", "properties": {"answer": {"type": "integer"}}, "required": ["answer"]},
    reward_credits=1,
)


@flow
async def waiting(n: int) -> None:
    await ask.map([{"question": f"Which number stands on card {i}?"} for i in range(n)])


async def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    server = int(os.environ["BENCHMARK_SERVER_PID"])
    adapter.grant(100 * (options.n + 1))
    with adapter.serving(options.folder) as worker:
        # A first run, small: worker, pool and deployment exist before anything is compared.
        await suspend(1)
        await asyncio.sleep(SETTLE_SECONDS)
        cpu_before, processes_before = proc.cpu_percent(server, seconds=IDLE_SECONDS), len(proc.tree(worker))
        worker_before = proc.cpu_percent(worker, seconds=IDLE_SECONDS)
        began = now()
        await suspend(options.n)
        seconds = now() - began
        await asyncio.sleep(SETTLE_SECONDS)
        cpu_after, processes_after = proc.cpu_percent(server, seconds=IDLE_SECONDS), len(proc.tree(worker))
        worker_after = proc.cpu_percent(worker, seconds=IDLE_SECONDS)
        waiting_now = adapter.open_tasks()
    if waiting_now < options.n:
        raise RuntimeError(f"expected {options.n} human tasks to wait, {waiting_now} do")
    report(
        "ours",
        "waiting",
        options.n,
        seconds=seconds,
        settings=adapter.describe(),
        bytes_per_task=adapter.store_bytes() / options.n,
        processes_added=processes_after - processes_before,
        server_cpu_percent_before=cpu_before,
        server_cpu_percent_after=cpu_after,
        server_cpu_percent_rise=cpu_after - cpu_before,
        worker_cpu_percent_before=worker_before,
        worker_cpu_percent_after=worker_after,
    )


async def suspend(n: int) -> None:
    """Start a run with n human calls and wait until it has suspended."""
    run_id = await adapter.start_deployed("benchmarks.ours.waiting:waiting", n=n)
    await adapter.until_state(run_id, adapter.is_suspended)


if __name__ == "__main__":
    asyncio.run(main())
