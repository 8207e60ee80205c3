"""Input controls as JSON Schema and back, losing nothing. Called by `Form`.

What JSON Schema has no word for travels as annotations, which refuse no value: `x-control` where the schema
alone would give another control, `x-labels` of options, `x-placeholder`, `x-multiline`, `x-image`.
Keywords that a control has no word for stay in its `rules`, as they are.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import cast

from pydantic import JsonValue, ValidationError

from intermezzo.human_steps.inputs import (
    INPUTS,
    ITEM_ID,
    Boxes,
    Checkbox,
    Date,
    Group,
    Input,
    Json,
    List,
    Number,
    Radio,
    Select,
    TextInput,
)
from intermezzo.human_steps.options import Option, enum_of, take_options
from intermezzo.human_steps.schema_definition import ANNOTATIONS, BRANCHES, CONDITIONS, Node

MAX_RADIO_OPTIONS = 5
"""Up to so many options are all in view; more fold out."""

_NOTES = {"label": "title", "help": "description", "default": "default", "examples": "examples"}
"""Field of every control → the keyword that says the same."""

_NAMES = {"title", "description"}
"""What one tick or one side of a rectangle is called is told by the label of the whole."""

_ITEMS = {"min_items": "minItems", "max_items": "maxItems"}

_KEYWORDS: Mapping[type[Input], Mapping[str, str]] = {
    TextInput: {
        "min_length": "minLength",
        "max_length": "maxLength",
        "pattern": "pattern",
        "format": "format",
        "placeholder": "x-placeholder",
        "multiline": "x-multiline",
    },
    Number: {
        "minimum": "minimum",
        "maximum": "maximum",
        "exclusive_minimum": "exclusiveMinimum",
        "exclusive_maximum": "exclusiveMaximum",
        "step": "multipleOf",
    },
    Checkbox: _ITEMS,
    Boxes: {**_ITEMS, "image": "x-image"},
    List: {**_ITEMS, "unique": "uniqueItems"},
}
"""Kind of control → its fields that are one keyword each."""


def _type(kind: type[Input]) -> str:
    return kind.model_fields["type"].default


_BY_TYPE: Mapping[JsonValue, type[Input]] = {_type(kind): kind for kind in INPUTS}

_NULL: Node = {"type": "null"}

_OF_ANY_TYPE = {"enum", "const", *BRANCHES, *CONDITIONS}
"""Keywords that may refuse null: beside them null is allowed by `anyOf`, elsewhere by a second type."""


def object_schema(inputs: Sequence[Input]) -> Node:
    """The schema of an object with these fields and no others."""
    properties: Node = {control.id: schema_of(control) for control in inputs}
    required: list[JsonValue] = [control.id for control in inputs if control.required]
    node: Node = {"type": "object", "properties": properties}
    return {**node, **({"required": required} if required else {}), "additionalProperties": False}


def schema_of(control: Input) -> Node:
    """The schema of what one input gives."""
    node = {
        **_said(control, _NOTES),
        **_shape(control),
        **_said(control, _KEYWORDS.get(type(control), {})),
        **control.rules,
    }
    if control.nullable:
        node = _or_null(node)
    if type(input_of(control.id, node, required=control.required)) is not type(control):
        node["x-control"] = control.type
    return node


def words_of(control: Input) -> set[str]:
    """The keywords that a control has fields for, or that make it what it is; its `rules` have none of them."""
    return {*_shape(control), *_NOTES.values(), *_KEYWORDS.get(type(control), {}).values()}


def _said(control: Input, keywords: Mapping[str, str]) -> Node:
    full: dict[str, JsonValue] = control.model_dump(mode="json")
    return {keyword: full[field] for field, keyword in keywords.items() if field in full}


def _or_null(node: Node) -> Node:
    if isinstance(node.get("type"), str) and not _OF_ANY_TYPE & set(node):
        return {**node, "type": [node["type"], "null"]}
    outside = {word: value for word, value in node.items() if word in _NOTES.values()}
    return {**outside, "anyOf": [{word: value for word, value in node.items() if word not in outside}, _NULL]}


def _shape(control: Input) -> Node:
    """What makes a schema that of a control of this kind."""
    node: Node = {}
    match control:
        case TextInput():
            node = {"type": "string"}
        case Date():
            node = {"type": "string", "format": "date"}
        case Number():
            node = {"type": "integer" if control.integer else "number"}
        case Radio() | Select():
            node = enum_of(control.options)
        case Checkbox():
            node = _boxes_to_tick(control) if control.options else {"type": "boolean"}
        case Boxes():
            node = {"type": "array", "items": object_schema(rectangle(control.labels))}
        case List():
            node = {"type": "array", "items": schema_of(control.item)}
        case Group():
            node = object_schema(control.controls)
        case Json():
            pass
    return node


def _boxes_to_tick(control: Checkbox) -> Node:
    unique: Node = {} if control.repeats else {"uniqueItems": True}
    return {"type": "array", "items": enum_of(control.options), **unique}


def rectangle(labels: Sequence[str]) -> tuple[Input, ...]:
    """The inputs that one rectangle of `boxes` is made of."""
    sides = [Number(id=side, required=True, minimum=0) for side in ("left", "top", "width", "height")]
    if not labels:
        return tuple(sides)
    kind = _choice(len(labels))
    return (*sides, kind(id="label", required=True, options=tuple(Option.of(label) for label in labels)))


def _choice(count: int) -> type[Radio] | type[Select]:
    return Radio if count <= MAX_RADIO_OPTIONS else Select


def input_of(id: str, node: Node, *, required: bool) -> Input:
    """The input for a field: a control that says what its schema says, else one for JSON text.

    Args:
        id: name of the field.
        node: its schema, without references.
        required: whether the field must be there.
    """
    inner, nullable = _without_null(node)
    hint = inner.get("x-control")
    natural = _natural(inner)
    asked = _BY_TYPE.get(hint, natural) if isinstance(hint, str) else natural
    for kind in dict.fromkeys([asked] if asked is Json else [asked, natural]):
        own = {word: value for word, value in inner.items() if word != "x-control" or value != _type(kind)}
        made = _read(kind, id, own, required=required, nullable=nullable)
        if made is not None:
            return made
    whole = {word: value for word, value in node.items() if word != "x-control" or value != "json"}
    return _read(Json, id, whole, required=required) or Json(id=id, required=required, rules=whole)


def _without_null(node: Node) -> tuple[Node, bool]:
    """What a schema asks for besides null, and whether it allows null."""
    types, branches = node.get("type"), node.get("anyOf")
    if isinstance(types, list) and "null" in types and not _OF_ANY_TYPE & set(node):
        names = [name for name in types if name != "null"]
        return ({**node, "type": names[0]}, True) if len(names) == 1 else (node, False)
    outside = {word: value for word, value in node.items() if word != "anyOf"}
    if isinstance(branches, list) and _NULL in branches and all(map(_is_note, outside)):
        others = [branch for branch in branches if branch != _NULL]
        if others:
            return {**(cast("Node", others[0]) if len(others) == 1 else {"anyOf": others}), **outside}, True
    return node, False


def _is_note(keyword: str) -> bool:
    return keyword in ANNOTATIONS or keyword.startswith("x-")


def _natural(node: Node) -> type[Input]:
    """The control for a schema that asks for none."""
    if found := take_options(dict(node)):
        return _choice(len(found))
    if {"enum", "const"} & set(node):
        return Json
    type = node.get("type")
    if type == "string" and node.get("format") == "date":
        return Date
    if type != "array":
        return _NATURAL.get(type, Json) if isinstance(type, str) else Json
    items = node.get("items")
    if not isinstance(items, dict) or not items:
        return Json
    inner = dict(items)
    return Checkbox if take_options(inner) and set(inner) <= _NAMES else List


_NATURAL: Mapping[JsonValue, type[Input]] = {
    "string": TextInput,
    "integer": Number,
    "number": Number,
    "boolean": Checkbox,
    "object": Group,
}
"""Type of JSON Schema → the control for it."""


def _read(kind: type[Input], id: str, node: Node, *, required: bool, nullable: bool = False) -> Input | None:
    """A control of one kind for a schema, or None if it cannot say what the schema says."""
    rest = dict(node)
    fields = _READERS[kind](rest)
    if fields is None:
        return None
    for field, keyword in {**_NOTES, **_KEYWORDS.get(kind, {})}.items():
        if keyword in rest:
            fields[field] = rest.pop(keyword)
    try:
        return kind.model_validate({"id": id, "required": required, "nullable": nullable, "rules": rest, **fields})
    except ValidationError:
        return None


Fields = dict[str, object]
"""Fields of a control."""


def _take_text(rest: Node) -> Fields | None:
    return {} if rest.pop("type", None) == "string" else None


def _take_date(rest: Node) -> Fields | None:
    return {} if (rest.pop("type", None), rest.pop("format", None)) == ("string", "date") else None


def _take_number(rest: Node) -> Fields | None:
    type = rest.pop("type", None)
    return {"integer": type == "integer"} if type in ("integer", "number") else None


def _take_choice(rest: Node) -> Fields | None:
    options = take_options(rest)
    return {"options": options} if options else None


def _take_checkbox(rest: Node) -> Fields | None:
    if rest.get("type") == "boolean":
        del rest["type"]
        return {}
    items = _take_items(rest) or {}
    options = take_options(items)
    if not options or not set(items) <= _NAMES:
        return None
    return {"options": options, "repeats": rest.pop("uniqueItems", False) is False}


def _take_boxes(rest: Node) -> Fields | None:
    items = _bare(_take_items(rest) or {})
    properties = items.get("properties")
    if not isinstance(properties, dict):
        return None
    sides: Node = {name: _bare(side) for name, side in properties.items() if isinstance(side, dict)}
    options = take_options(dict(cast("Node", sides.get("label", {})))) or []
    labels = [option.value for option in options if isinstance(option.value, str)]
    wanted = object_schema(rectangle(labels))
    if options:
        sides["label"] = cast("Node", wanted["properties"])["label"]
    given = {**items, "properties": sides, "required": sorted(cast("list[str]", items.get("required", [])))}
    same = given == {**wanted, "required": sorted(cast("list[str]", wanted["required"]))}
    return {"labels": labels} if same and options == [Option.of(label) for label in labels] else None


def _bare(node: Node) -> Node:
    return {word: value for word, value in node.items() if word not in _NAMES}


def _take_list(rest: Node) -> Fields | None:
    items = _take_items(rest)
    return None if items is None else {"item": input_of(ITEM_ID, items, required=True)}


def _take_items(rest: Node) -> Node | None:
    items = rest.get("items")
    if rest.get("type") != "array" or not isinstance(items, dict) or {"prefixItems", "unevaluatedItems"} & set(rest):
        return None
    del rest["type"], rest["items"]
    return dict(items)


def _take_group(rest: Node) -> Fields | None:
    properties, closed = rest.pop("properties", None), rest.pop("additionalProperties", None)
    required = cast("list[str]", rest.pop("required", []))
    if rest.pop("type", None) != "object" or not isinstance(properties, dict) or closed is not False:
        return None
    return {"controls": inputs_of(properties, required)} if set(required) <= set(properties) else None


def inputs_of(properties: Node, required: Collection[str]) -> list[Input]:
    """The inputs for the fields of an object, in their order."""
    return [input_of(id, _node(node), required=id in required) for id, node in properties.items()]


def _node(schema: JsonValue) -> Node:
    return schema if isinstance(schema, dict) else {}


_READERS: Mapping[type[Input], Callable[[Node], Fields | None]] = {
    TextInput: _take_text,
    Date: _take_date,
    Number: _take_number,
    Radio: _take_choice,
    Select: _take_choice,
    Checkbox: _take_checkbox,
    Boxes: _take_boxes,
    List: _take_list,
    Group: _take_group,
    Json: lambda _: {},
}
"""Kind of control → takes what makes a schema one of its kind, so that only its keywords and rules are left."""
