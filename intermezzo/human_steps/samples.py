"""An example answer for any schema: what a simulated worker submits. Called by `AnswerSchema.sample`."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from pydantic import JsonValue

from intermezzo.errors import DefinitionError
from intermezzo.human_steps.closed_options import closed_options, distinct, number
from intermezzo.human_steps.json_values import canonical_json, join
from intermezzo.human_steps.options import take_options
from intermezzo.human_steps.scalar_samples import numbers, texts
from intermezzo.human_steps.schema_definition import BRANCHES, Node
from intermezzo.human_steps.schema_validator import fitting, is_valid

Choose = Callable[[str, Sequence[JsonValue]], JsonValue]
"""Picks one of several values of the field at a path; `items.*` stands for every item of a list."""

MAX_CHECKS = 5_000
"""Candidates one sample may cost; a schema that needs more is a riddle and no form."""

CHECKED_AT_ONCE = 100
"""Options of one field that cost no more than one candidate."""

_TRIES = 24
_VARIANTS = 16
_FEW = 6
"""Values of an open field to choose from."""


class Sampler:
    """Finds valid values of one schema.

    Args:
        choose: picks among closed options; without it the first is taken.
        stray: picks among a few values of an open field, the most natural first; without it that is taken.
    """

    def __init__(self, choose: Choose | None = None, stray: Choose | None = None) -> None:
        self._choose = choose
        self._stray = stray
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
                text = canonical_json(value)
                if text not in found and self._fits(node, value, path):
                    found[text] = value
                if len(found) >= wanted:
                    return list(found.values())
        if not found:
            self.failed_path = self.failed_path or path
        return list(found.values())

    def _fits(self, node: Node, value: JsonValue, path: str) -> bool:
        self._spend(1, path)
        return is_valid(node, value)

    def _spend(self, checks: int, path: str) -> None:
        self._left_checks -= checks
        if self._left_checks < 0:
            raise no_sample(self.failed_path or path, "its rules are too entangled")

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
                yield from self._selections(node, path)
                yield from self._arrays(node, path, wanted)
            elif type == "string":
                yield from self._open(node, texts(node), path)
            elif type in ("integer", "number"):
                yield from self._open(node, numbers(node, whole=type == "integer"), path)
            else:
                yield from (True, False) if type == "boolean" else (None,)
        yield from _given(node)

    def _chosen(self, node: Node, options: list[JsonValue], path: str) -> Iterator[JsonValue]:
        valid = options if len(options) == 1 else self._valid(node, options, path)
        if self._choose is not None and len(valid) > 1:
            yield self._choose(path, valid)
        yield from valid

    def _valid(self, node: Node, options: list[JsonValue], path: str) -> list[JsonValue]:
        """The options that the rest of a schema does not refuse."""
        self._spend(1 + len(options) // CHECKED_AT_ONCE, path)
        rest = dict(node)
        named = take_options(rest)
        # Looking each of many options up among all of them takes very long.
        return fitting(node, options) if named is None else fitting(rest, [option.value for option in named])

    def _open(self, node: Node, values: Iterable[JsonValue], path: str) -> Iterator[JsonValue]:
        if self._stray is None:
            yield from values
            return
        self._spend(1, path)
        few = distinct(fitting(node, list(islice(values, 2 * _FEW))))[:_FEW]
        if len(few) > 1:
            yield self._stray(path, few)
        yield from few

    def _selections(self, node: Node, path: str) -> Iterator[JsonValue]:
        """Some of a closed set, or all of it in an order: what a single item would tell nothing about."""
        items = _mapping(node.get("items"))
        options = closed_options(items)
        if self._choose is None or options is None or not node.get("uniqueItems") or "prefixItems" in node:
            return
        left = self._valid(items, options, path)
        least = int(number(node.get("minItems")) or 0)
        if least < len(left):
            most = min(len(left), int(number(node.get("maxItems")) or len(left)))
            runs: list[JsonValue] = [
                _run(left, start, size) for size in range(max(1, least), most + 1) for start in range(len(left))
            ]
            some = distinct(runs[:MAX_SELECTIONS])
            yield self._choose(path, some) if len(some) > 1 else some[0]
            return
        order: list[JsonValue] = []
        while len(left) > 1 and len(order) < MAX_SELECTIONS:
            order.append(self._choose(join(path, len(order)), left))
            left = [option for option in left if canonical_json(option) != canonical_json(order[-1])]
        yield order + left

    def _objects(self, node: Node, path: str, wanted: int) -> Iterator[JsonValue]:
        properties, required = _mapping(node.get("properties")), node.get("required")
        needed = [name for name in required if isinstance(name, str)] if isinstance(required, list) else []
        names = [*properties, *(name for name in needed if name not in properties)]
        # Others than the first of each field are looked for when the object as a whole is refused.
        for each in (1, min(_TRIES, wanted + 3)):
            fields: dict[str, list[JsonValue]] = {}
            for name in names:
                failed_before = self.failed_path
                fields[name] = self.samples(_mapping(properties.get(name)), join(path, name), each)
                if name not in needed:
                    self.failed_path = failed_before
            if any(not fields[name] for name in needed):
                return
            yield from self._combined(node, fields, needed, path)

    def _combined(
        self, node: Node, fields: dict[str, list[JsonValue]], needed: list[str], path: str
    ) -> Iterator[JsonValue]:
        """Objects with every field, then without one of the optional, then with another value in one of them."""
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
        count = max(least, 1)
        for extra in (label, {}):
            rows: list[JsonValue] = [_row({**box, **extra}, at, count) for at in range(10, 1000, 160)]
            yield from self._open(node, rows, path)


def _row(box: Node, at: int, count: int) -> JsonValue:
    return [{**box, "left": at + 110 * i} for i in range(count)]


MAX_SELECTIONS = 50
"""Most selections of a closed set to choose from, and most places of a ranking that are."""

_MAX_BOXES = 1000


def no_sample(path: str, reason: str) -> DefinitionError:
    """The error of a schema for which no example answer can be made."""
    return DefinitionError(
        f"answer schema: no example answer can be made for the field {path[:200] or 'at the top'}: {reason}; "
        "give it `examples` with a valid value"
    )


def _run(options: list[JsonValue], start: int, size: int) -> JsonValue:
    """So many options that follow each other in a circle, in the order of all."""
    chosen = {(start + i) % len(options) for i in range(size)}
    return [option for index, option in enumerate(options) if index in chosen]


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
