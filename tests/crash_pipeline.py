"""The pipeline that the crash tests kill: every kind of call, with a record of what was really done."""

import os
import signal
from pathlib import Path

from prefect import flow
from pydantic import JsonValue

from intermezzo import StepFailed, human_step, label_text, step

judge = label_text.with_options(name="judge", assignments_required=2, consensus_strategy="unanimous")
check = human_step("check", output={"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]})


def note(folder: str, what: str) -> None:
    """Append to the record of what was done; one line is one write."""
    with (Path(folder) / "done.txt").open("a") as record:
        record.write(what + "\n")


@step(credits=3)
async def double(folder: str, x: int) -> int:
    """Twice the number; kills its process in the middle of the work when told to, once."""
    trap = Path(folder) / f"die-in-{x}"
    if trap.exists():
        trap.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    note(folder, f"double {x}")
    return 2 * x


@step(credits=5)
async def fail(folder: str) -> None:
    """Never works."""
    note(folder, "fail")
    raise ValueError("no")


@flow(persist_result=True, result_serializer="json")
async def crash_pipeline(folder: str) -> list[object]:
    """A chain of primitives, maps and people."""
    first = await double(folder, 1)
    many = await double.map([{"folder": folder, "x": x} for x in range(10, 14)])
    reason = ""
    try:
        await fail(folder)
    except StepFailed as failed:
        reason = failed.message
    labels = await judge.map([{"text": f"text {x}", "categories": ["a", "b"]} for x in range(2)])
    checked = await check(question="all good?")
    last = await double(folder, 100)
    return [first, many, reason, len(labels), checked["ok"] in (True, False), last]


EXPECTED = [2, [20, 22, 24, 26], "no", 2, True, 200]

PRICE = 6 * 3 + 2 * (2 * 2 + 1) + (2 + 1)
"""Six doubles, two tasks with two rewards and a fee, one with one; the failed step costs nothing."""

DOCUMENT: dict[str, JsonValue] = {
    "name": "crash",
    "steps": [
        {"id": "first", "type": "double", "input": {"folder": "${ input.folder }", "x": 1}},
        {
            "id": "many",
            "type": "double",
            "for_each": [10, 11, 12, 13],
            "input": {"folder": "${ input.folder }", "x": "${ item }"},
            "when": "${ steps.first.output == 2 }",
        },
        {
            "id": "failed",
            "type": "fail",
            "on_error": "continue",
            "when": "${ size(steps.many.output) == 4 }",
            "input": {"folder": "${ input.folder }"},
        },
        {
            "id": "judge",
            "type": "label_text",
            "with": {"assignments_required": 2, "consensus_strategy": "unanimous"},
            "for_each": ["${ steps.failed.error.message + ' 0' }", "text 1"],
            "input": {"text": "${ item }", "categories": ["a", "b"]},
        },
        {
            "id": "checked",
            "type": "check",
            "when": "${ size(steps.judge.output) == 2 }",
            "input": {"question": "all good?"},
        },
        {
            "id": "last",
            "type": "double",
            "when": "${ has(steps.checked.output.ok) }",
            "input": {"folder": "${ input.folder }", "x": 100},
        },
    ],
    "output": [
        "${ steps.first.output }",
        "${ steps.many.output }",
        "${ steps.failed.error.message }",
        "${ size(steps.judge.output) }",
        "${ steps.checked.output.ok in [true, false] }",
        "${ steps.last.output }",
    ],
}
"""The same pipeline as data."""
