"""Which values of a field come from a closed set, so that workers can be said to agree.

Called by answers and samples.
"""

import math

from pydantic import JsonValue

from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.schema_definition import Node

MAX_CLOSED_INTEGERS = 1000
"""Most values a bounded whole number may take to count as a choice; above, it is a measurement."""


def closed_options(node: Node) -> list[JsonValue] | None:
    """The closed set a value comes from, or None if it is open.

    Args:
        node: a schema without references. Other keywords of it may refuse some of the options.
    """
    if "const" in node:
        return [node["const"]]
    if isinstance(enum := node.get("enum"), list):
        return distinct(enum)
    for keyword in ("anyOf", "oneOf"):
        if (options := _options_of_all(node.get(keyword))) is not None:
            return options
    for branch in _nodes(node.get("allOf")):
        if (options := closed_options(branch)) is not None:
            return options
    return _options_of_types(node)


def distinct(values: list[JsonValue]) -> list[JsonValue]:
    """The values without repetitions, in order; `true` is not 1."""
    first: dict[str, JsonValue] = {}
    for value in values:
        first.setdefault(canonical_json(value), value)
    return list(first.values())


def _nodes(schemas: JsonValue) -> list[Node]:
    return [schema for schema in schemas if isinstance(schema, dict)] if isinstance(schemas, list) else []


def _options_of_all(branches: JsonValue) -> list[JsonValue] | None:
    options: list[JsonValue] = []
    for branch in _nodes(branches):
        of_branch = closed_options(branch)
        if of_branch is None:
            return None
        options += of_branch
    return distinct(options) or None


def _options_of_types(node: Node) -> list[JsonValue] | None:
    types = node.get("type")
    options: list[JsonValue] = []
    for type in types if isinstance(types, list) else [types]:
        if type == "boolean":
            options += [True, False]
        elif type == "null":
            options += [None]
        elif type == "integer" and (integers := _integers(node)):
            options += integers
        else:
            return None
    return options or None


def _integers(node: Node) -> range | None:
    least = _bound(node, "minimum", "exclusiveMinimum", sign=1)
    most = _bound(node, "maximum", "exclusiveMaximum", sign=-1)
    if least is None or most is None or most - least >= MAX_CLOSED_INTEGERS:
        return None
    return range(least, most + 1)


def _bound(node: Node, keyword: str, exclusive: str, *, sign: int) -> int | None:
    bounds: list[int] = []
    if (inclusive := number(node.get(keyword))) is not None:
        bounds.append(math.ceil(sign * inclusive))
    if (outside := number(node.get(exclusive))) is not None:
        bounds.append(math.floor(sign * outside) + 1)
    return sign * max(bounds) if bounds else None


def number(value: JsonValue) -> int | float | None:
    """The value if it is a number; `true` is none."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
