"""What agreeing means for each kind of field, and what several answers become where nobody votes."""

import random
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from intermezzo.human_steps.agreement import agreement, differing, likeness, nearest, same_answer
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.boxes import Box, iou, matches
from intermezzo.human_steps.consensus import Agreed, ConsensusStrategy, NotYet, Split, consensus
from intermezzo.human_steps.leaves import Answer, measure_of
from intermezzo.human_steps.matching import best_pairs
from intermezzo.human_steps.rankings import central_ranking, ranking_similarity

Schema = dict[str, Any]

OPTIONS = ["a", "b", "c", "d"]
LETTERS: Schema = {"enum": OPTIONS}
SEVERAL: Schema = {"type": "array", "items": LETTERS, "uniqueItems": True}
RANKING: Schema = {**SEVERAL, "minItems": 4, "maxItems": 4}
TEXT: Schema = {"type": "string"}
SIDES: Schema = {side: {"type": "number", "minimum": 0} for side in ("left", "top", "width", "height")}
BOXES: Schema = {
    "type": "array",
    "x-control": "boxes",
    "items": {
        "type": "object",
        "properties": {**SIDES, "label": {"enum": ["cow", "calf"]}},
        "required": ["left", "top", "width", "height", "label"],
    },
}
PEOPLE: Schema = {
    "type": "array",
    "items": {"type": "object", "properties": {"name": TEXT, "age": {"type": "integer"}}, "required": ["name"]},
}


def form(*, optional: tuple[str, ...] = (), **fields: Schema) -> AnswerSchema:
    required = [name for name in fields if name not in optional]
    return AnswerSchema.of({"type": "object", "properties": fields, "required": required})


def outcome_of(
    schema: AnswerSchema, *answers: Answer, strategy: ConsensusStrategy = "majority_vote"
) -> Agreed | Split | NotYet:
    return consensus(strategy, answers, schema.leaves, len(answers))


def agreed(schema: AnswerSchema, *answers: Answer, strategy: ConsensusStrategy = "majority_vote") -> Agreed:
    outcome = outcome_of(schema, *answers, strategy=strategy)
    assert isinstance(outcome, Agreed), outcome
    schema.validate(outcome.answer)
    return outcome


def box(left: float, top: float, width: float = 100, height: float = 50, label: str = "cow") -> dict[str, JsonValue]:
    return {"left": left, "top": top, "width": width, "height": height, "label": label}


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


sides = st.integers(0, 40).map(float)
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
