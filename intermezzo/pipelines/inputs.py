"""The fixed part of a step's input, checked against the model of the step before the rest is known."""

from collections.abc import Iterator, Mapping

from pydantic import ValidationError

from intermezzo.pipelines.expressions import Expression
from intermezzo.pipelines.flaws import Flaw, Path, nearest
from intermezzo.pipelines.plan import AnyStep
from intermezzo.pipelines.shapes import Shape
from intermezzo.pipelines.templates import Template, Text, expressions_in


def input_flaws(step: AnyStep, template: Template, path: Path) -> Iterator[Flaw]:
    """Fields that the step's input does not have, lacks, or that can never fit."""
    where = (*path, "input")
    if not isinstance(template, dict):
        if not isinstance(template, Text) or len(template.parts) != 1:
            yield Flaw("`input` is an object, or one expression that gives it", where)
        return
    open_fields = {name for name, value in template.items() if any(True for _ in expressions_in(value))}
    try:
        step.input_model.model_validate({name: value for name, value in template.items() if name not in open_fields})
    except ValidationError as error:
        yield from _flaws(error, step, open_fields, where)
    yield from _unknown(step, open_fields, where)
    shapes = Shape.of(step.input_model.model_json_schema()).fields or {}
    for name in sorted(open_fields & shapes.keys()):
        yield from _misfits(template[name], shapes[name], (*where, name))


def _misfits(value: Template, shape: Shape, where: Path) -> Iterator[Flaw]:
    """An expression that gives another type than the field takes."""
    if not isinstance(value, Text):
        return
    first = value.parts[0]
    given = first.kind if len(value.parts) == 1 and isinstance(first, Expression) else "string"
    wanted = "number" if shape.kind == "integer" else shape.kind
    if given is not None and wanted is not None and given != wanted:
        hint = "; write string(…)" if wanted == "string" and given in ("number", "boolean") else ""
        yield Flaw(f"expected a {shape.kind}, and the expression gives a {given}{hint}", where)


def _flaws(error: ValidationError, step: AnyStep, open_fields: set[str], where: Path) -> Iterator[Flaw]:
    for fault in error.errors(include_url=False):
        loc = fault["loc"]
        if (not loc and open_fields) or (loc and loc[0] in open_fields):
            continue
        field = ".".join(map(str, loc))
        if fault["type"] == "missing" and len(loc) == 1:
            yield Flaw(f"{field!r} is required by {step.type}", where)
        elif fault["type"] == "extra_forbidden" and len(loc) == 1:
            yield _unknown_field(step, field, where)
        else:
            said = fault["msg"].removeprefix("Value error, ")
            yield Flaw(said[:1].lower() + said[1:], (*where, *loc))


def _unknown(step: AnyStep, names: set[str], where: Path) -> Iterator[Flaw]:
    if step.input_model.model_config.get("extra") != "forbid":
        return
    yield from (_unknown_field(step, name, where) for name in sorted(names - known_fields(step).keys()))


def _unknown_field(step: AnyStep, name: str, where: Path) -> Flaw:
    return Flaw(f"{step.type} has no field {name!r}; {nearest(name, known_fields(step))}", (*where, name, ""))


def known_fields(step: AnyStep) -> Mapping[str, object]:
    """The fields of a step's input."""
    return step.input_model.model_fields
