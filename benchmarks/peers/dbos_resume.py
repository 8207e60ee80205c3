"""DBOS: a workflow waits in `recv` for what a client in another process sends; latency to the next line."""

import asyncio
import random
import statistics
import sys
import time
from argparse import Namespace

from dbos import DBOS, DBOSClient, SetWorkflowID

from benchmarks.peers.dbos_app import NAME, configure, describe, url
from benchmarks.sample import Sender, arguments, latencies, now, play, report_latencies

WORKFLOW = "waiting"
sender: Sender


@DBOS.workflow()
async def waiting(n: int) -> list[float]:
    woken: list[float] = []
    for i in range(n):
        sender.ask(i)
        await DBOS.recv_async(timeout_seconds=60)
        woken.append(now())
    return woken


def send(options: Namespace) -> None:
    """Send a message for every line of stdin, after a pause that takes every place in a polling interval."""
    client = DBOSClient(system_database_url=url(options.folder), application_name=NAME)
    for line in sys.stdin:
        time.sleep(random.uniform(0.2, 1.2))
        began = now()
        client.send(WORKFLOW, line.strip())
        print(repr(began), repr(now()), flush=True)


async def measure(options: Namespace) -> None:
    global sender
    configure(options.folder, polling_seconds=options.polling_seconds)
    DBOS.launch()
    sender = Sender(play("benchmarks.peers.dbos_resume", "send", options))
    with SetWorkflowID(WORKFLOW):
        woken = await waiting(options.n + 1)
    stored, begun = latencies(sender, woken)
    sender.close()
    settings = describe()
    DBOS.destroy()
    # The first carries the start of the sending process.
    since_begun = statistics.median(begun[1:])
    report_latencies("dbos", "resume", stored[1:], settings=settings, median_since_begun_ms=since_begun)


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--polling-seconds", type=float, default=1.0)
    options = parser.parse_args()
    if options.phase == "send":
        send(options)
    else:
        asyncio.run(measure(options))


if __name__ == "__main__":
    main()
