"""What every measured script shares: its arguments, its clock and the one line it prints.

Imports nothing but the standard library, because it runs in the peers' environment as well as in ours.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

now = time.monotonic
"""Seconds of the machine's clock: on Linux one for all processes, so stamps of two can be subtracted."""


def arguments(description: str) -> argparse.ArgumentParser:
    """The arguments every script takes; a script may add its own.

    Args:
        description: the script's docstring.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--n", type=int, required=True, help="calls, items or repetitions")
    parser.add_argument("--folder", type=Path, required=True, help="an empty folder for its files")
    parser.add_argument("--phase", default="measure", help="which part of the script this process plays")
    return parser


def report(
    peer: str,
    case: str,
    n: int,
    *,
    seconds: float,
    settings: Mapping[str, object],
    **figures: float | Sequence[float],
) -> None:
    """Print the result as the last line of stdout.

    Args:
        peer: who was measured.
        case: what it did.
        n: how many calls, items or repetitions.
        seconds: what they took together.
        settings: durability and whatever else a fair reader must know.
        figures: further figures, with the unit in their name.
    """
    line = {
        "peer": peer,
        "case": case,
        "n": n,
        "seconds_total": seconds,
        "ms_per_item": seconds / n * 1000,
        **figures,
        "settings": dict(settings),
    }
    print(json.dumps(line), flush=True)


def report_latencies(
    peer: str, case: str, milliseconds: Sequence[float], *, settings: Mapping[str, object], **figures: float
) -> None:
    """Print a result that is a number of latencies: their median, least and greatest."""
    report(
        peer,
        case,
        len(milliseconds),
        seconds=sum(milliseconds) / 1000,
        settings=settings,
        median_ms=statistics.median(milliseconds),
        least_ms=min(milliseconds),
        greatest_ms=max(milliseconds),
        **figures,
    )


def require_replay(executed: int) -> None:
    """Refuse a replay that did the recorded work again.

    Raises:
        RuntimeError: `executed` calls were really made in the replaying process.
    """
    if executed:
        raise RuntimeError(f"expected every recorded call to be replayed, {executed} were made again")


def stamp(path: Path, name: str) -> None:
    """Append a name and the time to a file; safe from several processes at once."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, f"{name} {now()!r}\n".encode())
    os.close(file)


def stamps(path: Path) -> dict[str, float]:
    """The first time of each name in a file that `stamp` wrote."""
    times: dict[str, float] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        name, _, at = line.rpartition(" ")
        times.setdefault(name, float(at))
    return times


def play(module: str, phase: str, options: argparse.Namespace, *extra: str) -> subprocess.Popen[str]:
    """Start another phase of a script in a process of its own, with pipes to its stdin and stdout."""
    command = [sys.executable, "-m", module, "--phase", phase]
    command += ["--n", str(options.n), "--folder", str(options.folder), *extra]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def play_to_end(module: str, phase: str, options: argparse.Namespace, *extra: str) -> None:
    """Run another phase of a script in a process of its own and wait for it.

    Raises:
        RuntimeError: it did not exit with 0.
    """
    process = play(module, phase, options, *extra)
    process.communicate()
    if process.returncode:
        raise RuntimeError(f"phase {phase!r} of {module} exited with {process.returncode}, expected 0")


class Sender:
    """The other process that answers: told an index, it answers after a pause and says when it did."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def ask(self, index: int) -> None:
        """Have it answer; returns at once."""
        assert self.process.stdin
        self.process.stdin.write(f"{index}\n")
        self.process.stdin.flush()

    def answered(self) -> tuple[float, float]:
        """When it began to store the oldest answer not yet asked about here, and when that was stored."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the answering process ended early, exit {self.process.wait()}")
        began, stored = line.split()
        return float(began), float(stored)

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(timeout=30)


def latencies(sender: Sender, woken: Sequence[float]) -> tuple[list[float], list[float]]:
    """Milliseconds from the answer to each next line: since it was stored, and since storing it began."""
    times = [sender.answered() for _ in woken]
    since_stored = [(at - stored) * 1000 for at, (_, stored) in zip(woken, times, strict=True)]
    since_begun = [(at - began) * 1000 for at, (began, _) in zip(woken, times, strict=True)]
    return since_stored, since_begun
