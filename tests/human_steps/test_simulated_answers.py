"""Simulated workers answer the same at every run, and are right as often as they are told."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.simulated_answers import simulated_answer

LABELS: list[JsonValue] = ["positive", "negative", "neutral"]
SCHEMA = AnswerSchema.of(
    {
        "type": "object",
        "properties": {"label": {"enum": LABELS}, "urgent": {"type": "boolean"}, "note": {"type": "string"}},
        "required": ["label", "urgent", "note"],
    }
)


def test_the_same_seeds_give_the_same_answer() -> None:
    assert simulated_answer(SCHEMA, "t1", "w1", 0.5) == simulated_answer(SCHEMA, "t1", "w1", 0.5)


def test_perfect_workers_agree_on_every_task() -> None:
    for task in range(30):
        answers = [simulated_answer(SCHEMA, f"t{task}", f"w{worker}", 1.0) for worker in range(5)]
        assert all(answer == answers[0] for answer in answers)


def test_the_truth_differs_between_tasks_and_all_options_occur() -> None:
    truths = Counter(str(simulated_answer(SCHEMA, f"t{task}", "w", 1.0)["label"]) for task in range(300))
    assert set(truths) == set(LABELS)
    assert min(truths.values()) > 60


def test_hopeless_workers_are_never_right() -> None:
    for task in range(30):
        truth = simulated_answer(SCHEMA, f"t{task}", "w", 1.0)
        slip = simulated_answer(SCHEMA, f"t{task}", "w", 0.0)
        assert slip["label"] != truth["label"]
        assert slip["urgent"] != truth["urgent"]


@pytest.mark.parametrize("accuracy", [0.2, 0.8])
def test_workers_are_right_as_often_as_told(accuracy: float) -> None:
    tasks = 400
    right = sum(
        simulated_answer(SCHEMA, f"t{task}", f"w{task}", accuracy) == simulated_answer(SCHEMA, f"t{task}", "x", 1.0)
        for task in range(tasks)
    )
    assert right / tasks == pytest.approx(accuracy, abs=0.07)


def test_fields_with_the_same_options_have_truths_of_their_own() -> None:
    schema = AnswerSchema.of(
        {
            "type": "object",
            "properties": {name: {"type": "boolean"} for name in "abcdefgh"},
            "required": list("abcdefgh"),
        }
    )
    assert len(set(map(str, simulated_answer(schema, "t", "w", 1.0).values()))) == 2


def one(field: JsonValue) -> AnswerSchema:
    return AnswerSchema.of({"type": "object", "properties": {"a": field}, "required": ["a"]})


LETTERS: list[JsonValue] = [*"abcd"]
SIDES: dict[str, JsonValue] = {side: {"type": "number", "minimum": 0} for side in ("left", "top", "width", "height")}
FIELDS: dict[str, JsonValue] = {
    "two options": {"enum": ["yes", "no"]},
    "three options": {"enum": LABELS},
    "ten options": {"type": "integer", "minimum": 1, "maximum": 10},
    "some of a set": {"type": "array", "items": {"enum": LETTERS}, "uniqueItems": True},
    "two of a set": {"type": "array", "items": {"enum": LETTERS}, "uniqueItems": True, "minItems": 2, "maxItems": 2},
    "a ranking": {"type": "array", "items": {"enum": LETTERS}, "uniqueItems": True, "minItems": 4},
    "a list of options": {"type": "array", "items": {"enum": LETTERS}},
    "a number": {"type": "number"},
    "a share": {"type": "number", "minimum": 0, "maximum": 1},
    "a text": {"type": "string"},
    "a date": {"type": "string", "format": "date"},
    "a code": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "boxes": {
        "type": "array",
        "x-control": "boxes",
        "items": {"type": "object", "properties": SIDES, "required": [*SIDES]},
    },
}


@pytest.mark.parametrize("field", FIELDS.values(), ids=FIELDS)
def test_workers_are_right_and_wrong_about_every_kind_of_field(field: JsonValue) -> None:
    schema, tasks = one(field), 200
    truths = [simulated_answer(schema, f"t{task}", "x", 1.0) for task in range(tasks)]
    slips = [simulated_answer(schema, f"t{task}", "w", 0.0) for task in range(20)]
    assert not any(slip == truth for slip, truth in zip(slips, truths, strict=False))
    right = sum(simulated_answer(schema, f"t{i}", f"w{i}", 0.8) == truth for i, truth in enumerate(truths))
    assert right / tasks == pytest.approx(0.8, abs=0.09)  # three standard deviations of so many coin tosses


def test_the_truths_of_sets_and_rankings_are_of_every_kind() -> None:
    some = {canonical_json(simulated_answer(one(FIELDS["some of a set"]), f"t{i}", "w", 1.0)) for i in range(200)}
    assert len(some) == 13  # neighbours in a circle of four: one, two, three of them, or all
    rankings = {canonical_json(simulated_answer(one(FIELDS["a ranking"]), f"t{i}", "w", 1.0)) for i in range(300)}
    assert len(rankings) == 24


def test_what_reads_most_naturally_is_the_truth_about_an_open_field() -> None:
    schema = one({"type": "string"})
    assert simulated_answer(schema, "t", "w", 1.0) == {"a": "test response"}
    assert simulated_answer(schema, "t", "w", 0.0)["a"] != "test response"


MANY: dict[str, dict[str, JsonValue]] = {
    "ten thousand options": {"a": {"enum": [f"option {i}" for i in range(10_000)]}},
    "several long lists": {name: {"enum": [f"option {i}" for i in range(2_000)]} for name in "abcd"},
    "hundreds of titled options": {"a": {"oneOf": [{"const": f"o{i}", "title": f"O {i}"} for i in range(900)]}},
    "wide scales": {name: {"type": "integer", "minimum": 1, "maximum": 999} for name in "abcdefghij"},
    "a thousand ticks": {f"f{i}": {"type": "boolean"} for i in range(1_000)},
    "a thousand texts": {f"f{i}": {"type": "string"} for i in range(1_000)},
}


@pytest.mark.parametrize("properties", MANY.values(), ids=MANY)
def test_forms_as_large_as_they_may_be_are_answered(properties: dict[str, JsonValue]) -> None:
    schema = AnswerSchema.of({"type": "object", "properties": properties, "required": list(properties)})
    for accuracy in (0, 1):
        answer = simulated_answer(schema, "t", "w", accuracy)
        assert schema.validate(answer) == answer


@pytest.mark.parametrize("accuracy", [-0.1, 1.1, float("nan")])
def test_an_accuracy_out_of_range_is_refused(accuracy: float) -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        simulated_answer(SCHEMA, "t", "w", accuracy)


@settings(max_examples=50, deadline=None)
@given(st.text(), st.text(), st.floats(0, 1))
def test_every_simulated_answer_validates(task: str, worker: str, accuracy: float) -> None:
    conditional = AnswerSchema.of(
        {
            "type": "object",
            "properties": {"ok": {"type": "boolean"}, "why": {"enum": ["dull", "wrong", ""]}},
            "required": ["ok"],
            "if": {"properties": {"ok": {"const": False}}},
            "then": {"required": ["why"], "properties": {"why": {"not": {"const": ""}}}},
        }
    )
    for schema in (SCHEMA, conditional):
        answer = simulated_answer(schema, task, worker, accuracy)
        assert schema.validate(answer) == answer
