"""What an author may write as the schema of an answer: checked, without references, objects closed.

Called by `AnswerSchema` when a human step is defined. Everything after this door may rely on it: no `$ref` is
left, the schema is finite and small, and every pattern runs in linear time.
"""

import json
from typing import Literal
from urllib.parse import unquote

from pydantic import JsonValue

from intermezzo.errors import DefinitionError
from intermezzo.human_steps.json_values import join, plain_json, shown
from intermezzo.steps.linear_patterns import linear_pattern

Node = dict[str, JsonValue]
"""A JSON Schema object."""

MAX_SCHEMA_BYTES = 256_000
"""Size limit of a schema, as written and with its references put in; validating an answer is linear in it."""

NODE_COST_BYTES = 200
"""What a subschema counts at least, so that references to tiny definitions cannot multiply for free, and
because checking one takes milliseconds."""

PATTERN_COST_BYTES = 8_000
"""What a pattern counts at least: compiling a hostile one takes a quarter of a second."""

MAX_LEVELS = 20
"""How deep subschemas may nest, with references put in."""

ANNOTATIONS = {
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
}
"""Keywords that say something about a value and refuse none."""

BRANCHES = ("allOf", "anyOf", "oneOf")
CONDITIONS = ("if", "then", "else", "not")

_DROPPED = {"$schema", "$id", "$defs", "definitions", "contentSchema", "$ref"}

_REFUSED = {
    "$id": "leave it out",
    "$anchor": "refer to `#/$defs/NAME`",
    "$dynamicAnchor": "refer to `#/$defs/NAME`",
    "$dynamicRef": "refer to `#/$defs/NAME` with `$ref`",
    "$recursiveRef": "refer to `#/$defs/NAME` with `$ref`",
    "patternProperties": "name the fields in `properties`: a form cannot show fields without a name",
    "dependencies": "use `dependentRequired` or `dependentSchemas`",
    "additionalItems": "use `prefixItems` and `items`",
}
"""Keywords that are refused, each with what to write instead."""

_OF_ANY_OBJECT = {"type", *ANNOTATIONS}
_ANY_OBJECT: Node = {
    "properties": {"answer": {"type": "string", "title": "Answer", "x-multiline": True}},
    "minProperties": 1,
    "additionalProperties": True,
}
"""What an object of which nothing is said holds: people fill in a text, programs whatever they like (K7)."""

Position = Literal["value", "in_place"]
"""Whether a subschema is all there is about a value, or adds to another about the same value."""

_SINGLE: dict[str, Position] = {
    "items": "value",
    "additionalProperties": "value",
    "unevaluatedItems": "value",
    "unevaluatedProperties": "value",
    "contains": "in_place",
    "propertyNames": "in_place",
    **dict.fromkeys(CONDITIONS, "in_place"),
}
_LISTS: dict[str, Position] = {"prefixItems": "value", **dict.fromkeys(BRANCHES, "in_place")}
_MAPS: dict[str, Position] = {"properties": "value", "dependentSchemas": "in_place"}


def plain_schema(schema: object) -> Node:
    """A schema as plain JSON.

    Raises:
        DefinitionError: it is no JSON object, or larger than any form.
    """
    try:
        plain = plain_json(schema, max_bytes=MAX_SCHEMA_BYTES, max_values=MAX_SCHEMA_BYTES)
    except ValueError as error:
        raise DefinitionError(f"answer schema: {error}") from None
    if not isinstance(plain, dict):
        raise DefinitionError(f"answer schema: expected a JSON Schema object, got {shown(schema)}")
    return plain


def define(source: Node) -> Node:
    """The schema to validate with: references put in, objects closed to unknown fields.

    Args:
        source: plain JSON. What comes out is small enough to check against the metaschema; this does not.

    Raises:
        DefinitionError: naming the place, what was expected and what to write instead.
    """
    expanded = _Expansion(source).node(_without_id(source), "", "value")
    if expanded.get("type") != "object":
        came = shown(expanded.get("type"))
        raise DefinitionError(f'answer schema: expected "type": "object", got {came}; put a single value into a field')
    if expanded.keys() <= _OF_ANY_OBJECT:
        return {**expanded, **_ANY_OBJECT}
    if not expanded.get("properties"):
        raise DefinitionError("answer schema: expected at least one field in `properties`, got none")
    return expanded


def _without_id(source: Node) -> Node:
    return {keyword: value for keyword, value in source.items() if keyword != "$id"}


class _Expansion:
    """One walk through a schema that puts every reference in."""

    def __init__(self, source: Node) -> None:
        self._source = source
        self._left_bytes = MAX_SCHEMA_BYTES
        self._open_references: list[str] = []
        self._level = 0

    def node(self, schema: JsonValue, path: str, position: Position) -> Node:
        if isinstance(schema, bool):
            return {} if schema else {"not": {}}
        if not isinstance(schema, dict):
            raise _refusal(path, f"expected a schema, got {shown(schema)}")
        self._level += 1
        self._check(schema, path)
        expanded = self._keywords(schema, path)
        if "$ref" in schema:
            expanded = _combine(self._target(schema["$ref"], path), expanded)
        self._level -= 1
        return _closed(expanded, path) if position == "value" else expanded

    def _check(self, schema: Node, path: str) -> None:
        if self._level > MAX_LEVELS:
            raise _refusal(path, f"expected at most {MAX_LEVELS} levels of nesting, got more")
        for keyword, instead in _REFUSED.items():
            if keyword in schema:
                raise _refusal(path, f"`{keyword}` is not supported; {instead}")
        pattern = schema.get("pattern")
        if pattern is not None:
            self._spend(PATTERN_COST_BYTES)
        if isinstance(pattern, str) and (flaw := linear_pattern(pattern).flaw):
            raise _refusal(path, f"the pattern {shown(pattern)} cannot be used: {flaw}")

    def _keywords(self, schema: Node, path: str) -> Node:
        own: Node = {}
        children: Node = {}
        for keyword, value in schema.items():
            place = join(path, keyword)
            if keyword in _SINGLE and not isinstance(value, bool):
                children[keyword] = self.node(value, place, _SINGLE[keyword])
            elif keyword in _LISTS and isinstance(value, list):
                position = _LISTS[keyword]
                children[keyword] = [self.node(item, join(place, i), position) for i, item in enumerate(value)]
            elif keyword in _MAPS and isinstance(value, dict):
                position = _MAPS[keyword]
                self._spend(sum(len(json.dumps(name)) for name in value))
                children[keyword] = {name: self.node(item, join(place, name), position) for name, item in value.items()}
            elif keyword not in _DROPPED:
                own[keyword] = value
        self._spend(NODE_COST_BYTES + len(json.dumps(own)))
        return {**own, **children}

    def _spend(self, cost_bytes: int) -> None:
        self._left_bytes -= cost_bytes
        if self._left_bytes < 0:
            raise DefinitionError(
                f"answer schema: expected at most {MAX_SCHEMA_BYTES:,} bytes with its references put in, "
                "got more; use fewer references"
            )

    def _target(self, reference: JsonValue, path: str) -> Node:
        if not isinstance(reference, str) or not reference.startswith("#"):
            raise _refusal(path, f"expected a `$ref` inside the schema, like #/$defs/NAME, got {shown(reference)}")
        if reference in self._open_references:
            raise _refusal(path, f"`$ref` {shown(reference)} refers to itself, and a form cannot be endless")
        self._open_references.append(reference)
        target = self.node(self._lookup(reference, path), path, "in_place")
        self._open_references.pop()
        return target

    def _lookup(self, reference: str, path: str) -> JsonValue:
        if reference == "#":
            raise _refusal(path, "`$ref` '#' refers to itself, and a form cannot be endless")
        home, _, pointer = unquote(reference).removeprefix("#/").partition("/")
        name = pointer.replace("~1", "/").replace("~0", "~")
        definitions = self._source.get(home) if home in ("$defs", "definitions") else None
        if "/" in pointer or not isinstance(definitions, dict) or name not in definitions:
            problem = f"expected a `$ref` to a definition, like #/$defs/NAME, got {shown(reference)}"
            raise _refusal(path, problem)
        return definitions[name]


def _combine(target: Node, siblings: Node) -> Node:
    if set(siblings) <= ANNOTATIONS:
        return {**target, **siblings}
    branches = siblings.get("allOf")
    return {**siblings, "allOf": [target, *(branches if isinstance(branches, list) else [])]}


def _closed(node: Node, path: str) -> Node:
    says = "additionalProperties" in node or "unevaluatedProperties" in node
    if says or not any("properties" in part for part in parts_of(node)):
        return node
    if len(parts_of(node)) > 1:
        # Fields of branches would be unknown to `additionalProperties`, which sees only its own `properties`.
        return {**node, "unevaluatedProperties": False}
    properties, required = node.get("properties"), node.get("required")
    if isinstance(required, list) and isinstance(properties, dict):
        lost = [name for name in required if isinstance(name, str) and name not in properties]
        if lost:
            raise _refusal(path, f"`required` names fields that `properties` lacks: {shown(lost)}")
    return {**node, "additionalProperties": False}


def parts_of(node: Node) -> list[Node]:
    """A schema and all subschemas that speak about the same value."""
    parts = [node]
    for keyword, value in node.items():
        inner: list[JsonValue] = []
        if keyword in BRANCHES and isinstance(value, list):
            inner = value
        elif keyword in CONDITIONS:
            inner = [value]
        elif keyword == "dependentSchemas" and isinstance(value, dict):
            inner = list(value.values())
        parts += [part for schema in inner if isinstance(schema, dict) for part in parts_of(schema)]
    return parts


def _refusal(path: str, problem: str) -> DefinitionError:
    return DefinitionError(f"answer schema, at {path[:200] or 'its top'}: {problem}")
