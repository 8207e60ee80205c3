"""`make bench` or `python -m benchmarks.run`: measure Intermezzo and its peers in one run."""

import argparse
import dataclasses
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks import machine, report
from benchmarks.bars import bars
from benchmarks.measure import Interpreters, Measured, measure
from benchmarks.peers_environment import peers_python
from benchmarks.pii_sets import VARIABLE, chosen_sets
from benchmarks.plan import CASES, QUICK, Sizes, jobs

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
PARTIAL_RESULTS = HERE / "results-partial.json"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, once: to see that everything works")
    parser.add_argument("--only", action="append", choices=CASES, help="this case only; may be given again")
    who = "only ours, langgraph, dbos, prefect or presidio; may be given again"
    parser.add_argument("--who", action="append", help=who)
    parser.add_argument("--repeats", type=int, help="how often each script runs (3; with --quick 1)")
    parser.add_argument("--python", type=Path, default=Path(sys.executable), help="has Intermezzo and Prefect")
    parser.add_argument("--peers-python", type=Path, help="has the peers; made from the lock if not given")
    parser.add_argument(
        "--pii-set",
        action="append",
        type=Path,
        default=[],
        help=f"JSON Lines of marked texts for the case pii; may be given again (also {VARIABLE}; ours if not given)",
    )
    options = parser.parse_args(arguments)
    options.repeats = options.repeats or (1 if options.quick else 3)
    try:
        options.pii_sets = chosen_sets(options.pii_set)
    except FileNotFoundError as error:
        parser.error(str(error))
    return options


def main(arguments: list[str] | None = None) -> int:
    """Measure, show, write.

    Returns:
        0 if every bar holds, 1 if one is missed or could not be measured.
    """
    # As Ctrl-C does: unwinds, so that servers and scripts end with us.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options, console = parse(arguments), Console()
    if not console.is_terminal:
        console = Console(width=130)
    sizes, cases = QUICK if options.quick else Sizes(), options.only or CASES
    interpreters = Interpreters(ours=options.python, peers=options.peers_python or peers_python())
    results: list[Measured] = []
    # On the disk of the repository: a temporary folder may be memory, where a durable commit costs nothing.
    with tempfile.TemporaryDirectory(dir=HERE, prefix=".work-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        found = machine.describe(folder, ours=interpreters.ours, peers=interpreters.peers)
        for case in cases:
            chosen = [
                j for j in jobs(sizes, options.pii_sets) if j.case == case and (not options.who or j.who in options.who)
            ]
            tell = console.log if console.is_terminal else console.print
            results += measure(chosen, repeats=options.repeats, interpreters=interpreters, folder=folder, tell=tell)
    verdicts = report.judge([bar for bar in bars(sizes) if bar.case in cases], results)
    report.show(console, results, verdicts)
    whole = not (options.quick or options.only or options.who)
    path = RESULTS if whole else PARTIAL_RESULTS
    run = {"quick": options.quick, "repeats": options.repeats, "sizes": dataclasses.asdict(sizes)}
    report.write(path, results, verdicts, machine=found, run=run)
    console.print(f"written: {path.relative_to(HERE.parent)}")
    return 0 if all(verdict["verdict"] == "pass" for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
