"""What holds for the agreement of any answers to any form, and how long it takes."""

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.human_steps.agreement import agreement, differing, likeness, nearest, same_answer
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import Agreed, ConsensusStrategy, Split, consensus
from intermezzo.human_steps.leaves import Answer
from tests.human_steps.agreement_forms import (
    BOXES,
    LETTERS,
    OPTIONS,
    PEOPLE,
    RANKING,
    SEVERAL,
    TEXT,
    Schema,
    box,
    form,
    outcome_of,
    sides,
)

# --- what holds for every form -------------------------------------------------------------------------------

texts: st.SearchStrategy[JsonValue] = st.text("aB é,", max_size=6)
KINDS: list[tuple[Schema, st.SearchStrategy[Any]]] = [
    (LETTERS, st.sampled_from(OPTIONS)),
    ({"type": "integer", "minimum": 1, "maximum": 3}, st.sampled_from([1, 2, 3, 1.0])),
    (SEVERAL, st.lists(st.sampled_from(OPTIONS), unique=True)),
    (
        {**SEVERAL, "minItems": 1, "maxItems": 2},
        st.lists(st.sampled_from(OPTIONS), unique=True, min_size=1, max_size=2),
    ),
    (RANKING, st.permutations(OPTIONS)),
    (TEXT, texts),
    ({"anyOf": [TEXT, {"type": "null"}]}, st.none() | texts),
    ({"type": "number"}, st.integers(-3, 3) | st.floats(-1e308, 1e308)),
    ({"type": "string", "format": "date"}, st.dates().map(str)),
    (
        BOXES,
        st.lists(
            st.builds(box, sides, sides, sides, sides, st.sampled_from(["cow", "calf"])),
            max_size=3,
        ),
    ),
    (PEOPLE, st.lists(st.fixed_dictionaries({"name": texts}, optional={"age": st.integers(0, 9)}), max_size=3)),
    (
        {"type": "object", "properties": {"x": LETTERS, "y": TEXT}},
        st.fixed_dictionaries({}, optional={"x": st.sampled_from(OPTIONS), "y": texts}),
    ),
    ({}, st.none() | st.booleans() | texts),
]


@st.composite
def forms_with_answers(draw: st.DrawFn) -> tuple[AnswerSchema, list[dict[str, JsonValue]]]:
    chosen = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    fields = {f"f{number}": kind for number, kind in enumerate(chosen)}
    optional = tuple(name for name in fields if draw(st.booleans()))
    schema = form(optional=optional, **{name: node for name, (node, _) in fields.items()})
    answer = st.fixed_dictionaries(
        {name: values for name, (_, values) in fields.items() if name not in optional},
        optional={name: values for name, (_, values) in fields.items() if name in optional},
    )
    pool = draw(st.lists(answer, min_size=1, max_size=5))
    return schema, [*pool, *draw(st.lists(st.sampled_from(pool), max_size=3))]


@settings(max_examples=150, deadline=None)
@given(forms_with_answers(), st.sampled_from(["majority_vote", "unanimous"]), st.randoms())
def test_the_order_of_answers_decides_nothing_but_which_equally_good_one_is_taken(
    case: tuple[AnswerSchema, list[dict[str, JsonValue]]], strategy: ConsensusStrategy, chance: random.Random
) -> None:
    schema, answers = case
    shuffled = list(answers)
    chance.shuffle(shuffled)
    one, other = outcome_of(schema, *answers, strategy=strategy), outcome_of(schema, *shuffled, strategy=strategy)
    assert type(one) is type(other)
    if isinstance(one, Split):
        assert one == other
    if isinstance(one, Agreed) and isinstance(other, Agreed):
        assert one.votes == other.votes
        assert 0 <= one.agreement.overall <= 1
        voted = [leaf for leaf in schema.leaves if leaf.vote]
        assert [leaf.of(one.answer) for leaf in voted] == [leaf.of(other.answer) for leaf in voted]
        if voted:
            assert one.agreement.overall == pytest.approx(other.agreement.overall)


@settings(max_examples=150, deadline=None)
@given(forms_with_answers())
def test_agreement_is_one_if_and_only_if_all_answers_are_equal(
    case: tuple[AnswerSchema, list[dict[str, JsonValue]]],
) -> None:
    schema, answers = case
    outcome = outcome_of(schema, *answers, strategy="requester_review")
    assert isinstance(outcome, Agreed)
    found = outcome.agreement
    voted = [leaf for leaf in schema.leaves if leaf.vote] or list(schema.leaves)
    prepared = [[leaf.measure.prepared(leaf.of(answer)) for leaf in voted] for answer in answers]
    assert (found.overall == 1) == all(one == prepared[0] for one in prepared)
    assert all(0 <= figure <= 1 for figure in (*found.by_field.values(), *found.of_answers))
    assert len(found.of_answers) == len(answers)


@settings(max_examples=150, deadline=None)
@given(forms_with_answers())
def test_another_worker_who_answers_as_the_outcome_is_never_lowers_agreement(
    case: tuple[AnswerSchema, list[dict[str, JsonValue]]],
) -> None:
    schema, answers = case
    before = outcome_of(schema, *answers)
    if isinstance(before, Agreed):
        after = outcome_of(schema, *answers, before.answer)
        assert isinstance(after, Agreed)
        assert after.agreement.overall >= before.agreement.overall - 1e-9


@settings(max_examples=150, deadline=None)
@given(forms_with_answers())
def test_where_nobody_votes_the_outcome_is_what_somebody_answered(
    case: tuple[AnswerSchema, list[dict[str, JsonValue]]],
) -> None:
    schema, answers = case
    outcome = outcome_of(schema, *answers)
    if isinstance(outcome, Agreed):
        assert any(leaf.vote for leaf in schema.leaves) or outcome.answer in answers
        schema.validate(outcome.answer)


@settings(max_examples=100, deadline=None)
@given(forms_with_answers())
def test_an_answer_is_the_same_as_itself_and_as_no_other(
    case: tuple[AnswerSchema, list[dict[str, JsonValue]]],
) -> None:
    schema, [one, *others] = case
    assert same_answer(schema, one, one)
    assert likeness(schema, one, one) == 1
    assert all(0 <= likeness(schema, other, one) <= 1 for other in others)


def test_an_expected_answer_judges_only_what_it_says() -> None:
    schema = form(verdict=LETTERS, tags=SEVERAL, why=TEXT, optional=("why",))
    given: Answer = {"verdict": "a", "tags": ["a", "b"], "why": "because"}
    assert same_answer(schema, given, {"verdict": "a"})
    assert not same_answer(schema, given, {"verdict": "a", "tags": ["a"]})
    assert likeness(schema, given, {"verdict": "a", "tags": ["a"]}) == 0.75
    assert same_answer(schema, given, {"why": "Because "})


# --- sizes ---------------------------------------------------------------------------------------------------


def seconds_for(schema: AnswerSchema, answers: list[Answer]) -> float:
    schema.validate(answers[0])
    started = time.process_time()
    outcome = consensus("requester_review", answers, schema.leaves, len(answers))
    assert isinstance(outcome, Agreed)
    return time.process_time() - started


def misheard(words: list[str], chance: random.Random) -> str:
    return " ".join(chance.choice(words) if chance.random() < 0.03 else word for word in words)


VOCABULARY = [f"word{number}" for number in range(2_000)]


@pytest.mark.parametrize("characters", [20_000, 100_000])
def test_twenty_long_transcripts_take_seconds_at_most(characters: int) -> None:
    chance = random.Random(1)
    said = chance.choices(VOCABULARY, k=characters // 8)
    answers: list[Answer] = [{"text": misheard(said, chance)} for _ in range(20)]
    assert seconds_for(form(text=TEXT), answers) < 3


@pytest.mark.parametrize("alphabet", ["ab ", "a ", "漢字仮名", "abcdefgh"])
def test_twenty_hostile_texts_take_seconds_at_most(alphabet: str) -> None:
    chance = random.Random(1)
    answers: list[Answer] = [{"text": "".join(chance.choices(alphabet, k=100_000))} for _ in range(20)]
    assert seconds_for(form(text=TEXT), answers) < 4


@pytest.mark.parametrize("spread", [4_000, 1])
def test_twenty_answers_of_500_boxes_take_seconds_at_most(spread: int) -> None:
    chance = random.Random(1)
    places = [(chance.random() * spread, chance.random() * spread) for _ in range(500)]
    answers: list[Answer] = [
        {"boxes": [box(x + chance.random() * 9, y + chance.random() * 9) for x, y in places]} for _ in range(20)
    ]
    assert seconds_for(form(boxes=BOXES), answers) < 4


def test_of_very_long_answers_one_of_usual_length_wins() -> None:
    schema = form(text=TEXT)
    answers: list[Answer] = [{"text": "a b c d " * (5_000 * factor)} for factor in (1, 4, 4, 4, 4, 4, 9)]
    index, tied = nearest(schema.leaves, answers)
    assert (index, tied) == (1, False)
    assert agreement(schema.leaves, answers[1], answers).agreeing == 5
    assert [leaf.name for leaf in differing(schema.leaves, answers)] == ["text"]
