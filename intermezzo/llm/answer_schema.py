"""JSON Schemas of answers: which can be used, and whether an answer fits one."""

from collections.abc import Callable, Iterator
from typing import Any, cast

from pydantic import JsonValue

from intermezzo.llm.generate import Unreadable
from intermezzo.llm.reading import read_json
from intermezzo.llm.request import Schema
from intermezzo.steps.linear_patterns import linear_pattern, pattern_keyword


def typed_reader(schema: Schema) -> Callable[[str], JsonValue]:
    """What reads an answer as JSON that fits a schema; it raises Unreadable.

    Args:
        schema: a JSON Schema that `flaw_of_schema` has nothing against.
    """
    validator = _validator(schema)

    def read(text: str) -> JsonValue:
        value = read_json(text)
        try:
            errors = sorted(validator.iter_errors(value), key=lambda error: len(error.absolute_path))
        except RecursionError:
            raise Unreadable("it is nested too deeply", kind="nested too deeply") from None
        if errors:
            first = errors[0]
            where = "/".join(map(str, first.absolute_schema_path))
            raise Unreadable(
                f"at {first.json_path}: {first.message[:500]}", kind=f"not what output_schema demands at {where}"
            )
        return value

    return read


def flaw_of_schema(schema: Schema) -> str | None:
    """What keeps a schema from being used, or None."""
    from jsonschema.exceptions import SchemaError

    try:
        _class_of(schema).check_schema(dict(schema))
    except SchemaError as error:
        return f"not a JSON Schema: at {error.json_path}: {error.message[:200]}"
    return next(_flaws(schema), None)


def _flaws(schema: Schema) -> Iterator[str]:
    for reference in _texts(schema, "$ref", "$dynamicRef"):
        if not reference.startswith("#"):
            yield f"references must stay inside the schema and begin with #, got {reference!r}"
        elif not _resolves(schema, reference):
            yield f"the reference {reference!r} leads nowhere"
    if any(isinstance(patterns, dict) for patterns in _values(schema, "patternProperties")):
        yield "patternProperties cannot be used: name the fields in `properties`, or use `additionalProperties`"
    for pattern in _texts(schema, "pattern"):
        if flaw := linear_pattern(pattern).flaw:
            yield f"the pattern {pattern[:100]!r} cannot be used: {flaw[:200]}"
    try:
        _validator(schema).is_valid(None)
    except RecursionError:
        yield "its references lead in a circle"


def _validator(schema: Schema) -> Any:  # noqa: ANN401 (jsonschema's validators are classes made at run time)
    from jsonschema import validators
    from referencing import Registry

    make = vars(validators)["extend"](_class_of(schema), {"pattern": pattern_keyword()})
    # With a registry of its own it never fetches a schema from anywhere.
    return make(dict(schema), registry=cast("Any", Registry)())


def _class_of(schema: Schema) -> Any:  # noqa: ANN401 (the same)
    from jsonschema import Draft202012Validator
    from jsonschema.validators import validator_for

    return validator_for(dict(schema), default=Draft202012Validator)


def _texts(schema: Schema, *keywords: str) -> Iterator[str]:
    return (value for value in _values(schema, *keywords) if isinstance(value, str))


def _values(node: object, *keywords: str) -> Iterator[object]:
    """What stands anywhere in a schema under one of these keywords."""
    if isinstance(node, list):
        for item in cast("list[object]", node):
            yield from _values(item, *keywords)
    elif isinstance(node, dict):
        for name, value in cast("dict[str, object]", node).items():
            if name in keywords:
                yield value
            yield from _values(value, *keywords)


def _resolves(schema: Schema, reference: str) -> bool:
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    resource = DRAFT202012.create_resource(dict(schema))
    try:
        cast("Any", Registry)().with_resource("", resource).resolver().lookup(reference)
    except Unresolvable:
        return False
    return True
