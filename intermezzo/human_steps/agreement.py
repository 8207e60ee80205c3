"""How far answers agree, with each other and with what became of them: pure functions. Called by consensus and review.

Whatever the kind of a field, its agreement is the mean likeness of the answers to the outcome; of a field that is
voted on that is the winner's share of the votes. Where nothing is voted on, the outcome is the answer that is most
like the others (the *medoid*): one that somebody gave, never a mixture. crowd-kit's `ClosestToAverage` and `TextRASA`
choose among the given answers in the same way, though by embeddings; Label Studio averages likeness over pairs.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.leaves import Answer, Leaf
from intermezzo.human_steps.measures import ABSENT, MIN_ALIKE

MAX_COMPARED_CHARACTERS = 500_000
"""Most characters of answers, as JSON, of which each is compared with each; above, only some may win."""

MAX_CANDIDATES = 3
"""How many may win then: those whose length is nearest to the middle one's; odd answers are long or short."""

_EQUALLY_NEAR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far answers agree with an outcome."""

    overall: float
    """Mean over the fields that decide, 0 to 1; 1 if and only if all say the same."""
    by_field: dict[str, float]
    """Mean likeness to the outcome in each field, 0 to 1, those that do not decide included."""
    of_answers: tuple[float, ...]
    """How like the outcome each answer is in the fields that decide, 0 to 1."""
    agreeing: int
    """How many answers say the same as the outcome in all of these."""


def deciding(leaves: Sequence[Leaf]) -> tuple[Leaf, ...]:
    """The fields that decide: those that are voted on, or all if there are none."""
    return tuple(leaf for leaf in leaves if leaf.vote) or tuple(leaves)


def _said(leaves: Sequence[Leaf], answers: Sequence[Answer]) -> list[Leaf]:
    """The fields that are voted on, and those of the others that any answer has: silence is no agreement."""
    return [leaf for leaf in leaves if leaf.vote or any(leaf.of(answer) is not ABSENT for answer in answers)]


def agreement(leaves: Sequence[Leaf], outcome: Answer, answers: Sequence[Answer]) -> Agreement:
    """How far answers agree with an outcome, which may be none of them; not at all if there are none.

    Fields that are not voted on and that nobody gave are not counted, as in Gower's coefficient of similarity.
    """
    leaves = _said(leaves, [outcome, *answers])
    rows: dict[Leaf, list[float]] = {}
    same = [True] * len(answers)
    decide = set(deciding(leaves))
    for leaf in leaves:
        wanted = leaf.measure.prepared(leaf.of(outcome))
        given = [leaf.measure.prepared(leaf.of(answer)) for answer in answers]
        rows[leaf] = [leaf.measure.likeness(one, wanted) for one in given]
        if leaf in decide:
            same = [so_far and leaf.measure.same(one, wanted) for so_far, one in zip(same, given, strict=True)]
    of_answers = [_mean([rows[leaf][index] for leaf in decide]) for index in range(len(answers))]
    return Agreement(
        overall=_mean(of_answers) if answers else 0.0,
        by_field={leaf.name: _mean(row) for leaf, row in rows.items()} if answers else {},
        of_answers=tuple(of_answers),
        agreeing=sum(same),
    )


def nearest(leaves: Sequence[Leaf], answers: Sequence[Answer]) -> tuple[int, bool]:
    """Which answer is most like the others, the earliest of equally near ones, and whether that is a tie.

    Tied: two answers that are less than half alike are equally near to the rest; so are two answers that have little
    in common, and any number that have nothing in common.

    Args:
        answers: one or more. Of those with more than 500,000 characters together, each is compared with the three
            whose length is nearest to the middle one's, and one of these wins: comparing twenty of 100,000 each with
            each takes seconds.
    """
    candidates = _candidates(answers)
    likeness = _likeness(leaves, answers, candidates)
    nearness = {index: math.fsum(row) for index, row in likeness.items()}
    most = max(nearness.values())
    best = [index for index in candidates if nearness[index] >= most - _EQUALLY_NEAR]
    return best[0], any(likeness[one][other] < MIN_ALIKE for one in best for other in best)


def _candidates(answers: Sequence[Answer]) -> list[int]:
    if len(answers) <= MAX_CANDIDATES:
        return list(range(len(answers)))
    texts = [json.dumps(answer, sort_keys=True, ensure_ascii=False) for answer in answers]
    lengths = [len(text) for text in texts]
    if sum(lengths) <= MAX_COMPARED_CHARACTERS:
        return list(range(len(answers)))
    middle = sorted(lengths)[len(lengths) // 2]
    return sorted(
        sorted(range(len(answers)), key=lambda index: (abs(lengths[index] - middle), texts[index]))[:MAX_CANDIDATES]
    )


def _likeness(leaves: Sequence[Leaf], answers: Sequence[Answer], candidates: Sequence[int]) -> dict[int, list[float]]:
    """Of each candidate, how like it every answer is."""
    leaves = _said(leaves, answers)
    columns = [[leaf.measure.prepared(leaf.of(answer)) for answer in answers] for leaf in leaves]
    table: dict[int, list[float]] = {}
    for one in candidates:
        table[one] = [
            table[other][one]
            if other in table
            else _mean(
                [
                    leaf.measure.likeness(column[one], column[other])
                    for leaf, column in zip(leaves, columns, strict=True)
                ]
            )
            for other in range(len(answers))
        ]
    return table


def differing(leaves: Sequence[Leaf], answers: Sequence[Answer]) -> list[Leaf]:
    """The fields in which not all answers say the same."""
    split: list[Leaf] = []
    for leaf in leaves:
        given = [leaf.measure.prepared(leaf.of(answer)) for answer in answers]
        if not all(leaf.measure.same(one, other) for index, one in enumerate(given) for other in given[:index]):
            split.append(leaf)
    return split


def likeness(schema: AnswerSchema, given: Answer, expected: Answer) -> float:
    """How like an expected answer one is, 0 to 1.

    Args:
        schema: of both.
        expected: what is right. Fields that it leaves out are not looked at; of the others, those that are voted on
            decide, or all if there are none.
    """
    leaves = _expected(schema, expected)
    return _mean([leaf.measure.similarity(leaf.of(given), leaf.of(expected)) for leaf in leaves]) if leaves else 1.0


def same_answer(schema: AnswerSchema, given: Answer, expected: Answer) -> bool:
    """Whether an answer says what is expected, as `unanimous` would find; see `likeness` for how nearly.

    Boxes need not be the same to the pixel, and texts not to their case and spacing.
    """
    return not any(differing([leaf], [given, expected]) for leaf in _expected(schema, expected))


def _expected(schema: AnswerSchema, expected: Answer) -> tuple[Leaf, ...]:
    return deciding([leaf for leaf in schema.leaves if leaf.of(expected) is not ABSENT])


def _mean(values: Sequence[float]) -> float:
    return min(1.0, math.fsum(values) / len(values)) if values else 1.0
