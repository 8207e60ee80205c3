"""Documents: what is read, and what is refused with its line and column."""

import json
from contextlib import suppress
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.pipelines import InvalidPipeline, plan_of, plan_of_text
from intermezzo.pipelines.source import MAX_BYTES, read

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)

MINIMAL = "name: p\nsteps:\n  - id: a\n    type: pii_detect\n    input: {text: hi}\n"


def flaws_of(text: str) -> list[str]:
    """What is said about a document."""
    with pytest.raises(InvalidPipeline) as refused:
        plan_of_text(dedent(text), name="p.yaml")
    return str(refused.value).split("\n")


def one_step(extra: str) -> str:
    """A document with something added to its only step."""
    return MINIMAL + extra


@given(st.dictionaries(st.text(), JSON, max_size=4), st.sampled_from([None, 2, "\t"]), st.booleans())
def test_json_is_read_as_json_reads_it(value: dict[str, JsonValue], indent: int | str | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read(text).value == json.loads(text)


def test_yaml_is_read_by_its_core_schema() -> None:
    text = "a: no\nb: on\nc: 012\nd: 1_000\ne: 2026-01-01\nf: ~\ng: true\nh: 0x1F\ni: 1e3\nj: .inf\nk: 'true'\nl:\n"
    assert read(text).value == {
        "a": "no",
        "b": "on",
        "c": 12,
        "d": "1_000",
        "e": "2026-01-01",
        "f": None,
        "g": True,
        "h": 31,
        "i": 1000.0,
        "j": ".inf",
        "k": "true",
        "l": None,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "p.yaml:1:1: the document is empty"),
        ("- a", "p.yaml:1:1: expected an object with `name` and `steps`"),
        ("a: 1\na: 2", "p.yaml:2:1: 'a' is given twice"),
        ("a: !!python/object/apply:os.system [ls]", "p.yaml:1:4: tags are not allowed"),
        ("a: *b", "p.yaml:1:4: nothing above is anchored as &b"),
        ("a: &x [*x]", "p.yaml:1:8: nothing above is anchored as &x"),
        ("a: 1\n---\nb: 2", "p.yaml:2:1: one file holds one pipeline"),
        ("a: {b: 1", "p.yaml:1:9: not YAML"),
        ("? [a]\n: b", "p.yaml:1:3: a key of an object is a text"),
        ("a: " + "[" * 50 + "]" * 50, "nested more than 40 levels"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ("x" * (MAX_BYTES + 1), "p.yaml: the document is larger than 256 KB"),
        ("a: \x00", "p.yaml: not YAML"),
    ],
)
def test_what_is_no_document_is_refused(text: str, said: str) -> None:
    [flaw] = flaws_of(text)
    assert said in flaw


def test_aliases_that_multiply_are_refused_before_they_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    [flaw] = flaws_of("\n".join(lines))
    assert "more than 20000 values" in flaw


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(InvalidPipeline):
        plan_of_text(text)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ("    assignments_required: 3\n", "an option of a human step stands in `with: {assignments_required: …}`"),
        ("    whenn: true\n", "p.yaml:6:5: steps.a: unknown field 'whenn'; did you mean 'when'?"),
        ("    when: yes\n", "p.yaml:6:11: steps.a.when: `when` is true, false or an expression"),
        ("    with: {priority: high}\n", "p.yaml:6:5: steps.a: `with` is for human steps"),
        ("    retries: -1\n", "p.yaml:6:14: steps.a.retries: input should be greater than or equal to 0"),
        ("    key: ${ item }\n", "`item` and `index` are there in a step with `for_each`"),
        ("    key: ${ steps.b.output }\n", "p.yaml:6:18: steps.a.key: there is no step 'b'; there are a"),
        ("    key: ${ steps.a.output.txt }\n", "steps wait for each other: a → a"),
        ("    key: ${ input.x + }\n", "p.yaml:6:23: steps.a.key: the expression is not complete"),
        ("    key: ${ 'a' + 1 }\n", "p.yaml:6:17: steps.a.key: found no matching overload for '_+_'"),
        ("    key: ${ 'a'\n", "p.yaml:6:10: steps.a.key: a `${` has no `}` that ends it"),
        ("    key: ${ steps }\n", "p.yaml:6:10: steps.a.key: name the step: steps.ID.output"),
        ("    key: |\n      text\n      and ${ now() }\n", "p.yaml:8:17: steps.a.key: undeclared reference to 'now'"),
        ("  - {id: a, type: pii_detect, input: {text: x}}\n", "p.yaml:6:10: steps.a.id: the id 'a' is given twice"),
        ("  - {id: b, type: pii_detct}\n", "there is no step type 'pii_detct'; did you mean 'pii_detect'?"),
        (
            "  - {id: b, type: pii_detect, input: {txt: x}}\n",
            "p.yaml:6:39: steps.b.input: pii_detect has no field 'txt'",
        ),
        (
            "  - {id: b, type: pii_detect, input: {text: '${ 1 }'}}\n",
            "expected a string, and the expression gives a number",
        ),
        ("  - {id: b, type: pii_detect, input: {text: '${ steps.a.output.sumary }'}}\n", "did you mean 'summary'?"),
        (
            "  - {id: b, type: label_text, retries: 1, input: {text: x, categories: [a, b]}}\n",
            "`retries` is for AI steps",
        ),
        (
            "  - {id: b, type: label_text, with: {prio: high}, input: {text: x, categories: [a, b]}}\n",
            "did you mean 'priority'?",
        ),
        (
            "  - {id: b, type: label_text, with: {assignments_required: 0}, input: {text: x, categories: [a, b]}}\n",
            "p.yaml:6:37: steps.b.with: b: assignments_required is a whole number from 1 to 20, got 0",
        ),
        (
            "  - {id: b, type: label_text, with: {languages: ['${ x }']}, input: {text: x, categories: [a, b]}}\n",
            "an expression cannot change what a step may cost",
        ),
    ],
)
def test_a_flaw_is_told_with_its_place_and_what_to_do(extra: str, said: str) -> None:
    flaws = flaws_of(one_step(extra))
    assert any(said in flaw for flaw in flaws), flaws


def test_all_flaws_are_told_at_once_in_the_order_of_the_text() -> None:
    flaws = flaws_of(one_step("    key: ${ x }\n  - {id: b, type: nope}\n"))
    assert [flaw.split(":")[1] for flaw in flaws] == ["6", "7"]


def test_a_cycle_is_named() -> None:
    text = """
        name: p
        steps:
          - {id: a, type: pii_detect, input: {text: '${ steps.c.output.summary }'}}
          - {id: b, type: pii_detect, input: {text: '${ steps.a.output.summary }'}}
          - {id: c, type: pii_detect, input: {text: '${ steps.b.output.summary }'}}
    """
    assert flaws_of(text) == ["p.yaml:4:10: steps.a.id: steps wait for each other: a → c → b → a"]


def test_fields_of_the_input_and_of_items_are_known_from_their_schemas() -> None:
    text = """
        name: p
        input: {type: object, properties: {posts: {type: array, items: {type: object, properties: {text: {}}}}}}
        steps:
          - {id: a, type: pii_detect, for_each: '${ input.posts }', input: {text: '${ item.txt }'}}
        output: ["${ input.post }", "${ steps.a.output.count }", "${ steps.a.output.map(x, x.cuont) }"]
    """
    flaws = flaws_of(text)
    assert ["txt" in flaws[0], "'post'" in flaws[1], "asked of a list" in flaws[2], "cuont" in flaws[3]] == [True] * 4


def test_the_same_document_has_the_same_digest_however_it_is_written() -> None:
    written = json.dumps({"steps": [{"input": {"text": "hi"}, "type": "pii_detect", "id": "a"}], "name": "p"})
    assert plan_of_text(written).digest == plan_of_text(MINIMAL + "# a comment\n").digest
    assert plan_of(json.loads(plan_of_text(MINIMAL).text)).digest == plan_of_text(MINIMAL).digest
    assert plan_of_text(MINIMAL.replace("hi", "ho")).digest != plan_of_text(MINIMAL).digest
