"""What `intermezzo step --help` says about the primitives: their price, their fields and the bounds of these."""

import inspect
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from intermezzo.steps.schema_words import in_words

if TYPE_CHECKING:
    from click import HelpFormatter

    from intermezzo.steps import Primitive


def write_types(formatter: "HelpFormatter", primitives: "Mapping[str, Primitive[..., Any, Any]]") -> None:
    """List what TYPE can be, a line each."""
    with formatter.section("Types (each with --help shows its fields)"):
        formatter.write_dl([(type, _first_sentence(step)) for type, step in primitives.items()])


def write_type(formatter: "HelpFormatter", step: "Primitive[..., Any, Any]") -> None:
    """Show what one primitive takes, gives and costs."""
    price = f"{step.credits} credit{'' if step.credits == 1 else 's'}"
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(f"{_first_sentence(step)} {price} in a flow, free here.")
    taken = step.input_model.model_json_schema()
    required = set(taken.get("required", ()))
    with formatter.section("Input"):
        formatter.write_dl([(name, _field(field, taken, name in required)) for name, field in _fields(taken)])
    given = step.output.json_schema(mode="serialization")
    with formatter.section("Output"):
        formatter.write_dl([(name, _field(field, given, required=False)) for name, field in _fields(given)])


def _first_sentence(step: "Primitive[..., Any, Any]") -> str:
    return " ".join(inspect.cleandoc(step.__doc__ or "").partition("\n\n")[0].split())


def _fields(schema: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(schema["properties"].items())


def _field(field: dict[str, Any], root: Mapping[str, Any], required: bool) -> str:  # noqa: FBT001 (a column of a table)
    facts = [in_words(field, root)]
    if required:
        facts.append("required")
    elif field.get("default") not in (None, ""):
        facts.append(f"default {json.dumps(field['default']).removesuffix('.0')}")
    return f"{', '.join(facts)}. {field.get('description', '')}".rstrip()
