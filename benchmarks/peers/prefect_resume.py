"""Raw Prefect: from resuming a suspended run to its next line, under a runner that polls every second.

The runner starts a new process for every attempt, as `flow.serve` and the process worker do.
"""

import asyncio
import os
from pathlib import Path
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run, suspend_flow_run
from prefect.runner import Runner
from prefect.runtime import flow_run as this_run

from benchmarks.peers.prefect_settings import describe
from benchmarks.sample import arguments, now, report_latencies, stamp, stamps

POLLING_SECONDS = 1
STAMPS = "BENCHMARK_STAMPS"
"""Environment variable with the path of the file where attempts write when they reached the next line."""


@flow
async def waiting() -> None:
    await suspend_flow_run(timeout=3600, key="answer")  # pyright: ignore[reportGeneralTypeIssues] (Prefect types it as synchronous)
    stamp(Path(os.environ[STAMPS]), str(this_run.id))


async def resume_once(deployment: UUID, path: Path) -> float:
    """Suspend a run, resume it and return the milliseconds to its next line."""
    async with get_client() as client:
        run = await client.create_flow_run_from_deployment(deployment)
        while not (state := (await client.read_flow_run(run.id)).state) or not state.is_paused():
            await asyncio.sleep(0.2)
    await asyncio.sleep(2)  # the suspended process has ended by then
    began = now()
    await resume_flow_run(run.id)  # pyright: ignore[reportGeneralTypeIssues] (Prefect types it as synchronous)
    while (at := stamps(path).get(str(run.id))) is None:
        await asyncio.sleep(0.05)
    return (at - began) * 1000


async def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    path = options.folder / "stamps"
    os.environ[STAMPS] = str(path)
    runner = Runner(name="benchmark", query_seconds=POLLING_SECONDS)
    deployment = await runner.add_flow(waiting, name="benchmark")  # pyright: ignore[reportGeneralTypeIssues] (Prefect types it as synchronous)
    polling = asyncio.create_task(runner.start())
    milliseconds = [await resume_once(deployment, path) for _ in range(options.n)]
    polling.cancel()
    settings = {**await describe(), "polling_seconds": POLLING_SECONDS}
    report_latencies("prefect", "parked resume", milliseconds, settings=settings)
    os._exit(0)  # a cancelled runner would still wait for its processes


if __name__ == "__main__":
    asyncio.run(main())
