"""Documents and expressions that are made to do harm: each is refused or ended soon, with little memory."""

import asyncio
import json
import resource
import time
from contextlib import suppress
from typing import Any

import pytest
from pydantic import JsonValue

from intermezzo.flows.off_loop import off_loop
from intermezzo.pipelines import InvalidPipeline, plan_of, plan_of_text
from intermezzo.pipelines.allowance import Allowance, ExpressionTooCostly
from intermezzo.pipelines.cel_worker import MAX_MEMORY_BYTES, MAX_SECONDS
from intermezzo.pipelines.estimate import estimated
from intermezzo.pipelines.expressions import BadExpression, Expression, ExpressionFailed
from intermezzo.pipelines.flaws import Path
from intermezzo.pipelines.templates import compiled, filled

NAMES = frozenset({"input", "steps"})
TOO_SLOW = "[input.list]" + ".map(x, [x, x])" * 24 + ".all(x, x == x)"


def numbers(many: int) -> dict[str, JsonValue]:
    return {"input": {"list": list(range(many))}}


def text(many: int) -> dict[str, JsonValue]:
    return {"input": {"list": list(range(1_000)), "text": "a" * many, "part": "a" * (many // 2) + "b"}}


HOSTILE: dict[str, tuple[str, dict[str, JsonValue]]] = {
    "nested loops": ("[1,2,3,4,5,6,7,8,9,10].map(a, " * 6 + "1" + ")" * 6, {}),
    "a list that doubles": ("[input.list]" + ".map(x, x + x)" * 25, numbers(100)),
    "a tree that doubles and is compared": (TOO_SLOW, numbers(100)),
    "lists that are compared": ("input.list.all(x, input.list == [input.list].map(y, y)[0])", numbers(9_000)),
    "texts that are added": ("input.list.map(x, input.text + input.text).size()", text(1_000_000)),
    "texts that are searched": ("input.list.map(x, input.text.contains(input.part)).size()", text(1_000_000)),
    "a pattern with many states": ("input.text.matches('((.{0,30}){0,30}){0,1}y')", text(1_000_000)),
    "a pattern that is too large": ("input.text.matches('((a{100}){100}){100}')", text(1)),
    "types that double": ("[1]" + ".map(x, {x: x})" * 20, {}),
    "types of a list that double": ("['a']" + ".map(x, [{'a': x}, {'a': x}])" * 26, {}),
    "deep parentheses": ("(" * 1_900 + "1" + ")" * 1_900, {}),
    "deep lists": ("[" * 1_900 + "]" * 1_900, {}),
    "deep fields": ("input" + ".a" * 1_900, {}),
    "deep sums": ("1" + "+1" * 1_900, {}),
    "a huge list": ("input.list[0] + 1", numbers(2_000_000)),
    "a huge number": ("9" * 3_900, {}),
    "a long expression": ("1" * 4_001, {}),
}


@pytest.mark.parametrize(("expression", "values"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_expression_takes_no_more_than_it_may(expression: str, values: dict[str, JsonValue]) -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises((BadExpression, ExpressionFailed)) as refused:
        Expression(expression, NAMES).evaluate(values)
    assert len(str(refused.value)) < 1_000
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2 * MAX_SECONDS
    # A new process counts as what it was forked from, whatever it then becomes.
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after.ru_maxrss * 1024 < max(MAX_MEMORY_BYTES, ours * 1024 + 1)
    assert Expression("input.n + 1", NAMES).evaluate({"input": {"n": 1}}) == 2


def test_a_large_honest_value_is_read_and_given() -> None:
    large: JsonValue = "é" * 10_000_000
    assert Expression("input.file + '!'", NAMES).evaluate({"input": {"file": large}}) == f"{large}!"
    many: JsonValue = list(range(150_000))
    assert Expression("[input.list][0] + [1]", NAMES).evaluate({"input": {"list": many}}) == [*many, 1]


async def test_the_event_loop_goes_on_while_an_expression_is_evaluated() -> None:
    work = asyncio.create_task(off_loop(Expression(TOO_SLOW, NAMES).evaluate, numbers(100)))
    turns = 0
    while not work.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > 20
    with pytest.raises(ExpressionTooCostly, match="computing time"):
        await work


def test_expressions_share_what_they_may_take() -> None:
    allowance = Allowance(seconds=0.1)
    slow = Expression("input.list.map(x, x + 1).size()", NAMES)
    while allowance.seconds > 0:
        with suppress(ExpressionTooCostly):
            slow.evaluate(numbers(1_000), allowance)
    with pytest.raises(ExpressionTooCostly, match="computing time together"):
        slow.evaluate(numbers(1), allowance)


def test_copies_of_a_value_are_counted_before_they_are_made() -> None:
    def compile(text: str, path: Path, nth: int) -> Expression:
        return Expression(text, NAMES)

    in_a_list: list[JsonValue] = ["${ input.text }"] * 1_000
    for value in ("${ input.text }" * 1_000, in_a_list):
        template = compiled(value, (), compile)
        with pytest.raises(ExpressionTooCostly, match="too much together"):
            filled(template, {"input": {"text": "x" * 1_000_000}})


def document(**more: Any) -> str:
    return json.dumps({"name": "p", "steps": [{"id": "a", "type": "pii_detect", "input": {"text": "x"}}], **more})


MANY_STEPS = ",".join(f"{{id: s{n}, type: nope}}" for n in range(500))
DOCUMENTS: dict[str, tuple[str, str]] = {
    "aliases of a long text": (
        f"name: p\na: &a {'x' * 100_000}\nb: [{'*a,' * 2_000}]",
        "more than 1,048,576 characters",
    ),
    "thousands of expressions": (document(output=["${ 1 }"] * 2_001), "at most 2,000 expressions"),
    "long expressions": (document(output=[f"${{ '{'x' * 3_000}' }}"] * 50), "with 100,000 characters"),
    "expressions that do not compile": (document(output=["${ nope }"] * 1_900), "and 80 more"),
    "types that double": (
        document(output=f"${{ {HOSTILE['types that double'][0]} }}"),
        "more than 2 s of computing time",
    ),
    "thousands of such": (
        document(output=[f"${{ {n} == {HOSTILE['types that double'][0]} }}" for n in range(200)]),
        "take too much computing time together",
    ),
    "thousands of unknown fields": (document(**{f"{n}x": 1 for n in range(15_000)}), "unknown field '0x'"),
    "a long unknown field": (document(**{"x" * 100_000: 1}), "unknown field"),
    "unknown steps": (f"name: p\nsteps: [{MANY_STEPS}]", "there is no step type 'nope'"),
    "misspelt fields of a large schema": (
        document(
            input={"type": "object", "properties": {f"field{n}": {} for n in range(8_000)}},
            output=[f"${{ input.feild{n} }}" for n in range(300)],
        ),
        "did you mean",
    ),
}


@pytest.mark.parametrize(("hostile", "said"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_a_hostile_document_is_refused_soon(hostile: str, said: str) -> None:
    started = time.process_time()
    with pytest.raises(InvalidPipeline) as refused:
        plan_of_text(hostile)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 50_000
    assert time.process_time() - started < 10


def test_a_hostile_expression_is_a_flaw_with_its_place() -> None:
    hostile = f'name: p\nsteps: []\noutput:\n  a: "${{ {HOSTILE["types that double"][0]} }}"\n'
    steps = "steps: [{id: a, type: pii_detect, input: {text: x}}]"
    with pytest.raises(InvalidPipeline, match=r"^p:4:9: output.a: it takes more than 2 s of computing time"):
        plan_of_text(hostile.replace("steps: []", steps), name="p")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (json.loads("[" * 100 + "]" * 100), "nested more than 40"),
        ([0] * 20_001, "20000 values"),
        (["x" * 1_000] * 3_000, "1,048,576 characters"),
    ],
)
def test_a_document_that_was_parsed_already_is_bounded_too(value: JsonValue, said: str) -> None:
    with pytest.raises(InvalidPipeline, match=said):
        plan_of({**json.loads(document()), "output": value})


def test_an_estimate_refuses_what_a_run_would() -> None:
    step: dict[str, JsonValue] = {"id": "a", "type": "pii_detect", "input": {"text": "x"}}
    slow = plan_of({"name": "p", "steps": [{**step, "when": f"${{ {TOO_SLOW} }}"}]})
    with pytest.raises(ExpressionTooCostly):
        estimated(slow, {"list": list(range(100))})
    long = plan_of({"name": "p", "steps": [{**step, "for_each": "${ input.list + input.list }"}]})
    with pytest.raises(ExpressionFailed, match="1,200 items, and max_items allows 1,000"):
        estimated(long, {"list": list(range(600))})
