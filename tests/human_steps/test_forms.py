"""Forms: controls and JSON Schema say the same, and what a browser sends comes in as the answer it means."""

import time
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, JsonValue

from intermezzo.errors import DefinitionError, InvalidResponse
from intermezzo.human_steps import controls as c
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.inputs import Checkbox, Date, List, TextInput
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.options import Option
from intermezzo.human_steps.simulated_answers import simulated_answer

Schema = dict[str, Any]


def form(required: list[str] | None = None, /, **properties: JsonValue) -> Schema:
    """The schema of an object whose fields are all required, unless told otherwise."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
    }


# --- controls ---------------------------------------------------------------------------------------------------

OPTIONS: JsonValue = [{"label": "Approve", "value": "Approve"}, {"label": "Reject", "value": "Reject"}]

EXAMPLES: list[tuple[dict[str, JsonValue], dict[str, JsonValue]]] = [
    (
        {"type": "text-input", "id": "x", "label": "Notes", "help": "Be *brief*.", "multiline": True,
         "placeholder": "Enter …", "min_length": 1, "max_length": 9, "pattern": "^a", "default": "ab"},
        {"title": "Notes", "description": "Be *brief*.", "default": "ab", "type": "string", "minLength": 1,
         "maxLength": 9, "pattern": "^a", "x-placeholder": "Enter …", "x-multiline": True},
    ),
    ({"type": "text-input", "id": "x", "format": "email"}, {"type": "string", "format": "email"}),
    (
        {"type": "text-input", "id": "x", "format": "date"},
        {"type": "string", "format": "date", "x-control": "text-input"},
    ),
    ({"type": "date", "id": "x"}, {"type": "string", "format": "date"}),
    (
        {"type": "number", "id": "x", "integer": True, "minimum": 1, "maximum": 9, "step": 2, "examples": [3]},
        {"examples": [3], "type": "integer", "minimum": 1, "maximum": 9, "multipleOf": 2},
    ),
    (
        {"type": "number", "id": "x", "exclusive_minimum": 0, "exclusive_maximum": 0.5, "nullable": True},
        {"type": ["number", "null"], "exclusiveMinimum": 0, "exclusiveMaximum": 0.5},
    ),
    ({"type": "radio", "id": "x", "options": OPTIONS}, {"enum": ["Approve", "Reject"]}),
    ({"type": "select", "id": "x", "options": OPTIONS}, {"enum": ["Approve", "Reject"], "x-control": "select"}),
    (
        {"type": "radio", "id": "x", "nullable": True,
         "options": [{"label": "Yes", "value": True}, {"label": "1", "value": 1}]},
        {"anyOf": [{"enum": [True, 1], "x-labels": ["Yes", "1"]}, {"type": "null"}]},
    ),
    ({"type": "checkbox", "id": "x", "default": True}, {"default": True, "type": "boolean"}),
    (
        {"type": "checkbox", "id": "x", "options": OPTIONS, "min_items": 1},
        {"type": "array", "items": {"enum": ["Approve", "Reject"]}, "uniqueItems": True, "minItems": 1},
    ),
    (
        {"type": "checkbox", "id": "x", "options": OPTIONS, "repeats": True},
        {"type": "array", "items": {"enum": ["Approve", "Reject"]}},
    ),
    (
        {"type": "boxes", "id": "x", "image": "https://e.com/a.png", "labels": ["cow"], "max_items": 9},
        {"type": "array", "maxItems": 9, "x-image": "https://e.com/a.png", "x-control": "boxes", "items": {
            "type": "object", "additionalProperties": False, "required": ["left", "top", "width", "height", "label"],
            "properties": {**{side: {"type": "number", "minimum": 0} for side in ("left", "top", "width", "height")},
                           "label": {"enum": ["cow"]}}}},
    ),
    (
        {"type": "group", "id": "x", "controls": [{"type": "date", "id": "day", "required": True}]},
        {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}, "required": ["day"],
         "additionalProperties": False},
    ),
    (
        {"type": "list", "id": "x", "unique": True, "item": {"type": "text-input", "id": "item", "required": True}},
        {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
    ),
    ({"type": "json", "id": "x", "rules": {"type": "object"}}, {"type": "object"}),
    ({"type": "json", "id": "x", "rules": {"type": "string"}}, {"type": "string", "x-control": "json"}),
    (
        {"type": "text-input", "id": "x", "rules": {"not": {"const": "a"}, "x-mine": 1}},
        {"type": "string", "not": {"const": "a"}, "x-mine": 1},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("control", "schema"), EXAMPLES)
@pytest.mark.parametrize("required", [False, True])
def test_a_control_and_its_schema_say_the_same(
    control: dict[str, JsonValue], schema: dict[str, JsonValue], required: bool
) -> None:
    raw = {**control, "required": True} if required else control
    made = Form.of_controls([raw])
    assert made.schema["properties"] == {"x": schema}
    assert made.schema.get("required", []) == (["x"] if required else [])
    assert Form.of_schema(made.schema).as_json() == made.as_json()
    assert made.as_json() == [raw]
    assert Form.of_controls(made.as_json()) == made


UNUSABLE: list[Schema] = [
    {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": True},
    {"type": "object", "properties": {"a": {}}, "additionalProperties": False, "required": ["b"]},
    {"type": "array", "items": {"type": "integer"}, "prefixItems": [{"type": "string"}]},
    {"oneOf": [{"const": 1}, {"const": 1}]},
]

HINTS: list[Schema] = [{}, {"x-control": "checkbox"}]

FOREIGN: list[tuple[Schema, Schema]] = [
    ({"type": "integer", "oneOf": [{"const": 1, "title": "One", "description": "the least"}, {"const": 2}]},
     {"type": "radio", "options": [{"label": "One", "value": 1}, {"label": "2", "value": 2}]}),
    ({"type": "string", "enum": list("abcdef")},
     {"type": "select", "options": [{"label": char, "value": char} for char in "abcdef"]}),
    ({"anyOf": [{"type": "string"}, {"type": "null"}], "title": "T", "default": None},
     {"type": "text-input", "label": "T", "nullable": True}),
    ({"type": "integer", "x-control": "json"}, {"type": "json", "rules": {"type": "integer"}}),
    ({"type": "string", "x-control": "boxes"}, {"type": "text-input", "rules": {"x-control": "boxes"}}),
    ({"type": "object"}, {"type": "json", "rules": {"type": "object"}}),
    ({"type": "string", "enum": ["a", 1]},
     {"type": "radio", "rules": {"type": "string"},
      "options": [{"label": "a", "value": "a"}, {"label": "1", "value": 1}]}),
    *(
        ({"type": "array", "items": {"enum": ["a"], "not": {}}, **hint},
         {"type": "list", **({"rules": hint} if hint else {}),
          "item": {"type": "radio", "id": "item", "required": True, "rules": {"not": {}},
                   "options": [{"label": "a", "value": "a"}]}})
        for hint in HINTS
    ),
    *((schema, {"type": "json", "rules": schema}) for schema in UNUSABLE),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "control"), FOREIGN)
def test_schemas_of_others_become_the_control_one_expects(schema: Schema, control: dict[str, JsonValue]) -> None:
    [made] = Form.of_schema(form([], x=schema)).as_json()
    assert made == {"id": "x", **control}


class Mood(Enum):
    """A closed field."""

    GOOD = "good"
    BAD = "bad"


class Visit(BaseModel):
    """A model as authors write them."""

    mood: Mood = Field(title="Mood", description="How was it?")
    stars: int | None = Field(default=None, ge=1, le=5)
    tags: set[Literal["fast", "kind"]] = set()
    guests: list[dict[str, int]] = []


def test_a_model_becomes_the_form_one_expects() -> None:
    mood, stars, tags, guests = Form.of_schema(Visit).inputs
    assert (mood.type, mood.label, mood.help, mood.required) == ("radio", "Mood", "How was it?", True)
    assert (stars.type, stars.nullable, stars.required) == ("number", True, False)
    assert tags == Checkbox(id="tags", label="Tags", default=[], options=(Option.of("fast"), Option.of("kind")))
    assert isinstance(guests, List)
    assert guests.item.type == "json"


def test_rules_of_the_whole_answer_stay_with_the_form() -> None:
    rules = {"minProperties": 1, "if": {"required": ["a"]}, "then": {"required": ["b"]}, "title": "Visit"}
    made = Form.of_schema({**form([], a={"type": "integer"}, b={"type": "integer"}), **rules})
    assert [control.type for control in made.controls] == ["number", "number"]
    assert Form.of_schema(made.schema) == made
    for fields in ({}, {"a": ["1"]}):
        with pytest.raises(InvalidResponse):
            made.parse(fields)
    assert made.parse({"b": ["1"]}) == {"b": 1}
    both = Form.of_schema({**form(a={"type": "integer"}), "allOf": [form(b={"type": "integer"})]})
    assert both.answers.validate({"a": 1, "b": 2})
    with pytest.raises(InvalidResponse, match="c: expected no such field"):
        both.answers.validate({"a": 1, "b": 2, "c": 3})
    shut = {**form(a={"type": "integer"}), "additionalProperties": False, "unevaluatedProperties": True}
    with pytest.raises(InvalidResponse, match="c: expected no such field"):
        Form.of_schema(shut).answers.validate({"a": 1, "c": 3})
    more = Form.of_schema({**form(a={"type": "integer"}), "required": ["a", "x"], "additionalProperties": True})
    assert more.answers.validate({"a": 1, "x": 2, "y": 3})
    with pytest.raises(InvalidResponse, match="x: expected a value, got nothing"):
        more.answers.validate({"a": 1})


# --- lists of controls as others write them ---------------------------------------------------------------------


def test_shorthands_and_aliases_become_the_normal_form() -> None:
    made = Form.of_controls(
        [
            {"type": "title", "content": "Section"},
            {"type": "markdown", "content": "## Hello"},
            {"type": "text", "content": "no id"},
            {"type": "markdown-display", "value": "a"},
            {"type": "text-display", "value": "b"},
            {"type": "divider"},
            {"type": "link", "url": "https://example.com/"},
            {"type": "text", "id": "t"},
            {"type": "textarea", "id": "ta", "required": True},
            {"type": "text-area", "id": "tb", "multiline": False},
            {"type": "dropdown", "id": "d", "options": ["Low", 2, True, None, {"label": "X"}, {"value": 0.5}]},
            {"type": "audio", "url": "https://example.com/a.mp3"},
            {"type": "list", "id": "l", "item": {"type": "textarea", "label": "Line"}},
            {"type": "group", "id": "g", "controls": [{"type": "textarea", "id": "r"}]},
        ]
    )
    assert made.as_json() == [
        {"type": "title", "value": "Section"},
        {"type": "markdown", "value": "## Hello"},
        {"type": "markdown", "value": "no id"},
        {"type": "markdown", "value": "a"},
        {"type": "markdown", "value": "b"},
        {"type": "divider"},
        {"type": "link", "url": "https://example.com/", "text": "https://example.com/"},
        {"type": "text-input", "id": "t"},
        {"type": "text-input", "id": "ta", "required": True, "multiline": True},
        {"type": "text-input", "id": "tb"},
        {
            "type": "select",
            "id": "d",
            "options": [
                {"label": "Low", "value": "Low"},
                {"label": "2", "value": 2},
                {"label": "true", "value": True},
                {"label": "null", "value": None},
                {"label": "X", "value": "X"},
                {"label": "0.5", "value": 0.5},
            ],
        },
        {"type": "audio", "url": "https://example.com/a.mp3"},
        {
            "type": "list",
            "id": "l",
            "item": {"type": "text-input", "id": "item", "label": "Line", "required": True, "multiline": True},
        },
        {"type": "group", "id": "g", "controls": [{"type": "text-input", "id": "r", "multiline": True}]},
    ]
    assert Form.of_controls(made.as_json()) == made


HOSTILE: list[tuple[object, list[str]]] = [
    (5, ["form", "list of controls", "got 5"]),
    ([], ["at least one input"]),
    ([{"type": "divider"}], ["at least one input"]),
    ([5], ["controls.0", "expected a control", "got 5"]),
    ([{}], ["controls.0", "type", "text-input", "got None"]),
    ([{"type": ["x"], "id": "a"}], ["controls.0", "type", "got ['x']"]),
    ([{"type": "script", "id": "a"}], ["controls.0", "got 'script'"]),
    ([{"type": "date"}], ["controls.0 (date)", "id", "got None"]),
    ([{"type": "date", "id": 5}], ["id", "got 5"]),
    ([{"type": "date", "id": " a"}], ["id", "got ' a'"]),
    ([{"type": "date", "id": "a\x1b[2J"}], ["id", r"got 'a\x1b[2J'"]),
    ([{"type": "date", "id": "x" * 101}], ["id", "1 to 100"]),
    ([{"type": "date", "id": "a"}, {"type": "date", "id": "a"}], ["every id once", "'a'"]),
    ([{"type": "divider"}, {"type": "date", "id": "a", "requird": True}], ["controls.1 (date 'a')", "requird"]),
    ([{"type": "radio", "id": "a"}], ["radio 'a'", "options"]),
    ([{"type": "radio", "id": "a", "options": []}], ["options", "at least 1"]),
    ([{"type": "radio", "id": "a", "options": "abc"}], ["options", "got 'abc'"]),
    ([{"type": "radio", "id": "a", "options": [["x"]]}], ["options.0", "got ['x']"]),
    ([{"type": "radio", "id": "a", "options": [{"label": "x", "value": {}}]}], ["options.0.value", "got {}"]),
    ([{"type": "radio", "id": "a", "options": [1, 1.0]}], ["every option once", "'1'"]),
    ([{"type": "checkbox", "id": "a", "min_items": 1}], ["need options"]),
    ([{"type": "number", "id": "a", "minimum": True}], ["minimum", "expected a number", "got True"]),
    ([{"type": "number", "id": "a", "step": 0}], ["step", "got 0"]),
    ([{"type": "boxes", "id": "a", "image": "javascript:x"}], ["image", "got 'javascript:x'"]),
    ([{"type": "boxes", "id": "a", "labels": ["x", "x"]}], ["every label once"]),
    ([{"type": "group", "id": "g", "controls": []}], ["controls", "at least 1"]),
    ([{"type": "group", "id": "g", "controls": [{"type": "title"}]}], ["controls.0.controls.0", "got 'title'"]),
    ([{"type": "group", "id": "g", "controls": [{"type": "date", "id": "a"}] * 2}], ["every id once"]),
    ([{"type": "list", "id": "l"}], ["item"]),
    ([{"type": "list", "id": "l", "item": {"type": "date", "id": "a"}}], ["item", "the id 'item'"]),
    ([{"type": "list", "id": "l", "item": {"type": "radio"}}], ["controls.0.item", "options"]),
    ([{"type": "text", "id": "a", "pattern": "("}], ["properties.a", "pattern '('"]),
    ([{"type": "text", "id": "a", "default": 5}], ["controls.0 (text-input 'a')", "default", "got 5"]),
    ([{"type": "list", "id": "l", "item": {"type": "date", "default": "x"}}], ["0.item", "default", "got 'x'"]),
    ([{"type": "text", "id": "a", "rules": {"minLength": 3}}], ["rules", "minLength"]),
    ([{"type": "json", "id": "a", "rules": {"type": "nonsense"}}], ["json 'a'", "properties.rules", "nonsense"]),
    ([{"type": "json", "id": "a", "rules": {"$ref": "https://e.com/"}}], ["properties.rules", "$ref"]),
    ([{"type": "json", "id": "a", "nullable": True}], ["nullable"]),
    ([{"type": "markdown", "content": "a", "value": "b"}], ["(markdown)", "content"]),
    ([{"type": "text", "id": "a", "label": "\x00"}], ["0.label", "NUL"]),
    ([{"type": "date", "id": "a", "label": float("nan")}], ["0.label", "finite"]),
    ([{"type": "select", "id": "a", "options": [str(i) for i in range(100_000)]}], ["100,000 values"]),
    ([{"type": "select", "id": "a", "options": ["x" * 100 + str(i) for i in range(8_000)]}], ["256,000 bytes"]),
    ([{"type": "divider"}] * 100_001, ["100,000 values"]),
    ([{"type": "date", "id": str(i)} for i in range(5_000)], ["256,000 bytes"]),
]  # fmt: skip


@pytest.mark.parametrize(("controls", "said"), HOSTILE, ids=range(len(HOSTILE)))
def test_a_list_that_is_no_form_is_refused_with_the_place_and_what_came(controls: object, said: list[str]) -> None:
    started = time.perf_counter()
    with pytest.raises(DefinitionError) as caught:
        Form.of_controls(controls)
    assert time.perf_counter() - started < 10
    assert len(str(caught.value)) < 1500
    for words in said:
        assert words in str(caught.value)


@pytest.mark.parametrize("depth", [30, 70, 5_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    nested: dict[str, object] = {"type": "date"}
    for _ in range(depth):
        nested = {"type": "list", "item": nested}
    with pytest.raises(DefinitionError, match="levels of nesting"):
        Form.of_controls([{**nested, "id": "a"}])


@pytest.mark.parametrize("hint", ["boxes", "list", "json", "group"])
def test_hints_that_do_not_fit_cost_no_time(hint: str) -> None:
    nested: Schema = {"type": "string"}
    for _ in range(16):
        nested = {"type": "array", "x-control": hint, "items": nested}
    started = time.perf_counter()
    assert Form.of_schema(form(a=nested)).answers.schema
    assert time.perf_counter() - started < 5


def test_ten_thousand_options_are_a_form() -> None:
    options = [f"option {index}" for index in range(10_000)]
    started = time.perf_counter()
    made = Form.of_controls([{"type": "dropdown", "id": "a", "options": options}])
    assert made.parse({"a": ["option 9999"]}) == {"a": "option 9999"}
    assert time.perf_counter() - started < 20

    made = Form.of_controls([{"type": "boxes", "id": "b", "labels": ["cow", "calf"], "min_items": 3, "required": True}])
    drawn = simulated_answer(made.answers, "task", "worker", 1.0)["b"]
    assert isinstance(drawn, list)
    assert len({canonical_json(box) for box in drawn}) == 3
    for box in drawn:
        assert isinstance(box, dict)
        assert box["width"], box["height"]


# --- the form of a task -----------------------------------------------------------------------------------------


def test_a_task_shows_its_controls_and_then_asks_for_its_answer() -> None:
    schema = form(ok={"type": "boolean"})
    shown = [c.title("Look").model_dump(mode="json")]
    made = Form.of_task(controls=shown, input={"text": "t"}, schema=schema)
    assert made.controls == (c.title("Look"), Checkbox(id="ok", required=True))
    plain = Form.of_task(controls=None, input={"text": "t"}, schema=schema)
    assert plain.controls == (c.Markdown(value="**text:** t"), Checkbox(id="ok", required=True))


def test_a_task_whose_controls_hold_inputs_keeps_their_order() -> None:
    raw = [{"type": "date", "id": "day"}, {"type": "divider"}, {"type": "text", "id": "note"}]
    asked = Form.of_controls(raw)
    made = Form.of_task(controls=asked.as_json(), input={}, schema=asked.schema)
    assert made == asked
    assert made.controls == (Date(id="day"), c.divider(), TextInput(id="note"))
