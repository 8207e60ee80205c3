"""What of an answer is compared by itself: its fields, and those of objects in it, each with the measure of its kind.

Called by `AnswerSchema` and `agreement`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from intermezzo.human_steps.boxes import SIDES
from intermezzo.human_steps.closed_options import closed_options, number
from intermezzo.human_steps.measures import ABSENT, Boxes, Date, Exact, Given, ListOf, Measure, Number, Record, Text
from intermezzo.human_steps.schema_definition import Node, parts_of
from intermezzo.human_steps.votes import Choice, Choices, Ranking, Vote

Answer = Mapping[str, JsonValue]

OTHER_FIELDS = "other fields"
"""Name of the leaf that holds the fields which a schema allows without naming them."""


@dataclass(frozen=True, slots=True, eq=False)
class Leaf:
    """A field, or one of an object in the answer."""

    path: tuple[str, ...]
    measure: Measure
    named: frozenset[str] | None = None
    """Set where all fields but these of the object at `path` are compared as one."""
    is_settled: bool = False
    """Only one value is possible, so that agreeing on it says nothing."""

    @property
    def name(self) -> str:
        """The name of the field; with dots inside of an object: `fields.title`."""
        return ".".join(self.path if self.named is None else (*self.path, OTHER_FIELDS))

    @property
    def vote(self) -> Vote[object] | None:
        """The measure, if the leaf is one that workers vote on."""
        measure: object = self.measure
        return cast("Vote[object]", measure) if isinstance(measure, Vote) and not self.is_settled else None

    def of(self, answer: Answer) -> Given:
        """What an answer has here."""
        place: JsonValue = dict(answer)
        for part in self.path:
            if not isinstance(place, dict) or part not in place:
                return ABSENT
            place = place[part]
        if self.named is None:
            return place
        others = (
            {name: value for name, value in place.items() if name not in self.named} if isinstance(place, dict) else {}
        )
        return others or ABSENT


def leaves_of(node: Node, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """The leaves of the schema of an answer, in its order."""
    properties = properties_of(node)
    for name, child in properties.items():
        place = (*path, name)
        if _is_object(child):
            yield from leaves_of(child, place)
        else:
            options = closed_options(child)
            yield Leaf(place, measure_of(child), is_settled=options is not None and len(options) == 1)
    if _may_hold_others(node):
        yield Leaf(path, Exact(), named=frozenset(properties))


def properties_of(node: Node) -> dict[str, Node]:
    """Name of each field of an object → its schema."""
    return cast("dict[str, Node]", node.get("properties") or {})


def _is_object(node: Node) -> bool:
    return node.get("type") == "object" and bool(properties_of(node)) and closed_options(node) is None


def _may_hold_others(node: Node) -> bool:
    """Whether an object may have fields that its own `properties` do not name."""
    if False not in (node.get("additionalProperties"), node.get("unevaluatedProperties")):
        return True
    return any(properties_of(part).keys() - properties_of(node).keys() for part in parts_of(node))


def measure_of(node: Node) -> Measure:
    """The measure of a field, by its schema; of what may be null, that of what it is otherwise."""
    node = _not_null(node)
    if closed_options(node) is not None:
        return Choice()
    match node.get("type"):
        case "string":
            return Date() if node.get("format") in ("date", "date-time") else Text()
        case "number" | "integer":
            least, most = number(node.get("minimum")), number(node.get("maximum"))
            return Number(None if least is None or most is None else max(float(most) - float(least), 0.0))
        case "array":
            return _measure_of_list(node)
        case "object" if _is_object(node):
            return Record([(name, measure_of(child)) for name, child in properties_of(node).items()])
        case _:
            return Exact()


def _not_null(node: Node) -> Node:
    types = node.get("type")
    if isinstance(types, list) and "null" in types and len(types) == 2:  # noqa: PLR2004 (null and another)
        return {**node, "type": next(type for type in types if type != "null")}
    for keyword in ("anyOf", "oneOf"):
        branches = node.get(keyword)
        if isinstance(branches, list) and len(branches) == 2 and {"type": "null"} in branches:  # noqa: PLR2004 (the same)
            other = next(branch for branch in branches if branch != {"type": "null"})
            return other if isinstance(other, dict) else node
    return node


def _measure_of_list(node: Node) -> Measure:
    items = node.get("items")
    if not isinstance(items, dict) or "prefixItems" in node:
        return Exact()
    if node.get("x-control") == "boxes" and {*SIDES} <= properties_of(items).keys():
        return Boxes()
    options = closed_options(items)
    if options is None:
        return ListOf(measure_of(items))
    least, most = number(node.get("minItems")) or 0, number(node.get("maxItems"))
    if node.get("uniqueItems") and least == most == len(options) > 1:
        return Ranking(options)
    if least > len(options) or "contains" in node:
        return ListOf(Choice())
    return Choices(options, int(least), None if most is None else int(most))
