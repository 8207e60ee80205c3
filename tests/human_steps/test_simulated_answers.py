"""Simulated workers answer the same at every run, and are right as often as they are told."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.human_steps.answers import AnswerSchema
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
