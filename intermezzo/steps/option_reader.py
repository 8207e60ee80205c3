"""Options of a step that came as JSON → arguments of its `with_options`, each of the right type.

Read by whoever takes options from outside: the HTTP API, the shell, documents of pipelines.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from intermezzo.errors import InvalidInput
from intermezzo.steps.contract import StepOptions, explain


def options_from(options: type[StepOptions], given: Mapping[str, object]) -> dict[str, Any]:
    """Arguments of `with_options`.

    Args:
        options: the class of the step's options; its `EITHER` says what pydantic cannot say well.

    Raises:
        InvalidInput: naming each option that is unknown or of another type.
    """
    try:
        read = _reader(options).validate_json(to_json({"name": "", **given}))
    except ValidationError as error:
        either = cast("Mapping[str | int, str]", getattr(options, "EITHER", {}))
        for fault in error.errors(include_url=False):
            if said := next((either[part] for part in fault["loc"] if part in either), None):
                raise InvalidInput(f"{said}, got {fault['input']!r}") from None
        known = [field.name for field in fields(options) if field.name != "name"]
        raise InvalidInput(explain(error, known=known)) from None
    return {name: getattr(read, name) for name in given}


@cache
def _reader(options: type[StepOptions]) -> TypeAdapter[StepOptions]:
    return TypeAdapter(options)
