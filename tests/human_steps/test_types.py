"""The built-in types: what they take, what they ask, what they give, and what no input can make of them."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.errors import InvalidInput, InvalidResponse
from intermezzo.flows.calls import recorded_outcome
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import ConsensusStrategy
from intermezzo.human_steps.controls import Control, Link, Markdown, parse_controls
from intermezzo.human_steps.human_step import HumanStep
from intermezzo.human_steps.scale_parts import ScaleOutput
from intermezzo.human_steps.simulated_answers import simulated_answer
from intermezzo.human_steps.tasks import LEGAL_MOVES, PRIORITIES, NewHumanTask
from intermezzo.journal import RecordedCall
from intermezzo.steps import BUILT_IN, family_of, registered, registered_types
from tests.human_steps.test_controls import ALLOWED, ALLOWED_INLINE, COMMONMARK, nasty

AnyHumanStep = HumanStep[..., Any, Any]

TYPES: dict[str, AnyHumanStep] = {
    name: step
    for name in registered_types()
    if isinstance(step := registered(name), HumanStep) and family_of(name) in BUILT_IN
}


def task_of(step: AnyHumanStep, input: dict[str, Any]) -> NewHumanTask:
    return step.new_task(step.parse(input), id="t", call_id="c", run_id="r", generation=1)


def form_of(name: str, **input: Any) -> AnswerSchema:
    return AnswerSchema.of(json.loads(task_of(TYPES[name], input).answer_schema))


def seen(name: str, **input: Any) -> list[Control]:
    return parse_controls(json.loads(task_of(TYPES[name], input).controls or "null"))


def output_of(name: str, input: dict[str, Any], answer: dict[str, Any]) -> Any:
    """What a flow gets when everybody gives this answer."""
    step = TYPES[name]
    given = AnswerSchema.of(json.loads(task_of(step, input).answer_schema)).validate(answer)
    envelope: dict[str, Any] = {"answer": given, "agreement": 1.0, "summary": "s", "submissions": []}
    call = RecordedCall("i", "i", name, "k", "human", "completed", 1, 0, None, json.dumps(envelope), None)
    return recorded_outcome(step, call, step.parse(input))


# --- what the documents say ----------------------------------------------------------------------------------

DOCUMENTED: list[tuple[str, dict[str, Any]]] = [
    (
        "label_text",
        {
            "text": "The new iPhone is great!",
            "categories": ["positive", "negative", "neutral"],
            "question": "What is the sentiment?",
        },
    ),
    ("moderate_content", {"content": "User-submitted post goes here", "guidelines": "..."}),
    ("rate_quality", {"content": "Some output of a model", "criteria": "Rate the factual accuracy 1–5"}),
    ("verify_fact", {"claim": "The Eiffel Tower is 330 metres tall"}),
    (
        "label_image",
        {
            "image_url": "https://example.com/photo.jpg",
            "labels": ["cat", "dog", "bird", "other"],
            "description": "Select the animal in this photo",
        },
    ),
    (
        "label_text",
        {
            "text": "The new iPhone has amazing battery life and a great camera",
            "categories": ["positive", "negative", "neutral"],
        },
    ),
    (
        "rate_quality",
        {
            "title": "Introduction to Machine Learning",
            "content": "Machine learning is a subset of AI...",
            "criteria": "Rate the accuracy and clarity of this explanation",
        },
    ),
    (
        "verify_fact",
        {
            "claim": "Python was created by Guido van Rossum in 1991",
            "context": "Python is a high-level programming language first released in 1991 by Guido van Rossum.",
        },
    ),
    (
        "moderate_content",
        {
            "content": "This product is absolutely terrible, worst purchase ever!",
            "content_type": "product_review",
            "policy_context": "Reject spam, hate speech, and threats. Allow negative opinions.",
        },
    ),
    (
        "compare_rank",
        {
            "option_a": "Machine learning uses algorithms to learn from data.",
            "option_b": "ML is when computers figure stuff out from examples.",
            "criteria": "Which explanation is clearer and more professional?",
        },
    ),
    (
        "answer_question",
        {
            "content": "The Eiffel Tower was built in 1889 for the World's Fair...",
            "question": "When was the Eiffel Tower built?",
            "answer_format": "multiple_choice",
            "choices": ["1876", "1889", "1901", "1912"],
        },
    ),
    (
        "transcription_review",
        {
            "audio_url": "https://example.com/recording.mp3",
            "ai_transcript": "Welcome to the podast about artifical inteligence...",
            "language": "en",
        },
    ),
    ("content_review", {"text": "Is this review genuine?", "content": "Great product, 5 stars!"}),
    (
        "categorization",
        {
            "instruction": "Is this company public or private?",
            "attachment_type": "website",
            "attachment": "http://www.google.com/",
            "categories": ["public", "private"],
        },
    ),
    (
        "categorization",
        {
            "instruction": "Would you say this item is big or small?",
            "attachment_type": "text",
            "attachment": "car",
            "categories": ["big", "small"],
        },
    ),
    (
        "transcription",
        {
            "instruction": "Transcribe the given fields.",
            "attachment_type": "website",
            "attachment": "http://news.ycombinator.com/",
            "fields": {"title": "Title of Webpage", "top_result": "Title of the top result"},
        },
    ),
    (
        "phonecall",
        {
            "instruction": "Call this person and follow the script provided, recording responses",
            "phone_number": "5055006865",
            "entity_name": "Alexandr Wang",
            "script": "Hello {{name}}! Are you happy today? (pause) One more thing - what is your email address?",
            "fields": {"email": "Email Address"},
            "choices": ["He is happy", "He is not happy"],
        },
    ),
    (
        "comparison",
        {
            "instruction": "Do the objects in these images have the same pattern?",
            "attachment_type": "image",
            "attachments": [
                "http://i.ebayimg.com/00/$T2eC16dHJGwFFZKjy5ZjBRfNyMC4Ig~~_32.JPG",
                "http://images.wisegeek.com/checkered-tablecloth.jpg",
            ],
            "choices": ["yes", "no"],
        },
    ),
    (
        "annotation",
        {
            "instruction": "Draw a box around each **baby cow** and **big cow**",
            "attachment_type": "image",
            "attachment": "http://i.imgur.com/v4cBreD.jpg",
            "objects_to_annotate": ["baby cow", "big cow"],
            "with_labels": True,
            "examples": [
                {
                    "correct": False,
                    "image": "http://i.imgur.com/lj6e98s.jpg",
                    "explanation": "The boxes are tight and accurate",
                },
                {
                    "correct": True,
                    "image": "http://i.imgur.com/HIrvIDq.jpg",
                    "explanation": "The boxes are neither accurate nor complete",
                },
            ],
        },
    ),
    (
        "datacollection",
        {
            "instruction": "Find the URL for the hiring page for the company with attached website.",
            "attachment_type": "website",
            "attachment": "https://www.scaleapi.com/",
            "fields": {"hiring_page": "Hiring Page URL"},
        },
    ),
    (
        "audiotranscription",
        {
            "attachment_type": "audio",
            "attachment": "https://storage.googleapis.com/deepmind-media/pixie/knowing-what-to-say/second-list/speaker-3.wav",
            "verbatim": False,
        },
    ),
]
"""Every input of a human task that the documents show, as they show it."""


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


# --- Scale's responses ---------------------------------------------------------------------------------------

IDS = {"123": "Blue Cross", "124": "Red Cross"}
PLANS = {"instruction": "?", "attachment_type": "text", "attachment": "x", "categories": [*IDS.values()]}
CALL = dict(DOCUMENTED[16][1])
SOUND = {"attachment": "https://example.com/a.wav"}
PATTERN = {**DOCUMENTED[17][1], "fields": {"difference": "What differs"}}
COWS = dict(DOCUMENTED[18][1])
BOX = {"left": 123, "top": 10, "width": 121, "height": 39}


@pytest.mark.parametrize(
    ("name", "input", "answer", "response"),
    [
        ("categorization", PLANS, {"category": "Blue Cross"}, ...),
        ("categorization", {**PLANS, "allow_multiple": True}, {"category": ["Blue Cross", "Red Cross"]}, ...),
        (
            "categorization",
            {**PLANS, "category_ids": IDS},
            {"category": "Blue Cross"},
            {"category": "Blue Cross", "category_id": "123"},
        ),
        (
            "categorization",
            {**PLANS, "category_ids": IDS, "allow_multiple": True},
            {"category": ["Red Cross", "Blue Cross"]},
            {"category": ["Red Cross", "Blue Cross"], "category_id": ["124", "123"]},
        ),
        ("transcription", DOCUMENTED[15][1], {"fields": {"title": "Some Title", "top_result": "Something"}}, ...),
        ("phonecall", CALL, {"outcome": "success", "fields": {"email": "a@b.c"}, "choice": "He is happy"}, ...),
        ("phonecall", CALL, {"outcome": "no_pickup"}, ...),
        ("phonecall", {**CALL, "fields": {}, "choices": []}, {"outcome": "success"}, ...),
        ("comparison", DOCUMENTED[17][1], {"choice": "yes"}, ...),
        ("comparison", PATTERN, {"choice": "yes", "fields": {"difference": "The patterns are identical."}}, ...),
        ("annotation", COWS, {"annotations": [{**BOX, "label": "big cow"}, {**BOX, "label": "baby cow"}]}, ...),
        ("annotation", COWS, {"annotations": []}, ...),
        ("datacollection", DOCUMENTED[19][1], {"fields": {"hiring_page": "https://example.com/jobs"}}, ...),
        ("audiotranscription", SOUND, {"transcript": "The avocado is a fruit.", "duration": 5.106188}, ...),
        ("audiotranscription", SOUND, {"error": "The audio file cannot be loaded."}, ...),
        ("audiotranscription", SOUND, {"error": "It breaks off.", "transcript": "The avocado"}, ...),
    ],
)
def test_a_response_has_the_documented_shape(
    name: str, input: dict[str, Any], answer: dict[str, Any], response: Any
) -> None:
    output = output_of(name, input, answer)
    assert isinstance(output, ScaleOutput)
    response = answer if response is ... else response
    if name == "annotation":
        assert output.model_dump(exclude_none=True)["annotations"] == response["annotations"]
    assert output.response() == response


def test_boxes_without_labels_have_none() -> None:
    unlabelled = {**COWS, "with_labels": False}
    assert output_of("annotation", unlabelled, {"annotations": [BOX]}).response() == {"annotations": [BOX]}
    form = form_of("annotation", **unlabelled)
    assert form.fields["annotations"]["x-control"] == "boxes"
    assert form.fields["annotations"]["x-image"] == COWS["attachment"]


@pytest.mark.parametrize(
    ("name", "input", "answer", "said"),
    [
        ("annotation", COWS, {"annotations": [BOX]}, "annotations.0.label: expected one of 'baby cow', 'big cow'"),
        ("annotation", COWS, {"annotations": [{**BOX, "left": -1, "label": "big cow"}]}, "left: expected 0 or more"),
        (
            "phonecall",
            CALL,
            {"outcome": "success"},
            "choice: expected one of 'He is happy', 'He is not happy', got nothing; fields: expected an object, got no",
        ),
        ("categorization", {**PLANS, "allow_multiple": True}, {"category": []}, "at least 1 item"),
        (
            "audiotranscription",
            SOUND,
            {},
            "transcript: expected text, got nothing; duration: expected a number, got nothing",
        ),
        ("audiotranscription", SOUND, {"transcript": "x"}, "duration: expected a number, got nothing"),
        ("audiotranscription", SOUND, {"error": "x", "duration": 5}, "duration: expected nothing, got 5"),
    ],
)
def test_an_answer_of_another_shape_is_refused(
    name: str, input: dict[str, Any], answer: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidResponse, match=said):
        form_of(name, **input).validate(answer)


def test_the_script_of_a_call_is_shown_with_the_name_in_it_and_kept_without() -> None:
    assert any("Hello Alexandr Wang" in c.value for c in seen("phonecall", **CALL) if isinstance(c, Markdown))
    assert "{{name}}" in json.loads(task_of(TYPES["phonecall"], CALL).input)["script"]


@pytest.mark.parametrize("type", ["text", "image", "video", "audio", "website", "pdf"])
def test_a_transcription_takes_every_kind_of_attachment(type: str) -> None:
    given = {"instruction": "?", "attachment_type": type, "attachment": "http://example.com/", "fields": {"a": "b"}}
    assert len(seen("transcription", **given)) == 2


# --- refusals ------------------------------------------------------------------------------------------------

URL = "an http or https address of at most 4,096 characters, got 'javascript:alert"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("label_text", {"categories": None}, "categories: input should be a valid list, got None"),
        ("label_text", {"text": ""}, "text: string should have at least 1 character, got ''"),
        ("label_text", {"text": "x" * 100_001}, "text: string should have at most 100000 characters"),
        ("label_text", {"text": 5}, "text: input should be a valid string, got 5"),
        ("label_text", {"categories": ["a"]}, "categories: list should have at least 2 items"),
        ("label_text", {"categories": ["a", "a"]}, "categories: options must be distinct and not blank"),
        ("label_text", {"categories": ["a", " "]}, "categories: options must be distinct and not blank"),
        ("label_text", {"categories": ["a", "\x00"]}, "categories: .*without control characters"),
        (
            "label_text",
            {"categories": ["a", "b" * 8_000]},
            "categories: expected at most 8,000 characters together, got 8,001",
        ),
        ("label_image", {"image_url": "javascript:alert(1)"}, f"image_url: expected {URL}"),
        ("label_image", {"labels": "cat"}, "labels: input should be a valid list, got 'cat'"),
        ("rate_quality", {"content": ""}, "content: string should have at least 1 character"),
        ("verify_fact", {"context": None}, "context: input should be a valid string"),
        ("moderate_content", {"policy_context": 5}, "policy_context: input should be a valid string"),
        ("compare_rank", {"option_b": ""}, "option_b: string should have at least 1 character"),
        (
            "answer_question",
            {"choices": ["1889"]},
            "choices: expected two or more with the answer_format multiple_choice",
        ),
        ("answer_question", {"answer_format": "free_text"}, "choices: expected none unless the answer_format is"),
        (
            "answer_question",
            {"answer_format": "essay"},
            "answer_format: input should be 'free_text' or 'multiple_choice'",
        ),
        ("transcription_review", {"audio_url": "file:///etc/passwd"}, "audio_url: expected an http or https address"),
        ("rate_quality", {"more": object()}, "more: input was not a valid JSON value"),
        (
            "categorization",
            {"attachment": "car"},
            "attachment: expected an http or https address, since the attachment_type",
        ),
        (
            "categorization",
            {"attachment_type": "hologram"},
            "attachment_type: input should be 'text', 'image', 'video'",
        ),
        (
            "categorization",
            {"category_ids": {"1": "public"}},
            "category_ids: expected one id for each of the categories",
        ),
        ("categorization", {"category_ids": {"1": "public", "2": "x"}}, "category_ids: expected one id for each"),
        ("categorization", {"instruction": ""}, "instruction: string should have at least 1 character"),
        ("transcription", {"fields": {}}, "fields: dictionary should have at least 1 item"),
        ("transcription", {"fields": {" ": "x"}}, "fields: keys must not be blank"),
        (
            "transcription",
            {"fields": {"a": "x" * 5_000}},
            "fields: expected at most 5,000 characters together, got 5,001",
        ),
        ("datacollection", {"attachment_type": "pdf"}, "attachment_type: input should be 'text', 'image' or 'website'"),
        ("comparison", {"attachments": ["http://a.example/"]}, "attachments: list should have at least 2 items"),
        ("comparison", {"attachments": ["http://a.example/", "b"]}, "attachments: expected an http or https address"),
        ("comparison", {"choices": []}, "choices: expected choices or fields, or both"),
        ("annotation", {"objects_to_annotate": [*"abcdefg"]}, "objects_to_annotate: list should have at most 6 items"),
        ("annotation", {"examples": [{"correct": True}]}, "examples.0.image: field required"),
        ("annotation", {"attachment_type": "text"}, "attachment_type: input should be 'image', got 'text'"),
        ("audiotranscription", {"attachment": "a.wav"}, "attachment: expected an http or https address"),
        ("phonecall", {"phone_number": "1"}, "phone_number: string should have at least 3 characters"),
        ("phonecall", {"attachment_type": "image", "attachment": "x"}, "attachment: expected an http or https address"),
    ],
)
def test_an_input_that_a_type_cannot_use_is_refused_by_field_and_bound(
    name: str, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        TYPES[name].parse({**(TYPES[name].example or {}), **change})


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


# --- any valid input -----------------------------------------------------------------------------------------

texts = (nasty | st.text(max_size=30)).filter(bool)
labels = nasty.filter(lambda text: bool(text.strip()) and not re.search("[\x00-\x08\x0b-\x1f\x7f]", text))
urls = st.sampled_from(
    ["https://example.com/a.png", "http://x/[y](z)*_#", "HTTPS://example.com/?q=1&r=2#!", "http://ü.example"]
)
options = st.lists(labels, min_size=2, max_size=5, unique=True)
fields = st.dictionaries(labels, labels | st.just(""), min_size=1, max_size=4)
kinds = st.sampled_from(["image", "video", "audio", "website", "pdf"])
plain = st.just("Do **this**.")


def inputs(optional: dict[str, st.SearchStrategy[Any]] | None = None, /, **required: st.SearchStrategy[Any]) -> Any:
    return st.fixed_dictionaries(required, optional={"zz": texts, **(optional or {})})


def attached(**more: st.SearchStrategy[Any]) -> Any:
    by_address = inputs(instruction=plain, attachment_type=kinds, attachment=urls, **more)
    return by_address | inputs(instruction=plain, attachment_type=st.just("text"), attachment=texts, **more)


called: dict[str, Any] = {
    "instruction": plain,
    "phone_number": st.just("+1 505"),
    "entity_name": texts,
    "script": texts,
}
compared: dict[str, Any] = {
    "instruction": plain,
    "attachment_type": st.just("text"),
    "attachments": st.lists(texts, min_size=2, max_size=3),
}
shown_example = st.fixed_dictionaries({"correct": st.booleans(), "image": urls}, optional={"explanation": texts})
payload = st.dictionaries(nasty, texts | urls | st.integers() | st.lists(texts, max_size=2), max_size=4)

VALID: dict[str, Any] = {
    "label_image": inputs({"description": texts}, image_url=urls, labels=options),
    "label_text": inputs({"question": texts}, text=texts, categories=options),
    "rate_quality": inputs({"title": texts, "criteria": texts}, content=texts),
    "verify_fact": inputs({"context": texts}, claim=texts),
    "moderate_content": inputs({"content_type": texts, "guidelines": texts}, content=texts),
    "compare_rank": inputs({"criteria": texts}, option_a=texts, option_b=texts),
    "answer_question": inputs(content=texts, question=texts)
    | inputs(content=texts, question=texts, answer_format=st.just("multiple_choice"), choices=options),
    "transcription_review": inputs({"language": texts}, audio_url=urls, ai_transcript=nasty),
    "categorization": attached(categories=options, allow_multiple=st.booleans()),
    "transcription": attached(fields=fields),
    "datacollection": inputs(instruction=plain, attachment_type=st.just("website"), attachment=urls, fields=fields),
    "phonecall": inputs({"fields": fields, "choices": options}, **called),
    "comparison": inputs({"fields": fields}, **compared, choices=options),
    "annotation": inputs(
        {"examples": st.lists(shown_example, max_size=2), "with_labels": st.booleans()},
        attachment=urls,
        objects_to_annotate=options,
    ),
    "audiotranscription": inputs({"verbatim": st.booleans()}, attachment=urls),
} | {name: payload for name in TYPES if family_of(name) == "humanrail"}


def test_every_type_is_tried_with_any_valid_input() -> None:
    assert VALID.keys() == TYPES.keys()


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=40)
@given(st.data())
def test_any_valid_input_makes_a_form_and_can_smuggle_nothing_into_what_workers_see(
    name: str, data: st.DataObject
) -> None:
    input = data.draw(VALID[name])
    task = task_of(TYPES[name], input)
    form = AnswerSchema.of(json.loads(task.answer_schema))
    assert form.validate(form.sample())
    for control in parse_controls(json.loads(task.controls or "null")):
        if isinstance(control, Link):  # says where it leads
            assert control.text == control.url
        if isinstance(control, Markdown):
            tokens = COMMONMARK.parse(control.value)
            assert {token.type for token in tokens} <= ALLOWED
            assert {child.type for token in tokens for child in token.children or []} <= ALLOWED_INLINE


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("label_text", {"categories": [chr(0x10000 + i) * 16 for i in range(500)]}),
        ("comparison", {"choices": ["\N{PILE OF POO}" * 4_000, "x"], "fields": {"\N{PILE OF POO}" * 100: "x"}}),
        (
            "phonecall",
            {
                "choices": [chr(0x10000 + i) * 16 for i in range(500)],
                "fields": {chr(0x10000 + i) * 99: "\N{PILE OF POO}" for i in range(50)},
            },
        ),
        ("transcription_review", {"ai_transcript": "\N{PILE OF POO}" * 100_000}),
        ("transcription_review", {"ai_transcript": "x" * 99_990}),
    ],
)
def test_the_largest_inputs_make_forms_too(name: str, change: dict[str, JsonValue]) -> None:
    form = form_of(name, **{**(TYPES[name].example or {}), **change})
    assert form.validate(form.sample())
