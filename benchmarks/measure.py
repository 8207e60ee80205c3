"""Runs the jobs of a plan and keeps their samples."""

import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.plan import Job
from benchmarks.processes import ScriptError, environment, prefect_server, run_script

Sample = dict[str, object]


@dataclass(slots=True)
class Measured:
    """A job with what its runs printed."""

    job: Job
    samples: list[Sample] = field(default_factory=list[Sample])
    failure: str | None = None
    """Why it was given up, as its script said; None if all went well."""

    def values(self, key: str) -> list[float]:
        """One figure of all samples."""
        found = (sample.get(key) for sample in self.samples)
        return [float(value) for value in found if isinstance(value, int | float)]

    def medians(self) -> dict[str, float]:
        """The median of every figure."""
        keys = {key for sample in self.samples for key in sample} - {"n"}
        return {key: statistics.median(values) for key in sorted(keys) if (values := self.values(key))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreters:
    """Which interpreter runs whose scripts."""

    ours: Path
    """Has Intermezzo and Prefect."""
    peers: Path
    """Has the others."""


def measure(
    jobs: Sequence[Job],
    *,
    repeats: int,
    interpreters: Interpreters,
    folder: Path,
    tell: Callable[[str], None],
) -> list[Measured]:
    """Run every job of one case, in turns: whatever disturbs the machine disturbs all who are compared.

    Args:
        jobs: the jobs of one case.
        repeats: how often each is run that does not say so itself.
        interpreters: whose scripts run where.
        folder: where databases are made.
        tell: called with a line for a person.
    """
    results = [Measured(job) for job in jobs]
    for turn in range(repeats):
        for result in results:
            if result.failure is None and turn < (result.job.repeats or repeats):
                tell(f"{result.job.name} ({turn + 1} of {result.job.repeats or repeats})")
                _run_once(result, interpreters, folder, tell)
    return results


def _run_once(result: Measured, interpreters: Interpreters, folder: Path, tell: Callable[[str], None]) -> None:
    job = result.job
    python = interpreters.ours if job.needs_our_environment else interpreters.peers
    with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as name, ExitStack() as stack:
        own = Path(name)
        try:
            variables = stack.enter_context(prefect_server(own)) if job.needs_prefect else environment(own)
            arguments = ["--n", str(job.n), "--folder", name, *job.arguments]
            sample = run_script(
                python,
                job.module,
                arguments,
                environment={**variables, **job.environment},
                timeout_seconds=job.timeout_seconds,
            )
        except ScriptError as error:
            result.failure = str(error)
            tell(f"  failed: {error}")
        else:
            result.samples.append(sample)
            shown = [f"{key} {sample[key]:,.3f}" for key in (job.figure, job.beside) if key]
            tell(f"  {', '.join(shown)}")  # at once: a run may be stopped before its end
