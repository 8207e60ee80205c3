"""Answers → one output, or not yet, or split: a pure function. Called whenever an answer was accepted.

Workers are compared by the *closed* fields of an answer (choices, yes or no, small numbers), never by free
text, in which no two people agree.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from pydantic import JsonValue

from intermezzo.human_steps.json_values import canonical_json

ConsensusStrategy = Literal["any_first", "majority_vote", "unanimous", "requester_review"]
"""How several answers become one (spec: CS-10)."""

Answer = Mapping[str, JsonValue]

Votes = dict[str, dict[str, int]]
"""Field → value as JSON text → how many gave it, the most frequent first."""

WHOLE_ANSWER = "answer"
"""Stands for the field in `Votes` when no field is closed and whole answers are compared."""

NOT_GIVEN = "missing"
"""Stands for the value in `Votes` of a field that was left out; it is no JSON, so no value looks like it."""

MAX_SUMMARY_CHARACTERS = 500
"""Longest summary (spec: CS-61)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreed:
    """The answers make one output."""

    answer: dict[str, JsonValue]
    """Winners of the closed fields; the rest from the first answer that agrees with all of them. Fields that
    depend on each other may come from different workers: validate it."""
    agreement: float
    """Mean over the closed fields of the winner's share of the votes, above 0 to 1."""
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
    strategy: ConsensusStrategy, answers: Sequence[Answer], closed_fields: Sequence[str], required: int
) -> Agreed | NotYet | Split:
    """What the answers say together.

    Args:
        strategy: `any_first`: the first decides. `majority_vote`: of at least `required` answers, the most
            frequent value of each closed field. `unanimous`: at least `required` answers, all equal in the
            closed fields. `requester_review`: as `majority_vote`, and the earliest of tied values wins; the answers
            are those that the requester has approved.
        answers: valid answers, the earliest first. The order decides nothing but whose free text is taken.
        closed_fields: fields to vote on. Without any, whole answers are compared, blind to case and spacing.
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
        return _agreed(answers[:1], closed_fields)
    if len(answers) < required:
        return waiting
    votes = count_votes(answers, closed_fields)
    if strategy in ("majority_vote", "requester_review"):
        split = [field for field, counts in votes.items() if list(counts.values()).count(max(counts.values())) > 1]
    elif strategy == "unanimous":
        split = [field for field, counts in votes.items() if len(counts) > 1]
    else:
        assert_never(strategy)
    if split and strategy == "requester_review":
        return _agreed(answers[:1], closed_fields)
    return _split(strategy, split, votes) if split else _agreed(answers, closed_fields)


def count_votes(answers: Sequence[Answer], closed_fields: Sequence[str]) -> Votes:
    """How often each value was given, per closed field, or per whole answer without any."""
    counters = {field: Counter[str]() for field in closed_fields or [WHOLE_ANSWER]}
    for answer in answers:
        for field, vote in _ballot(answer, closed_fields).items():
            counters[field][vote] += 1
    return {
        field: dict(sorted(counter.items(), key=lambda vote: (-vote[1], vote[0])))
        for field, counter in counters.items()
    }


def _ballot(answer: Answer, closed_fields: Sequence[str]) -> dict[str, str]:
    if not closed_fields:
        return {WHOLE_ANSWER: canonical_json(_normalised(dict(answer)))}
    return {field: canonical_json(answer[field]) if field in answer else NOT_GIVEN for field in closed_fields}


def _normalised(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFC", value).casefold().split())
    if isinstance(value, list):
        return [_normalised(item) for item in value]
    if isinstance(value, dict):
        return {name: _normalised(item) for name, item in value.items()}
    return value


def _agreed(answers: Sequence[Answer], closed_fields: Sequence[str]) -> Agreed:
    votes = count_votes(answers, closed_fields)
    winners = {field: next(iter(counts)) for field, counts in votes.items()}
    ballots = [_ballot(answer, closed_fields) for answer in answers]
    matches = [sum(ballot[field] == winner for field, winner in winners.items()) for ballot in ballots]
    answer = _merged(answers[matches.index(max(matches))], winners if closed_fields else {})
    shares = [votes[field][winner] / len(answers) for field, winner in winners.items()]
    agreeing = matches.count(len(winners))
    return Agreed(
        answer=answer,
        agreement=sum(shares) / len(shares),
        votes=votes,
        summary=_summary(answer, closed_fields, f" ({agreeing}/{len(answers)} workers agree)"),
    )


def _merged(base: Answer, winners: Mapping[str, str]) -> dict[str, JsonValue]:
    merged = {field: value for field, value in base.items() if winners.get(field) != NOT_GIVEN}
    return merged | {field: json.loads(winner) for field, winner in winners.items() if winner != NOT_GIVEN}


def _summary(answer: Answer, closed_fields: Sequence[str], ending: str) -> str:
    fields = [field for field in closed_fields or answer if field in answer]
    if len(closed_fields or answer) == 1:
        text = ", ".join(_one_line(answer[field]) for field in fields)
    else:
        text = ", ".join(f"{_one_line(field)}={_one_line(answer[field])}" for field in fields)
    return _shortened(text or "no answer", MAX_SUMMARY_CHARACTERS - len(ending)) + ending


def _split(strategy: ConsensusStrategy, fields: Sequence[str], votes: Votes) -> Split:
    counts = [
        f"{_one_line(field)}: "
        + ", ".join(
            f"{_shortened(vote, 60)} {count} of {sum(votes[field].values())}" for vote, count in votes[field].items()
        )
        for field in fields
    ]
    kind = "tied" if strategy == "majority_vote" else "not unanimous"
    summary = _shortened(_one_line(f"{kind} on {'; '.join(counts)}"), MAX_SUMMARY_CHARACTERS)
    return Split(fields=tuple(fields), votes=votes, summary=summary)


def _one_line(value: JsonValue) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _shortened(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
