"""A field of a JSON Schema in a few words, for those who read what a step takes and gives."""

import json
from collections.abc import Mapping
from typing import Any, cast

_BOUNDS = {
    "minimum": "at least {:,}",
    "exclusiveMinimum": "above {:,}",
    "maximum": "at most {:,}",
    "exclusiveMaximum": "below {:,}",
    "multipleOf": "a multiple of {:,}",
    "minLength": "from {:,} characters",
    "maxLength": "up to {:,} characters",
    "minItems": "at least {:,}",
    "maxItems": "at most {:,}",
    "minProperties": "at least {:,}",
    "maxProperties": "at most {:,}",
    "pattern": "matching {}",
}

_FORMATS = {"uri": "http or https address", "date": "date"}


def in_words(field: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Type, options and bounds of a field: `list of string, at least 2, at most 500`.

    Args:
        field: its schema.
        root: the schema it stands in, whose `$defs` it may refer to.
    """
    return ", ".join([_shape(field, root), *_bounds(field)])


def _bounds(field: Mapping[str, Any]) -> list[str]:
    one = _chosen(field)
    named = {"pattern"} if one.get("format") in _FORMATS else set[str]()
    bounds = [text.format(one[name]) for name, text in _BOUNDS.items() if name in one and name not in named]
    once = ["each once"] if one.get("uniqueItems") is True else []
    return [*("not empty" if bound == "from 1 characters" else bound for bound in bounds), *once]


def _chosen(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value that is not null."""
    options = cast("list[Mapping[str, Any]]", field.get("anyOf", [field]))
    return next((option for option in options if option.get("type") != "null"), field)


def _shape(field: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    one = _chosen(field)
    if "$ref" in one:
        return _shape(root["$defs"][one["$ref"].rpartition("/")[2]], root)
    if "enum" in one or "const" in one:
        return _options(one)
    if "properties" in one:
        return "{" + ", ".join(one["properties"]) + "}"
    if one.get("type") == "array" and isinstance(one.get("items"), Mapping):
        kind = "boxes on the image" if one.get("x-control") == "boxes" else "list"
        return f"{kind} of {_shape(one['items'], root)}"
    if one.get("format") in _FORMATS:
        return _FORMATS[one["format"]]
    types = one.get("type", "any JSON")
    return " or ".join(cast("list[str]", types)) if isinstance(types, list) else str(types)


def _options(one: Mapping[str, Any]) -> str:
    """The values of a closed set, each with its label where that reads otherwise."""
    values = cast("list[object]", one.get("enum", [one.get("const")]))
    texts = [_option(value) for value in values]
    labels = cast("list[object]", one.get("x-labels", []))
    told = labels if len(labels) == len(values) else values
    pairs = zip(values, texts, told, strict=True)
    return " | ".join(text if label in (value, text) else f"{text} ({label})" for value, text, label in pairs)


def _option(value: object) -> str:
    """A value as it reads, in quotes where it would read as another."""
    if not isinstance(value, str):
        return json.dumps(value)
    try:
        json.loads(value)
    except ValueError:
        return value if value.strip() else json.dumps(value)
    return json.dumps(value)
