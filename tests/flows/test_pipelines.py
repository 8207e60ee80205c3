"""Pipeline documents on the engine: order, conditions, failures, people, versions, and what it all costs."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import JsonValue
from sqlalchemy import select

from intermezzo import DefinitionError, InvalidInput, StepFailed, human_step, step
from intermezzo.flows.pipeline_runs import checked_input, order
from intermezzo.flows.run_pipeline import run_pipeline
from intermezzo.flows.stored_pipelines import find, keep, versions
from intermezzo.ledger import Payer
from intermezzo.pipelines import plan_of
from intermezzo.pipelines.allowance import ExpressionTooCostly
from intermezzo.pipelines.estimate import estimated
from intermezzo.steps import register
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import step_calls
from tests.rig import PAYER, Rig, Suspended

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(300)]

Document = dict[str, JsonValue]
X, Y = Payer("x"), Payer("y")
started: list[str] = []
under_way = 0
most_under_way = 0


@step(credits=2, name="test_add")
async def add(of: list[float], name: str = "") -> float:
    """The sum; notes when it began, and how many were under way."""
    global under_way, most_under_way  # noqa: PLW0603 (what a test looks at)
    started.append(name)
    under_way += 1
    most_under_way = max(most_under_way, under_way)
    await asyncio.sleep(0.01)
    under_way -= 1
    return sum(of)


@step(credits=3, name="test_refuse")
async def refuse(what: str, unless: str = "") -> str:
    """Fails, unless told not to."""
    if what != unless:
        raise ValueError(f"no {what}")
    return what


ask = human_step(
    "test_ask",
    output={"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]},
    reward_credits=4,
)


@pytest.fixture(autouse=True)
def test_types() -> None:
    """The step types of this module."""
    global most_under_way  # noqa: PLW0603 (what a test looks at)
    register(add)
    register(refuse)
    started.clear()
    most_under_way = 0


def document(*steps: Mapping[str, Any], **more: Any) -> Document:
    """A pipeline of these steps."""
    return {"name": "tested", "steps": [dict(step) for step in steps], **more}


async def run(rig: Rig, written: Document, input: Document | None = None) -> Any:
    """Run a document to its end, whatever it takes; people say yes."""
    made = await order(rig.store, PAYER, plan_of(written), input or {})
    run_id = await rig.deploy(run_pipeline, **made.parameters)
    while isinstance(result := await rig.attempt(run_pipeline, run_id), Suspended):
        assert await rig.answer_all(ok=True)
    return result


async def test_a_document_runs_as_its_references_say(sqlite_rig: Rig) -> None:
    written = document(
        {
            "id": "last",
            "type": "test_add",
            "input": {"of": "${ steps.each.output + [steps.b.output] }", "name": "last"},
        },
        {
            "id": "each",
            "type": "test_add",
            "for_each": "${ input.rows }",
            "input": {"of": "${ item }", "name": "e${index}"},
        },
        {"id": "b", "type": "test_add", "input": {"of": [10, 20], "name": "b"}},
        input={"type": "object", "properties": {"rows": {"type": "array"}}, "required": ["rows"]},
        output={"sum": "${ steps.last.output }", "said": "sum: ${ steps.last.output }"},
    )
    assert await run(sqlite_rig, written, {"rows": [[1, 2], [3]]}) == {"sum": 36.0, "said": "sum: 36.0"}
    assert started[-1] == "last"
    assert set(started[:-1]) == {"e0", "e1", "b"}
    assert most_under_way > 1
    assert await sqlite_rig.spent() == 4 * 2


async def test_people_are_asked_at_once_and_the_run_suspends_meanwhile(rig: Rig) -> None:
    written = document(
        {"id": "first", "type": "test_ask", "input": {"question": "a?"}},
        {"id": "second", "type": "test_ask", "for_each": ["x", "y"], "input": {"question": "${ item }"}},
        {
            "id": "third",
            "type": "test_ask",
            "when": "${ steps.first.output.ok && steps.second.output.all(one, one.ok) }",
            "input": {"question": "sure?"},
            "with": {"assignments_required": 2, "consensus_strategy": "unanimous", "worker_reward_credits": 1},
        },
    )
    made = await order(rig.store, PAYER, plan_of(written), {})
    run_id = await rig.deploy(run_pipeline, **made.parameters)
    assert isinstance(await rig.attempt(run_pipeline, run_id), Suspended)
    assert len(await rig.tasks()) == 3
    await rig.answer_all(ok=True)
    assert isinstance(await rig.attempt(run_pipeline, run_id), Suspended)
    await rig.answer_all(ok=True)
    await rig.answer_all(ok=True)
    yes = {"ok": True}
    assert await rig.attempt(run_pipeline, run_id) == {"first": yes, "second": [yes, yes], "third": yes}
    assert await rig.spent() == 3 * 5 + 3
    assert await rig.reserved() == 0
    names = await rig.store.read(lambda c: c.scalars(select(step_calls.c.step).distinct()).all())
    assert set(names) == {"first", "second", "third"}


async def test_what_reads_a_skipped_step_is_skipped_unless_it_asks(sqlite_rig: Rig) -> None:
    written = document(
        {"id": "a", "type": "test_add", "when": "${ input.go }", "input": {"of": [1]}},
        {"id": "b", "type": "test_add", "input": {"of": ["${ steps.a.output }"]}},
        {"id": "c", "type": "test_add", "input": {"of": ["${ has(steps.a.output) ? steps.a.output : 5.0 }"]}},
        {"id": "d", "type": "test_add", "when": "${ steps.b.skipped }", "input": {"of": [7]}},
        output={
            "a": "${ steps.a.output }",
            "c": "${ steps.c.output }",
            "d": "${ steps.d.output }",
            "text": "b is ${ steps.b.output }",
            "asked": "${ has(steps.b.output) }",
        },
    )
    skipped = await run(sqlite_rig, written, {"go": False})
    assert skipped == {"a": None, "c": 5.0, "d": 7.0, "text": None, "asked": False}
    went = await run(sqlite_rig, written, {"go": True})
    assert went == {"a": 1.0, "c": 1.0, "d": None, "text": "b is 1.0", "asked": True}


async def test_a_condition_on_items_leaves_null_in_their_place(sqlite_rig: Rig) -> None:
    each = {
        "id": "a",
        "type": "test_add",
        "for_each": [1, 5, 2],
        "when": "${ item > 1 }",
        "input": {"of": ["${ item }"]},
    }
    assert await run(sqlite_rig, document(each)) == {"a": [None, 5.0, 2.0]}
    assert await run(sqlite_rig, document({**each, "for_each": []})) == {"a": []}


async def test_a_failure_fails_the_run_or_becomes_null_or_a_default(sqlite_rig: Rig) -> None:
    failing = {"id": "a", "type": "test_refuse", "input": {"what": "tea"}}
    with pytest.raises(StepFailed, match="no tea"):
        await run(sqlite_rig, document(failing))
    output: Any = {"value": "${ steps.a.output }", "error": "${ steps.a.error }"}
    error = {"type": "ValueError", "message": "no tea"}
    continued = await run(sqlite_rig, document({**failing, "on_error": "continue"}, output=output))
    assert continued == {"value": None, "error": error}
    defaulted = await run(sqlite_rig, document({**failing, "on_error": {"default": "water"}}, output=output))
    assert defaulted == {"value": "water", "error": error}
    each = {
        "id": "a",
        "type": "test_refuse",
        "for_each": ["tea", "milk", 7],
        "input": {"what": "${ item }", "unless": "milk"},
        "on_error": "continue",
    }
    tried = await run(sqlite_rig, document(each, output=output))
    assert tried["value"] == [None, "milk", None]
    assert [one and one["type"] for one in tried["error"]] == ["ValueError", None, "InvalidInput"]
    assert await sqlite_rig.spent() == 3


async def test_a_list_that_is_too_long_fails_before_anything_is_charged(sqlite_rig: Rig) -> None:
    each = {"id": "a", "type": "test_add", "for_each": [1, 2, 3], "max_items": 2, "input": {"of": ["${ item }"]}}
    with pytest.raises(ValueError, match="step a: for_each has 3 items, and max_items allows 2"):
        await run(sqlite_rig, document(each))
    assert await sqlite_rig.spent() == 0


async def test_equal_calls_are_one_unless_keys_tell_them_apart(sqlite_rig: Rig) -> None:
    each = {"id": "a", "type": "test_add", "for_each": [1, 1, 1], "input": {"of": ["${ item }"]}}
    assert await run(sqlite_rig, document(each)) == {"a": [1.0, 1.0, 1.0]}
    assert await sqlite_rig.spent() == 2
    await run(sqlite_rig, document({**each, "key": "${ index }"}))
    assert await sqlite_rig.spent() == 2 + 3 * 2


def test_versions_are_kept_and_the_same_document_is_the_same_version(store: Store) -> None:
    first, second = (plan_of(document({"id": "a", "type": "test_add", "input": {"of": [n]}})) for n in (1, 2))
    numbers = [
        store.write_now(lambda c, plan=plan, payer=payer: keep(c, payer, plan, at=utc_now())).version
        for payer, plan in [(X, first), (X, second), (X, first), (Y, second), (Payer("x", test=True), second)]
    ]
    assert numbers == [1, 2, 1, 1, 1]
    assert store.read_now(lambda c: find(c, X, "tested", 2)).plan().digest == second.digest
    assert store.read_now(lambda c: find(c, X, "tested")).version == 2
    assert [one.version for one in store.read_now(lambda c: versions(c, X))] == [2, 1]
    with pytest.raises(DefinitionError, match="y has no version 2"):
        store.read_now(lambda c: find(c, Y, "tested", 2))


async def test_two_who_store_at_once_get_versions_of_their_own(store: Store, store_url: str) -> None:
    other = Store(store_url)
    plans = [plan_of(document({"id": "a", "type": "test_add", "input": {"of": [n // 2]}})) for n in range(16)]
    kept = await asyncio.gather(
        *(
            (store, other)[n % 2].write(lambda c, plan=plan: keep(c, X, plan, at=utc_now()))
            for n, plan in enumerate(plans)
        )
    )
    assert len({(one.version, one.digest) for one in kept}) == 8
    assert {one.version for one in kept} == set(range(1, 9))
    other.close()


def test_an_input_is_checked_by_its_schema_and_gets_its_defaults() -> None:
    schema: Document = {
        "type": "object",
        "properties": {"n": {"type": "integer", "maximum": 5}, "l": {"default": "en"}},
    }
    plan = plan_of(document({"id": "a", "type": "test_add", "input": {"of": [1]}}, input=schema))
    assert checked_input(plan, {"n": 1}) == {"n": 1, "l": "en"}
    with pytest.raises(InvalidInput, match="n: 7 is greater than the maximum of 5"):
        checked_input(plan, {"n": 7})


@st.composite
def graphs(draw: st.DrawFn) -> Document:
    """A pipeline whose steps read earlier ones, written in any order."""
    steps: list[dict[str, Any]] = []
    for n in range(draw(st.integers(1, 6))):
        reads = draw(st.lists(st.sampled_from(range(n)), unique=True, max_size=3)) if n else []
        of: list[Any] = [n, *(f"${{ has(steps.s{r}.output) ? double(steps.s{r}.output) : 0.0 }}" for r in reads)]
        made: dict[str, Any] = {"id": f"s{n}", "type": "test_add", "input": {"of": of, "name": f"s{n}"}}
        if reads and draw(st.booleans()):
            made["when"] = f"${{ steps.s{reads[0]}.skipped || double(steps.s{reads[0]}.output) > 2.0 }}"
        if draw(st.integers(0, 3)) == 0:
            made |= {
                "type": "test_ask",
                "input": {"question": f"{n} ${{ {[f'steps.s{r}.skipped' for r in reads]} }}".replace("'", "")},
            }
            made["with"] = {"assignments_required": 2, "consensus_strategy": "any_first"}
        steps.append(made)
    people = {made["id"] for made in steps if made["type"] == "test_ask"}
    for made in steps:
        for person in people:
            text = str(made["input"].get("of", ""))
            if f"steps.{person}." in text:
                made["input"]["of"] = [
                    part.replace(f"double(steps.{person}.output)", "1.0") if isinstance(part, str) else part
                    for part in made["input"]["of"]
                ]
            if "when" in made:
                made["when"] = made["when"].replace(f"double(steps.{person}.output)", "3.0")
    return document(*draw(st.permutations(steps)))


@hypothesis_settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs())
async def test_any_graph_runs_in_order_and_costs_what_the_estimate_says(sqlite_rig: Rig, written: Document) -> None:
    started.clear()
    plan, before = plan_of(written), await sqlite_rig.spent()
    estimate = estimated(plan, {})
    output = await run(sqlite_rig, written)
    spent = await sqlite_rig.spent() - before
    assert estimate.credits.minimum <= spent <= estimate.credits.maximum
    assert estimate.credits.minimum <= estimate.credits.expected <= estimate.credits.maximum
    for id in started:
        for need in plan.steps[id].needs:
            assert need not in started or started.index(need) < started.index(id)
    assert all(plan.steps[id].when is not None for id in plan.steps.keys() - output.keys())
    assert await sqlite_rig.reserved() == 0


@pytest.mark.parametrize("where", ["input", "when", "for_each", "output"])
async def test_an_expression_that_takes_too_much_ends_its_run_and_nothing_else(sqlite_rig: Rig, where: str) -> None:
    hostile = "${ [input.list]" + ".map(x, [x, x])" * 26 + ".all(x, x == x) }"
    honest = {"id": "a", "type": "test_add", "input": {"of": [1]}}
    written = {
        "input": document({**honest, "input": {"of": [1], "name": f"is {hostile}"}}),
        "when": document({**honest, "when": hostile}),
        "for_each": document({**honest, "for_each": hostile}),
        "output": document({**honest, "when": False}, output=hostile),
    }[where]
    with pytest.raises(ExpressionTooCostly, match=f"^({where}|step a): .*it takes more than"):
        await run(sqlite_rig, written, {"list": list(range(100))})
    assert await sqlite_rig.spent() == 0
    assert await run(sqlite_rig, document({**honest, "when": "${ 1 + 1 == 2 }"}, output="${ steps.a.output }")) == 1.0
