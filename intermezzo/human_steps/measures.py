"""What it means to agree on a value: a measure for each kind of field, chosen from its schema by `measure_of`.

A measure compares two values, 0 to 1. Called by `leaves` and `agreement`; the kinds that are voted on are in
`votes`. A new kind is a class here or there and a line in `measure_of`.
"""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from typing import Generic, TypeVar, cast

from pydantic import JsonValue

from intermezzo.human_steps.boxes import Box, box_similarity, comparable_boxes, matches
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.matching import best_pairs
from intermezzo.human_steps.text_similarity import ComparableText, normal_text, text_similarity

N = TypeVar("N")


class Absent(Enum):
    """Says that a field was left out, which null cannot: null may be an answer."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT

Given = JsonValue | Absent
"""What an answer has in a field."""

MIN_ALIKE = 0.5
"""How alike two things must be to be taken for the same one, written differently."""

MAX_UNEQUAL = 1 - 1e-9
"""How alike things can be that are not equal, so that only rounding does not make them so."""

_SECONDS_PER_DAY = 86_400


class Measure(ABC):
    """How alike two values of a field are.

    A value is prepared once and compared many times. Null and a field that was left out are alike to themselves
    and to nothing else.
    """

    @abstractmethod
    def prepared(self, value: Given) -> object:
        """The value in the form in which it is compared; two that count as equal have equal ones."""

    @abstractmethod
    def likeness(self, one: object, other: object) -> float:
        """How alike two prepared values are: 0 to 1, and 1 if and only if they are equal."""

    def same(self, one: object, other: object) -> bool:
        """Whether two prepared values say the same, as `unanimous` asks."""
        return one == other

    def similarity(self, one: Given, other: Given) -> float:
        """How alike two values are: 0 to 1."""
        return self.likeness(self.prepared(one), self.prepared(other))


class Typed(Measure, Generic[N]):
    """A measure of values that have a form of their own; those that do not fit it are merely equal or not."""

    @abstractmethod
    def _normal(self, value: JsonValue) -> N | None:
        """The form in which a value is compared; None: it is not of this kind."""

    @abstractmethod
    def _likeness(self, one: N, other: N) -> float:
        """How alike two different values are."""

    def prepared(self, value: Given) -> object:
        """See `Measure`."""
        if value is None or isinstance(value, Absent):
            return _Other(value)
        normal = self._normal(value)
        return _Other(canonical_json(value)) if normal is None else normal

    def likeness(self, one: object, other: object) -> float:
        """See `Measure`."""
        if one == other:
            return 1.0
        if isinstance(one, _Other) or isinstance(other, _Other):
            return 0.0
        return max(0.0, min(MAX_UNEQUAL, self._likeness(cast("N", one), cast("N", other))))


@dataclass(frozen=True, slots=True)
class _Other:
    """Null, nothing, or a value of another kind."""

    value: str | Absent | None


class Exact(Typed[str]):
    """Anything: equal or not, blind to case and spacing of texts in it."""

    def _normal(self, value: JsonValue) -> str:
        return canonical_json(_normal_json(value))

    def _likeness(self, one: str, other: str) -> float:  # noqa: ARG002 (whatever they are)
        return 0.0


def _normal_json(value: JsonValue) -> JsonValue:
    if isinstance(value, str):
        return normal_text(value)
    if isinstance(value, list):
        return [_normal_json(item) for item in value]
    if isinstance(value, dict):
        return {name: _normal_json(item) for name, item in value.items()}
    return value


class Text(Typed[ComparableText]):
    """Free text, by the edits between two."""

    def _normal(self, value: JsonValue) -> ComparableText | None:
        return ComparableText(value) if isinstance(value, str) else None

    def _likeness(self, one: ComparableText, other: ComparableText) -> float:
        return text_similarity(one, other)


@dataclass(frozen=True, eq=False)
class Number(Typed[float]):
    """A measurement: the difference as a share of its range, or without one of the larger of the two."""

    range: float | None = None
    """From the least to the most the schema allows."""

    def _normal(self, value: JsonValue) -> float | None:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

    def _likeness(self, one: float, other: float) -> float:
        # Halves, because the difference of two numbers may be too large for a number.
        whole = (self.range or max(abs(one), abs(other))) / 2
        return 1 - abs(one / 2 - other / 2) / whole if whole else 0.0


class Date(Typed[float]):
    """A day or a moment: half as alike for every day between them, then a third, a quarter …."""

    def _normal(self, value: JsonValue) -> float | None:
        try:
            if not isinstance(value, str):
                return None
            if len(value) == len("2026-01-31"):
                return float(date.fromisoformat(value).toordinal())
            moment = datetime.fromisoformat(value.upper())
            return (moment - datetime(1, 1, 1, tzinfo=UTC)).total_seconds() / _SECONDS_PER_DAY
        except (ValueError, TypeError, OverflowError):
            return None

    def _likeness(self, one: float, other: float) -> float:
        return 1 / (1 + abs(one - other))


class Boxes(Typed[tuple[Box, ...]]):
    """Boxes on an image, whatever their order; the same if each has a partner."""

    def _normal(self, value: JsonValue) -> tuple[Box, ...] | None:
        return comparable_boxes(value)

    def _likeness(self, one: tuple[Box, ...], other: tuple[Box, ...]) -> float:
        return box_similarity(one, other)

    def same(self, one: object, other: object) -> bool:
        """Nobody draws a box twice in the same place: it is enough that all match."""
        if one == other or isinstance(one, _Other) or isinstance(other, _Other):
            return one == other
        ones, others = cast("tuple[Box, ...]", one), cast("tuple[Box, ...]", other)
        return len(ones) == len(others) == len(matches(ones, others))


@dataclass(frozen=True)
class Items:
    """A list, ready to be compared whatever its order."""

    keys: tuple[str, ...]
    prepared: tuple[object, ...] = field(compare=False)


MAX_ITEM_PAIRS = 2_500
"""Most pairs of items of which two lists are compared item by item; above, by the items that are equal."""


@dataclass(frozen=True, eq=False)
class ListOf(Typed[Items]):
    """A list: twice what the items have in common, as a share of all, whatever their order (Dice).

    Equal items go together first; of the others those that are most alike, if at all (`MIN_ALIKE`).
    """

    item: Measure

    def _normal(self, value: JsonValue) -> Items | None:
        if not isinstance(value, list):
            return None
        keyed = sorted(((canonical_json(_normal_json(item)), item) for item in value), key=lambda keyed: keyed[0])
        prepared = tuple(self.item.prepared(item) for _, item in keyed)
        return Items(tuple(key for key, _ in keyed), prepared)

    def _likeness(self, one: Items, other: Items) -> float:
        equal = Counter(one.keys) & Counter(other.keys)
        ones, others = _without(one, equal), _without(other, equal)
        shared = float(equal.total())
        if len(ones) * len(others) <= MAX_ITEM_PAIRS:
            likeness = {
                (i, j): self.item.likeness(ones[i], others[j]) for i in range(len(ones)) for j in range(len(others))
            }
            alike = {pair: value for pair, value in likeness.items() if value >= MIN_ALIKE}
            shared += math.fsum(alike[pair] for pair in best_pairs(alike))
        return 2 * shared / (len(one.keys) + len(other.keys))


def _without(items: Items, equal: Counter[str]) -> list[object]:
    left = Counter(equal)
    rest: list[object] = []
    for key, prepared in zip(items.keys, items.prepared, strict=True):
        if left[key]:
            left[key] -= 1
        else:
            rest.append(prepared)
    return rest


@dataclass(frozen=True, eq=False)
class Record(Typed[tuple[object, ...]]):
    """An object inside of a list: the mean over its fields."""

    fields: Sequence[tuple[str, Measure]]

    def _normal(self, value: JsonValue) -> tuple[object, ...] | None:
        if not isinstance(value, dict) or value.keys() - {name for name, _ in self.fields}:
            return None
        return tuple(measure.prepared(value.get(name, ABSENT)) for name, measure in self.fields)

    def _likeness(self, one: tuple[object, ...], other: tuple[object, ...]) -> float:
        pairs = zip(self.fields, one, other, strict=True)
        return math.fsum(measure.likeness(a, b) for (_, measure), a, b in pairs) / len(self.fields)
