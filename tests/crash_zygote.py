"""Forks executors from one warm process: importing Prefect once instead of at every kill.

Reads one JSON object of environment variables a line, runs an executor in a child with them, and answers with a line
of JSON when it has ended: the signal that killed it, 0 if its run has ended, -1 if it failed.
"""

import asyncio
import json
import os
import signal
import sys
import traceback

from sqlalchemy import select

from intermezzo.flows.serve import executor
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.journal.runs import ENDED
from intermezzo.settings import settings
from intermezzo.store import faults, open_store
from intermezzo.store.tables import runs


async def serve(run_id: str) -> None:
    """Serve until the run has ended and is settled."""
    store = open_store()
    # Workers take longer than a run takes to suspend: every point on the way there is reached.
    async with executor(SimulatedCrowd(store, workers=3, delay_seconds=0.5)):
        while await store.read(lambda c: c.scalar(select(runs.c.state).where(runs.c.id == run_id))) not in ENDED:
            await asyncio.sleep(0.1)


def child(variables: dict[str, str]) -> None:
    """Be one executor."""
    os.environ.update(variables)
    settings.cache_clear()
    faults.arm(variables.get("INTERMEZZO_CRASH_AT", ""))
    try:
        asyncio.run(asyncio.wait_for(serve(variables["RUN_ID"]), 170))
    except BaseException:  # noqa: BLE001 (a forked child must never return into the zygote)
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def nurse(order: dict[str, str]) -> None:
    """Run an executor in a child and tell how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process = os.fork()
    if process == 0:
        child(order)
    _, status = os.waitpid(process, 0)
    answer = {"order": order["ORDER"], "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0}
    if not answer["signal"] and os.waitstatus_to_exitcode(status):
        answer["signal"] = -1
    os.write(1, json.dumps(answer).encode() + b"\n")  # one write: whole lines, however many nurses there are
    os._exit(0)


def main() -> None:
    """Fork a nurse per line of standard input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if os.fork() == 0:
            nurse(json.loads(line))


if __name__ == "__main__":
    main()
