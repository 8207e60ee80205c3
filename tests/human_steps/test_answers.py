"""The answer side of a human step: what may be defined, what is accepted, what is made up."""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue, computed_field, field_validator

from intermezzo.errors import DefinitionError, InvalidResponse
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.json_values import canonical_json

Schema = dict[str, JsonValue]


def form(required: Sequence[str] | None = None, /, **properties: JsonValue) -> Schema:
    """The schema of an object whose fields are all required, unless told otherwise."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties if required is None else required),
    }


def refusal(schema: object, answer: object) -> str:
    with pytest.raises(InvalidResponse) as caught:
        AnswerSchema.of(schema).validate(answer)
    return str(caught.value)


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


# --- definition ---------------------------------------------------------------------------------------------


def test_of_an_object_of_which_nothing_is_said_people_fill_in_a_text_and_programs_what_they_like() -> None:
    schema = AnswerSchema.of({"type": "object", "title": "Whatever it is"})
    assert AnswerSchema.of(schema.schema).schema == schema.schema
    assert [control.type for control in Form.of_schema(schema.schema).inputs] == ["text-input"]
    for answer in ({"answer": "two lines\nof text"}, {"decision": "refund", "amounts": [1, 2]}):
        assert schema.validate(answer) == answer
    for wrong in ({}, {"answer": 7}, ["answer"]):
        with pytest.raises(InvalidResponse):
            schema.validate(wrong)
    assert schema.validate(schema.sample())


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("text", "expected a JSON Schema object"),
        ({"type": "string"}, '"type": "object"'),
        ({"properties": {"a": {}}}, '"type": "object"'),
        ({"type": "object", "properties": {}}, "at least one field"),
        ({"type": "object", "additionalProperties": False}, "at least one field"),
        (form(a={"type": "nonsense"}), "no JSON Schema 2020-12"),
        (form(a={"type": "string", "minLength": -1}), "no JSON Schema 2020-12"),
        (form(a={"$ref": "https://example.com/schema.json"}), "`$ref` inside the schema"),
        (form(a={"$ref": "file:///etc/passwd"}), "`$ref` inside the schema"),
        (form(a={"$ref": "#/$defs/lost"}), "to a definition"),
        (form(a={"$ref": "#/properties/a"}), "to a definition"),
        (form(a={"$ref": "#"}), "endless"),
        (form(a={"$ref": "#/$defs/a"}) | {"$defs": {"a": {"$ref": "#/$defs/a"}}}, "endless"),
        (form(a={"$id": "https://example.com/", "type": "string"}), "`$id` is not supported"),
        (form(a={"type": "object", "patternProperties": {"a+": {}}}), "`patternProperties` is not supported"),
        (form(a={"type": "string", "pattern": "(?=a)"}), "look-around"),
        (form(a={"type": "string", "pattern": "("}), "cannot be used"),
        (form(a={"type": "string", "pattern": r"(\w{100}){100}"}), "cannot be used"),
        (form(["a", "b"], a={"type": "string"}), "lacks"),
        (form(a={"enum": ["x" * 300_000]}), "bytes"),
        (form(a={"const": float("nan")}), "finite"),
        (int, "expected a pydantic model class"),
    ],
)
def test_a_schema_that_cannot_be_a_form_is_refused_when_defined(schema: object, reason: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        AnswerSchema.of(schema)
    assert reason in str(caught.value)


def test_references_that_multiply_are_refused_before_they_fill_memory() -> None:
    laughs: Schema = {"l0": {"type": "string"}}
    for i in range(1, 9):
        laughs[f"l{i}"] = Schema(anyOf=[{"$ref": f"#/$defs/l{i - 1}"} for _ in range(10)])
    started = time.monotonic()
    with pytest.raises(DefinitionError, match="fewer references"):
        AnswerSchema.of(form(a={"$ref": "#/$defs/l8"}) | {"$defs": laughs})
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("levels", [21, 31, 60, 5000])
def test_absurd_depth_is_refused(levels: int) -> None:
    schema: Schema = {"type": "string"}
    for _ in range(levels):
        schema = form(a=schema)
    with pytest.raises(DefinitionError, match="levels of nesting"):
        AnswerSchema.of(schema)


def test_a_schema_with_twenty_thousand_options_may_be_stored_and_read_again() -> None:
    labels: Schema = {"enum": [f"label {i}" for i in range(6_000)]}
    schema = form(a={"$ref": "#/$defs/l"}, b={"$ref": "#/$defs/l"}) | {"$defs": {"l": labels}}
    first = AnswerSchema.of(schema)
    assert AnswerSchema.of(json.loads(json.dumps(first.schema))).schema == first.schema


def test_local_references_are_put_in() -> None:
    schema = AnswerSchema.of(form(a={"$ref": "#/$defs/m~1n", "title": "A"}) | {"$defs": {"m/n": {"enum": ["x"]}}})
    assert schema.fields["a"] == {"enum": ["x"], "title": "A"}
    with pytest.raises(InvalidResponse, match="a: expected one of 'x', got 'y'"):
        schema.validate({"a": "y"})


def test_a_reference_with_siblings_asks_for_both() -> None:
    schema = form(a={"$ref": "#/$defs/n", "minimum": 3}) | {"$defs": {"n": {"type": "integer"}}}
    assert AnswerSchema.of(schema).validate({"a": 3}) == {"a": 3}
    assert "3 or more" in refusal(schema, {"a": 2})
    assert "a whole number" in refusal(schema, {"a": "x"})


def test_a_model_that_reads_what_it_does_not_write_is_refused() -> None:
    class Hidden(BaseModel):
        a: str = Field(exclude=True)

    with pytest.raises(DefinitionError, match="reads a but does not write it"):
        AnswerSchema.of(Hidden)


def test_defining_a_form_from_a_model_does_not_import_jsonschema() -> None:
    code = (
        "import sys; from pydantic import BaseModel\n"
        "from intermezzo.human_steps.answers import AnswerSchema\n"
        "class M(BaseModel):\n    a: bool\n"
        "assert AnswerSchema.of(M).closed_fields() == ['a']; assert 'jsonschema' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# --- validation ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ({"enum": ["yes", "no"]}, "maybe", "a: expected one of 'yes', 'no', got 'maybe'"),
        ({"type": "integer", "minimum": 1, "maximum": 5}, 6, "a: expected 5 or less, got 6"),
        ({"type": "integer"}, True, "a: expected a whole number, got True"),
        ({"type": "string", "minLength": 3}, "ab", "a: expected at least 3 characters, got 2: 'ab'"),
        (
            {"type": "string", "maxLength": 1},
            "x" * 500,
            f"a: expected at most 1 character, got 500: '{'x' * 76}...",
        ),
        (
            {"type": "string", "format": "date"},
            "31.1.2026",
            "a: expected a date like 2026-01-31, got '31.1.2026'",
        ),
        ({"type": "array", "uniqueItems": True}, [{"b": 1}, {"b": 1.0}], "a: expected no item twice"),
        ({"type": "array", "items": {"type": "boolean"}}, [True, 1], "a.1: expected true or false, got 1"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 5, "a: expected text or nothing (null), got 5"),
        ({"anyOf": [{"type": "integer", "minimum": 3}, {"type": "null"}]}, 1, "a: expected 3 or more, got 1"),
        ({"not": {"const": 1}}, 1, "a: expected anything but 1, got 1"),
        (False, 1, "a: expected nothing, got 1"),
    ],
)
def test_a_refusal_names_the_field_what_was_expected_and_what_came(
    field: JsonValue, value: JsonValue, message: str
) -> None:
    assert message in refusal(form(a=field), {"a": value})


def test_a_refusal_names_every_field_but_not_endlessly() -> None:
    schema = form(**{f"f{i}": Schema(type="boolean") for i in range(9)})
    message = refusal(schema, {"f0": "x", "other": 1})
    assert "f0: expected true or false, got 'x'" in message
    assert "f1: expected true or false, got nothing" in message
    assert "and 5 more" in message


def test_unknown_fields_are_refused_unless_the_schema_says_otherwise() -> None:
    inner = form(x={"type": "string"})
    schema = form(["a"], a=inner, b={"type": "object"})
    assert "c: expected no such field (there are 'a', 'b'), got 1" in refusal(schema, {"a": {"x": ""}, "c": 1})
    assert "a.y: expected no such field" in refusal(schema, {"a": {"x": "", "y": 1}})
    assert AnswerSchema.of(schema).validate({"a": {"x": ""}, "b": {"free": 1}})["b"] == {"free": 1}
    assert AnswerSchema.of(schema | {"additionalProperties": True}).validate({"a": {"x": ""}, "c": 1})["c"] == 1


def test_fields_of_branches_are_known_fields() -> None:
    box, point = form(kind={"const": "box"}, width={"type": "number"}), form(kind={"const": "point"})
    schema = form(shape={"oneOf": [box, point]})
    assert AnswerSchema.of(schema).validate({"shape": {"kind": "box", "width": 1}})
    assert "shape.width: expected a number, got 'x'" in refusal(schema, {"shape": {"kind": "box", "width": "x"}})
    assert "height" in refusal(schema, {"shape": {"kind": "point", "height": 1}})


@pytest.mark.parametrize(
    "answer",
    [
        "text",
        None,
        [],
        {"a": float("nan")},
        {"a": 2**70},
        {1: "x"},
        {"a": "\x00"},
        {"a": "\ud800"},
        {"a": object()},
    ],
)
def test_what_no_database_could_keep_is_refused(answer: object) -> None:
    assert "correct it and submit again" in refusal(form(a={}), answer)


def test_huge_answers_are_refused() -> None:
    assert "bytes" in refusal(form(a={}), {"a": "x" * 1_000_001})
    assert "values" in refusal(form(a={}), {"a": [0] * 20_000})
    deep: JsonValue = 1
    for _ in range(100_000):
        deep = [deep]
    assert "levels of nesting" in refusal(form(a={}), {"a": deep})


def test_a_hostile_pattern_and_a_hostile_answer_together_take_no_time() -> None:
    schema = form(a={"type": "string", "pattern": "^(a+)+$"})
    started = time.monotonic()
    assert "pattern" in refusal(schema, {"a": "a" * 10_000 + "!"})
    assert "pattern" in refusal(schema, {"a": "a" * 100_000})
    assert time.monotonic() - started < 2


def test_hundredths_are_multiples_of_a_hundredth() -> None:
    schema = form(a={"type": "number", "multipleOf": 0.01})
    assert AnswerSchema.of(schema).validate({"a": 0.07}) == {"a": 0.07}
    assert "a multiple of 0.01" in refusal(schema, {"a": 0.075})


@pytest.mark.parametrize(
    ("format", "good", "bad"),
    [
        ("date", "2024-02-29", "2023-02-29"),
        ("date", "2024-02-29", "20240229"),
        ("date-time", "2026-01-31T12:00:00.123456789Z", "2026-01-31T12:00:00"),
        ("date-time", "2026-01-31T12:00:00+01:00", "2026-01-31"),
        ("time", "12:30", "25:00"),
        ("email", "a@b.org", "a@b"),
        ("uri", "https://example.com/?q=1", "example.com"),
        ("uuid", "00000000-0000-4000-8000-000000000001", "1234"),
        ("ipv4", "192.0.2.1", "192.0.2.256"),
        ("ipv6", "2001:db8::1", "192.0.2.1"),
    ],
)
def test_formats_are_checked(format: str, good: str, bad: str) -> None:
    schema = form(a={"type": "string", "format": format})
    assert AnswerSchema.of(schema).validate({"a": good}) == {"a": good}
    assert repr(bad) in refusal(schema, {"a": bad})


def test_the_answer_comes_back_as_the_model_writes_it() -> None:
    answer = {"mood": "good", "urgent": False, "stars": 5, "due": "2026-01-31"}
    assert AnswerSchema.of(Verdict).validate(answer) == {**answer, "note": ""}


def test_the_models_own_validators_run() -> None:
    class Even(BaseModel):
        model_config = ConfigDict(strict=True)

        number: int
        due: date

        @field_validator("number")
        @classmethod
        def _even(cls, number: int) -> int:
            if number % 2:
                raise ValueError("must be even")
            return number

    assert AnswerSchema.of(Even).validate({"number": 2, "due": "2026-01-31"})["number"] == 2
    assert "number: must be even, got 1" in refusal(Even, {"number": 1, "due": "2026-01-31"})


def test_validating_twice_changes_nothing() -> None:
    class Named(BaseModel):
        first: str = Field(alias="firstName")

        @computed_field
        @property
        def shout(self) -> str:
            return self.first.upper()

    schema = AnswerSchema.of(Named)
    once = schema.validate({"firstName": "ada"})
    assert once == schema.validate(once) == {"firstName": "ada"}


def test_a_schema_broken_by_json_schema_extra_is_the_authors_fault() -> None:
    class Broken(BaseModel):
        a: str = Field(json_schema_extra={"minLength": "x"})

    with pytest.raises(DefinitionError, match="no JSON Schema"):
        AnswerSchema.of(Broken).validate({"a": ""})


# --- closed fields ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ({"enum": ["a", "b", "a"]}, ["a", "b"]),
        ({"enum": [1, True, 1.0]}, [1, True]),
        ({"const": 7}, [7]),
        ({"type": "boolean"}, [True, False]),
        ({"type": ["boolean", "null"]}, [True, False, None]),
        ({"type": "integer", "minimum": 1, "maximum": 3}, [1, 2, 3]),
        ({"type": "integer", "exclusiveMinimum": 0.5, "exclusiveMaximum": 3}, [1, 2]),
        ({"anyOf": [{"const": "x"}, {"const": "y"}]}, ["x", "y"]),
        ({"oneOf": [{"enum": ["x"]}, {"type": "null"}]}, ["x", None]),
        ({"allOf": [{"enum": ["x"]}], "title": "T"}, ["x"]),
        ({"type": "string"}, None),
        ({}, None),
        ({"type": "number", "minimum": 0, "maximum": 1}, None),
        ({"type": "integer", "minimum": 1, "maximum": 1001}, None),
        ({"type": "integer", "minimum": 1}, None),
        ({"anyOf": [{"const": "x"}, {"type": "string"}]}, None),
        ({"type": "array", "items": {"enum": ["a"]}, "uniqueItems": True}, None),
    ],
)
def test_closed_fields_are_those_with_a_closed_set_of_values(field: JsonValue, options: list[JsonValue] | None) -> None:
    schema = AnswerSchema.of(form(a=field))
    assert canonical_json(schema.options("a")) == canonical_json(options)
    assert schema.closed_fields() == ([] if options is None else ["a"])


def test_closed_fields_of_a_model_leave_out_text_and_dates() -> None:
    assert AnswerSchema.of(Verdict).closed_fields() == ["mood", "urgent", "stars"]
    assert len(AnswerSchema.of(form(a={"type": "integer", "minimum": 1, "maximum": 1000})).options("a") or []) == 1000


@pytest.mark.parametrize(
    ("schema", "answer", "message"),
    [
        (
            form(["a"], a={"enum": ["yes", "no"]}, why={"enum": ["dull", "wrong"]})
            | {"if": {"properties": {"a": {"const": "no"}}}, "then": {"required": ["why"]}},
            {"a": "no"},
            "why: expected one of 'dull', 'wrong', got nothing",
        ),
        (
            form([], a={"type": "string"}, b={"enum": ["p", "q"]}) | {"dependentRequired": {"a": ["b"]}},
            {"a": "x"},
            "b: expected one of 'p', 'q', got nothing",
        ),
        (
            form([], a={"type": "string"}, b={"type": "string"})
            | {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
            {},
            "answer: expected an object with 'a' or an object with 'b', got {}",
        ),
        (
            form(a={"oneOf": [form(k={"const": "x"}), form(k={"const": "y"})]}),
            {"a": {"k": "z"}},
            "a: expected exactly one of: an object with k 'x', an object with k 'y', got {'k': 'z'}",
        ),
        (
            form(a={"type": "array", "contains": {"type": "integer"}, "minContains": 2}),
            {"a": [1]},
            "a: expected a list with at least 2 of this kind: a whole number, got [1]",
        ),
        (
            form(a={"type": "array", "prefixItems": [{"type": "string"}], "items": False}),
            {"a": ["x", 2]},
            "a: expected at most 1 item, got 2 items",
        ),
        (form(a={"type": "string", "not": {"enum": ["a", "b"]}}), {"a": "a"}, "a: expected anything but 'a', 'b', got"),
        (form(a={"type": "integer"}), {"a": 2**70}, "a: expected a finite number of at most 64 bits, got 118059"),
    ],
)
def test_rules_between_fields_are_told_in_the_same_words(schema: Schema, answer: JsonValue, message: str) -> None:
    assert message in refusal(schema, answer)
