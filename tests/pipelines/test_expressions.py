"""Expressions and the texts that hold them."""

import subprocess
import sys
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.pipelines.expressions import BadExpression, Expression, ExpressionFailed
from intermezzo.pipelines.flaws import Path
from intermezzo.pipelines.templates import compiled, filled

VALUES: dict[str, JsonValue] = {
    "input": {"n": 3, "x": 1.5, "text": "hi", "list": [1, 2, {"z": 1}], "none": None, "big": 10**30},
    "steps": {"a": {"output": {"text": "there", "tags": ["p", "q"]}, "error": None}},
}
NAMES = frozenset({"input", "steps"})


def value_of(text: JsonValue) -> JsonValue:
    """What a value of a document becomes."""

    def compile(text: str, path: Path, nth: int) -> Expression:
        return Expression(text, NAMES)

    return filled(compiled(text, (), compile), VALUES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${ input.n }", 3),
        ("${input}", VALUES["input"]),
        ("${ input.n < input.x }", False),
        ("${ steps['a'].output.tags.map(t, t + '!') }", ["p!", "q!"]),
        ("${ has(steps.a.nope) ? 1 : 2 }", 2),
        ("${ {'b': 1, 'a': [input.n]} }", {"a": [3], "b": 1}),
        ("${ timestamp('2026-01-01T00:00:00Z') + duration('1h') }", "2026-01-01T01:00:00Z"),
        ("${ 'a}b' + \"}\" }", "a}b}"),
        ("n=${ input.n } x=${ input.x } none=${ input.none } l=${ input.list }", 'n=3 x=1.5 none= l=[1, 2, {"z": 1}]'),
        ("$${ input.n } costs $5", "${ input.n } costs $5"),
        ("${ 'é😀'.size() }", 2),
        ({"a": ["${ input.n }", 1]}, {"a": [3, 1]}),
    ],
)
def test_a_value_becomes_what_its_expressions_give(text: JsonValue, value: JsonValue) -> None:
    assert value_of(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("${ input.nope.x }", "${ input.nope.x }: there is no 'nope'"),
        ("${ input.text.x }", "'x' is asked of a text"),
        ("${ 1 / (input.n - 3) }", "divide by zero"),
        ("${ b'x' }", "bytearray, which is not JSON"),
        ("${ {1: 2} }", "keys are texts"),
        ("${ double('nan') }", "nan, which is not JSON"),
        ("${ input.map(k, k) }", "no order to make a list in"),
        ("${ input.big + 1 }", "${ input.big + 1 }"),
        ("${ input.n + input.x }", "no matching overloads"),
    ],
)
def test_an_expression_without_a_value_says_why(text: str, said: str) -> None:
    with pytest.raises(ExpressionFailed) as failed:
        value_of(text)
    assert said in str(failed.value)


@pytest.mark.parametrize("text", ["input.__class__", "input.n.__init__", "steps.a.keys", "input.list.append"])
def test_an_expression_reaches_no_attribute_of_python(text: str) -> None:
    with pytest.raises(ExpressionFailed):
        Expression(text, NAMES).evaluate(VALUES)


@pytest.mark.parametrize(
    "text", ["now()", "__import__('os')", "open('/etc/passwd')", "(" * 5000, "a" * 5000, "'\ud800'"]
)
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(BadExpression):
        Expression(text, NAMES)


@pytest.mark.parametrize(
    "text",
    [
        "[1,2,3,4,5,6,7,8,9,10].map(a, " * 6 + "1" + ")" * 6,
        "('a' + input.text + 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!').matches('^(a+)+$') ? 1/0 : 1/0",
        "[1,2,3,4,5,6,7,8,9,10].map(a, [1,2,3,4,5,6,7,8,9,10].map(b, [1,2,3,4,5,6,7,8,9,10].map(c, input.huge)))",
    ],
)
def test_a_hostile_expression_ends_soon(text: str) -> None:
    values: dict[str, JsonValue] = {"input": {"text": "a", "huge": "x" * 1_000_000}}
    started = time.monotonic()
    with pytest.raises(ExpressionFailed):
        Expression(text, NAMES).evaluate(values)
    assert time.monotonic() - started < 5


PROGRAM = """
from intermezzo.pipelines.expressions import Expression
value = {"input": {key: 1 for key in "zyxwvutsrqp"}}
print(Expression("{'z': input, 'b': 2, 'c': {'q': 1, 'a': 2}}", frozenset({"input"})).evaluate(value))
"""


def test_an_expression_gives_the_same_in_every_process() -> None:
    runs = [subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, check=True) for _ in range(3)]
    assert len({run.stdout for run in runs}) == 1


@given(st.text(alphabet="${}'\" abinput.\\[]", max_size=40))
def test_any_text_is_compiled_or_refused(text: str) -> None:
    with suppress(BadExpression, ExpressionFailed):
        value_of(text)


@given(st.text())
def test_an_escaped_text_comes_back(text: str) -> None:
    if "$${" not in text and "${" not in text.replace("$${", ""):
        assert value_of(text) == text
