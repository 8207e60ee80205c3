"""What is told of a server under the load of `http_load`; the same for all who are measured."""

import statistics
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping

from benchmarks import http_load
from benchmarks.http_load import Outcome, Part
from benchmarks.proc import cpu_seconds, resident_bytes
from benchmarks.sample import now

PROCESSES = 2
"""That make the load."""
WARM_UP_SECONDS = 5.0
AHEAD = 1_000
"""Slots that are open for the workers."""


def part(port: int, keys: Mapping[str, str | list[str]], seconds: float, *, outlives: bool = False) -> Part:
    """The whole load on a server of this machine, from now on.

    Args:
        port: where it listens.
        keys: `requester`, and `workers`.
        seconds: how long it is measured.
        outlives: see `Part`.
    """
    begin_at = now() + WARM_UP_SECONDS
    return Part(
        host="127.0.0.1",
        port=port,
        requester=str(keys["requester"]),
        workers=list(keys["workers"]),
        ahead=AHEAD,
        begin_at=begin_at,
        end_at=begin_at + seconds,
        outlives=outlives,
    )


def measured(whole: Part, server: int, database: Callable[[], Iterable[int]]) -> tuple[Outcome, dict[str, float]]:
    """Put the load on a server, and say how it went.

    Args:
        whole: begins now.
        server: its process.
        database: the processes that serve its connections, if it has a database beside it.
    """
    making = http_load.begin(whole, PROCESSES)
    time.sleep(max(0.0, whole.begin_at - now()))
    backends = list(database())
    before, before_in_database = cpu_seconds(server), sum(map(cpu_seconds, backends))
    time.sleep(max(0.0, whole.end_at - now()))
    seconds = whole.end_at - whole.begin_at
    figures = {
        "server_cpu_percent": (cpu_seconds(server) - before) / seconds * 100,
        "database_cpu_percent": (sum(map(cpu_seconds, backends)) - before_in_database) / seconds * 100,
        "server_megabytes": resident_bytes(server) / 1e6,
    }
    outcome = http_load.outcome_of(making)
    figures["load_cpu_percent"] = outcome.cpu_seconds / (seconds + WARM_UP_SECONDS) * 100
    return outcome, {**figures, **rates(outcome, seconds)}


def rates(outcome: Outcome, seconds: float) -> dict[str, float]:
    """How much was done in so many seconds, and how long it took."""
    figures = {
        "requests_per_second": sum(map(len, outcome.milliseconds.values())) / seconds,
        "per_second": len(outcome.milliseconds["submit"]) / seconds,
        "refused": float(outcome.count(*http_load.REFUSED)),
        "errors": float(outcome.errors),
    }
    for what in ("claim", "submit", "create", "batch"):
        milliseconds = outcome.milliseconds.get(what, [])
        if len(milliseconds) > 1:
            percentiles = statistics.quantiles(milliseconds, n=100)
            figures |= {f"{what}_p50_ms": percentiles[49], f"{what}_p99_ms": percentiles[98]}
    return figures


def wait_until_ready(url: str, *, seconds: float = 60.0) -> None:
    """Wait until a server answers well.

    Raises:
        TimeoutError: it did not.
    """
    give_up_at = now() + seconds
    while now() < give_up_at:
        try:
            with urllib.request.urlopen(url, timeout=2):  # noqa: S310 (our own http URL)
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError(f"{url} was not answered within {seconds:.0f} s")
