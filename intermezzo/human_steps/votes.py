"""The kinds of field that workers vote on: one of some options, several of them, or all of them in an order.

Only these can be tied. Called by `leaves` and `consensus`.
"""

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.measures import ABSENT, Absent, Given, N, Typed
from intermezzo.human_steps.rankings import Order, central_ranking, ranking_similarity

NOT_GIVEN = "missing"
"""Stands for the value in counts of a field that was left out; it is no JSON, so no value looks like it."""


@dataclass(frozen=True, slots=True)
class Elected:
    """What won the vote on a field."""

    value: Given
    tied: bool = False
    """Another value has as good a claim; the value is then one of them."""


class Vote(Typed[N]):
    """A measure of a closed field, which also finds the winner."""

    @abstractmethod
    def elect(self, values: Sequence[Given]) -> Elected:
        """The winner of one or more votes, whatever their order."""

    def count(self, values: Sequence[Given]) -> dict[str, int]:
        """How often each value was given, as JSON text, the most frequent first."""
        return count_texts(_text(value) for value in values)


def count_texts(texts: Iterable[str]) -> dict[str, int]:
    """How often each text is there, the most frequent first, then by the alphabet."""
    return dict(sorted(Counter(texts).items(), key=lambda vote: (-vote[1], vote[0])))


def _text(value: Given) -> str:
    return NOT_GIVEN if isinstance(value, Absent) else canonical_json(value)


class Choice(Vote[str]):
    """One of some options: the most votes win."""

    def _normal(self, value: JsonValue) -> str:
        return canonical_json(value)

    def _likeness(self, one: str, other: str) -> float:  # noqa: ARG002 (whatever they are)
        return 0.0

    def elect(self, values: Sequence[Given]) -> Elected:
        """See `Vote`; leaving the field out is a vote of its own."""
        return _plurality(values)


def _plurality(values: Sequence[Given]) -> Elected:
    counts = count_texts(_text(value) for value in values)
    winner, most = next(iter(counts.items()))
    return Elected(ABSENT if winner == NOT_GIVEN else json.loads(winner), tied=list(counts.values()).count(most) > 1)


@dataclass(frozen=True, eq=False)
class Choices(Vote[frozenset[str]]):
    """Several of some options: each option wins by itself, with more than half of the votes.

    This is binary relevance, as crowd-kit aggregates labels of which several may be given. Two answers are as alike as
    the options they share are a share of all options either chose (Jaccard).
    """

    options: Sequence[JsonValue]
    least: int = 0
    most: int | None = None

    def _normal(self, value: JsonValue) -> frozenset[str] | None:
        return frozenset(canonical_json(item) for item in value) if isinstance(value, list) else None

    def _likeness(self, one: frozenset[str], other: frozenset[str]) -> float:
        return len(one & other) / len(one | other)

    def elect(self, values: Sequence[Given]) -> Elected:
        """See `Vote`; if too few or too many options have a majority, those with the most votes win.

        Tied: options at that border have equally many votes, or no option has a majority and nobody chose none.
        """
        lists = [value for value in values if isinstance(value, list)]
        given = _plurality([[] if isinstance(value, list) else value for value in values])
        if given.tied or not isinstance(given.value, list):
            return given
        votes = self._votes(lists)
        ordered = sorted(votes, key=lambda option: -votes[option])
        wanted = sum(1 for count in votes.values() if 2 * count > len(lists))
        size = max(wanted, min(self.least, len(ordered)))
        size = size if self.most is None else min(size, self.most)
        border = 0 < size < len(ordered) and size != wanted and votes[ordered[size - 1]] == votes[ordered[size]]
        chosen = set(ordered[:size])
        winners: list[JsonValue] = [option for option in self.options if canonical_json(option) in chosen]
        return Elected(winners, tied=border or (not winners and [] not in lists))

    def _votes(self, lists: Sequence[list[JsonValue]]) -> dict[str, int]:
        counts = Counter(text for given in lists for text in {canonical_json(item) for item in given})
        return {text: counts[text] for text in map(canonical_json, self.options)}

    def count(self, values: Sequence[Given]) -> dict[str, int]:
        """How often each option was chosen."""
        votes = Counter(self._votes([value for value in values if isinstance(value, list)]))
        others = [_text(value) for value in values if not isinstance(value, list)]
        return count_texts([*votes.elements(), *others])


@dataclass(frozen=True, eq=False)
class Ranking(Vote[Order]):
    """All of some options in an order: the order that turns the fewest pairs round wins (see `rankings`)."""

    options: Sequence[JsonValue]

    def _normal(self, value: JsonValue) -> Order | None:
        number = {canonical_json(option): index for index, option in enumerate(self.options)}
        texts = [canonical_json(item) for item in value] if isinstance(value, list) else []
        return tuple(number[text] for text in texts) if sorted(texts) == sorted(number) else None

    def _likeness(self, one: Order, other: Order) -> float:
        return ranking_similarity(one, other)

    def elect(self, values: Sequence[Given]) -> Elected:
        """See `Vote`."""
        orders = [self._normal(value) for value in values if isinstance(value, list)]
        given = _plurality([[] if isinstance(value, list) else value for value in values])
        if given.tied or not isinstance(given.value, list):
            return given
        order, tied = central_ranking([order for order in orders if order is not None])
        return Elected([self.options[number] for number in order], tied)
