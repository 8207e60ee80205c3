"""The values a worker may choose from: as options of a control, as JSON Schema, and as what a browser sends.

Called by the input controls and by what makes schemas and fields of them.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Self, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue

from intermezzo.human_steps.closed_options import distinct
from intermezzo.human_steps.json_values import canonical_json, shown
from intermezzo.human_steps.schema_definition import Node


def _scalar(value: JsonValue) -> JsonValue:
    if isinstance(value, dict | list):
        raise ValueError("expected text, a number, true, false or null")  # noqa: TRY004 - pydantic takes these
    return value


Scalar = Annotated[JsonValue, AfterValidator(_scalar)]
"""A value without parts."""


class Option(BaseModel):
    """One of the values to choose from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    label: str
    """What it reads."""
    value: Scalar
    """What the answer holds."""

    @classmethod
    def of(cls, value: Scalar) -> Self:
        """An option that reads as its value."""
        return cls(label=value if isinstance(value, str) and value else canonical_json(value), value=value)


def refuse_repeated(what: str, names: Sequence[str]) -> None:
    """Refuse names of which one comes twice.

    Raises:
        ValueError: naming it.
    """
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ValueError(f"expected {what} once, {shown(twice[0])} comes several times")


def _distinct(options: tuple[Option, ...]) -> tuple[Option, ...]:
    refuse_repeated("every option", [canonical_json(option.value) for option in options])
    return options


Options = Annotated[tuple[Option, ...], AfterValidator(_distinct)]
"""Options whose values differ."""


def option_texts(options: Sequence[Option]) -> dict[str, JsonValue]:
    """Text that a browser sends for each option → its value.

    Texts stand for themselves and other values are JSON, unless that could be misread; then all are JSON.
    """
    plain = {
        option.value if isinstance(option.value, str) else canonical_json(option.value): option.value
        for option in options
    }
    if len(plain) == len(options) and all(text and text.isprintable() for text in plain):
        return plain
    return {canonical_json(option.value): option.value for option in options}


def enum_of(options: Sequence[Option]) -> Node:
    """The schema of one of the options; labels go along as `x-labels` where they differ from the values."""
    node: Node = {"enum": [option.value for option in options]}
    if any(option != Option.of(option.value) for option in options):
        node["x-labels"] = [option.label for option in options]
    return node


def take_options(rest: Node) -> list[Option] | None:
    """Takes the closed set of a schema, or leaves all as it is and gives None."""
    if isinstance(rest.get("enum"), list):
        values, labels = cast("list[JsonValue]", rest["enum"]), rest.get("x-labels")
    elif "const" in rest:
        values, labels = [rest["const"]], rest.get("x-labels")
    else:
        return _take_titled(rest)
    if not values or any(isinstance(value, dict | list) for value in values):
        return None
    options = [Option.of(value) for value in values]
    if isinstance(labels, list) and len(labels) == len(values) and all(isinstance(label, str) for label in labels):
        options = [Option(label=str(label), value=option.value) for label, option in zip(labels, options, strict=True)]
        del rest["x-labels"]
    del rest["enum" if "enum" in rest else "const"]
    _drop_type(rest, options)
    return _first_of_each(options)


def _take_titled(rest: Node) -> list[Option] | None:
    """The idiom of other tools for options with labels: branches that are each a constant with its title."""
    for keyword in ("oneOf", "anyOf"):
        branches = rest.get(keyword)
        if not isinstance(branches, list) or not branches:
            continue
        options: list[Option] = []
        for branch in branches:
            inner = dict(branch) if isinstance(branch, dict) else {}
            label, _ = inner.pop("title", None), inner.pop("description", None)
            value = take_options(inner) if "const" in inner else None
            if not value or inner:
                return None
            options.append(value[0] if label is None else Option(label=str(label), value=value[0].value))
        if keyword == "oneOf" and len(_first_of_each(options)) < len(options):
            return None
        del rest[keyword]
        _drop_type(rest, options)
        return _first_of_each(options)
    return None


def _first_of_each(options: Sequence[Option]) -> list[Option]:
    labels = {canonical_json(option.value): option for option in reversed(options)}
    return [labels[canonical_json(value)] for value in distinct([option.value for option in options])]


def _drop_type(rest: Node, options: Sequence[Option]) -> None:
    """Drop a type that every option is of: it says nothing more."""
    types = rest.get("type")
    named = {name for name in (types if isinstance(types, list) else [types]) if isinstance(name, str)}
    if all(_types(option.value) & named for option in options):
        rest.pop("type", None)


def _types(value: Scalar) -> set[str]:
    match value:
        case None:
            return {"null"}
        case bool():
            return {"boolean"}
        case str():
            return {"string"}
        case _:
            whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
            return {"number", "integer"} if whole else {"number"}
