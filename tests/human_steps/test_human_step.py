"""Declaring a step that people do: outputs, prices, forms, options, and what the journal gives back."""

import json
from collections.abc import Callable
from datetime import date
from enum import Enum
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from intermezzo.errors import DefinitionError, RecordedOutputMismatch
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.human_step import Answer, HumanStep, human_step
from intermezzo.human_steps.native_types import label_text
from intermezzo.human_steps.tasks import NewHumanTask
from intermezzo.settings import settings
from intermezzo.steps import family_of, registered, registered_types, registry


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Types declared here are forgotten afterwards."""
    monkeypatch.setattr(registry, "_registry", {"label_text": label_text})


def task_of(step: HumanStep[..., Any, Any], **input: object) -> NewHumanTask:
    return step.new_task(step.parse(**input), id="t", call_id="c", run_id="r", generation=1)


def recorded(answer: object, **agreement: object) -> str:
    envelope: dict[str, object] = {"answer": answer, "agreement": 1.0, "summary": "s", "submissions": []}
    return json.dumps(envelope | agreement)


class Mood(Enum):
    """A choice."""

    GOOD = "good"
    BAD = "bad"


class Review(BaseModel):
    """An output of its own."""

    model_config = ConfigDict(strict=True)

    mood: Mood
    stars: Annotated[int, Field(ge=1, le=5)]
    visited: date
    note: str = ""


class Verdict(Answer):
    """An output that also tells how the workers agreed."""

    mood: Mood
    note: str = ""


# --- outputs ------------------------------------------------------------------------------------------------


def test_a_pydantic_model_makes_the_form_and_the_output() -> None:
    step = human_step("review", output=Review, reward_credits=4, instructions="Be fair.")
    schema = json.loads(task_of(step, text="hello").answer_schema)
    assert list(schema["properties"]) == ["mood", "stars", "visited", "note"]
    assert schema["additionalProperties"] is False
    assert AnswerSchema.of(schema).closed_fields() == ["mood", "stars"]
    output = step.load(recorded({"mood": "good", "stars": 5, "visited": "2030-01-01", "note": ""}))
    assert output == Review(mood=Mood.GOOD, stars=5, visited=date(2030, 1, 1))


def test_an_answer_model_gets_how_the_workers_agreed_and_its_form_does_not_ask_for_it() -> None:
    step = human_step("verdict", output=Verdict)
    schema = json.loads(task_of(step, text="hello").answer_schema)
    assert list(schema["properties"]) == ["mood", "note"]
    assert schema["required"] == ["mood"]
    submission = {"worker": "ann", "answer": {"mood": "bad"}, "submitted_at": "2030-01-01T00:00:00+00:00"}
    output = step.load(recorded({"mood": "bad"}, agreement=0.75, summary="bad (3/4)", submissions=[submission]))
    assert (output.mood, output.agreement, output.summary) == (Mood.BAD, 0.75, "bad (3/4)")
    assert output.submissions[0].worker == "ann"


def test_a_json_schema_makes_the_form_and_a_dict_comes_back() -> None:
    schema = {"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}
    step = human_step("check", output=schema)
    assert json.loads(task_of(step, text="hello").answer_schema)["properties"] == {"ok": {"type": "boolean"}}
    assert step.load(recorded({"ok": True})) == {"ok": True}


def test_a_form_may_depend_on_the_input() -> None:
    one, two = (
        json.loads(task_of(label_text, text="t", categories=categories).answer_schema)
        for categories in (["a", "b"], ["x", "y", "z"])
    )
    assert one["properties"]["category"]["enum"] == ["a", "b"]
    assert two["properties"]["category"]["enum"] == ["x", "y", "z"]


def test_a_step_without_an_input_model_takes_and_shows_any_fields() -> None:
    step = human_step("review", output=Review)
    task = task_of(step, text="hello", page=3)
    assert json.loads(task.input) == {"text": "hello", "page": 3}
    assert task.controls is None


def test_validators_of_an_output_see_the_input_of_the_call() -> None:
    class Item(BaseModel):
        price: int

    class Priced(Answer):
        count: int
        total: int = Field(default=0, validate_default=True)

        @field_validator("total")
        @classmethod
        def _follows(cls, _: int, info: ValidationInfo[Item]) -> int:
            return info.data["count"] * info.context.price

    step = human_step("count", output=Priced, input=Item)
    assert step.load(recorded({"count": 3}), Item(price=5)).total == 15


def test_an_example_that_does_not_fit_the_input_is_refused_when_it_is_declared() -> None:
    class Page(BaseModel):
        number: int

    with pytest.raises(DefinitionError, match="the example does not fit the input of review: number: "):
        human_step("review", output=Review, input=Page, example={"number": "first"})
    assert human_step("review", output=Review, input=Page, example={"number": 1}).example == {"number": 1}


def test_a_type_of_an_author_takes_the_place_of_a_built_in_one() -> None:
    assert family_of("content_review") == "humanrail"
    step = human_step("content_review", output=Review, deadline_seconds=300)
    assert registered("content_review") is step
    assert "comparison" in registered_types()
    assert registered("content_review") is step
    assert (family_of("content_review"), family_of("comparison"), family_of("pii_detect")) == (
        "custom",
        "scale",
        "primitive",
    )


def test_a_declared_type_is_found_by_its_name() -> None:
    step = human_step("review", output=Review)
    assert registered("review") is step
    assert "review" in registered_types()
    with pytest.raises(DefinitionError, match=r"no step type 'reviw'; known: .*label_text.*review"):
        registered("reviw")


# --- recorded outputs ---------------------------------------------------------------------------------------


def test_a_recorded_answer_that_no_longer_fits_the_model_is_an_error_that_says_so() -> None:
    step = human_step("review", output=Review)
    with pytest.raises(RecordedOutputMismatch, match="review: the recorded answer no longer fits") as caught:
        step.load(recorded({"mood": "angry", "stars": 5, "visited": "2030-01-01"}))
    assert "mood" in str(caught.value)
    assert "give the step a new name" in str(caught.value)


def test_a_new_field_without_a_default_does_not_fit_recorded_answers_and_one_with_a_default_does() -> None:
    class Longer(Answer):
        mood: Mood
        reason: str = "unknown"

    class Stricter(Answer):
        mood: Mood
        reason: str

    old = recorded({"mood": "good"})
    assert human_step("a", output=Longer).load(old).reason == "unknown"
    with pytest.raises(RecordedOutputMismatch, match="reason: field required"):
        human_step("b", output=Stricter).load(old)


# --- definitions --------------------------------------------------------------------------------------------


class Endless(Answer):
    """Refers to itself."""

    reply: "Endless | None" = None


class Callback(Answer):
    """Has no JSON Schema."""

    call: Callable[[], int]


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (Answer, "at least one field"),
        (str, "expected a pydantic model class, got str"),
        ([], "expected a JSON Schema object"),
        ({"type": "string"}, 'expected "type": "object"'),
        ({"type": "object", "properties": {}}, "at least one field"),
        ({"type": "object", "properties": {"a": {"type": "text"}}}, "answer schema"),
        (Endless, "refers to itself"),
        (Callback, "without JSON Schema"),
    ],
)
def test_an_output_that_cannot_be_a_form_is_refused_when_it_is_declared(output: Any, said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        human_step("broken", output=output)
    assert "broken" not in registered_types()


@pytest.mark.parametrize("reward", [-1, 10_001, 1.5, True, "2"])
def test_a_reward_out_of_range_is_refused(reward: Any) -> None:
    with pytest.raises(DefinitionError, match=r"whole number from 0 to 10000, got "):
        human_step("review", output=Review, reward_credits=reward)
    with pytest.raises(DefinitionError, match=r"whole number from 0 to 10000, got "):
        label_text.with_options(worker_reward_credits=reward)


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_that_is_empty_or_too_long_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="1 to 200 characters"):
        human_step(name, output=Review)
    with pytest.raises(DefinitionError, match="1 to 200 characters"):
        label_text.with_options(name=name)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"assignments_required": 0}, "assignments_required is a whole number from 1 to 20, got 0"),
        ({"assignments_required": 21}, "from 1 to 20, got 21"),
        ({"assignments_required": 2.0}, r"from 1 to 20, got 2\.0"),
        ({"claim_timeout_minutes": 4}, "claim_timeout_minutes is a whole number from 5 to 480, got 4"),
        ({"claim_timeout_minutes": 481}, "from 5 to 480, got 481"),
        ({"deadline_seconds": 29}, "deadline_seconds is a whole number from 30 to 2592000, got 29"),
        ({"deadline_seconds": 2_592_001}, "from 30 to 2592000, got 2592001"),
        ({"priority": "asap"}, "priority is one of low, normal, high, urgent, got 'asap'"),
        ({"consensus_strategy": "most"}, "any_first, majority_vote, unanimous, requester_review, got 'most'"),
    ],
)
def test_an_option_out_of_range_is_refused_with_its_range(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        label_text.with_options(**options)


def test_the_most_workers_of_a_task_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_MAX_ASSIGNMENTS", "2")
    settings.cache_clear()
    with pytest.raises(DefinitionError, match="from 1 to 2, got 3"):
        label_text.with_options(assignments_required=3)


def test_options_make_a_copy_and_leave_the_step_alone() -> None:
    verify = label_text.with_options(
        name="verify", assignments_required=3, worker_reward_credits=5, task_instructions="Quickly."
    )
    task = task_of(verify, text="t", categories=["a", "b"])
    assert (task.name, task.type, task.terms.assignments_required, task.terms.reward_credits) == (
        "verify",
        "label_text",
        3,
        5,
    )
    assert task.terms.instructions == f"Quickly.\n\n{label_text.instructions}"
    assert verify.price(verify.parse(text="t", categories=["a", "b"])) == 18
    assert (label_text.name, label_text.options.assignments_required, label_text.reward) == (
        "label_text",
        1,
        2,
    )
    assert verify.with_options(name="again").options.assignments_required == 3


def test_a_reward_of_nothing_is_an_option_too() -> None:
    assert label_text.with_options(worker_reward_credits=0).reward == 0


@pytest.mark.parametrize(("workers", "strategy"), [(1, "any_first"), (2, "majority_vote"), (3, "majority_vote")])
def test_whoever_asks_several_workers_gets_what_most_of_them_say(workers: int, strategy: str) -> None:
    assert label_text.with_options(assignments_required=workers).terms.consensus_strategy == strategy
