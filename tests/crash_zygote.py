"""Forks executors from one warm process: importing Prefect once instead of at every kill.

Reads one JSON object of environment variables a line, runs an executor in a child with them, and answers with one
line: the signal that killed the child, or 0 if it ended by itself.
"""

import asyncio
import json
import os
import sys
import traceback

from prefect.client.orchestration import get_client

import intermezzo.flows.engine  # noqa: F401 (what a child would import, imported once)
from intermezzo.flows.serve import executor
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.settings import settings
from intermezzo.store import faults, open_store


async def serve(run_id: str) -> None:
    """Serve until the run has ended and is settled."""
    from uuid import UUID

    from sqlalchemy import select

    from intermezzo.journal.runs import ENDED
    from intermezzo.store.tables import runs

    store = open_store()
    async with executor(SimulatedCrowd(store, workers=3)), get_client() as client:
        while True:
            run = await client.read_flow_run(UUID(run_id))
            state = await store.read(lambda c: c.scalar(select(runs.c.state).where(runs.c.id == run_id)))
            if run.state is not None and run.state.is_final() and state in ENDED:
                return
            await asyncio.sleep(0.1)


def child(variables: dict[str, str]) -> None:
    """Be one executor."""
    os.environ.update(variables)
    settings.cache_clear()
    faults.arm(variables.get("INTERMEZZO_CRASH_AT", ""))
    try:
        asyncio.run(asyncio.wait_for(serve(variables["RUN_ID"]), 60))
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def main() -> None:
    """Fork a child per line of standard input."""
    for line in sys.stdin:
        process = os.fork()
        if process == 0:
            child(json.loads(line))
        _, status = os.waitpid(process, 0)
        print(json.dumps({"signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
                          "exit": os.waitstatus_to_exitcode(status)}), flush=True)


if __name__ == "__main__":
    main()
