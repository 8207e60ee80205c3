"""Forms as browsers send them: names and texts become the answer they mean, or are told what is wrong."""

import json
import re
from typing import Any

import pytest
from pydantic import JsonValue

from intermezzo.errors import InvalidResponse
from intermezzo.human_steps.form_fields import field_name
from intermezzo.human_steps.forms import Form

Schema = dict[str, Any]


def form(required: list[str] | None = None, /, **properties: JsonValue) -> Schema:
    """The schema of an object whose fields are all required, unless told otherwise."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
    }


VISIT = Form.of_controls(
    [
        {"type": "title", "value": "Visit"},
        {"type": "text", "id": "name", "required": True, "max_length": 9},
        {"type": "textarea", "id": "note"},
        {"type": "number", "id": "stars", "integer": True, "minimum": 1, "required": True, "nullable": True},
        {"type": "radio", "id": "mood", "options": ["good", True, 1, {"label": "none", "value": None}]},
        {"type": "checkbox", "id": "agreed", "required": True},
        {"type": "checkbox", "id": "later"},
        {"type": "checkbox", "id": "tags", "options": ["a", "b"]},
        {"type": "group", "id": "address", "controls": [{"type": "text", "id": "city", "required": True}]},
        {"type": "list", "id": "items", "max_items": 3, "item": {"type": "group", "controls": [
            {"type": "text", "id": "name", "required": True}, {"type": "date", "id": "day"}]}},
        {"type": "list", "id": "lines", "item": {"type": "number"}},
        {"type": "boxes", "id": "boxes", "labels": ["cow", "calf"]},
        {"type": "json", "id": "extra", "rules": {"type": ["object", "string"]}},
    ]
)  # fmt: skip

LEAST = {"name": "Ann", "stars": None, "agreed": False}


@pytest.mark.parametrize(
    ("fields", "answer"),
    [
        ({}, {}),
        ({"csrf": ["x"], "name.more": ["x"], "items.x.name": ["x"], "lines.01": ["5"], "." * 5000: ["x"]}, {}),
        ({"note": [""], "mood": [""], "tags": [], "extra": [" "], "address.city": [""], "later": []}, {}),
        ({"note": ["a\r\nb"]}, {"note": "a\nb"}),
        ({"note": ["  "]}, {"note": "  "}),
        ({"stars": [" 5 "]}, {"stars": 5}),
        ({"stars": ["+4.0"]}, {"stars": 4.0}),
        ({"mood": ["good"]}, {"mood": "good"}),
        ({"mood": ["true"]}, {"mood": True}),
        ({"mood": ["1"]}, {"mood": 1}),
        ({"mood": ["null"]}, {"mood": None}),
        ({"mood": ["good", "1"]}, {"mood": 1}),
        ({"agreed": ["on"], "later": ["false"]}, {"agreed": True, "later": False}),
        ({"agreed": ["false", "true"]}, {"agreed": True}),
        ({"tags": ["b"]}, {"tags": ["b"]}),
        ({"tags": ["", "a", "b"]}, {"tags": ["a", "b"]}),
        ({"tags": [""]}, {"tags": []}),
        ({"address.city": ["Bonn"]}, {"address": {"city": "Bonn"}}),
        ({"items.7.name": ["b"], "items.0.name": [""], "items.2.name": ["a"], "items.10.name": ["c"]},
         {"items": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}),
        ({"items": [""]}, {"items": []}),
        ({"lines.0": ["1"], "lines.1": [""], "lines.2": ["2.5"]}, {"lines": [1, 2.5]}),
        ({f"boxes.0.{side}": ["1"] for side in ("left", "top", "width", "height")} | {"boxes.0.label": ["cow"]},
         {"boxes": [{"left": 1, "top": 1, "width": 1, "height": 1, "label": "cow"}]}),
        ({"extra": ['{"a": [1]}']}, {"extra": {"a": [1]}}),
        ({"extra": ['"text"']}, {"extra": "text"}),
    ],
)  # fmt: skip
def test_fields_of_a_browser_become_the_answer(fields: dict[str, list[str]], answer: dict[str, JsonValue]) -> None:
    assert VISIT.parse({"name": ["Ann"], **fields}) == {**LEAST, **answer}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": [""]}, {"name": "expected text, got nothing"}),
        ({"name": ["much too long"]}, {"name": "expected at most 9 characters, got 13: 'much too long'"}),
        ({"stars": ["many"]}, {"stars": "expected a whole number or nothing (null), got 'many'"}),
        ({"stars": ["0"]}, {"stars": "expected 1 or more, got 0"}),
        *(({"stars": [text]}, {"stars": "a whole number"}) for text in
          ("1.5", "٣", "1_0", "0x1", "inf", "nan", "1e999", "9" * 30, "9" * 100_000, "--1", "1 2")),
        ({"mood": ["bad"]}, {"mood": "expected one of 'good', True, 1, None, got 'bad'"}),
        ({"agreed": ["perhaps"]}, {"agreed": "expected true or false, got 'perhaps'"}),
        ({"tags": ["a", "z"]}, {"tags": "expected one of 'a', 'b', got 'z'"}),
        ({"tags": ["a", "a"]}, {"tags": "expected no item twice"}),
        ({"address": [""]}, {"address.city": "expected text, got nothing"}),
        ({"items.4.day": ["2026-02-30"]}, {"items.4.name": "nothing", "items.4.day": "expected a date like"}),
        ({f"items.{i}.name": ["a"] for i in range(4)}, {"items": "at most 3 items, got 4"}),
        ({"lines.0": [""], "lines.3": ["x"]}, {"lines.3": "expected a number, got 'x'"}),
        ({"boxes.2.left": ["-1"], "boxes.2.label": ["dog"]},
         {"boxes.2.left": "0 or more", "boxes.2.label": "'calf'", "boxes.2.top": "nothing", "boxes.2.width": "nothing",
          "boxes.2.height": "nothing"}),
        ({"extra": ["{"]}, {"extra": "expected JSON, got '{'"}),
        ({"extra": ["NaN"]}, {"extra": "expected JSON"}),
        ({"extra": ["[" * 200_000]}, {"extra": "expected JSON"}),
        ({"extra": ["5"]}, {"extra": "expected an object or text, got 5"}),
        ({"extra": ["9" * 5000]}, {"extra": "expected JSON"}),
        ({"note": ["\x00"]}, {"": "note: expected text without NUL"}),
        ({"note": ["x" * 1_000_001]}, {"": "note: expected at most 1,000,000 bytes"}),
        ({f"lines.{i}": ["1"] for i in range(10_000)}, {"": "expected at most 10,000 values"}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_told_beside_its_field(fields: dict[str, list[str]], wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidResponse, match="submit again") as caught:
        VISIT.parse({"name": ["Ann"], **fields})
    assert set(caught.value.fields) == set(wrong)
    for name, problem in wrong.items():
        assert problem in caught.value.fields[name]


def test_problems_of_the_whole_answer_stand_under_no_field() -> None:
    made = Form.of_schema({**form([], a={"type": "integer"}), "minProperties": 1})
    with pytest.raises(InvalidResponse) as caught:
        made.parse({})
    assert caught.value.fields == {"": "expected at least 1 field, got 0"}


def test_options_that_could_be_misread_are_sent_as_json() -> None:
    for options in ([1, "1"], [True, "true"], ["", "a"], ["a\nb", "a"]):
        made = Form.of_controls([{"type": "radio", "id": "a", "options": options}])
        for option in options:
            [text] = made.fields({"a": option})["a"]
            assert json.loads(text) == option
            assert made.parse({"a": [text]}) == {"a": option}


def test_names_of_fields_survive_browsers() -> None:
    assert field_name("items", 0, "first-name_2~") == "items.0.first-name_2~"
    odd = ["a.b", "", "a b", "ü", "%", 'x"y', "a\nb", "0"]
    assert len({field_name(name) for name in odd}) == len(odd)
    assert all(re.fullmatch(r"[\w%~-]+", field_name(name), re.ASCII) for name in odd)
