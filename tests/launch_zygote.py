"""Orders runs of the pipeline `shout` in children that die at the named points given as arguments.

Prints on one line a JSON list of what ended them: a signal, or 0.
"""

import asyncio
import json
import os
import sys
import traceback

from prefect.client.orchestration import get_client

from intermezzo.flows.pipeline_requester import PipelineRequester
from intermezzo.flows.prefect_launcher import PrefectLauncher
from intermezzo.human_steps.closings import Closings
from intermezzo.store import faults, open_store
from tests.rig import PAYER

INPUT = {"text": "ann@example.com"}


async def order(key: str) -> None:
    """Order a run as the server does."""
    store = open_store()
    async with get_client() as client:
        launcher, closings = PrefectLauncher(client), Closings(store, "run.closed")
        requester = PipelineRequester(store, PAYER, launcher=launcher, closings=closings)
        await requester.run("shout", INPUT, idempotency_key=key)


def child(key: str) -> int:
    """Start a child that orders a run with that key, and is to die at the point in its name; returns its id."""
    process = os.fork()
    if process == 0:
        faults.arm(key.partition(" ")[0])
        try:
            asyncio.run(order(key))
        except BaseException:  # noqa: BLE001 (a forked child must never return into the zygote)
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return process


def signal_of(process: int) -> int:
    """What has ended a child."""
    _, status = os.waitpid(process, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


if __name__ == "__main__":
    children = [child(key) for key in sys.argv[1:]]
    print(json.dumps([signal_of(process) for process in children]))  # noqa: T201 (what it is asked for)
