"""A server is killed while people work at it: whatever it has acknowledged is there, once, and the books balance."""

import asyncio
import os
import random
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks import http_load
from benchmarks.http_figures import wait_until_ready
from benchmarks.http_load import Part
from benchmarks.ours.acknowledged import flaws, open_for_business
from benchmarks.processes import free_port
from benchmarks.sample import now

pytestmark = pytest.mark.crash

KILLS = 3
SECONDS_BETWEEN = (0.5, 1.5)
"""From a server that answers to its end."""
LONGEST_SECONDS = 100
WORKERS = 30


@contextmanager
def serving(store_url: str, port: int) -> Generator[None]:
    """A server in a process of its own, killed in the end."""
    environment = {**os.environ, "INTERMEZZO_DATABASE_URL": store_url}
    server = subprocess.Popen([sys.executable, str(Path(__file__).with_name("served.py")), str(port)], env=environment)
    try:
        wait_until_ready(f"http://127.0.0.1:{port}/ready")
        yield
    finally:
        server.kill()
        server.wait()


async def test_nothing_acknowledged_is_lost_or_done_twice(store_url: str) -> None:
    keys = await open_for_business(store_url, WORKERS)
    port = free_port()
    whole = Part(
        host="127.0.0.1",
        port=port,
        requester=str(keys["requester"]),
        workers=list(keys["workers"]),
        ahead=100,
        begin_at=now(),
        end_at=now() + LONGEST_SECONDS,
        outlives=True,
    )
    [making] = http_load.begin(whole, 1)
    for _ in range(KILLS):
        with serving(store_url, port):
            await asyncio.sleep(random.uniform(*SECONDS_BETWEEN))
    with serving(store_url, port):
        await asyncio.sleep(SECONDS_BETWEEN[1])
        making.terminate()
        outcome = await asyncio.to_thread(http_load.outcome_of, [making])
    assert outcome.errors == 0, outcome.answers
    assert outcome.lost >= WORKERS
    assert len(outcome.answered) >= WORKERS
    assert flaws(store_url, outcome) == []
