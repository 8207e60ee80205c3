"""Forms: controls and JSON Schema say the same, and what a browser sends comes in as the answer it means."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.errors import DefinitionError, InvalidResponse
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.inputs import (
    Boxes,
    Input,
)
from intermezzo.human_steps.json_values import canonical_json
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
beyond = st.sampled_from(
    [
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
    ]
)


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
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return draw(instances(draw(st.sampled_from(schema[keyword]))))
    if "const" in schema or "enum" in schema:
        return draw(st.sampled_from(schema.get("enum") or [schema["const"]]))
    match schema.get("type"):
        case "object":
            properties: Mapping[str, Schema] = schema.get("properties", {})
            there = [n for n in properties if n in schema.get("required", []) or draw(st.booleans())]
            return {name: draw(instances(properties[name])) for name in there}
        case "array":
            return [draw(instances(schema.get("items", {}))) for _ in range(draw(st.integers(0, 3)))]
        case "integer":
            return draw(st.integers(-20, 20) | st.just(4.0))
        case "number":
            return draw(amounts | st.sampled_from([0.07, 0.5]))
        case "boolean":
            return draw(st.booleans())
        case "string" if schema.get("format") == "date":
            return draw(st.dates().map(str))
        case "string":
            return draw(words)
        case _:
            return draw(wild)


SLOW = settings(max_examples=300, suppress_health_check=list(HealthCheck))


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
        assume(False)
        return
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
