"""Made-up answers: natural, valid whatever the schema, and given up soon when there is none."""

import json
import string
import time
from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Annotated, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

from intermezzo.errors import DefinitionError, InvalidResponse
from intermezzo.human_steps.answers import AnswerSchema

Schema = dict[str, JsonValue]


def form(required: Sequence[str] | None = None, /, **properties: JsonValue) -> Schema:
    """The schema of an object whose fields are all required, unless told otherwise."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
    }


class Mood(Enum):
    """A closed field."""

    GOOD = "good"
    BAD = "bad"


class Verdict(BaseModel):
    """A model with closed and open fields."""

    mood: Mood
    urgent: bool
    stars: Annotated[int, Field(ge=1, le=5)]
    due: date
    note: str = ""


def test_a_sample_is_the_first_option_the_minimum_true_and_test_response() -> None:
    schema = form(
        a={"enum": ["x", "y"]},
        b={"type": "integer", "minimum": 2},
        c={"type": "boolean"},
        d={"type": "string"},
    )
    assert AnswerSchema.of(schema).sample() == {"a": "x", "b": 2, "c": True, "d": "test response"}


@pytest.mark.parametrize(
    "field",
    [
        {"type": "string", "minLength": 40},
        {"type": "string", "maxLength": 4},
        {"type": "string", "maxLength": 0},
        {"type": "string", "pattern": r"^[A-Z]{2}-\d{4}(-(x|y))?$"},
        {"type": "string", "pattern": r"^[^\s@]+@example\.(com|org)$", "minLength": 30},
        {"type": "string", "pattern": "response"},
        *(
            {"type": "string", "format": f}
            for f in ("date", "date-time", "time", "email", "uri", "uuid", "ipv4", "ipv6")
        ),
        {"type": "string", "format": "uri", "minLength": 50},
        {"type": "string", "format": "email", "minLength": 30},
        {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
        {"type": "number", "multipleOf": 0.05, "exclusiveMinimum": 0.1},
        {"type": "integer", "multipleOf": 7, "minimum": 10, "maximum": 20},
        {"type": "integer", "multipleOf": 1.5, "minimum": 1},
        {"type": "integer", "exclusiveMaximum": -5},
        {"type": "number", "maximum": -0.5},
        {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": form(x={"type": "string"}), "minItems": 5, "uniqueItems": True},
        {"type": "array", "prefixItems": [{"const": 1}, {"type": "string"}], "items": False, "minItems": 2},
        {"type": "array", "maxItems": 0},
        {"type": "array", "contains": {"const": 5}, "minItems": 2},
        {"type": "object", "minProperties": 2, "additionalProperties": {"type": "integer"}},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": "integer"}, {"type": "number", "minimum": 0.5}]},
        {"allOf": [{"type": "integer", "minimum": 3}, {"maximum": 9}, {"multipleOf": 4}]},
        {"type": "string", "pattern": r"^\p{Greek}+$", "examples": ["αβγ"]},
        {"type": "integer", "not": {"const": 0}},
        {"enum": ["a", 3, None], "type": "integer"},
        {"minimum": 3, "maximum": 4, "multipleOf": 3.5},
        {},
        True,
    ],
)
def test_a_sample_respects_every_rule_of_a_field(field: JsonValue) -> None:
    schema = AnswerSchema.of(form(a=field))
    assert schema.validate(schema.sample()) == schema.sample()
    assert "a" in schema.sample()


def test_a_sample_follows_conditions() -> None:
    schema = form(["ok"], ok={"type": "boolean"}, why={"type": "string", "minLength": 3}) | {
        "if": {"properties": {"ok": {"const": False}}},
        "then": {"required": ["why"]},
        "else": {"properties": {"why": {"const": ""}}},
    }
    answers = AnswerSchema.of(schema)
    assert answers.sample()["ok"] is True
    assert answers.sample(lambda _path, options: options[-1]) == {"ok": False, "why": "test response"}


def test_the_chooser_is_asked_for_closed_fields_only() -> None:
    asked: list[Sequence[JsonValue]] = []

    def last(_path: str, options: Sequence[JsonValue]) -> JsonValue:
        asked.append(options)
        return options[-1]

    sample = AnswerSchema.of(form(a={"enum": ["x", "y"]}, b={"type": "string"}, c={"const": 1})).sample(last)
    assert sample == {"a": "y", "b": "test response", "c": 1}
    assert asked == [["x", "y"]]


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        (form(a={"type": "string"}, b={"type": "integer", "minimum": 3, "maximum": 2}), "field b"),
        (form(a=form(deep=False)), "field a.deep"),
        (form(a={"type": "string", "pattern": r"^\p{Greek}+$"}), "field a"),
        (form(a={"type": "array", "items": {"enum": ["x"]}, "minItems": 2, "uniqueItems": True}), "field a"),
    ],
)
def test_a_schema_without_a_sample_is_an_error_that_names_the_field(schema: Schema, field: str) -> None:
    with pytest.raises(DefinitionError, match=field):
        AnswerSchema.of(schema).sample()


def test_an_optional_field_without_a_sample_is_left_out() -> None:
    assert AnswerSchema.of(form(["a"], a={"const": 1}, b=False)).sample() == {"a": 1}


def test_a_model_that_refuses_the_sample_is_an_error_that_names_the_field() -> None:
    class Picky(BaseModel):
        code: str

        @field_validator("code")
        @classmethod
        def _known(cls, code: str) -> str:
            if code != "sesame":
                raise ValueError("unknown code")
            return code

    class Helped(Picky):
        model_config = ConfigDict(json_schema_extra={"examples": [{"code": "sesame"}]})

    with pytest.raises(DefinitionError, match="field code"):
        AnswerSchema.of(Picky).sample()
    assert AnswerSchema.of(Helped).sample() == {"code": "sesame"}


def test_a_riddle_is_given_up_soon() -> None:
    field: Schema = {"const": "never", "not": {}}
    for _ in range(4):
        field = {"anyOf": [form(**{f"f{i}": field}) for i in range(4)]}
    started = time.monotonic()
    with pytest.raises(DefinitionError, match="no example answer"):
        AnswerSchema.of(form(a=field)).sample()
    assert time.monotonic() - started < 20


def test_models_have_samples() -> None:
    class Line(BaseModel):
        kind: Literal["a", "b"]
        amount: Annotated[float, Field(gt=0, multiple_of=0.5)]

    class Order(BaseModel):
        lines: Annotated[list[Line], Field(min_length=2)]
        verdict: Verdict | None
        tags: dict[str, int] = {}

    schema = AnswerSchema.of(Order)
    assert schema.validate(schema.sample()) == schema.sample()


# --- properties ---------------------------------------------------------------------------------------------

json_scalars = st.none() | st.booleans() | st.integers(-99, 99) | st.text(string.printable, max_size=5)
names = st.text(string.ascii_lowercase, min_size=1, max_size=6)


@st.composite
def numbers(draw: st.DrawFn) -> Schema:
    schema: Schema = {"type": draw(st.sampled_from(["integer", "number"]))}
    low = draw(st.none() | st.integers(-1000, 1000))
    if low is not None:
        schema[draw(st.sampled_from(["minimum", "exclusiveMinimum"]))] = low
    if draw(st.booleans()):
        width = draw(st.integers(25, 5000))
        schema[draw(st.sampled_from(["maximum", "exclusiveMaximum"]))] = (low or 0) + width
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.sampled_from([1, 2, 7, 12, 0.5, 0.25, 0.01]))
    return schema


@st.composite
def texts(draw: st.DrawFn) -> Schema:
    schema: Schema = {"type": "string"}
    kind = draw(st.sampled_from(["length", "format", "pattern"]))
    if kind == "length":
        least = draw(st.integers(0, 60))
        schema["minLength"] = least
        if draw(st.booleans()):
            schema["maxLength"] = least + draw(st.integers(0, 9))
    elif kind == "format":
        schema["format"] = draw(st.sampled_from(["date", "date-time", "email", "uri", "uuid"]))
    else:
        parts = [r"[a-z]", r"\d", r"[^0-9]", r"\w", "x", r"\.", "(?:ab|cd)", "."]
        quantifiers = ["", "+", "*", "?", "{2}", "{1,3}", "{2,}"]
        body = "".join(
            draw(st.sampled_from(parts)) + draw(st.sampled_from(quantifiers)) for _ in range(draw(st.integers(1, 5)))
        )
        schema["pattern"] = f"^{body}$"
    return schema


@st.composite
def objects(draw: st.DrawFn, fields: st.SearchStrategy[Schema]) -> Schema:
    properties = draw(st.dictionaries(names, fields, min_size=1, max_size=4))
    required = draw(st.lists(st.sampled_from(sorted(properties)), unique=True))
    return form(required, **dict[str, JsonValue](properties))


@st.composite
def arrays(draw: st.DrawFn, items: st.SearchStrategy[Schema]) -> Schema:
    least = draw(st.integers(0, 3))
    return {
        "type": "array",
        "items": draw(items),
        "minItems": least,
        "maxItems": least + draw(st.integers(0, 2)),
    }


leaves = st.one_of(
    numbers(),
    texts(),
    st.just(Schema(type="boolean")),
    st.lists(json_scalars, min_size=1, max_size=5).map(lambda values: Schema(enum=[*values])),
    json_scalars.map(lambda value: Schema(const=value)),
)
fields = st.recursive(
    leaves,
    lambda inner: st.one_of(
        objects(inner),
        arrays(inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda branches: Schema(anyOf=[*branches])),
        inner.map(lambda branch: Schema(anyOf=[branch, {"type": "null"}])),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(objects(fields), st.integers(0, 2**32))
def test_every_sample_validates_whoever_chooses(schema: Schema, seed: int) -> None:
    answers = AnswerSchema.of(schema)
    for sample in (answers.sample(), answers.sample(lambda _path, options: options[seed % len(options)])):
        assert answers.validate(sample) == sample
        assert set(answers.closed_fields()) <= set(sample)


@settings(max_examples=30, deadline=None)
@given(objects(fields))
def test_a_stored_schema_read_again_is_the_same(schema: Schema) -> None:
    first = AnswerSchema.of(schema)
    again = AnswerSchema.of(json.loads(json.dumps(first.schema)))
    assert again.schema == first.schema
    assert again.closed_fields() == first.closed_fields()


@settings(max_examples=50, deadline=None)
@given(
    objects(fields),
    st.recursive(json_scalars, lambda v: st.lists(v, max_size=3) | st.dictionaries(names, v, max_size=3), max_leaves=8),
)
def test_any_answer_is_accepted_or_refused_in_words(schema: Schema, answer: JsonValue) -> None:
    try:
        assert AnswerSchema.of(schema).validate(answer) == answer
    except InvalidResponse as error:
        assert "expected" in str(error)  # noqa: PT017
        assert len(str(error)) < 5000  # noqa: PT017
