"""Answers → one output, or not yet, or split: a pure function. Called whenever an answer was accepted.

Workers are compared by the *closed* fields of an answer (choices, yes or no, small numbers, rankings), never by free
text, in which no two people agree. Where there is no such field, the answer that is most like the others is taken.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from pydantic import JsonValue

from intermezzo.human_steps.agreement import Agreement, agreement, deciding, differing, nearest
from intermezzo.human_steps.leaves import Answer, Leaf
from intermezzo.human_steps.measures import Absent, Exact, Given
from intermezzo.human_steps.votes import Elected, count_texts

ConsensusStrategy = Literal["any_first", "majority_vote", "unanimous", "requester_review"]
"""How several answers become one (spec: CS-10)."""

Votes = dict[str, dict[str, int]]
"""Field → value as JSON text → how many gave it, the most frequent first."""

WHOLE_ANSWER = "answer"
"""Stands for the field in `Votes` when no field is closed and whole answers are compared."""

MAX_SUMMARY_CHARACTERS = 500
"""Longest summary (spec: CS-61)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The answers make one output."""

    answer: dict[str, JsonValue]
    """Winners of the closed fields; the rest from the answer that agrees best. Fields that depend on each other may
    come from different workers: validate it."""
    agreement: Agreement
    votes: Votes
    summary: str
    """One line for a person: `positive (3/3 workers agree)` (spec: CS-21)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotYet:
    """More answers are needed."""

    have: int
    required: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The answers are in and do not agree."""

    fields: tuple[str, ...]
    """The fields they do not agree on."""
    votes: Votes
    summary: str
    """One line for a person, with each of these fields and its counts."""


def consensus(
    strategy: ConsensusStrategy, answers: Sequence[Answer], leaves: Sequence[Leaf], required: int
) -> Agreed | NotYet | Split:
    """What the answers say together.

    Args:
        strategy: `any_first`: the first decides. `majority_vote`: of at least `required` answers, the winner of each
            closed field; without one, the answer most like the others. `unanimous`: at least `required` answers that
            all say the same. `requester_review`: as `majority_vote`, and the earliest answer where that is tied; the
            answers are those that the requester has approved.
        answers: valid answers, the earliest first. The order decides nothing but which of equally good ones is taken.
        leaves: what to compare: `AnswerSchema.leaves`.
        required: how many answers were asked for, 1 or more.

    Raises:
        ValueError: `required` is below 1.
    """
    if required < 1:
        raise ValueError(f"expected required of 1 or more, got {required!r}")
    waiting = NotYet(have=len(answers), required=required)
    if not answers:
        return waiting
    if strategy == "any_first":
        return _agreed(answers[0], answers[:1], leaves)
    if len(answers) < required:
        return waiting
    answer, tied = _winner(answers, leaves)
    if strategy == "unanimous":
        if split := differing(deciding(leaves), answers):
            return _split("not unanimous", split, answers, leaves)
    elif strategy == "majority_vote":
        if tied:
            return _split("tied", tied, answers, leaves)
    elif strategy == "requester_review":
        answer = dict(answers[0]) if tied else answer
    else:
        assert_never(strategy)
    return _agreed(answer, answers, leaves)


def _winner(answers: Sequence[Answer], leaves: Sequence[Leaf]) -> tuple[dict[str, JsonValue], list[Leaf]]:
    """The answer that the answers make, and the fields on which another would be as good."""
    elected = {
        leaf: vote.elect([leaf.of(answer) for answer in answers]) for leaf in leaves if (vote := leaf.vote) is not None
    }
    if not elected:
        index, is_tied = nearest(leaves, answers)
        return dict(answers[index]), list(leaves) if is_tied else []
    tied = [leaf for leaf, winner in elected.items() if winner.tied]
    return _merged(_base(answers, leaves, elected), elected), tied


def _base(answers: Sequence[Answer], leaves: Sequence[Leaf], elected: Mapping[Leaf, Elected]) -> Answer:
    """The answer that has the most winners, or nearly; of several the one whose other fields are most like theirs."""
    scores: list[tuple[int, float]] = []
    for answer in answers:
        likeness = [leaf.measure.similarity(leaf.of(answer), winner.value) for leaf, winner in elected.items()]
        scores.append((likeness.count(1.0), sum(sorted(likeness))))
    best = [answer for answer, score in zip(answers, scores, strict=True) if score == max(scores)]
    free = [leaf for leaf in leaves if leaf not in elected]
    return best[nearest(free, best)[0]] if free and len(best) > 2 else best[0]  # noqa: PLR2004 (two are equally near)


def _merged(base: Answer, elected: Mapping[Leaf, Elected]) -> dict[str, JsonValue]:
    merged = copy.deepcopy(dict(base))
    for leaf, winner in elected.items():
        _put(merged, leaf.path, winner.value)
    return merged


def _put(answer: dict[str, JsonValue], path: Sequence[str], value: Given) -> None:
    place = answer
    for part in path[:-1]:
        inner = place.get(part)
        if not isinstance(inner, dict):
            if isinstance(value, Absent):
                return
            place[part] = inner = {}
        place = inner
    if isinstance(value, Absent):
        place.pop(path[-1], None)
    else:
        place[path[-1]] = value


def count_votes(answers: Sequence[Answer], leaves: Sequence[Leaf]) -> Votes:
    """How often each value was given, per closed field, or per whole answer without any."""
    votes = {
        leaf.name: vote.count([leaf.of(answer) for answer in answers])
        for leaf in leaves
        if (vote := leaf.vote) is not None
    }
    if votes:
        return votes
    return {WHOLE_ANSWER: count_texts(str(_WHOLE.prepared(dict(answer))) for answer in answers)}


_WHOLE = Exact()


def _agreed(answer: Answer, answers: Sequence[Answer], leaves: Sequence[Leaf]) -> Agreed:
    found = agreement(leaves, answer, answers)
    alike = ""
    if found.agreeing < len(answers) and not any(leaf.vote for leaf in leaves):
        alike = f", {int(found.overall * 100)}% alike"
    return Agreed(
        answer=dict(answer),
        agreement=found,
        votes=count_votes(answers, leaves),
        summary=_summary(answer, leaves, f" ({found.agreeing}/{len(answers)} workers agree{alike})"),
    )


def _summary(answer: Answer, leaves: Sequence[Leaf], ending: str) -> str:
    decide = deciding(leaves)
    given = [(leaf.name, value) for leaf in decide if not isinstance(value := leaf.of(answer), Absent)]
    if len(decide if decide[0].vote else given) == 1:
        text = ", ".join(_one_line(value) for _, value in given)
    else:
        text = ", ".join(f"{_one_line(name)}={_one_line(value)}" for name, value in given)
    return _shortened(text or "no answer", MAX_SUMMARY_CHARACTERS - len(ending)) + ending


def _split(kind: str, split: Sequence[Leaf], answers: Sequence[Answer], leaves: Sequence[Leaf]) -> Split:
    votes = count_votes(answers, leaves)
    fields = [leaf.name for leaf in split if leaf.vote] or [WHOLE_ANSWER]
    counts = [
        f"{_one_line(field)}: "
        + ", ".join(f"{_shortened(vote, 60)} {count} of {len(answers)}" for vote, count in votes[field].items())
        for field in fields
    ]
    summary = _shortened(_one_line(f"{kind} on {'; '.join(counts)}"), MAX_SUMMARY_CHARACTERS)
    return Split(fields=tuple(fields), votes=votes, summary=summary)


def _one_line(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
