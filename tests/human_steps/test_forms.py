"""Forms: controls and JSON Schema say the same, and what a browser sends comes in as the answer it means."""

import json
import re
import time
from enum import Enum
from typing import Any, Literal, cast

import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field, JsonValue

from intermezzo.errors import DefinitionError, InvalidResponse
from intermezzo.human_steps import controls as c
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.form_fields import field_name
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.inputs import Boxes, Checkbox, Date, Input, List, TextInput
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.options import Option
from intermezzo.human_steps.schema_validator import is_valid
from intermezzo.human_steps.simulated_answers import simulated_answer

Schema = dict[str, Any]


def form(required: list[str] | None = None, /, **properties: JsonValue) -> Schema:
    """The schema of an object whose fields are all required, unless told otherwise."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties) if required is None else required,
    }


# --- schemas of the supported subset ----------------------------------------------------------------------------

words = st.text("abcäß .-\"'<&é\n", max_size=6)
names = st.sampled_from(["a", "b", "name", "with space", "a.b", "", "ümlaut", "a/b%", "0", "items"])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, -0.0, 1e300]) | words
amounts = st.integers(-20, 20) | st.sampled_from([0.25, -1.5, 3.0])
lengths = st.integers(0, 4)


def some(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[Schema]:
    """Any of these keywords."""
    return st.fixed_dictionaries({}, optional=keywords)


def joined(*parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.tuples(*parts).map(lambda several: {word: value for part in several for word, value in part.items()})


notes = some(title=words, description=words, examples=st.just(["x"]), default=st.none() | st.just("x"))
texts = joined(
    st.just({"type": "string"}),
    some(minLength=lengths, maxLength=st.integers(4, 9)),
    some(
        format=st.sampled_from(["date", "email", "date-time", "uri", "odd"]),
        pattern=st.sampled_from(["^[a-z]*$", "a", r"\d\d"]),
        **{"x-placeholder": words, "x-multiline": st.booleans()},
    ),
)
dates = st.just({"type": "string", "format": "date"})
numbers = joined(
    st.sampled_from([{"type": "integer"}, {"type": "number"}]),
    some(minimum=amounts, maximum=amounts, exclusiveMinimum=amounts, exclusiveMaximum=amounts),
    some(multipleOf=st.sampled_from([1, 2, 0.5, 0.01, 3.0])),
)
enums = (
    st.lists(scalars, min_size=1, max_size=8, unique_by=canonical_json).map(lambda values: {"enum": values})
    | st.lists(words, min_size=1, max_size=8, unique=True).map(lambda values: {"type": "string", "enum": values})
    | scalars.map(lambda value: {"const": value})
    | st.lists(st.tuples(words, words), min_size=1, max_size=3, unique_by=lambda pair: pair[0]).map(
        lambda pairs: {"oneOf": [{"const": value, "title": label} for value, label in pairs]}
    )
)
boxes = st.sampled_from(
    [Boxes(id="b"), Boxes(id="b", labels=("cow", "calf"), image="https://example.com/a.png", min_items=2)]
).map(lambda control: object_of(control)["properties"]["b"])
BEYOND: list[Any] = [
    {},
    {"type": ["string", "integer"]},
    {"type": "object"},
    {"type": "object", "additionalProperties": {"type": "integer"}},
    {"type": "array", "prefixItems": [{"type": "string"}]},
    {"type": "string", "not": {"const": "a"}},
    {"anyOf": [{"type": "string", "not": {"const": "a"}}, {"type": "null"}]},
    {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]},
    {"type": "integer", "enum": [1, "a", None]},
    {"enum": [1, [2]]},
    {"type": "string", "deprecated": True, "x-other": 1, "x-placeholder": 5},
    {"type": "string", "x-control": "boxes"},
    {"type": "array", "x-control": "boxes", "items": {"type": "string"}},
    {"type": ["string", "null"], "x-control": "json"},
    {"type": "null"},
    {"type": ["string", "null"], "not": {"const": None}},
    {"type": ["string", "null"], "oneOf": [{"const": "a", "title": "A"}]},
    {"anyOf": [{"type": "string", "const": "a", "x-control": "text-input"}, {"type": "null"}]},
    {"anyOf": [{"const": 1}, {"const": 2, "title": "two"}, {"type": "null"}]},
    {"type": "object", "properties": {"a": {}}, "additionalProperties": False, "required": ["b"]},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "minProperties": 1},
    {
        "type": "array",
        "items": {"type": "object", "properties": {"left": {"type": "number"}}},
        "x-control": "boxes",
    },
    {"type": "array", "items": {"type": "string"}, "contains": {"const": "a"}},
    {"type": "array", "items": False},
    {"type": "boolean", "minItems": 1},
    True,
]
beyond: st.SearchStrategy[Schema] = st.sampled_from(BEYOND)


def object_of(*inputs: Input) -> Schema:
    return cast("Schema", Form(inputs).schema)


def objects(fields: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    @st.composite
    def make(draw: st.DrawFn) -> Schema:
        properties = draw(st.dictionaries(names, fields, min_size=1, max_size=4))
        required = [name for name in properties if draw(st.booleans())]
        return {"type": "object", "properties": properties, "required": required}

    return make()


def arrays(items: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return joined(
        items.map(lambda item: {"type": "array", "items": item}),
        some(minItems=st.integers(0, 2), maxItems=st.integers(2, 3), uniqueItems=st.booleans()),
        some(**{"x-control": st.sampled_from(["list", "checkbox", "json", "group"])}),
    )


def nullable(fields: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    def or_null(field: Schema) -> Schema:
        if isinstance(field.get("type"), str) and "enum" not in field:
            return {**field, "type": [field["type"], "null"]}
        return {"anyOf": [field, {"type": "null"}]}

    return fields | fields.map(or_null) | fields.map(lambda field: {"anyOf": [field, {"type": "null"}], "title": "T"})


leaves = nullable(joined(texts | dates | numbers | enums | st.just({"type": "boolean"}), notes))
fields = st.recursive(
    leaves | boxes, lambda inner: nullable(joined(objects(inner) | arrays(inner), notes)), max_leaves=5
)
schemas = objects(fields | beyond)
wild = st.recursive(
    scalars | st.sampled_from(["2026-01-31", "a@example.com", "https://example.com/", "2026-01-31T12:00:00Z", 10]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=5,
)


@st.composite
def instances(draw: st.DrawFn, schema: Schema) -> JsonValue:
    """A value that may or may not fit a schema, but comes close."""
    if draw(st.integers(0, 9)) == 0:
        return draw(wild)
    if branches := schema.get("anyOf") or schema.get("oneOf"):
        return draw(instances(draw(st.sampled_from(branches))))
    if options := schema.get("enum") or [schema[word] for word in ["const"] if word in schema]:
        return draw(st.sampled_from(options))
    types: Any = schema.get("type")
    kind: object = draw(st.sampled_from(cast("list[str]", types))) if isinstance(types, list) else types
    if kind == "object":
        properties: dict[str, Schema] = schema.get("properties", {})
        there = [name for name in properties if name in schema.get("required", []) or draw(st.booleans())]
        return {name: draw(instances(properties[name])) for name in there}
    if kind == "array":
        return [draw(instances(schema.get("items") or {})) for _ in range(draw(st.integers(0, 3)))]
    return draw(_LIKE.get(f"{kind} {schema['format']}" if "format" in schema else str(kind), wild))


_LIKE: dict[str, st.SearchStrategy[JsonValue]] = {
    "integer": st.integers(-20, 20) | st.just(4.0),
    "number": amounts | st.sampled_from([0.07, 0.5]),
    "boolean": st.booleans(),
    "null": st.none(),
    "string": words,
    "string date": st.dates().map(str),
    "string email": st.just("a@example.com"),
    "string odd": words,
}


SLOW = settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@SLOW
@given(st.data())
def test_schema_to_form_to_schema_accepts_the_same_answers(data: st.DataObject) -> None:
    schema = AnswerSchema.of(data.draw(schemas)).schema
    again = Form.of_schema(schema).answers.schema
    for _ in range(5):
        answer = data.draw(instances(schema))
        assert is_valid(schema, answer) == is_valid(again, answer)


@SLOW
@given(schemas)
def test_form_to_schema_to_form_is_the_same_form(schema: Schema) -> None:
    made = Form.of_schema(schema)
    assert Form.of_schema(made.schema).as_json() == made.as_json()
    assert Form.of_schema(made.schema).rules == made.rules
    if not re.search('"default"|"id": ""', json.dumps(made.as_json())):
        assert Form.of_controls(made.as_json()).as_json() == made.as_json()


@SLOW
@given(schemas)
def test_a_simulated_answer_fits_the_form(schema: Schema) -> None:
    made = Form.of_schema(schema)
    try:
        answer = simulated_answer(made.answers, "task", "worker", 0.5)
    except DefinitionError:
        reject()
    assert AnswerSchema.of(schema).validate(answer) == answer


def has_blank(value: JsonValue) -> bool:
    """Whether a value has what a form cannot tell from nothing."""
    if isinstance(value, dict | list):
        return any(map(has_blank, value.values() if isinstance(value, dict) else value))
    return value is None or (isinstance(value, str) and (not value or "\r" in value))


@SLOW
@given(st.data())
def test_an_answer_sent_by_a_browser_comes_back(data: st.DataObject) -> None:
    made = Form.of_schema(data.draw(schemas))
    answer = data.draw(instances(made.answers.schema))
    assume(is_valid(made.answers.schema, answer))
    assert isinstance(answer, dict)
    fields = made.fields(answer)
    assert all(isinstance(text, str) for texts in fields.values() for text in texts)
    try:
        parsed = made.parse(fields)
    except InvalidResponse:
        assert has_blank(answer)
    else:
        assert canonical_json(parsed) == canonical_json(answer) or has_blank(answer)
        assert made.parse(made.fields(parsed)) == parsed


ids = st.sampled_from(["a", "b", "name", "with space", "a.b", "ümlaut", "0"])
labels = st.sampled_from(["", "Name", "Ümlaut <b>"])
labelled: st.SearchStrategy[JsonValue] = st.just({"label": "L", "value": 9})
choices = st.lists(scalars | labelled, min_size=1, max_size=7, unique_by=canonical_json)


def raw(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Schema]:
    """A control of a kind as people write it, with any of these fields."""
    common = {"label": labels, "help": labels, "required": st.booleans(), "nullable": st.booleans()}
    return some(**common, **fields).map(lambda drawn: {"type": kind, **drawn})


limits = {"min_items": st.integers(0, 2), "max_items": st.integers(2, 4)}
simple = st.one_of(
    raw("text", min_length=lengths, max_length=st.integers(4, 9), pattern=st.just("^a"), placeholder=labels),
    raw("text-input", multiline=st.booleans(), format=st.sampled_from(["date", "email", "odd"])),
    raw("textarea"),
    raw("date"),
    raw("number", integer=st.booleans(), minimum=amounts, exclusive_maximum=amounts, step=st.sampled_from([1, 0.5])),
    raw("checkbox"),
    raw("boxes", labels=st.lists(labels, unique=True, max_size=3), image=st.just("https://e.com/a.png"), **limits),
    *(
        joined(raw(kind), st.fixed_dictionaries({"options": choices}))
        for kind in ("radio", "select", "dropdown", "checkbox")
    ),
    raw("json", rules=st.sampled_from([{}, {"type": "string"}, {"type": "object", "properties": {"a": {}}}])).map(
        lambda drawn: {**drawn, "nullable": False}
    ),
)


def nested(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    named = st.lists(st.tuples(ids, inner), min_size=1, max_size=3, unique_by=lambda pair: pair[0])
    group = joined(raw("group"), named.map(lambda pairs: {"controls": [{**one, "id": id} for id, one in pairs]}))
    item = inner.map(lambda one: {"item": {word: value for word, value in one.items() if word != "required"}})
    return group | joined(raw("list", unique=st.booleans(), **limits), item)


raw_controls = st.lists(
    st.tuples(ids, st.recursive(simple, nested, max_leaves=4)), min_size=1, max_size=4, unique_by=lambda pair: pair[0]
).map(lambda pairs: [{"type": "divider"}, *({**one, "id": id} for id, one in pairs), {"type": "title", "content": "T"}])


@SLOW
@given(raw_controls)
def test_controls_to_schema_to_controls_are_the_same_controls(controls: list[Schema]) -> None:
    made = Form.of_controls(controls)
    assert Form.of_schema(made.schema).controls == made.inputs
    assert Form.of_controls(made.as_json()) == made
    assert [one["type"] for one in made.as_json()] == [
        {"text": "text-input", "textarea": "text-input", "dropdown": "select"}.get(one["type"], one["type"])
        for one in controls
    ]
    assert made.answers.schema == made.schema


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
    with pytest.raises(InvalidResponse, match="c: expected no such field .there are 'a', 'b'., got 3"):
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


# --- what browsers send -----------------------------------------------------------------------------------------

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


def test_a_simulated_worker_draws_boxes_that_have_an_inside() -> None:
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
