"""The examples that are there twice: the document and the Python flow give the same, at the same cost."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from prefect import Flow

from intermezzo.flows.deployments import load_flow
from intermezzo.flows.pipeline_runs import checked_input, order
from intermezzo.flows.run_pipeline import run_pipeline
from intermezzo.pipelines import plan_of_text
from intermezzo.pipelines.drawing import mermaid, svg
from intermezzo.pipelines.estimate import estimated
from tests.rig import PAYER, Rig, Suspended

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).parents[2] / "examples"
INVOICE = base64.b64encode(b"Invoice of Acme Ltd\nTotal: 1O0.00 EUR\n").decode()

ANSWERS = {
    "Nice photo": {"decision": "approve", "confidence": 0.95},
    "Buy followers": {"decision": "reject", "confidence": 0.4},
    "Acme": {"vendor": "Acme Ltd", "total": "1O0.00", "confidence": 0.5},
    "In short": "Water.",
    "What is rain": "Rain is water that falls from clouds.",
}

CASES: list[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        "moderation",
        "moderation",
        {"posts": ["Nice photo!", "Buy followers"]},
        {"decision": "approve"},
        {"by_model": ["approve", "reject"], "by_people": ["", "approve"]},
    ),
    (
        "invoice",
        "invoice",
        {"file": INVOICE},
        {"answer": "100.00"},
        {"vendor": "Acme Ltd", "total": "100.00", "checked": True},
    ),
    ("ranking", "ranking", {"questions": ["What is rain?"]}, {"preferred": "option_b"}, {"plain": 0, "short": 1}),
]


@pytest.fixture(autouse=True)
def recorded_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose answers are known."""
    lines = [
        json.dumps({"when": when, "text": answer if isinstance(answer, str) else json.dumps(answer)})
        for when, answer in ANSWERS.items()
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(lines), "utf-8")
    monkeypatch.setenv("LLM_PROVIDER", "recorded")
    monkeypatch.setenv("LLM_RECORDED", str(tmp_path / "answers.jsonl"))


@pytest.mark.parametrize(("file", "flow", "input", "answer", "expected"), CASES, ids=[case[0] for case in CASES])
async def test_document_and_flow_give_the_same_at_the_same_cost(
    sqlite_rig: Rig,
    file: str,
    flow: str,
    input: dict[str, Any],
    answer: dict[str, Any],
    expected: dict[str, Any],
) -> None:
    plan = plan_of_text((EXAMPLES / f"{file}.yaml").read_text("utf-8"), name=file)
    made = await order(sqlite_rig.store, PAYER, plan, input)
    spent: list[int] = []
    for called, parameters in (
        (run_pipeline, made.parameters),
        (load_flow(f"{EXAMPLES / file}.py:{flow}"), input),
    ):
        before = await sqlite_rig.spent()
        assert await run(sqlite_rig, called, parameters, answer) == expected
        spent.append(await sqlite_rig.spent() - before)
    assert spent[0] == spent[1]
    estimate = estimated(plan, checked_input(plan, input))
    assert estimate.credits.minimum <= spent[0] <= estimate.credits.maximum


async def run(rig: Rig, flow: Flow[..., Any], parameters: dict[str, Any], answer: dict[str, Any]) -> Any:
    """Run a flow to its end; everybody gives the same answer."""
    run_id = await rig.deploy(flow, **parameters)
    while isinstance(result := await rig.attempt(flow, run_id), Suspended):
        assert await rig.answer_all(**answer)
        while await rig.answer_all(**answer):
            pass
    return result


@pytest.mark.parametrize("file", [case[0] for case in CASES])
def test_an_example_can_be_drawn(file: str) -> None:
    plan = plan_of_text((EXAMPLES / f"{file}.yaml").read_text("utf-8"))
    for drawn in (svg(plan), mermaid(plan)):
        assert all(id in drawn for id in plan.steps)
