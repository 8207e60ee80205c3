"""Options of a step in a document → options of the step, with the very checks that they have in a Python flow."""

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pydantic import JsonValue

from intermezzo.errors import DefinitionError, InvalidInput
from intermezzo.pipelines.document import StepDocument
from intermezzo.pipelines.flaws import Flaw, Path, nearest
from intermezzo.steps import Primitive, options_from, registered
from intermezzo.steps.contract import Step

AnyStep = Step[..., Any, Any]

OWN = ("name", "key")
"""Options that a document says otherwise: the id, and the key of each call."""
_OF_PRIMITIVES = ("retries", "retry_delay_seconds", "timeout_seconds")


def human_options() -> list[str]:
    """Options that every human step has, by those of one."""
    return [field.name for field in dataclasses.fields(registered("label_text").options) if field.name not in OWN]


def configured(step: AnyStep, document: StepDocument) -> AnyStep:
    """The step under its id, with the options of the document.

    Raises:
        DefinitionError: an option is out of range.
    """
    named = cast("Any", step).with_options
    if isinstance(step, Primitive):
        given = {option: getattr(document, option) for option in _OF_PRIMITIVES}
        return named(name=document.id, **given)
    try:
        values = options_from(type(step.options), document.with_)
    except InvalidInput as error:
        raise DefinitionError(str(error)) from None
    return named(name=document.id, **values)


def unknown_options(step: AnyStep, document: StepDocument, path: Path) -> Iterator[Flaw]:
    """Options that a step of this kind does not have."""
    if isinstance(step, Primitive):
        if document.with_:
            said = "is for human steps; retries, retry_delay_seconds and timeout_seconds stand beside it"
            yield Flaw(f"`with` {said}", (*path, "with", ""))
        return
    for option in _OF_PRIMITIVES:
        if getattr(document, option) is not None:
            hint = "; see `with.deadline_seconds`" if option == "timeout_seconds" else ""
            yield Flaw(f"`{option}` is for AI steps, and {step.type} asks people{hint}", (*path, option, ""))
    yield from _unknown(type(step.options), document.with_, (*path, "with"))
    yield from _expressions(cast("JsonValue", document.with_), (*path, "with"))


def _unknown(options: type[Any], given: Mapping[str, JsonValue], path: Path) -> Iterator[Flaw]:
    known = option_types(options)
    for name, value in given.items():
        if name not in known:
            yield Flaw(f"unknown option {name!r}; {nearest(name, known)}", (*path, name, ""))
        elif isinstance(value, dict) and (inner := _dataclass_in(known[name])) is not None:
            yield from _unknown(inner, value, (*path, name))


def _expressions(value: JsonValue, path: Path) -> Iterator[Flaw]:
    if isinstance(value, str) and "${" in value:
        yield Flaw("options under `with` are fixed: an expression cannot change what a step may cost", path)
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield from _expressions(part, (*path, key))


def option_types(options: type[Any]) -> dict[str, Any]:
    """Name → type of the options that can be given under `with`."""
    hints = typing.get_type_hints(options)
    return {field.name: hints[field.name] for field in dataclasses.fields(options) if field.name not in OWN}


def _dataclass_in(hint: object) -> type[Any] | None:
    parts = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next((part for part in parts if isinstance(part, type) and dataclasses.is_dataclass(part)), None)
