"""Inputs of the built-in types: refused by field and bound, or harmless whatever they hold."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.errors import InvalidInput
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.controls import Link, Markdown, parse_controls
from intermezzo.steps import family_of
from tests.human_steps.test_controls import ALLOWED, ALLOWED_INLINE, COMMONMARK, nasty
from tests.type_bench import TYPES, form_of, task_of

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
