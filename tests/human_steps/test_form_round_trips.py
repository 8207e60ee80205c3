"""Whatever the schema: schema, form, controls, fields of a browser and answers are views of one thing."""

import json
import re
from typing import Any, cast

from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.errors import DefinitionError, InvalidResponse
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.inputs import Boxes, Input
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.schema_validator import is_valid
from intermezzo.human_steps.simulated_answers import simulated_answer

Schema = dict[str, Any]

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
