"""Answers are read as what was asked for, or refused."""

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.llm import Unreadable, flaw_of_schema, reader, typed_reader

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON_VALUES)
def test_any_json_is_read_bare_fenced_and_among_words(value: Any) -> None:
    text = json.dumps(value)
    read = reader("json")
    assert read(text) == value
    assert read(f"```json\n{text}\n```") == value
    assert read(f"Here it is:\n\n```\n{text}\n```\nAnything else?") == value


@pytest.mark.parametrize(
    "text",
    ["", "Sure!", '{"a": 1', '{"a": NaN}', "[Infinity]", "[1e999]", '{"a": 1, "b": 2, "a": 3}', "'a'", '"\\ud800"',
     "[" * 100_000, "```json\n1\n```\nor\n```json\n2\n```", "```python\n1\n```", "```json\n1"],
)  # fmt: skip
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(Unreadable) as caught:
        reader("json")(text)
    assert caught.value.kind == "not valid JSON"


FIELDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]))


@given(st.integers(1, 5).flatmap(lambda width: st.lists(st.lists(FIELDS, min_size=width, max_size=width), min_size=1)))
def test_any_csv_with_equal_rows_is_read(rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    text = reader("csv")(out.getvalue())
    assert isinstance(text, str)
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == rows
    assert reader("csv")(f"```csv\n{out.getvalue()}```") == text


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "CSV without rows"),
        ("\n\n", "CSV without rows"),
        ("a,b\n1,2,3", "CSV whose rows differ in length"),
        ("a,b\n\n1,2", "CSV whose rows differ in length"),
        ('a,b\n"1,2', "not valid CSV"),
        ('a,b\n"1"x,2', "not valid CSV"),
    ],
)
def test_what_is_not_csv_is_refused(text: str, kind: str) -> None:
    with pytest.raises(Unreadable) as caught:
        reader("csv")(text)
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    ("format", "text", "read"),
    [
        ("markdown", "# Hi\n\n```python\n1\n```\n", "# Hi\n\n```python\n1\n```"),
        ("markdown", "```markdown\n# Hi\n```", "# Hi"),
        ("markdown", "```python\n1\n```", "```python\n1\n```"),
        ("text", "```\nplain\n```", "plain"),
        ("text", "  indented\n", "  indented"),
        ("text", "Use this:\n```\ncode\n```", "Use this:\n```\ncode\n```"),
        ("csv", "Here:\n```csv\na,b\n1,2\n```", "a,b\n1,2\n"),
        ("json", '~~~JSON\n["```"]\n~~~', ["```"]),
        ("text", "```\n\u2028```", "```\n\u2028```"),
    ],
)
def test_only_the_fence_around_an_answer_is_taken_away(format: Any, text: str, read: object) -> None:
    assert reader(format)(text) == read


@pytest.mark.timeout(5)
def test_an_answer_full_of_fences_costs_no_more_than_any_other() -> None:
    with pytest.raises(Unreadable):
        reader("json")("```a\n" * 100_000)


@pytest.mark.parametrize(
    ("format", "text"),
    [("markdown", ""), ("markdown", " \n "), ("markdown", "```md\n\n```"), ("text", ""), ("text", "```\n\n```")],
)
def test_an_empty_text_is_refused(format: Any, text: str) -> None:
    with pytest.raises(Unreadable, match="empty"):
        reader(format)(text)


NESTED: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$defs": {"name": {"type": "string", "minLength": 2}},
    "type": "object",
    "properties": {"people": {"type": "array", "items": {"$ref": "#/$defs/name"}}},
    "required": ["people"],
}


def test_an_answer_that_fits_the_schema_is_its_value() -> None:
    assert typed_reader(NESTED)('{"people": ["Ann", "Bo"]}') == {"people": ["Ann", "Bo"]}


@pytest.mark.parametrize(
    ("text", "flaw", "kind"),
    [
        ('{"people": ["Ann", "X"]}', "at $.people[1]: 'X' is too short", "properties/people/items/minLength"),
        ('{"people": "Ann"}', "at $.people: 'Ann' is not of type 'array'", "properties/people/type"),
        ("{}", "at $: 'people' is a required property", "required"),
    ],
)
def test_a_misfit_tells_the_model_everything_and_the_log_nothing(text: str, flaw: str, kind: str) -> None:
    with pytest.raises(Unreadable) as caught:
        typed_reader(NESTED)(text)
    assert flaw in caught.value.flaw
    assert kind in caught.value.kind
    assert "Ann" not in str(caught.value)


@pytest.mark.parametrize(
    ("schema", "flaw"),
    [
        ({"type": "text"}, "not a JSON Schema: at $.type"),
        ({"properties": []}, "not a JSON Schema: at $.properties"),
        ({"$ref": "https://example.com/schema.json"}, "must stay inside the schema"),
        ({"items": {"$ref": "#/$defs/missing"}}, "'#/$defs/missing' leads nowhere"),
        ({"allOf": [{"$ref": "#"}]}, "lead in a circle"),
        ({"items": {"pattern": "(?=a)"}}, "the pattern '(?=a)' cannot be used: look-around"),
        ({"patternProperties": {"^a": {}}}, "name the fields in `properties`"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_before_anything_is_asked(schema: dict[str, Any], flaw: str) -> None:
    assert flaw in (flaw_of_schema(schema) or "")


TREE: dict[str, Any] = {"type": "object", "properties": {"next": {"$ref": "#"}}, "default": 1}


@pytest.mark.parametrize("schema", [{}, NESTED, {"type": "string", "format": "date"}, TREE])
def test_usable_schemas_have_no_flaw(schema: dict[str, Any]) -> None:
    assert flaw_of_schema(schema) is None


def test_an_answer_nested_too_deeply_to_check_is_refused() -> None:
    with pytest.raises(Unreadable, match="nested too deeply"):
        typed_reader(TREE)('{"next":' * 800 + "{}" + "}" * 800)


@pytest.mark.timeout(5)
def test_no_pattern_takes_for_ever() -> None:
    read = typed_reader({"pattern": "^(a+)+$"})
    assert read('"aaa"') == "aaa"
    with pytest.raises(Unreadable, match="demands at pattern"):
        read(f'"{"a" * 50_000}!"')
