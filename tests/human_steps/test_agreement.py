"""What agreeing means for each kind of field, and what several answers become where nobody votes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.human_steps.boxes import Box, iou, matches
from intermezzo.human_steps.consensus import Agreed, Split
from intermezzo.human_steps.leaves import Answer, measure_of
from intermezzo.human_steps.matching import best_pairs
from intermezzo.human_steps.rankings import central_ranking, ranking_similarity
from tests.human_steps.agreement_forms import (
    BOXES,
    LETTERS,
    PEOPLE,
    RANKING,
    SEVERAL,
    TEXT,
    Schema,
    agreed,
    box,
    form,
    outcome_of,
    sides,
)

# --- kinds of field ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node", "kind"),
    [
        (LETTERS, "Choice"),
        ({"type": "boolean"}, "Choice"),
        ({"type": "integer", "minimum": 1, "maximum": 5}, "Choice"),
        (SEVERAL, "Choices"),
        (RANKING, "Ranking"),
        ({**RANKING, "maxItems": 5}, "Choices"),
        ({"type": "array", "items": LETTERS, "minItems": 9}, "ListOf"),
        (TEXT, "Text"),
        ({"type": ["string", "null"]}, "Text"),
        ({"anyOf": [TEXT, {"type": "null"}]}, "Text"),
        ({"type": "string", "format": "date"}, "Date"),
        ({"type": "number"}, "Number"),
        (BOXES, "Boxes"),
        ({"type": "array", "x-control": "boxes", "items": TEXT}, "ListOf"),
        (PEOPLE, "ListOf"),
        (PEOPLE["items"], "Record"),
        ({"anyOf": [TEXT, {"type": "number"}]}, "Exact"),
        ({}, "Exact"),
    ],
)
def test_the_schema_of_a_field_says_how_it_is_compared(node: Schema, kind: str) -> None:
    assert type(measure_of(node)).__name__ == kind


@pytest.mark.parametrize(
    ("node", "one", "other", "wanted"),
    [
        (TEXT, " Caf\u00e9\n au lait", "cafe\u0301 AU lait", 1),
        (TEXT, "kitten", "sitting", 1 - 3 / 7),
        (TEXT, "", "x", 0),
        (TEXT, "abc", "xyz", 0),
        ({"type": "number"}, 90, 100, 0.9),
        ({"type": "number"}, -1, 1, 0),
        ({"type": "number"}, 0, 0.0, 1),
        ({"type": "number"}, 1.7e308, -1.7e308, 0),
        ({"type": "number", "minimum": 0, "maximum": 1}, 0.2, 0.7, 0.5),
        ({"type": "string", "format": "date"}, "2026-01-31", "2026-02-01", 0.5),
        ({"type": "string", "format": "date-time"}, "2026-01-31T00:00:00Z", "2026-01-31T01:00:00+01:00", 1),
        ({"type": "string", "format": "date"}, "soon", "later", 0),
        (SEVERAL, ["a", "b"], ["b", "c"], 1 / 3),
        (SEVERAL, ["a", "b"], ["b", "a"], 1),
        (SEVERAL, [], [], 1),
        (RANKING, ["a", "b", "c", "d"], ["b", "a", "c", "d"], 5 / 6),
        (RANKING, ["a", "b", "c", "d"], ["d", "c", "b", "a"], 0),
        (PEOPLE, [{"name": "Ann"}, {"name": "Bob"}], [{"name": "bob"}, {"name": "ann"}], 1),
        (PEOPLE, [{"name": "Ann", "age": 50}], [{"name": "Ann", "age": 40}], 0.9),
        (PEOPLE, [{"name": "Ann"}, {"name": "Bob"}], [{"name": "Ann"}], 2 / 3),
        (PEOPLE, [], [{"name": "Ann"}], 0),
        ({"anyOf": [TEXT, {"type": "null"}]}, None, "x", 0),
        ({"anyOf": [TEXT, {"type": "null"}]}, None, None, 1),
        ({}, {"a": ["X "]}, {"a": ["x"]}, 1),
        ({}, {"a": 1}, {"a": True}, 0),
    ],
)
def test_how_alike_two_values_are(node: Schema, one: JsonValue, other: JsonValue, wanted: float) -> None:
    measure = measure_of(node)
    assert measure.similarity(one, other) == pytest.approx(wanted)
    assert measure.similarity(other, one) == pytest.approx(wanted)


# --- several options and rankings ----------------------------------------------------------------------------


def test_of_several_options_each_wins_with_more_than_half_of_the_votes() -> None:
    schema = form(tags=SEVERAL)
    outcome = agreed(schema, {"tags": ["b", "a"]}, {"tags": ["a"]}, {"tags": ["b", "c"]})
    assert outcome.answer == {"tags": ["a", "b"]}
    assert outcome.agreement.overall == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert outcome.votes == {"tags": {'"a"': 2, '"b"': 2, '"c"': 1}}


def test_the_fewest_and_the_most_options_are_respected() -> None:
    votes: list[Answer] = [{"tags": ["a", "b"]}, {"tags": ["a", "c"]}, {"tags": ["b", "a"]}]
    assert agreed(form(tags={**SEVERAL, "minItems": 2}), *votes).answer == {"tags": ["a", "b"]}
    assert agreed(form(tags={**SEVERAL, "maxItems": 1}), *votes).answer == {"tags": ["a"]}
    scattered: list[Answer] = [{"tags": ["a"]}, {"tags": ["a"]}, {"tags": ["b"]}, {"tags": ["c"]}]
    assert agreed(form(tags={**SEVERAL, "minItems": 1}), *scattered).answer == {"tags": ["a"]}


def test_options_that_are_equally_far_from_a_majority_are_a_tie() -> None:
    one_each: list[Answer] = [{"tags": ["a"]}, {"tags": ["b"]}, {"tags": ["c"]}]
    assert isinstance(outcome_of(form(tags={**SEVERAL, "minItems": 1}), *one_each), Split)
    assert isinstance(outcome_of(form(tags=SEVERAL), *one_each), Split)
    assert agreed(form(tags=SEVERAL), *one_each, {"tags": []}).answer == {"tags": []}


def test_the_ranking_of_more_than_half_of_the_workers_wins() -> None:
    outcome = agreed(form(order=RANKING), {"order": list("abcd")}, {"order": list("dcba")}, {"order": list("abcd")})
    assert outcome.answer == {"order": list("abcd")}
    assert outcome.agreement.overall == pytest.approx(2 / 3)


def test_rankings_that_go_round_in_a_circle_are_a_tie() -> None:
    circle: list[Answer] = [{"order": list(order)} for order in ("abcd", "bcad", "cabd")]
    assert isinstance(outcome_of(form(order=RANKING), *circle), Split)


def test_the_ranking_that_wins_may_be_one_that_nobody_gave() -> None:
    given = [(1, 0, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2)]
    assert central_ranking(given) == ((0, 1, 2, 3), False)


def test_of_many_options_a_ranking_that_somebody_gave_wins() -> None:
    order = tuple(range(100))
    swapped = (1, 0, *range(2, 100))
    assert central_ranking([swapped, order, order]) == (order, False)
    assert ranking_similarity(order, order[::-1]) == 0


# --- texts and whole answers ---------------------------------------------------------------------------------


def test_of_texts_the_one_most_like_the_others_wins_and_none_is_made_up() -> None:
    schema = form(text=TEXT)
    outcome = agreed(
        schema,
        {"text": "the quick brown fax jumps"},
        {"text": "the quick brown fox jumps"},
        {"text": "teh quick brown fox jumps"},
    )
    assert outcome.answer == {"text": "the quick brown fox jumps"}
    assert 0.9 < outcome.agreement.overall < 1
    assert outcome.summary == "the quick brown fox jumps (1/3 workers agree, 96% alike)"


def test_two_texts_that_are_alike_have_an_outcome_and_two_that_are_not_need_another_opinion() -> None:
    schema = form(answer=TEXT)
    assert agreed(schema, {"answer": "in 1889"}, {"answer": "1889"}).answer == {"answer": "in 1889"}
    assert isinstance(outcome_of(schema, {"answer": "in 1889"}, {"answer": "Paris"}), Split)
    third = agreed(schema, {"answer": "in 1889"}, {"answer": "Paris"}, {"answer": "1889"})
    assert third.answer == {"answer": "in 1889"}


def test_a_tie_between_pairs_is_a_tie() -> None:
    split = outcome_of(form(answer=TEXT), *[{"answer": text} for text in ("yes", "no", "yes", "no")])
    assert isinstance(split, Split)
    assert split.summary == 'tied on answer: {"answer":"no"} 2 of 4, {"answer":"yes"} 2 of 4'


def test_workers_are_unanimous_about_texts_that_read_the_same_and_boxes_that_all_match() -> None:
    schema = form(text=TEXT, boxes=BOXES)
    one: Answer = {"text": "Two cows ", "boxes": [box(0, 0), box(300, 0)]}
    other: Answer = {"text": "two  cows", "boxes": [box(302, 1), box(3, 2)]}
    outcome = agreed(schema, one, other, strategy="unanimous")
    assert outcome.summary.endswith("(2/2 workers agree)")
    assert 0.9 < outcome.agreement.overall < 1
    fewer: Answer = {"text": "two cows", "boxes": [box(302, 1)]}
    split = outcome_of(schema, one, fewer, strategy="unanimous")
    assert isinstance(split, Split)


def test_fields_that_nobody_filled_in_are_no_agreement() -> None:
    schema = form(text=TEXT, error=TEXT, optional=("error",))
    assert set(agreed(schema, {"text": "abcd"}, {"text": "abcx"}).agreement.by_field) == {"text"}


def test_free_text_of_those_who_agree_comes_from_the_one_most_like_the_others() -> None:
    schema = form(verdict=LETTERS, why=TEXT)
    outcome = agreed(
        schema,
        {"verdict": "a", "why": "see page 3"},
        {"verdict": "a", "why": "it says so on page 4"},
        {"verdict": "a", "why": "It says so on page 4."},
        {"verdict": "b", "why": "it says so on page 4"},
    )
    assert outcome.answer == {"verdict": "a", "why": "it says so on page 4"}
    assert outcome.agreement.overall == 3 / 4
    assert outcome.agreement.of_answers == (1, 1, 1, 0)
    assert 0.5 < outcome.agreement.by_field["why"] < 1


def test_a_choice_inside_of_an_object_is_voted_on() -> None:
    schema = form(place={"type": "object", "properties": {"country": LETTERS, "city": TEXT}, "required": ["country"]})
    answers: list[Answer] = [
        {"place": {"country": "b", "city": "Bern"}},
        {"place": {"country": "a", "city": "Rome"}},
        {"place": {"country": "a"}},
    ]
    outcome = agreed(schema, *answers)
    assert outcome.answer == {"place": {"country": "a", "city": "Rome"}}
    assert outcome.votes == {"place.country": {'"a"': 2, '"b"': 1}}


def test_a_field_with_only_one_possible_value_decides_nothing() -> None:
    schema = form(kind={"const": "note"}, text=TEXT)
    assert isinstance(outcome_of(schema, {"kind": "note", "text": "abc"}, {"kind": "note", "text": "xyz"}), Agreed)
    assert agreed(schema, {"kind": "note", "text": "abc"}, {"kind": "note", "text": "abc"}).agreement.overall == 1


# --- boxes ---------------------------------------------------------------------------------------------------


def test_the_boxes_of_the_answer_most_like_the_others_win() -> None:
    schema = form(boxes=BOXES)
    ann: Answer = {"boxes": [box(10, 10), box(200, 100, label="calf")]}
    bob: Answer = {"boxes": [box(205, 98, label="calf"), box(12, 11)]}
    cy: Answer = {"boxes": [box(14, 12)]}
    outcome = agreed(schema, ann, bob, cy)
    assert outcome.answer == bob
    assert outcome.agreement.by_field["boxes"] == pytest.approx(outcome.agreement.overall)
    assert [round(like, 2) for like in outcome.agreement.of_answers] == [0.88, 1, 0.62]


def test_boxes_match_by_label_and_by_half_of_their_union() -> None:
    measure = measure_of(BOXES)
    assert measure.similarity([box(0, 0)], [box(0, 0, label="calf")]) == 0
    assert measure.similarity([box(0, 0)], [box(0, 0, width=199)]) == pytest.approx(100 / 199)
    assert measure.similarity([box(0, 0)], [box(0, 0, width=201)]) == 0
    assert measure.similarity([], []) == measure.similarity([box(0, 0, 0, 0)], [box(0, 0, 0, 0)]) == 1


def test_overlapping_boxes_are_matched_for_the_best_of_all_of_them() -> None:
    one = [Box(0, 0, 100, 10, ""), Box(20, 0, 100, 10, "")]
    other = [Box(20, 0, 100, 10, ""), Box(45, 0, 100, 10, "")]
    assert set(matches(one, other)) == {(0, 0), (1, 1)}


rectangles = st.builds(Box, sides, sides, sides, sides, st.sampled_from(["", "x"]))


@settings(max_examples=100, deadline=None)
@given(st.lists(rectangles, max_size=7), st.lists(rectangles, max_size=7))
def test_no_pair_that_matches_is_overlooked(ones: list[Box], others: list[Box]) -> None:
    all_pairs = {
        (i, j): iou(one, other)
        for i, one in enumerate(ones)
        for j, other in enumerate(others)
        if one.label == other.label and iou(one, other) >= 0.5
    }
    assert sum(matches(ones, others).values()) == pytest.approx(sum(all_pairs[pair] for pair in best_pairs(all_pairs)))


def brute(weights: dict[tuple[int, int], float], lefts: list[int], taken: frozenset[int] = frozenset()) -> float:
    if not lefts:
        return 0
    here, rest = lefts[0], lefts[1:]
    pairs = [right for left, right in weights if left == here and right not in taken]
    return max([brute(weights, rest, taken), *(weights[here, r] + brute(weights, rest, taken | {r}) for r in pairs)])


pairs = st.tuples(st.integers(0, 4), st.integers(0, 5))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(pairs, st.integers(1, 100).map(lambda n: n / 100), max_size=16))
def test_pairs_have_the_most_weight_that_any_have(weights: dict[tuple[int, int], float]) -> None:
    chosen = best_pairs(weights)
    assert len({left for left, _ in chosen}) == len({right for _, right in chosen}) == len(chosen)
    assert sum(weights[pair] for pair in chosen) == pytest.approx(brute(weights, sorted({left for left, _ in weights})))
