"""The examples that are there twice: the document and the Python flow give the same, at the same cost."""

import base64
import json
from collections.abc import AsyncIterator
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
from intermezzo.settings import settings
from tests.rig import PAYER, Rig, Suspended
from tests.web.site import Site, ok, running_site

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(300)]

EXAMPLES = Path(__file__).parents[2] / "examples"
INVOICE = base64.b64encode(b"Invoice of Acme Ltd\nTotal: 1O0.00 EUR\n").decode()

ANSWERS = {
    "Nice photo": {"decision": "approve", "confidence": 0.95},
    "Buy followers": {"decision": "reject", "confidence": 0.4},
    "Acme": {"vendor": "Acme Ltd", "total": "1O0.00", "confidence": 0.5},
    "In short": "Water.",
    "What is rain": "Rain is water that falls from clouds.",
    "podast": "Welcome to the podcast.",
    "a title": "A Welcome",
    "1991": "It was released in 1991.",
}

CASES: list[tuple[str, str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    (
        "moderation",
        "moderation",
        {"posts": ["Nice photo!", "Buy followers"]},
        {"moderate_content": {"decision": "approve"}},
        {"by_model": ["approve", "reject"], "by_people": ["", "approve"]},
    ),
    (
        "invoice",
        "invoice",
        {"file": INVOICE},
        {"answer_question": {"answer": "100.00"}},
        {"vendor": "Acme Ltd", "total": "100.00", "checked": True},
    ),
    (
        "ranking",
        "ranking",
        {"questions": ["What is rain?"]},
        {"compare_rank": {"preferred": "option_b"}},
        {"plain": 0, "short": 1},
    ),
    (
        "transcription",
        "transcription",
        {"recordings": [{"audio_url": "https://example.com/1.mp3", "transcript": "welcom to the podast"}]},
        {"transcription_review": {"transcript": "Welcome to the podcast!"}},
        {"transcripts": ["Welcome to the podcast!"], "titles": ["A Welcome"]},
    ),
    (
        "claims",
        "claims",
        {"claim": "Python is from 1991.", "sources": ["SITE/python", "SITE/gone"]},
        {"verify_fact": {"verdict": "true"}, "answer_question": {"answer": "It is."}},
        {"verdict": "true", "told": "It is.", "pages_read": 1},
    ),
    (
        "labelling",
        "labelling",
        {"texts": ["Write to ann@example.com", "It broke"], "categories": ["positive", "negative"]},
        {"label_text": {"category": "negative"}},
        {"texts": ["Write to [EMAIL]", "It broke"], "labels": ["negative", "negative"], "masked": 1},
    ),
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


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    """The web: one page, all others are gone."""
    monkeypatch.setenv("INTERMEZZO_ALLOW_LOOPBACK", "1")
    settings.cache_clear()
    async with running_site() as site:
        site.answers = {"/python": ok(b"<title>Python</title><p>Python was released in 1991.")}
        yield site


@pytest.mark.parametrize(("file", "flow", "input", "answers", "expected"), CASES, ids=[case[0] for case in CASES])
async def test_document_and_flow_give_the_same_at_the_same_cost(
    sqlite_rig: Rig,
    file: str,
    flow: str,
    input: dict[str, Any],
    answers: dict[str, dict[str, Any]],
    expected: dict[str, Any],
    site: Site,
) -> None:
    input = json.loads(json.dumps(input).replace("SITE", site.url))
    plan = plan_of_text((EXAMPLES / f"{file}.yaml").read_text("utf-8"), name=file)
    made = await order(sqlite_rig.store, PAYER, plan, input)
    spent: list[int] = []
    for called, parameters in (
        (run_pipeline, made.parameters),
        (load_flow(f"{EXAMPLES / file}.py:{flow}"), input),
    ):
        before = await sqlite_rig.spent()
        assert await run(sqlite_rig, called, parameters, answers) == expected
        spent.append(await sqlite_rig.spent() - before)
    assert spent[0] == spent[1]
    estimate = estimated(plan, checked_input(plan, input))
    assert estimate.credits.minimum <= spent[0] <= estimate.credits.maximum


async def run(rig: Rig, flow: Flow[..., Any], parameters: dict[str, Any], answers: dict[str, dict[str, Any]]) -> Any:
    """Run a flow to its end; everybody gives the same answer to tasks of a type."""
    run_id = await rig.deploy(flow, **parameters)
    while isinstance(result := await rig.attempt(flow, run_id), Suspended):
        assert await one_answers(rig, answers)
        while await one_answers(rig, answers):
            pass
    return result


async def one_answers(rig: Rig, answers: dict[str, dict[str, Any]]) -> int:
    """How many tasks a worker of each type has answered."""
    return sum([await rig.answer_all(type, **answer) for type, answer in answers.items()])


@pytest.mark.parametrize("file", [case[0] for case in CASES])
def test_an_example_can_be_drawn(file: str) -> None:
    plan = plan_of_text((EXAMPLES / f"{file}.yaml").read_text("utf-8"))
    for drawn in (svg(plan), mermaid(plan)):
        assert all(id in drawn for id in plan.steps)
