"""Intermezzo: a run with n finished calls is taken up by a new process; time to the first new call."""

import asyncio
from typing import cast
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import get_client

from benchmarks.ours import adapter
from benchmarks.sample import arguments, now, play_to_end, report, require_replay
from intermezzo import step

executed = 0
filling = False
body_began = 0.0


class StopHereError(Exception):
    """Ends the first attempt once all calls are done."""


@step(credits=1)
async def inc(x: int) -> int:
    global executed
    executed += 1
    return x + 1


@step(credits=1)
async def first_new() -> float:
    return now()


@flow
async def replayed(n: int) -> float:
    global body_began
    body_began = now()
    await inc.map([{"x": i} for i in range(n)])
    if filling:
        raise StopHereError
    return await first_new()


async def main() -> None:
    global filling
    options = arguments(__doc__ or "").parse_args()
    note = options.folder / "run"
    if options.phase == "fill":
        filling = True
        adapter.grant(options.n + 10)
        run = await adapter.create_run(replayed, {"n": options.n})
        note.write_text(str(run.id))
        try:
            await adapter.attempt(replayed, run)
        except StopHereError:
            return
    play_to_end("benchmarks.ours.replay", "fill", options)
    async with get_client() as client:
        run = await adapter.let_retry(await client.read_flow_run(UUID(note.read_text())))
    began = now()
    called = cast("float", await adapter.attempt(replayed, run))
    require_replay(executed)
    report(
        "ours",
        "replay",
        options.n,
        seconds=called - began,
        body_seconds=called - body_began,
        settings=adapter.describe(),
    )


if __name__ == "__main__":
    asyncio.run(main())
