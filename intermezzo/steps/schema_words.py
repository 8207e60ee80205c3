"""A field of a JSON Schema in a few words, for those who read what a step takes and gives."""

from collections.abc import Mapping
from typing import Any, cast

_BOUNDS = {
    "minimum": "at least {:,}",
    "exclusiveMinimum": "above {:,}",
    "maximum": "at most {:,}",
    "minLength": "from {:,} characters",
    "maxLength": "up to {:,} characters",
    "minItems": "at least {:,}",
    "maxItems": "at most {:,}",
    "minProperties": "at least {:,}",
    "maxProperties": "at most {:,}",
}


def in_words(field: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    """Type, options and bounds of a field: `list of string, at least 2, at most 500`.

    Args:
        field: its schema.
        root: the schema it stands in, whose `$defs` it may refer to.
    """
    return ", ".join([_shape(field, root), *_bounds(field)])


def _bounds(field: Mapping[str, Any]) -> list[str]:
    one = _chosen(field)
    bounds = [text.format(one[name]) for name, text in _BOUNDS.items() if name in one]
    return ["not empty" if bound == "from 1 characters" else bound for bound in bounds]


def _chosen(field: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a value that is not null."""
    options = cast("list[Mapping[str, Any]]", field.get("anyOf", [field]))
    return next((option for option in options if option.get("type") != "null"), field)


def _shape(field: Mapping[str, Any], root: Mapping[str, Any]) -> str:
    one = _chosen(field)
    if "$ref" in one:
        return _shape(root["$defs"][one["$ref"].rpartition("/")[2]], root)
    if "enum" in one or "const" in one:
        return " | ".join(str(value) for value in one.get("enum", [one.get("const")]))
    if "properties" in one:
        return "{" + ", ".join(one["properties"]) + "}"
    if one.get("type") == "array":
        kind = "boxes on the image" if one.get("x-control") == "boxes" else "list"
        return f"{kind} of {_shape(one['items'], root)}"
    if one.get("format") == "uri":
        return "http or https address"
    return str(one.get("type", "any JSON"))
