"""A JSON Schema in a few words, for those who read what a type takes. Called by type sheets."""

import json
from collections.abc import Callable, Sequence

from pydantic import JsonValue

from intermezzo.human_steps.schema_definition import Node


def in_words(node: Node, definitions: Node | None = None) -> str:
    """Type, options and bounds of a value.

    Args:
        definitions: what its references refer to.
    """
    known = definitions or {}
    if isinstance(reference := node.get("$ref"), str):
        return in_words(_node(known.get(reference.rpartition("/")[2])), known)
    options = node.get("enum", [node["const"]] if "const" in node else None)
    if isinstance(options, list):
        return _either([option if isinstance(option, str) else json.dumps(option) for option in options])
    if isinstance(branches := node.get("anyOf"), list):
        return _either([in_words(_node(branch), known) for branch in branches])
    say = _WORDS.get(str(node.get("type")))
    return say(node, known) if say else "anything"


def _text(node: Node, _known: Node) -> str:
    if node.get("format") == "uri":
        return "http or https address"
    return f"text{_bounds(node, 'minLength', 'maxLength', ' characters')}"


def _list(node: Node, known: Node) -> str:
    items = _node(node.get("items"))
    if node.get("x-control") == "boxes":
        return f"boxes drawn on the image: {', '.join(_node(items.get('properties')))}"
    return f"list{_bounds(node, 'minItems', 'maxItems', '')}: {in_words(items, known)}"


def _object(node: Node, known: Node) -> str:
    if properties := _node(node.get("properties")):
        return f"object with {', '.join(properties)}"
    values = in_words(_node(node.get("additionalProperties")), known)
    return f"object{_bounds(node, 'minProperties', 'maxProperties', '')}: key → {values}"


_WORDS: dict[str, Callable[[Node, Node], str]] = {
    "string": _text,
    "array": _list,
    "object": _object,
    "boolean": lambda _, __: "true or false",
    "integer": lambda node, __: f"whole number{_bounds(node, 'minimum', 'maximum', '')}",
    "number": lambda node, __: f"number{_bounds(node, 'minimum', 'maximum', '')}",
    "null": lambda _, __: "null",
}


def _bounds(node: Node, least: str, most: str, unit: str) -> str:
    low, high = (_number(node.get(keyword)) for keyword in (least, most))
    if low and high:
        return f", {low}–{high}{unit}"
    if high:
        return f", at most {high}{unit}"
    return f", {low} or more{unit}" if low else ""


def _number(value: JsonValue) -> str:
    return f"{value:,}" if isinstance(value, int | float) else ""


def _either(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else "nothing"


def _node(value: JsonValue) -> Node:
    return value if isinstance(value, dict) else {}
