"""`code_execute`: run a Python program in the sandbox and hand back what it printed.

Called by pipelines for glue and arithmetic between steps (spec: CS-59, CS-60).
"""

import signal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from intermezzo.sandbox import Isolation, Outcome, run_python
from intermezzo.steps import StepInput, StepOutput, primitive

MAX_CODE_BYTES = 1_000_000
MAX_STDIN_BYTES = 20_000_000


def _at_most(limit: int, what: str) -> AfterValidator:
    def check(text: str) -> str:
        size = len(text.encode())
        if size > limit:
            raise ValueError(f"{what} has at most {limit:,} bytes, this one has {size:,}")
        return text

    return AfterValidator(check)


class CodeExecuteInput(StepInput):
    """A program and what it may read and take."""

    code: Annotated[str, _at_most(MAX_CODE_BYTES, "a program")]
    """Python source to run."""
    language: Literal["python"] = "python"
    """Only Python."""
    timeout_seconds: float = Field(default=10.0, gt=0, le=30, strict=True)
    """Wall clock in seconds; at the end the program is killed with everything it started."""
    stdin: Annotated[str, _at_most(MAX_STDIN_BYTES, "stdin")] = ""
    """Standard input of the program."""


class CodeExecuteOutput(StepOutput):
    """How the program ended. A failing program is an output too: look at `exit_code`."""

    stdout: str
    """What it printed; cut at 1 MiB, with a last line that says so."""
    stderr: str
    """What it printed as errors; cut like `stdout`."""
    exit_code: int
    """0: it went well. Negative: the number of the signal that ended it."""
    runtime_ms: int
    """Wall clock in milliseconds, the interpreter's start included."""
    timed_out: bool
    """Whether it was killed because its time was over."""
    memory_peak_bytes: int
    """Most memory it had at a time; 0 where nobody measures it (sandbox level L1)."""
    isolation: Isolation
    """What protected the machine from it."""


@primitive(CodeExecuteInput, credits=3)
async def code_execute(input: CodeExecuteInput) -> CodeExecuteOutput:
    """Run a Python program in a sandbox.

    Args:
        input: the program, its standard input and its time.

    Returns:
        Its output and exit code, also when it failed or ran out of time.

    Raises:
        SandboxError: no process could be started.
    """
    outcome = await run_python(input.code, stdin=input.stdin, timeout_seconds=input.timeout_seconds)
    return CodeExecuteOutput(
        summary=_summary(outcome, input.timeout_seconds),
        stdout=outcome.stdout.text,
        stderr=outcome.stderr.text,
        exit_code=outcome.exit_code,
        runtime_ms=round(outcome.runtime_seconds * 1000),
        timed_out=outcome.timed_out,
        memory_peak_bytes=outcome.memory_peak_bytes,
        isolation=outcome.isolation,
    )


def _summary(outcome: Outcome, timeout_seconds: float) -> str:
    parts = [_ending(outcome, timeout_seconds), f"{outcome.stdout.total_bytes:,} bytes on stdout"]
    if outcome.stderr.total_bytes:
        parts.append(f"{outcome.stderr.total_bytes:,} bytes on stderr")
    cut = [name for name in ("stdout", "stderr") if getattr(outcome, name).truncated]
    if cut:
        parts.append(f"{' and '.join(cut)} truncated")
    return "; ".join(parts)[:500]


def _ending(outcome: Outcome, timeout_seconds: float) -> str:
    if outcome.timed_out:
        return f"killed after its {timeout_seconds:g} seconds"
    if outcome.killed_for:
        return f"killed for {outcome.killed_for}"
    if outcome.exit_code < 0:
        return f"ended by {_signal_name(-outcome.exit_code)}"
    if outcome.exit_code:
        last = outcome.stderr.text.strip().rpartition("\n")[2]
        return f"failed with exit code {outcome.exit_code}" + (f": {last[:200]}" if last else "")
    return f"ran in {outcome.runtime_seconds * 1000:.0f} ms"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
