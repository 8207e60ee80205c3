"""DBOS: a new process recovers a workflow with n finished steps; time to the first new call."""

import asyncio
import os
import threading
from argparse import Namespace

from dbos import DBOS

from benchmarks.peers.dbos_app import configure, describe
from benchmarks.sample import arguments, now, play_to_end, report, require_replay

filling = False
first_called = threading.Event()
times: dict[str, float] = {}
executed = 0


@DBOS.step()
async def inc(x: int) -> int:
    global executed
    executed += 1
    return x + 1


@DBOS.step()
async def first_new() -> None:
    times["called"] = now()
    first_called.set()


@DBOS.workflow()
async def replayed(n: int) -> None:
    times["body"] = now()
    await asyncio.gather(*(inc(i) for i in range(n)))
    if filling:
        os._exit(0)
    await first_new()


async def fill(options: Namespace) -> None:
    global filling
    filling = True
    DBOS.launch()
    await replayed(options.n)


def measure(options: Namespace) -> None:
    began = now()
    DBOS.launch()
    if not first_called.wait(timeout=300):
        raise RuntimeError("DBOS did not recover the workflow in 300 s")
    require_replay(executed)
    settings = describe()
    report(
        "dbos",
        "replay",
        options.n,
        seconds=times["called"] - began,
        body_seconds=times["called"] - times["body"],
        settings=settings,
    )
    os._exit(0)  # its threads may still be finishing the workflow


def main() -> None:
    options = arguments(__doc__ or "").parse_args()
    if options.phase == "measure":
        play_to_end("benchmarks.peers.dbos_replay", "fill", options)
    configure(options.folder)
    if options.phase == "fill":
        asyncio.run(fill(options))
    else:
        measure(options)


if __name__ == "__main__":
    main()
