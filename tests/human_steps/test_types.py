"""The built-in types: what they take, what they ask, what they give, and what no input can make of them."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from intermezzo.errors import InvalidResponse
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import ConsensusStrategy
from intermezzo.human_steps.controls import Markdown
from intermezzo.human_steps.simulated_answers import simulated_answer
from intermezzo.human_steps.tasks import LEGAL_MOVES, PRIORITIES
from intermezzo.steps import family_of
from tests.type_bench import DOCUMENTED, TYPES, form_of, output_of, seen, task_of


@pytest.mark.parametrize(("name", "input"), DOCUMENTED)
def test_every_documented_input_makes_a_task_and_is_kept_as_it_is(name: str, input: dict[str, Any]) -> None:
    task = task_of(TYPES[name], input)
    kept = json.loads(task.input)
    assert kept.items() >= {("policy_context" if k == "guidelines" else k): v for k, v in input.items()}.items()
    form = AnswerSchema.of(json.loads(task.answer_schema))
    assert form.validate(form.sample())


def test_there_are_the_documented_types_at_the_documented_rewards() -> None:
    families: dict[str, dict[str, int]] = {}
    for name, step in TYPES.items():
        families.setdefault(family_of(name), {})[name] = step.reward
    assert families["native"] == {
        "answer_question": 4,
        "compare_rank": 2,
        "label_image": 3,
        "label_text": 2,
        "moderate_content": 2,
        "rate_quality": 2,
        "transcription_review": 5,
        "verify_fact": 3,
    }
    wire = "annotation audiotranscription categorization comparison datacollection phonecall transcription"
    assert list(families["scale"]) == wire.split()
    minutes = {name: (TYPES[name].options.deadline_seconds or 0) / 60 for name in families["humanrail"]}
    assert minutes == {
        "content_review": 5,
        "document_verification": 15,
        "image_moderation": 5,
        "refund_eligibility": 5,
        "sentiment_analysis": 3,
        "translation_review": 10,
    }


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rate_quality", {"rating": [1, 2, 3, 4, 5]}),
        ("verify_fact", {"verdict": ["true", "false", "indeterminate"]}),
        ("moderate_content", {"decision": ["approve", "reject", "escalate"]}),
        ("compare_rank", {"preferred": ["option_a", "option_b"]}),
        ("label_image", {"label": ["cat", "dog", "bird", "other"]}),
        ("answer_question", {"answer": ["1876", "1889", "1901", "1912"]}),
        ("content_review", {"verdict": ["genuine", "ai_generated", "policy_violating", "uncertain"]}),
        ("document_verification", {"valid": [True, False], "matches_claims": [True, False]}),
        ("image_moderation", {"category": ["safe", "nsfw", "violent", "policy_violating"]}),
        ("phonecall", {"outcome": ["success", "no_pickup", "hung_up"], "choice": ["He is happy", "He is not happy"]}),
    ],
)
def test_workers_vote_on_these_options_and_never_on_their_notes(name: str, options: dict[str, Any]) -> None:
    form = form_of(name, **(TYPES[name].example or {}))
    assert {field: form.options(field) for field in form.closed_fields()} == options


# --- native types --------------------------------------------------------------------------------------------


def test_an_unknown_field_is_kept_and_shown_after_the_others() -> None:
    for name, input in [
        ("verify_fact", {"claim": "c"}),
        ("label_text", {"text": "t", "categories": ["a", "b"]}),
        ("audiotranscription", {"attachment": "https://example.com/a.mp3"}),
    ]:
        *_, last = seen(name, **input, source="web")
        assert last == Markdown(value="**source:** web")
        assert json.loads(task_of(TYPES[name], {**input, "source": "web"}).input)["source"] == "web"


def test_guidelines_are_the_policy() -> None:
    shown = seen("moderate_content", content="c", guidelines="No spam.")
    assert shown == [Markdown(value="**Policy:** No spam."), Markdown(value="**Content:** c")]
    assert shown == seen("moderate_content", content="c", policy_context="No spam.")


def test_a_free_text_question_asks_for_a_text() -> None:
    form = form_of("answer_question", content="c", question="q")
    assert (form.closed_fields(), form.fields["answer"]["x-multiline"]) == ([], True)
    with pytest.raises(InvalidResponse, match="at least 1 character"):
        form.validate({"answer": ""})


def test_a_transcript_starts_from_the_machines_unless_that_is_too_long() -> None:
    audio = "https://example.com/a.mp3"
    assert (
        form_of("transcription_review", audio_url=audio, ai_transcript="helo").fields["transcript"]["default"] == "helo"
    )
    long = form_of("transcription_review", audio_url=audio, ai_transcript="\N{SNOWMAN}" * 100_000)
    assert "default" not in long.fields["transcript"]
    assert long.validate({"transcript": ""}) == {"transcript": ""}


# --- HumanRail's types ---------------------------------------------------------------------------------------


def test_a_payload_is_shown_field_by_field_with_its_images_and_links() -> None:
    shown = seen("image_moderation", photo="https://example.com/1", page="https://example.com/2", note="[x](http://y)")
    assert [control.model_dump(exclude_defaults=True) for control in shown] == [
        {"value": "**photo:**"},
        {"url": "https://example.com/1", "alt": "photo"},
        {"url": "https://example.com/1", "text": "https://example.com/1"},
        {"value": "**page:**"},
        {"url": "https://example.com/2", "text": "https://example.com/2"},
        {"value": r"**note:** \[x\]\(http&#58;//y\)"},
    ]


# --- every type ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TYPES)
def test_simulated_workers_answer_every_type(name: str) -> None:
    step = TYPES[name]
    assert step.example is not None
    assert step.instructions.endswith(".")
    form = AnswerSchema.of(json.loads(task_of(step, dict(step.example)).answer_schema))
    for accuracy in (0, 1):
        answer = simulated_answer(form, "task", "worker", accuracy)
        assert form.validate(answer) == answer
        output = output_of(name, dict(step.example), answer)
        assert output.model_dump(mode="json").items() >= {k: v for k, v in answer.items() if k != "annotations"}.items()


EVERY_TYPE_BY_NAME = """
import sys
from intermezzo.steps import registered
assert registered("phonecall").type == "phonecall"
assert "prefect" not in sys.modules
"""


def test_a_type_is_found_by_its_name_before_anything_imported_it() -> None:
    subprocess.run([sys.executable, "-c", EVERY_TYPE_BY_NAME], check=True, timeout=60)


ROOT = Path(__file__).parents[2]


def test_the_pages_of_the_types_are_what_the_registry_says() -> None:
    pages: dict[str, str] = runpy.run_path(str(ROOT / "scripts" / "make_type_pages.py"))["pages"]()
    stale = {name for name, text in pages.items() if (ROOT / "docs" / "types" / name).read_text() != text}
    assert not stale, f"run scripts/make_type_pages.py: {stale} are stale"


def test_the_glossary_knows_every_state_strategy_and_priority() -> None:
    glossary = (ROOT / "docs" / "glossary.md").read_text()
    words = {*LEGAL_MOVES, *PRIORITIES, *ConsensusStrategy.__args__, *(family_of(name) for name in TYPES)}
    assert {word for word in words if f"`{word}`" not in glossary} == set()
