"""`code_execute` runs Python and reports how it ended; a failing program is an output, not an error."""

import json
import sys

import pytest

from intermezzo.errors import InvalidInput
from intermezzo.primitives.code_execute import code_execute
from intermezzo.steps import registered


async def test_the_documented_example_prints_sum_and_mean() -> None:
    code = "import json\ndata = [1, 2, 3, 4, 5]\nprint(json.dumps({'sum': sum(data), 'mean': sum(data)/len(data)}))"
    output = await code_execute.fn(code=code, language="python")
    assert json.loads(output.stdout) == {"sum": 15, "mean": 3.0}
    assert (output.exit_code, output.timed_out, output.stderr) == (0, False, "")


async def test_the_output_has_the_documented_fields() -> None:
    output = await code_execute.fn(code="print(1)")
    dumped = output.model_dump(mode="json")
    assert set(dumped) == {
        "summary", "stdout", "stderr", "exit_code", "runtime_ms", "timed_out", "memory_peak_bytes", "isolation",
    }  # fmt: skip
    assert dumped["isolation"]["level"] == ("L3" if sys.platform == "linux" else "L1")
    assert "clean environment" in dumped["isolation"]["layers"]
    assert 0 <= dumped["runtime_ms"] < 10_000


def test_it_costs_three_credits_and_is_registered() -> None:
    assert registered("code_execute") is code_execute
    assert code_execute.credits == 3


async def test_an_output_survives_the_journal() -> None:
    output = await code_execute.fn(code="print('ü')")
    assert code_execute.load(code_execute.dump(output)) == output


async def test_stdin_is_what_the_program_reads() -> None:
    output = await code_execute.fn(code="import sys; print(sys.stdin.read().upper())", stdin="grüße 🎻")
    assert output.stdout == "GRÜSSE 🎻\n"


async def test_a_failing_program_gives_its_traceback_and_exit_code() -> None:
    output = await code_execute.fn(code="x = 1\nx / 0")
    assert output.exit_code == 1
    assert 'main.py", line 2' in output.stderr
    assert output.summary.startswith("failed with exit code 1: ZeroDivisionError: division by zero")


async def test_the_exit_code_is_the_programs_own() -> None:
    assert (await code_execute.fn(code="raise SystemExit(7)")).exit_code == 7


async def test_a_program_that_takes_too_long_is_killed_and_keeps_what_it_printed() -> None:
    output = await code_execute.fn(code="print('so far')\nwhile True: pass", timeout_seconds=0.7)
    assert output.timed_out
    assert output.exit_code == -9
    assert output.stdout == "so far\n"
    assert 700 <= output.runtime_ms < 5_000
    assert output.summary.startswith("killed after its 0.7 seconds")


async def test_output_beyond_the_cap_is_cut_and_says_so() -> None:
    output = await code_execute.fn(code="print('x' * 3_000_000)")
    assert len(output.stdout) < 1_100_000
    assert output.stdout.endswith("\n[truncated: the first 1,048,576 of 3,000,001 bytes]")
    assert "stdout truncated" in output.summary


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"code": "1", "language": "javascript"}, "language: input should be 'python', got 'javascript'"),
        (
            {"code": "1", "timeout_seconds": 30.5},
            "timeout_seconds: input should be less than or equal to 30, got 30.5",
        ),
        ({"code": "1", "timeout_seconds": 0}, "timeout_seconds: input should be greater than 0, got 0"),
        ({"code": "1", "timeout_seconds": float("nan")}, "timeout_seconds"),
        ({"code": "#" * 1_000_001}, "a program has at most 1,000,000 bytes, this one has 1,000,001"),
        ({"stdin": "x"}, "code: field required"),
        ({"code": "1", "shell": True}, "shell"),
    ],
)
async def test_input_that_the_spec_does_not_allow_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        await code_execute.fn(**fields)  # pyright: ignore[reportArgumentType]
    assert said in str(caught.value)
