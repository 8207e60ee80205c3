"""An example answer for any schema: what a simulated worker submits. Called by `AnswerSchema.sample`."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import count, islice

from pydantic import JsonValue

from intermezzo.errors import DefinitionError
from intermezzo.human_steps.closed_options import closed_options, distinct, number
from intermezzo.human_steps.json_values import canonical_json, join
from intermezzo.human_steps.patterns import matching_texts
from intermezzo.human_steps.schema_definition import BRANCHES, Node
from intermezzo.human_steps.schema_validator import is_valid

Choose = Callable[[Sequence[JsonValue]], JsonValue]
"""Picks one of the options of a closed field."""

TEST_TEXT = "test response"
"""What a simulated worker writes (spec: CLIENTS.md section 7)."""

MAX_CHECKS = 5_000
"""Candidates one sample may cost; a schema that needs more is a riddle and no form."""

MAX_TEXT_CHARACTERS = 1_000_000
"""Longest text that is made up; no answer could hold more."""

_TRIES = 24
_VARIANTS = 16

_FORMATTED: dict[str, Sequence[str]] = {
    "date": [f"2026-01-{day:02}" for day in range(1, 29)],
    "date-time": [f"2026-01-{day:02}T12:00:00Z" for day in range(1, 29)],
    "time": [f"12:{minute:02}:00Z" for minute in range(60)],
    "email": ["test@example.com", *(f"test{i}@example.com" for i in range(2, 30))],
    "uri": ["https://example.com/", *(f"https://example.com/{i}" for i in range(2, 30))],
    "uuid": [f"00000000-0000-4000-8000-{i:012}" for i in range(1, 30)],
    "ipv4": [f"192.0.2.{i}" for i in range(1, 30)],
    "ipv6": [f"2001:db8::{i:x}" for i in range(1, 30)],
}
"""Values of the formats, from the ranges reserved for examples."""


class Sampler:
    """Finds valid values of one schema.

    Args:
        choose: picks among closed options; without it the first is taken.
    """

    def __init__(self, choose: Choose | None = None) -> None:
        self._choose = choose
        self._left_checks = MAX_CHECKS
        self.failed_path = ""

    def samples(self, node: Node, path: str = "", wanted: int = 1) -> list[JsonValue]:
        """Up to `wanted` distinct valid values, the most natural first; empty if none was found.

        Raises:
            DefinitionError: the search takes too long.
        """
        found: dict[str, JsonValue] = {}
        for variant in islice(_variants(node), _VARIANTS):
            for value in islice(self._candidates(variant, path, wanted), max(_TRIES, 2 * wanted)):
                if self._fits(node, value, path):
                    found.setdefault(canonical_json(value), value)
                if len(found) >= wanted:
                    return list(found.values())
        if not found:
            self.failed_path = self.failed_path or path
        return list(found.values())

    def _fits(self, node: Node, value: JsonValue, path: str) -> bool:
        self._left_checks -= 1
        if self._left_checks < 0:
            raise no_sample(self.failed_path or path, "its rules are too entangled")
        return is_valid(node, value)

    def _candidates(self, node: Node, path: str, wanted: int) -> Iterator[JsonValue]:
        options = closed_options(node)
        if options is not None:
            yield from self._chosen(node, options, path)
            return
        for type in _types(node):
            if type == "object":
                yield from self._objects(node, path, wanted)
            elif type == "array":
                yield from self._boxes(node, path) if node.get("x-control") == "boxes" else ()
                yield from self._arrays(node, path, wanted)
            elif type == "string":
                yield from _texts(node)
            elif type in ("integer", "number"):
                yield from _numbers(node, whole=type == "integer")
            else:
                yield from (True, False) if type == "boolean" else (None,)
        yield from _given(node)

    def _chosen(self, node: Node, options: list[JsonValue], path: str) -> Iterator[JsonValue]:
        valid = [option for option in options if len(options) == 1 or self._fits(node, option, path)]
        if self._choose is not None and len(valid) > 1:
            yield self._choose(valid)
        yield from valid

    def _objects(self, node: Node, path: str, wanted: int) -> Iterator[JsonValue]:
        properties, required = _mapping(node.get("properties")), node.get("required")
        needed = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        fields: dict[str, list[JsonValue]] = {}
        for name in [*properties, *(name for name in needed if name not in properties)]:
            failed_before = self.failed_path
            fields[name] = self.samples(_mapping(properties.get(name)), join(path, name), min(_TRIES, wanted + 3))
            if name not in needed:
                self.failed_path = failed_before
        if any(not fields[name] for name in needed):
            return
        full: Node = {name: values[0] for name, values in fields.items() if values}
        yield from self._padded(node, full, path)
        optional = [name for name in full if name not in needed]
        yield from ({other: full[other] for other in full if other != name} for name in reversed(optional))
        for name in reversed(fields):
            yield from ({**full, name: value} for value in fields[name][1:])
        yield {name: full[name] for name in needed}

    def _padded(self, node: Node, full: Node, path: str) -> Iterator[Node]:
        least, more = number(node.get("minProperties")) or 0, node.get("additionalProperties", {})
        if len(full) < least and isinstance(more, dict):
            names = self.samples({"type": "string", **_mapping(node.get("propertyNames"))}, path, int(least))
            values = self.samples(more or {"type": "string"}, join(path, "*"))
            extra = [name for name in names if isinstance(name, str) and name not in full and values]
            full = {**full, **dict.fromkeys(extra[: int(least) - len(full)], values[0] if values else None)}
        yield full

    def _arrays(self, node: Node, path: str, wanted: int) -> Iterator[JsonValue]:
        firsts = node.get("prefixItems")
        start: list[JsonValue] = []
        for index, schema in enumerate(firsts if isinstance(firsts, list) else []):
            start += self.samples(_mapping(schema), join(path, index))
        least, most = number(node.get("minItems")), number(node.get("maxItems"))
        length = max(int(least or 0), len(start) + (least is None and (most is None or most > len(start))))
        for schema in _item_schemas(node):
            items = self.samples(schema, join(path, "*"), min(max(1, length - len(start), wanted), 1000))
            if not items:
                continue
            if node.get("uniqueItems") or len(items) >= length - len(start) > 1:
                yield start + items[: length - len(start)]
            for item in items:
                yield start + [item] * (length - len(start))
        yield start[: int(most)] if most is not None else start
        yield []

    def _boxes(self, node: Node, path: str) -> Iterator[JsonValue]:
        """Rectangles side by side: with sides of 0 they would be valid and mean nothing."""
        labels = self.samples(_mapping(_mapping(_mapping(node.get("items")).get("properties")).get("label")), path)
        label: Node = {"label": labels[0]} if labels else {}
        box: Node = {"left": 10, "top": 10, "width": 100, "height": 50}
        least = min(int(number(node.get("minItems")) or 1), _MAX_BOXES)
        for extra in (label, {}):
            yield [{**box, "left": 10 + 110 * i, **extra} for i in range(max(least, 1))]


_MAX_BOXES = 1000


def no_sample(path: str, reason: str) -> DefinitionError:
    """The error of a schema for which no example answer can be made."""
    return DefinitionError(
        f"answer schema: no example answer can be made for the field {path[:200] or 'at the top'}: {reason}; "
        "give it `examples` with a valid value"
    )


def _mapping(value: JsonValue) -> Node:
    return value if isinstance(value, dict) else {}


def _item_schemas(node: Node) -> list[Node]:
    items, contains = node.get("items", {}), node.get("contains")
    if items is False:
        return []
    plain = _mapping(items) or {"type": "string"}
    return [plain] if contains is None else [merged(_mapping(items), _mapping(contains)), plain]


def _given(node: Node) -> list[JsonValue]:
    examples = node.get("examples")
    given = examples[:_TRIES] if isinstance(examples, list) else []
    return [*given, node["default"]] if "default" in node else given


def _types(node: Node) -> list[JsonValue]:
    types = node.get("type")
    if types is not None:
        return sorted(types, key=lambda name: name == "null") if isinstance(types, list) else [types]
    keywords = {
        "object": ("properties", "required", "minProperties"),
        "array": ("items", "prefixItems", "minItems", "contains"),
        "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    }
    likely: list[JsonValue] = [type for type, hints in keywords.items() if any(hint in node for hint in hints)]
    return [*likely, "string"]


def _texts(node: Node) -> Iterator[str]:
    least, most = int(number(node.get("minLength")) or 0), number(node.get("maxLength"))
    format = node.get("format")
    if isinstance(format, str) and format in _FORMATTED:
        values = _FORMATTED[format]
        yield from (_longer(value, format, least) for value in values)
    if isinstance(pattern := node.get("pattern"), str):
        yield from _text_lengths(TEST_TEXT, least, most)
        yield from matching_texts(pattern, least)
        return
    yield from _text_lengths(TEST_TEXT, least, most)
    for i in count(2):
        yield from _text_lengths(f"{i} {TEST_TEXT}", least, most)


def _longer(value: str, format: str, least: int) -> str:
    if len(value) >= least or least > MAX_TEXT_CHARACTERS:
        return value
    if format == "uri":
        return f"{value}?q=".ljust(least, "a")
    return value.rjust(least, "a") if format == "email" else value


def _text_lengths(text: str, least: int, most: float | None) -> Iterator[str]:
    if least > MAX_TEXT_CHARACTERS:
        return
    long = text
    while len(long) < least:
        long = f"{long} {text}"
    yield text if least <= len(text) else long[:least]
    if most is not None and len(text) > most:
        yield text[: int(most)]


def _numbers(node: Node, *, whole: bool) -> Iterator[int | float]:
    bounds = {
        word: _fraction(node.get(word)) for word in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    }
    lows = [bound for bound in (bounds["minimum"], bounds["exclusiveMinimum"]) if bound is not None]
    highs = [bound for bound in (bounds["maximum"], bounds["exclusiveMaximum"]) if bound is not None]
    multiple = _fraction(node.get("multipleOf"))
    step = multiple or Fraction(1)
    if whole:
        step = Fraction(step.numerator)
    if not lows:
        top = min([Fraction(0), *(high / step for high in highs)])
        yield from (_plain(math.floor(top) * step - i * step) for i in range(_TRIES))
        return
    low = max(lows)
    if not whole and multiple is None:
        yield _plain(low)
        high = min(highs, default=low + 2)
        yield from (_plain(low + (high - low) * Fraction(i, i + 1)) for i in range(1, _TRIES))
    yield from (_plain((math.ceil(low / step) + i) * step) for i in count())


def _fraction(value: JsonValue) -> Fraction | None:
    plain = number(value)
    return None if plain is None else Fraction(str(plain))


def _plain(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _variants(node: Node) -> Iterator[Node]:
    """The schema with its branches merged in, one variant per way through them."""
    for keyword in BRANCHES:
        branches = node.get(keyword)
        if not isinstance(branches, list):
            continue
        rest: Node = {word: value for word, value in node.items() if word != keyword}
        if keyword == "allOf":
            for branch in branches:
                rest = merged(rest, _mapping(branch))
            yield from _variants(rest)
        elif closed_options(node) is not None:
            yield node
        else:
            for branch in branches:
                yield from _variants(merged(rest, _mapping(branch)))
        return
    if "if" in node:
        rest = {word: value for word, value in node.items() if word not in ("if", "then", "else")}
        yield rest
        yield merged(merged(rest, _mapping(node["if"])), _mapping(node.get("then")))
        yield merged(rest, _mapping(node.get("else")))
        return
    yield node


_SMALLER = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_LARGER = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}


def merged(one: Node, other: Node) -> Node:
    """A schema that asks for what both ask for, as far as that can be said; the caller checks the outcome."""
    both = dict(one)
    for keyword, value in other.items():
        both[keyword] = _merged_keyword(keyword, one[keyword], value) if keyword in one else value
    return both


def _merged_keyword(keyword: str, one: JsonValue, other: JsonValue) -> JsonValue:
    if keyword == "properties":
        mine, others = _mapping(one), _mapping(other)
        return {
            name: merged(_mapping(mine.get(name)), _mapping(others.get(name)))
            for name in dict.fromkeys([*mine, *others])
        }
    if keyword == "items" and isinstance(one, dict) and isinstance(other, dict):
        return merged(one, other)
    if isinstance(one, list) and isinstance(other, list):
        if keyword in ("enum", "type"):
            return _shared(one, other)
        return distinct([*one, *other])
    if keyword in _SMALLER | _LARGER:
        numbers = [plain for value in (one, other) if (plain := number(value)) is not None]
        return min(numbers) if keyword in _SMALLER else max(numbers)
    return one if isinstance(other, list) and one in other else other


def _shared(one: Iterable[JsonValue], other: list[JsonValue]) -> list[JsonValue]:
    texts = {canonical_json(value) for value in other}
    return [value for value in one if canonical_json(value) in texts]
