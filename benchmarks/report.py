"""What a run of the benchmarks shows and writes: tables for a person, JSON for the repository."""

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.bars import NotMeasuredError
from benchmarks.measure import Measured
from benchmarks.plan import Bar

UNITS = {"ms_per_item": "ms", "claim_ms": "ms", "median_ms": "ms", "seconds_total": "s", "bytes_per_task": "bytes"}


def judge(bars: Sequence[Bar], results: Sequence[Measured]) -> list[dict[str, object]]:
    """Every bar with the measured value and `pass`, `miss` or `not measured`."""
    figures = {result.job.name: result.medians() for result in results}
    verdicts: list[dict[str, object]] = []
    for bar in bars:
        try:
            measured = bar.measure(figures)
            verdict = "pass" if bar.holds(measured) else "miss"
        except NotMeasuredError:
            measured, verdict = None, "not measured"
        verdicts.append(
            {
                "case": bar.case,
                "bar": bar.text,
                "wanted": f"{bar.sense} {bar.limit:g} {bar.unit}".strip(),
                "measured": None if measured is None else round(measured, 3),
                "verdict": verdict,
            }
        )
    return verdicts


def show(console: Console, results: Sequence[Measured], verdicts: Sequence[dict[str, object]]) -> None:
    """Print both tables."""
    console.print(_figures_table(results))
    table = Table("bar", "wanted", "measured", "", title="Bars")
    colours = {"pass": "green", "miss": "red", "not measured": "yellow"}
    for verdict in verdicts:
        word = str(verdict["verdict"])
        measured = "" if verdict["measured"] is None else f"{verdict['measured']:g}"
        table.add_row(str(verdict["bar"]), str(verdict["wanted"]), measured, f"[{colours[word]}]{word}[/]")
    console.print(table)


def _figures_table(results: Sequence[Measured]) -> Table:
    table = Table("case", "what", "who", title="Figures (medians)")
    for heading in ("n", "median", "least – greatest", "ours is better by"):
        table.add_column(heading, justify="right")
    for result in results:
        job, values = result.job, result.values(result.job.figure)
        unit = UNITS[job.figure]
        if values:
            median = result.medians()[job.figure]
            cells = [
                f"{median:,.3f} {unit}{_beside(result)}",
                f"{min(values):,.3f} – {max(values):,.3f}",
                _ratio(result, results),
            ]
        else:
            cells = ["failed" if result.failure else "", "", ""]
        table.add_row(job.case, job.what, f"{job.who} {job.variant}".strip(), f"{job.n:,}", *cells)
    return table


def _beside(result: Measured) -> str:
    """The second figure of a job that has one."""
    key = result.job.beside
    return f", {key} {result.medians()[key]:.3f}" if key else ""


def _ratio(result: Measured, results: Sequence[Measured]) -> str:
    """How many times ours is faster at the same thing, at the size nearest to the peer's."""
    job = result.job
    rivals = [
        r for r in results if r.samples and r.job.who == "ours" and (r.job.case, r.job.what) == (job.case, job.what)
    ]
    if job.who == "ours" or not rivals:
        return ""
    nearest = min(rivals, key=lambda r: abs(r.job.n - job.n))
    return f"{result.medians()[job.figure] / nearest.medians()[job.figure]:,.1f}×"


def write(
    path: Path,
    results: Sequence[Measured],
    verdicts: Sequence[dict[str, object]],
    *,
    machine: dict[str, object],
    run: dict[str, object],
) -> None:
    """Write everything measured as JSON.

    Args:
        path: the file.
        results: what was measured.
        verdicts: what `judge` said.
        machine: see `machine.describe`.
        run: how it was run: sizes, repeats.
    """
    document = {
        "run": run,
        "machine": machine,
        "bars": list(verdicts),
        "figures": [_entry(r) for r in results],
    }
    path.write_text(json.dumps(document, indent=2) + "\n")


def _entry(result: Measured) -> dict[str, object]:
    job = result.job
    samples = [{key: _rounded(value) for key, value in s.items() if key != "settings"} for s in result.samples]
    return {
        "name": job.name,
        "case": job.case,
        "what": job.what,
        "who": job.who,
        "variant": job.variant,
        "n": job.n,
        "failed": result.failure is not None,
        "settings": result.samples[0].get("settings", {}) if result.samples else {},
        "medians": {key: _rounded(value) for key, value in result.medians().items()},
        "samples": samples,
    }


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value
