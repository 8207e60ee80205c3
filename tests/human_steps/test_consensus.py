"""Answers become one output, or not yet, or split."""

import json
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.human_steps.consensus import Agreed, ConsensusStrategy, NotYet, Split, consensus
from intermezzo.human_steps.leaves import Answer, Leaf
from intermezzo.human_steps.measures import Text
from intermezzo.human_steps.votes import Choice

SENTIMENT = ["sentiment"]


TRUE, FALSE = True, False


def leaves(closed: Sequence[str]) -> list[Leaf]:
    """Some fields that are voted on, and two of free text."""
    return [Leaf((name,), Choice()) for name in closed] + [Leaf((name,), Text()) for name in ("note", "text")]


def said(*values: JsonValue) -> list[Answer]:
    return [{"sentiment": value} for value in values]


def agreed(
    strategy: ConsensusStrategy,
    answers: Sequence[Answer],
    closed: Sequence[str] = SENTIMENT,
    required: int = 1,
) -> Agreed:
    outcome = consensus(strategy, answers, leaves(closed), required)
    assert isinstance(outcome, Agreed), outcome
    return outcome


def split(strategy: ConsensusStrategy, answers: Sequence[Answer], closed: Sequence[str] = SENTIMENT) -> Split:
    outcome = consensus(strategy, answers, leaves(closed), len(answers))
    assert isinstance(outcome, Split), outcome
    return outcome


def test_any_first_takes_the_first_answer() -> None:
    outcome = agreed("any_first", said("positive", "negative", "negative"), required=3)
    assert outcome.answer == {"sentiment": "positive"}
    assert outcome.agreement.overall == 1.0
    assert outcome.summary == "positive (1/1 workers agree)"


@pytest.mark.parametrize("strategy", ["any_first", "majority_vote", "unanimous", "requester_review"])
def test_nothing_is_decided_without_an_answer(strategy: ConsensusStrategy) -> None:
    assert consensus(strategy, [], leaves(SENTIMENT), 3) == NotYet(have=0, required=3)


@pytest.mark.parametrize("strategy", ["majority_vote", "unanimous"])
def test_voting_waits_for_all_answers_even_when_the_outcome_is_clear(strategy: ConsensusStrategy) -> None:
    assert consensus(strategy, said("a", "a"), leaves(SENTIMENT), 3) == NotYet(have=2, required=3)
    assert consensus(strategy, said("a", "b"), leaves(SENTIMENT), 3) == NotYet(have=2, required=3)


def test_of_approved_answers_the_majority_counts_and_of_a_tie_the_earliest() -> None:
    assert consensus("requester_review", said("a", "a"), leaves(SENTIMENT), 3) == NotYet(have=2, required=3)
    assert agreed("requester_review", said("b", "a", "b"), required=3).answer == {"sentiment": "b"}
    assert agreed("requester_review", said("b", "a"), required=2).answer == {"sentiment": "b"}


def test_a_majority_wins() -> None:
    outcome = agreed("majority_vote", said("positive", "negative", "positive"), required=3)
    assert outcome.answer == {"sentiment": "positive"}
    assert outcome.agreement.overall == pytest.approx(2 / 3)
    assert outcome.votes == {"sentiment": {'"positive"': 2, '"negative"': 1}}
    assert outcome.summary == "positive (2/3 workers agree)"


def test_the_summary_is_worded_as_in_the_spec() -> None:
    assert agreed("majority_vote", said(*["positive"] * 3), required=3).summary == "positive (3/3 workers agree)"


def test_a_plurality_is_enough() -> None:
    assert agreed("majority_vote", said("a", "b", "a", "c", "d"), required=5).answer == {"sentiment": "a"}


def test_a_tie_for_first_place_is_split_and_names_the_field_and_the_counts() -> None:
    outcome = split("majority_vote", said("positive", "negative"))
    assert outcome.fields == ("sentiment",)
    assert outcome.summary == 'tied on sentiment: "negative" 1 of 2, "positive" 1 of 2'


def test_every_field_is_voted_on_by_itself() -> None:
    answers: list[Answer] = [
        {"sentiment": "positive", "urgent": True, "note": "one"},
        {"sentiment": "positive", "urgent": False, "note": "two"},
        {"sentiment": "negative", "urgent": False, "note": "three"},
    ]
    outcome = agreed("majority_vote", answers, ["sentiment", "urgent"], 3)
    assert outcome.answer == {"sentiment": "positive", "urgent": False, "note": "two"}
    assert outcome.agreement.overall == pytest.approx(2 / 3)
    assert outcome.summary == "sentiment=positive, urgent=false (1/3 workers agree)"


def test_a_tie_on_one_field_is_split_though_others_agree() -> None:
    answers: list[Answer] = [{"a": 1, "b": True}, {"a": 1, "b": False}]
    outcome = split("majority_vote", answers, ["a", "b"])
    assert outcome.fields == ("b",)
    assert outcome.votes == {"a": {"1": 2}, "b": {"false": 1, "true": 1}}


def test_free_text_comes_from_the_answer_that_agrees_most() -> None:
    answers: list[Answer] = [
        {"a": 2, "b": 1, "c": 2, "note": "one"},
        {"a": 1, "b": 2, "c": 1, "note": "two"},
        {"a": 1, "b": 1, "c": 3, "note": "three"},
        {"a": 3, "b": 1, "c": 1, "note": "four"},
    ]
    outcome = agreed("majority_vote", answers, ["a", "b", "c"], 4)
    assert outcome.answer == {"a": 1, "b": 1, "c": 1, "note": "two"}
    assert outcome.summary == "a=1, b=1, c=1 (0/4 workers agree)"


def test_free_text_never_keeps_workers_from_agreeing() -> None:
    answers: list[Answer] = [{"a": True, "note": "x"}, {"a": True, "note": "y"}]
    assert agreed("unanimous", answers, ["a"], 2).answer == {"a": True, "note": "x"}


def test_true_is_not_one_but_one_is_one_point_nought() -> None:
    assert split("majority_vote", said(TRUE, 1)).votes == {"sentiment": {"1": 1, "true": 1}}
    assert split("unanimous", said(FALSE, 0)).fields == ("sentiment",)
    assert agreed("unanimous", said(1, 1.0), required=2).votes == {"sentiment": {"1": 2}}


def test_unanimous_is_split_by_one_other_answer() -> None:
    outcome = split("unanimous", said("a", "a", "b"))
    assert outcome.summary == 'not unanimous on sentiment: "a" 2 of 3, "b" 1 of 3'


def test_leaving_a_field_out_is_a_vote_of_its_own() -> None:
    answers: list[Answer] = [{"note": "x"}, {}, {"sentiment": None}]
    outcome = agreed("majority_vote", answers, required=3)
    assert outcome.answer == {"note": "x"}
    assert outcome.votes == {"sentiment": {"missing": 2, "null": 1}}
    assert outcome.summary == "no answer (2/3 workers agree)"


def test_without_closed_fields_whole_answers_are_compared_blind_to_case_and_spacing() -> None:
    answers: list[Answer] = [{"text": "Hello  World "}, {"text": "bye"}, {"text": "hello\nworld"}]
    outcome = agreed("majority_vote", answers, [], 3)
    assert outcome.answer == {"text": "Hello  World "}
    assert outcome.agreement.overall == pytest.approx(2 / 3)
    assert outcome.summary == "Hello World (2/3 workers agree, 66% alike)"


def test_distinct_whole_answers_are_split() -> None:
    outcome = split("majority_vote", [{"text": "a"}, {"text": "b"}], [])
    assert outcome.fields == ("answer",)
    assert 'tied on answer: {"text":"a"} 1 of 2' in outcome.summary


def test_a_summary_is_one_line_of_bounded_length() -> None:
    summary = agreed("any_first", [{"text": "a\n\x1b[31m" + "b" * 1000}], []).summary
    assert summary.isprintable()
    assert len(summary) == 500
    assert summary.endswith("… (1/1 workers agree)")


@pytest.mark.parametrize("required", [0, -1])
def test_asking_for_no_answer_is_refused(required: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        consensus("any_first", [], [], required)


values: st.SearchStrategy[JsonValue] = st.sampled_from([True, False, 1, 0, "a", "b", None, 1.0])
notes: st.SearchStrategy[JsonValue] = st.text(max_size=3)
required_fields: dict[str, st.SearchStrategy[JsonValue]] = {"a": values}
optional_fields: dict[str, st.SearchStrategy[JsonValue]] = {"b": values, "note": notes}
answers_given = st.fixed_dictionaries(required_fields, optional=optional_fields)
ballots: st.SearchStrategy[list[dict[str, JsonValue]]] = st.lists(answers_given, min_size=1, max_size=9)
strategies = st.sampled_from(["majority_vote", "unanimous"])


@settings(max_examples=60, deadline=None)
@given(strategies, ballots, st.sampled_from([["a"], ["a", "b"], []]), st.randoms())
def test_the_order_of_answers_decides_nothing_but_the_text(
    strategy: ConsensusStrategy, answers: list[dict[str, JsonValue]], closed: list[str], chance: random.Random
) -> None:
    shuffled = list(answers)
    chance.shuffle(shuffled)
    one = consensus(strategy, answers, leaves(closed), len(answers))
    other = consensus(strategy, shuffled, leaves(closed), len(answers))
    assert type(one) is type(other)
    if isinstance(one, Agreed) and isinstance(other, Agreed):
        assert one.votes == other.votes
        assert 0 < one.agreement.overall <= 1
        assert one.agreement.overall == pytest.approx(other.agreement.overall)
        assert [repr(one.answer.get(f)) for f in closed] == [repr(other.answer.get(f)) for f in closed]
        if closed:
            assert one.summary == other.summary
    if isinstance(one, Split):
        assert one == other


@settings(max_examples=60, deadline=None)
@given(ballots, st.sampled_from([["a"], ["a", "b"], []]))
def test_the_winners_of_every_field_are_votes_that_someone_cast(answers: list[Answer], closed: list[str]) -> None:
    outcome = consensus("majority_vote", answers, leaves(closed), 1)
    assert not isinstance(outcome, NotYet)
    assert all(sum(counts.values()) == len(answers) for counts in outcome.votes.values())
    if isinstance(outcome, Agreed):
        for field in closed:
            top = next(iter(outcome.votes[field]))
            assert (json.dumps(outcome.answer[field]) if field in outcome.answer else "missing") == top
