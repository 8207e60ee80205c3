"""`intermezzo serve` with people at it: they claim and answer over HTTP while tasks are posted; it may be killed."""

import asyncio
import os
import random
import signal
import statistics
import subprocess
import time
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Self

from benchmarks import crowd, http_figures, http_load, postgres
from benchmarks.http_load import Outcome, Part
from benchmarks.ours.acknowledged import flaws, open_for_business
from benchmarks.ours.adapter import INTERMEZZO
from benchmarks.sample import arguments, now, report


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it is measured")
    parser.add_argument("--kills", type=int, default=0, help="how often the server is killed meanwhile")
    options = parser.parse_args()
    file = f"sqlite+pysqlite:///{options.folder}/store.db"
    with ExitStack() as stack:
        on_postgres = options.engine == "postgresql"
        url = stack.enter_context(postgres.database() if on_postgres else nullcontext(file))
        keys = crowd.apart(lambda: asyncio.run(open_for_business(url, options.n)))
        server = stack.enter_context(Server(url, options.folder))
        whole = http_figures.part(server.port, keys, options.seconds, outlives=options.kills > 0)
        figures: dict[str, float]
        if options.kills:
            outcome, figures = killed(whole, server, options.kills)
        else:
            pids = lambda: postgres.backends(url) if on_postgres else ()  # noqa: E731
            outcome, figures = http_figures.measured(whole, server.process.pid, pids)
        server.stop()
        found = crowd.apart(lambda: flaws(url, outcome))
        settings = postgres.settings(url) if on_postgres else {"journal_mode": "wal", "synchronous": 2}
    for flaw in found:
        print("wrong:", flaw)
    for kind, count in sorted(outcome.answers.items()):
        print(f"{kind}: {count}")
    done = len(outcome.milliseconds["submit"])
    settings |= {"workers": options.n, "processes": http_figures.PROCESSES, "kills": options.kills}
    report("ours", "http", done, seconds=options.seconds, settings=settings, flaws=float(len(found)), **figures)


class Server:
    """`intermezzo serve` in a process of its own, with the environment's Prefect server.

    Args:
        url: of its store.
        folder: for its log.
    """

    def __init__(self, url: str, folder: Path) -> None:
        self.port = int(os.environ["INTERMEZZO_SERVER_PORT"])
        self._environment = {**os.environ, "INTERMEZZO_DATABASE_URL": url}
        self._log = folder / "serve.log"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen([*INTERMEZZO, "serve"], stdout=log, stderr=log, env=self._environment)
        http_figures.wait_until_ready(f"http://127.0.0.1:{self.port}/ready")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it as an operator would."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.kill()


def killed(whole: Part, server: Server, times: int) -> tuple[Outcome, dict[str, float]]:
    """Kill the server so often while the load is on it, at moments that nothing foretells; less often if it is slow."""
    making = http_load.begin(whole, http_figures.PROCESSES)
    time.sleep(max(0.0, whole.begin_at - now()))
    apart_seconds, away_seconds = (whole.end_at - whole.begin_at) / (times + 1), []
    for number in range(1, times + 1):
        at = whole.begin_at + apart_seconds * (number - random.random() / 2)
        time.sleep(max(at - now(), random.random()))  # a slow machine may be behind
        if now() >= whole.end_at:
            break
        server.kill()
        began = now()
        server.start()
        away_seconds.append(now() - began)
    outcome = http_load.outcome_of(making)
    figures = http_figures.rates(outcome, whole.end_at - whole.begin_at)
    figures |= {"kills": float(len(away_seconds)), "restart_seconds": statistics.median(away_seconds)}
    return outcome, {**figures, "lost": float(outcome.lost)}


if __name__ == "__main__":
    main()
