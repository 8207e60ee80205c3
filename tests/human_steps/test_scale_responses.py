"""Scale's types: what their answers must be, and the responses the documents show."""

import json
from typing import Any

import pytest

from intermezzo.errors import InvalidResponse
from intermezzo.human_steps.controls import Markdown
from intermezzo.human_steps.scale_parts import ScaleOutput
from tests.type_bench import DOCUMENTED, TYPES, form_of, output_of, seen, task_of

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
