"""The contract of every step: how input is taken, what tells calls apart, what a definition may say."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from intermezzo.errors import DefinitionError, InvalidInput, RecordedOutputMismatch
from intermezzo.human_steps.native_types import label_text
from intermezzo.steps import (
    FunctionStep,
    Primitive,
    StepInput,
    StepOutput,
    call_id,
    current_call,
    primitive,
    registered,
    registry,
    step,
)


@pytest.fixture(autouse=True)
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Types declared here are forgotten afterwards."""
    monkeypatch.setattr(registry, "_registry", {})


class ShoutInput(StepInput):
    """Input of the step under test."""

    text: str
    times: int = 1
    extras: dict[str, object] = Field(default_factory=dict[str, object])


class ShoutOutput(StepOutput):
    """Its output."""

    shouted: str


async def shout(input: ShoutInput) -> ShoutOutput:
    """Say it louder."""
    return ShoutOutput(summary="shouted", shouted=input.text.upper() * input.times)


@step(credits=3)
async def add(a: int, b: int = 1, *, note: str = "") -> int:
    """Add two numbers."""
    return a + b


def declared() -> Primitive[..., ShoutInput, ShoutOutput]:
    return primitive(ShoutInput, credits=2)(shout)


# --- input --------------------------------------------------------------------------------------------------


def test_input_is_given_as_a_model_a_mapping_or_keywords() -> None:
    made = ShoutInput(text="hi", times=2)
    subject = declared()
    assert subject.parse(made) is made
    assert subject.parse({"text": "hi", "times": 2}) == made
    assert subject.parse(text="hi", times=2) == made


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        (({"text": "a"},), {"times": 2}, "as one mapping or as keywords, not both"),
        (({"text": "a"}, {"text": "b"}), {}, "as one mapping or as keywords, not both"),
        (("a",), {}, "expected ShoutInput or a mapping, got str"),
        ((None,), {}, "expected ShoutInput or a mapping, got NoneType"),
        ((), {}, "text: field required"),
        (({"text": 5},), {}, "text: input should be a valid string, got 5"),
        (({"text": "a", "loud": True},), {}, "loud: unknown field; the fields are text, times, extras$"),
        (
            ({"text": "a", "times": "x" * 200},),
            {},
            "times: input should be a valid integer.*, got text of 200 characters$",
        ),
        (({"text": "a\ud800"},), {}, "text: expected Unicode text, got half of a surrogate pair"),
        (({"text": "a", "extras": {"b": ["\udfff"]}},), {}, "extras: expected Unicode text"),
    ],
)
def test_input_that_does_not_fit_is_refused_by_field(args: Any, kwargs: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        declared().parse(*args, **kwargs)
    assert str(caught.value).startswith("shout: ")
    assert "\n" not in str(caught.value)


def test_only_the_first_five_faults_of_an_input_are_listed() -> None:
    class Many(StepInput):
        """Eight fields."""

        a: int
        b: int
        c: int
        d: int
        e: int
        f: int
        g: int

    async def many(_input: Many) -> ShoutOutput:
        return ShoutOutput(summary="", shouted="")

    with pytest.raises(InvalidInput, match="and 2 more"):
        primitive(Many, credits=1)(many).parse({})


async def test_an_item_of_a_map_that_does_not_fit_is_named_by_its_index() -> None:
    with pytest.raises(InvalidInput, match=r"text: field required \(at index 1\)"):
        await declared().map([{"text": "a"}, {}, {"text": "c"}])
    with pytest.raises(InvalidInput, match=r"\(at index 0\)"):
        await add.map([{"a": "many"}])


async def test_a_key_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidInput, match="key must be a string, got 5"):
        await declared()({"text": "a"}, key=5)  # pyright: ignore[reportCallIssue, reportArgumentType] - the point


# --- identity -----------------------------------------------------------------------------------------------


def test_a_digest_does_not_depend_on_how_the_input_was_written() -> None:
    subject = declared()
    written: list[dict[str, object]] = [
        {"text": "hi"},
        {"text": "hi", "times": 1},
        {"times": 1, "text": "hi"},
        {"times": "1", "text": "hi", "extras": {}},
    ]
    digests = {subject.digest(subject.parse(given)) for given in written}
    assert len(digests) == 1


def test_a_digest_does_not_depend_on_the_order_of_keys_inside_a_field() -> None:
    subject = declared()
    there = subject.parse(text="hi", extras={"a": 1, "b": {"c": 2, "d": 3}})
    back = subject.parse(text="hi", extras={"b": {"d": 3, "c": 2}, "a": 1})
    assert subject.digest(there) == subject.digest(back)


def test_a_digest_does_not_depend_on_the_order_of_extra_fields() -> None:
    there = label_text.parse({"text": "t", "categories": ["a", "b"], "x": 1, "y": 2})
    back = label_text.parse({"y": 2, "x": 1, "categories": ["a", "b"], "text": "t"})
    assert label_text.digest(there) == label_text.digest(back)


@given(st.text(), st.text(), st.integers(0, 5), st.integers(0, 5))
def test_different_inputs_have_different_digests(one: str, other: str, times: int, other_times: int) -> None:
    subject = declared()
    first, second = ShoutInput(text=one, times=times), ShoutInput(text=other, times=other_times)
    assert (subject.digest(first) == subject.digest(second)) == (first == second)


def test_the_order_of_a_list_is_part_of_the_digest() -> None:
    one, other = (label_text.parse(text="t", categories=c) for c in (["a", "b"], ["b", "a"]))
    assert label_text.digest(one) != label_text.digest(other)


def test_the_id_of_a_call_depends_on_run_step_and_key_and_nothing_else() -> None:
    assert call_id("r", "s", "k") == call_id("r", "s", "k")
    assert len({call_id(*which) for which in [("r", "s", "k"), ("q", "s", "k"), ("r", "t", "k"), ("r", "s", "l")]}) == 4
    assert uuid.UUID(call_id("r", "s", "k"))


# --- options ------------------------------------------------------------------------------------------------


def test_options_make_a_copy_and_leave_the_step_alone() -> None:
    subject = declared()
    loud = subject.with_options(name="loud", retries=2, timeout_seconds=5)
    assert (loud.name, loud.options.retries, loud.options.timeout_seconds) == ("loud", 2, 5)
    assert (subject.name, subject.options.retries, subject.options.timeout_seconds) == ("shout", 0, None)
    assert loud.type == subject.type == "shout"
    assert loud.with_options(key="k").options.retries == 2
    assert registered("shout") is subject


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"retries": -1}, "retries must be a whole number, 0 or more, got -1"),
        ({"retries": 1.5}, "retries must be a whole number, 0 or more, got 1.5"),
        ({"retry_delay_seconds": -0.5}, "retry_delay_seconds must be a number, 0 or more, got -0.5"),
        ({"retry_delay_seconds": "1"}, "retry_delay_seconds must be a number, 0 or more, got '1'"),
        ({"timeout_seconds": 0}, "timeout_seconds must be above 0, got 0"),
        ({"timeout_seconds": float("nan")}, "timeout_seconds must be above 0, got nan"),
        ({"name": ""}, "1 to 200 characters, got ''"),
        ({"name": "x" * 201}, "1 to 200 characters"),
    ],
)
def test_an_option_that_cannot_work_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        declared().with_options(**options)


@pytest.mark.parametrize("credits", [-1, True])
def test_a_price_below_nothing_is_refused(credits: Any) -> None:
    with pytest.raises(DefinitionError, match="credits must be a whole number, 0 or more, got"):
        primitive(ShoutInput, credits=credits)(shout)
    with pytest.raises(DefinitionError, match="credits must be a whole number, 0 or more, got"):
        step(credits=credits)(returns_one)


@pytest.mark.parametrize("credits", [1.5, "2", None])
def test_a_price_that_is_no_whole_number_is_refused(credits: Any) -> None:
    with pytest.raises(DefinitionError, match="credits must be a whole number, 0 or more, got"):
        step(credits=credits)(returns_one)


async def returns_one() -> int:
    return 1


def test_the_price_of_a_primitive_is_the_same_for_every_input() -> None:
    subject = declared()
    assert subject.price(ShoutInput(text="a")) == subject.price(ShoutInput(text="b", times=9)) == 2
    assert add.price(add.parse(1)) == 3


# --- an author's own functions ------------------------------------------------------------------------------


async def test_a_function_becomes_a_step_that_is_called_like_the_function() -> None:
    assert isinstance(add, FunctionStep)
    assert (add.name, add.credits, add.__doc__) == ("add", 3, "Add two numbers.")
    assert add.digest(add.parse(1, 2)) == add.digest(add.parse(a=1, b=2)) == add.digest(add.parse(1, b="2"))
    assert await add.fn(1, 2) == 3
    assert await add.fn(a=1) == 2


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, "missing a required argument: 'a'"),
        ((1, 2, 3), {}, "too many positional arguments"),
        ((1,), {"c": 3}, "got an unexpected keyword argument 'c'"),
        (("one",), {}, "a: input should be a valid integer"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(args: Any, kwargs: Any, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        add.parse(*args, **kwargs)
    assert str(caught.value).startswith("add: ")


def sync_function() -> int:
    return 1


async def starred(*numbers: int) -> int:
    return sum(numbers)


async def double_starred(**numbers: int) -> int:
    return sum(numbers.values())


async def positional(a: int, /) -> int:
    return a


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (sync_function, "needs an `async def` function"),
        (starred, r"must be nameable, \*numbers"),
        (double_starred, r"must be nameable, \*\*numbers"),
        (positional, "must be nameable, a"),
    ],
)
def test_a_function_that_cannot_be_a_step_is_refused(function: Callable[..., Any], said: str) -> None:
    with pytest.raises(DefinitionError, match=said):
        step()(function)


def test_a_step_of_ones_own_may_have_another_name_and_options() -> None:
    renamed = step(name="one", retries=2, timeout_seconds=3)(returns_one)
    assert (renamed.name, renamed.type, renamed.credits) == ("one", "one", 0)
    assert (renamed.options.retries, renamed.options.timeout_seconds) == (2, 3)


async def test_a_step_takes_a_parameter_called_key() -> None:
    @step()
    async def look_up(key: str) -> str:
        return key

    assert await look_up.fn(key="k") == "k"


class Point(BaseModel):
    """Something a function may return."""

    x: int


def test_outputs_come_back_from_the_journal_as_what_they_were() -> None:
    @step()
    async def locate() -> list[Point]:
        return [Point(x=1)]

    assert locate.load(locate.dump([Point(x=1)])) == [Point(x=1)]
    subject = declared()
    output = ShoutOutput(summary="s", shouted="HI")
    assert subject.load(subject.dump(output)) == output


def test_a_recorded_output_that_no_longer_fits_is_an_error_that_says_so() -> None:
    with pytest.raises(RecordedOutputMismatch, match=r"add: its recorded output no longer fits.*new name to run it"):
        add.load('"three"')


def test_outside_of_a_step_there_is_no_current_call() -> None:
    assert current_call() is None


def test_steps_describe_their_output() -> None:
    assert isinstance(declared().output, TypeAdapter)
    assert declared().__doc__ == "Say it louder."
