"""What is wrong with an answer, in words a worker can act on. Called by `AnswerSchema.validate`."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from intermezzo.human_steps.closed_options import closed_options
from intermezzo.human_steps.json_values import shown
from intermezzo.human_steps.schema_definition import Node, parts_of

if TYPE_CHECKING:
    from jsonschema import ValidationError

MAX_LINES = 5
"""Flaws told at once; the rest is counted."""

MAX_LISTED = 10
"""Options told in one message; the rest is counted."""

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "nothing (null)",
}

_FORMATS = {
    "date": "a date like 2026-01-31",
    "date-time": "a time with its zone like 2026-01-31T12:00:00Z",
    "time": "a time of day like 12:30:00",
    "email": "an email address like name@example.com",
    "uri": "an address like https://example.com/",
    "uuid": "a UUID",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
}

_EXPECTED: dict[str, Callable[[JsonValue], str]] = {
    "const": lambda limit: f"exactly {shown(limit)}",
    "enum": lambda limit: f"one of {_listed(limit)}",
    "minimum": lambda limit: f"{limit} or more",
    "maximum": lambda limit: f"{limit} or less",
    "exclusiveMinimum": lambda limit: f"more than {limit}",
    "exclusiveMaximum": lambda limit: f"less than {limit}",
    "multipleOf": lambda limit: f"a multiple of {limit}",
    "minLength": lambda limit: f"at least {_counted(limit, 'character')}",
    "maxLength": lambda limit: f"at most {_counted(limit, 'character')}",
    "minItems": lambda limit: f"at least {_counted(limit, 'item')}",
    "maxItems": lambda limit: f"at most {_counted(limit, 'item')}",
    "minProperties": lambda limit: f"at least {_counted(limit, 'field')}",
    "maxProperties": lambda limit: f"at most {_counted(limit, 'field')}",
    "uniqueItems": lambda _: "no item twice",
    "pattern": lambda limit: f"text that matches the pattern {shown(limit)}",
    "format": lambda limit: _FORMATS.get(str(limit), str(limit)),
    "type": lambda limit: " or ".join(
        _TYPES.get(str(t), str(t)) for t in (limit if isinstance(limit, list) else [limit])
    ),
    "anyOf": lambda limit: " or ".join(dict.fromkeys(_described(branch) for branch in _nodes(limit))),
    "oneOf": lambda limit: f"exactly one of: {', '.join(dict.fromkeys(_described(b) for b in _nodes(limit)))}",
    "contains": lambda limit: f"a list with {_described(limit if isinstance(limit, dict) else {})} in it",
    "not": lambda limit: _excluded(_node(limit)) if limit else "nothing",
}
"""Keyword → what was expected, from the keyword's value."""


Path = tuple[str | int, ...]
"""Where in an answer: `("boxes", 0, "label")`; empty: the answer itself."""

Problem = tuple[Path, str]
"""Where, and what was expected and what came."""


def problems_of(flaws: "Iterable[ValidationError]", schema: Node) -> list[Problem]:
    """What is wrong, and where: what is there and wrong before what is missing.

    Args:
        flaws: what the validator found.
        schema: of the answer; it tells what a missing field is when the rule that misses it does not.
    """
    found = list(flaws)
    # A branch that fails leaves its fields unknown, so unknown fields count only when nothing else is wrong.
    others = [flaw for flaw in found if flaw.validator != "unevaluatedProperties"]
    ordered = sorted(others or found, key=lambda flaw: flaw.validator in ("required", "dependentRequired"))
    return list(dict.fromkeys(problem for flaw in ordered for problem in _problems(flaw, (), schema)))


def explained(problems: "Sequence[Problem]") -> str:
    """All problems in one line: each field, what was expected and what came."""
    lines = [f"{'.'.join(map(str, path))[:200] or 'answer'}: {problem}" for path, problem in problems[:MAX_LINES]]
    more = len(problems) - MAX_LINES
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")


def _problems(flaw: "ValidationError", parent: Path, root: Node) -> list[Problem]:
    path: Path = (*parent, *flaw.relative_path)
    keyword, limit = str(flaw.validator), cast("JsonValue", flaw.validator_value)
    instance, schema = cast("JsonValue", flaw.instance), cast("Node", flaw.schema)
    if isinstance(instance, dict) and (names := _misplaced(keyword, limit, instance, schema)):
        known = _known(schema)
        return [((*path, name), _unknown(known, instance[name])) for name in names]
    if isinstance(instance, dict) and (names := _lacking(keyword, limit, instance)):
        return [((*path, name), _missing(name, schema, path, root)) for name in names]
    if keyword in ("anyOf", "oneOf") and (meant := _meant(flaw)):
        return [problem for inner in meant for problem in _problems(inner, path, root)]
    if isinstance(instance, list) and (expected := _length(keyword, limit, instance, schema)):
        return [(path, expected)]
    expected = _EXPECTED.get(keyword)
    if expected is None:
        return [(path, shown(flaw.message, 200))]
    return [(path, f"expected {expected(limit)}, got {_came(keyword, instance)}")]


def _lacking(keyword: str, limit: JsonValue, instance: Node) -> list[str]:
    """The fields that are needed and not there."""
    needed: list[JsonValue] = []
    if keyword == "required" and isinstance(limit, list):
        needed = limit
    elif keyword == "dependentRequired":
        needed = [name for given, names in _node(limit).items() if given in instance for name in _texts(names)]
    return [name for name in dict.fromkeys(_texts(needed)) if name not in instance]


def _misplaced(keyword: str, limit: JsonValue, instance: Node, schema: Node) -> list[str]:
    """The fields that must not be there."""
    if limit is not False or keyword not in ("additionalProperties", "unevaluatedProperties"):
        return []
    return [name for name in instance if name not in _known(schema)]


def _known(schema: Node) -> list[str]:
    return list(dict.fromkeys(name for part in parts_of(schema) for name in _node(part.get("properties"))))


def _length(keyword: str, limit: JsonValue, instance: list[JsonValue], schema: Node) -> str:
    """What is wrong with how many items a list has, where the limit does not say it; empty if nothing is."""
    came = _counted(len(instance), "item")
    if keyword in ("items", "unevaluatedItems") and limit is False:
        firsts = schema.get("prefixItems")
        return f"expected at most {_counted(len(firsts) if isinstance(firsts, list) else 0, 'item')}, got {came}"
    if keyword in ("minContains", "maxContains"):
        bound = "at least" if keyword == "minContains" else "at most"
        kind = _described(_node(schema.get("contains")))
        return f"expected a list with {bound} {limit} of this kind: {kind}, got {shown(instance)}"
    return ""


def _meant(flaw: "ValidationError") -> "list[ValidationError]":
    """The flaws of the one branch that the value was meant for, judged by type; empty if unclear."""
    branches: dict[object, list[ValidationError]] = {}
    for inner in flaw.context or ():
        branches.setdefault(inner.relative_schema_path[0], []).append(inner)
    near = [flaws for flaws in branches.values() if not any(_is_misfit(inner) for inner in flaws)]
    return near[0] if len(near) == 1 else []


def _is_misfit(inner: "ValidationError") -> bool:
    tag = len(inner.relative_path) == 1 and inner.validator == "const"
    return tag or (not inner.relative_path and inner.validator in ("type", "const", "enum"))


def _missing(name: str, schema: Node, path: Path, root: Node) -> str:
    there = _node(_node(schema.get("properties")).get(name))
    said = _described(there) if there else _ANYTHING
    if said == _ANYTHING:
        said = _described(_node(_node(_schema_at(root, path).get("properties")).get(name)))
    return f"expected {said}, got nothing"


def _schema_at(root: Node, path: Path) -> Node:
    """What a schema says of the value at a path, as far as it says it without conditions."""
    for step in path:
        root = _node(root.get("items") if isinstance(step, int) else _node(root.get("properties")).get(step))
    return root


def _unknown(known: list[str], value: JsonValue) -> str:
    return f"expected no such field (there are {_listed([*known])}), got {shown(value)}"


def _came(keyword: str, instance: JsonValue) -> str:
    if keyword in ("minLength", "maxLength") and isinstance(instance, str):
        return f"{len(instance)}: {shown(instance)}"
    if keyword in ("minItems", "maxItems", "minProperties", "maxProperties") and isinstance(instance, list | dict):
        return str(len(instance))
    return shown(instance)


def _described(node: Node) -> str:
    """What a schema asks for, in a few words."""
    options = closed_options(node)
    integers = node.get("type") == "integer"
    if options is not None and not integers and node.get("type") not in ("boolean", "null"):
        return f"one of {_listed(options)}" if len(options) > 1 else shown(options[0])
    if options is not None and integers:
        return f"a whole number from {options[0]} to {options[-1]}"
    if object := _object_described(node):
        return object
    for keyword in ("format", "type", "anyOf"):
        if keyword in node:
            return _EXPECTED[keyword](node[keyword])
    return _ANYTHING


_ANYTHING = "a value"


def _object_described(node: Node) -> str:
    """What tells an object from others: a field that says its kind, or else the fields it must have."""
    kinds = [
        f"{name} {shown(given['const'])}"
        for name, field in _node(node.get("properties")).items()
        if "const" in (given := _node(field))
    ]
    needed = [shown(name) for name in _texts(node.get("required"))] if "type" not in node else []
    told = kinds or needed
    return f"an object with {' and '.join(told[:MAX_LISTED])}" if told else ""


def _excluded(node: Node) -> str:
    options = closed_options(node) if {"const", "enum"} & set(node) else None
    return f"anything but {_listed(options)}" if options else "another value"


def _listed(values: JsonValue) -> str:
    items = values if isinstance(values, list) else [values]
    text = ", ".join(shown(item, 40) for item in items[:MAX_LISTED])
    return f"{text} and {len(items) - MAX_LISTED} more" if len(items) > MAX_LISTED else text


def _counted(count: JsonValue, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _node(value: JsonValue) -> Node:
    return value if isinstance(value, dict) else {}


def _texts(values: JsonValue) -> list[str]:
    return [value for value in values if isinstance(value, str)] if isinstance(values, list) else []


def _nodes(schemas: JsonValue) -> list[Node]:
    return [_node(schema) for schema in schemas] if isinstance(schemas, list) else []
