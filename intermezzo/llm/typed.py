"""Reading an answer as JSON, CSV or text, and refusing what is not."""

import csv
import io
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast

from pydantic import JsonValue

from intermezzo.llm.generate import Unreadable
from intermezzo.llm.request import Schema

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

OutputFormat = Literal["json", "csv", "markdown", "text"]

_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*(\w*)[^\n]*\n(.*?)^[ \t]*\1[ \t]*$", re.DOTALL | re.MULTILINE)
_FENCE_NAMES: dict[OutputFormat, set[str]] = {
    "json": {"", "json", "jsonc", "json5"},
    "csv": {"", "csv", "text", "txt"},
    "markdown": {"md", "markdown"},
    "text": {"", "text", "txt", "plaintext"},
}


def reader(output_format: OutputFormat) -> Callable[[str], JsonValue]:
    """What reads an answer in this format: json gives the value, the others their text without a code fence.

    Each raises Unreadable.
    """
    return {"json": read_json, "csv": _read_csv, "markdown": _read_markdown, "text": _read_text}[output_format]


def read_json(text: str) -> JsonValue:
    """The JSON value an answer is, or has in its only code fence.

    Raises:
        Unreadable: it is no JSON.
    """
    try:
        value = cast("JsonValue", json.loads(unfenced(text, "json"), parse_constant=_no_constant))
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Unreadable("it has half of a surrogate pair in a string", kind="not valid JSON") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not valid JSON: {error}", kind="not valid JSON") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def typed_reader(schema: Schema) -> Callable[[str], JsonValue]:
    """What reads an answer as JSON that fits a schema; it raises Unreadable.

    Args:
        schema: a JSON Schema that `flaw_of_schema` has nothing against.
    """
    validator = _validator(schema)

    def read(text: str) -> JsonValue:
        value = read_json(text)
        errors = sorted(cast("Any", validator).iter_errors(value), key=lambda error: len(error.absolute_path))
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
    from jsonschema.validators import validator_for

    try:
        cast("Any", validator_for(dict(schema), default=_default())).check_schema(dict(schema))
    except SchemaError as error:
        return f"not a JSON Schema: at {error.json_path}: {error.message[:200]}"
    for reference in _references(schema):
        if not reference.startswith("#"):
            return f"references must stay inside the schema and begin with #, got {reference!r}"
        if not _resolves(schema, reference):
            return f"the reference {reference!r} leads nowhere"
    return None


def _validator(schema: Schema) -> "Validator":
    from jsonschema.validators import validator_for
    from referencing import Registry

    make = cast("Any", validator_for(dict(schema), default=_default()))
    # With a registry of its own it never fetches a schema from anywhere.
    return make(dict(schema), registry=cast("Any", Registry)())


def _default() -> Any:  # noqa: ANN401 (jsonschema's validators are classes made at run time)
    from jsonschema import Draft202012Validator

    return Draft202012Validator


def _references(node: object) -> list[str]:
    if isinstance(node, list):
        return [found for item in cast("list[object]", node) for found in _references(item)]
    if not isinstance(node, dict):
        return []
    mapping = cast("dict[str, object]", node)
    here = [value for key, value in mapping.items() if key in ("$ref", "$dynamicRef") and isinstance(value, str)]
    return here + [found for value in mapping.values() for found in _references(value)]


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


def _read_csv(text: str) -> str:
    body = unfenced(text, "csv").strip("\r\n")
    try:
        rows = list(csv.reader(io.StringIO(body, newline=""), strict=True))
    except csv.Error as error:
        raise Unreadable(f"it is not valid CSV: {error}", kind="not valid CSV") from None
    widths = [len(row) for row in rows]
    if not widths or not widths[0]:
        raise Unreadable("it has no rows", kind="CSV without rows")
    for number, width in enumerate(widths, start=1):
        if width != widths[0]:
            flaw = f"row {number} has {width} columns and the first row has {widths[0]}"
            raise Unreadable(flaw, kind="CSV whose rows differ in length")
    return body + "\n"


def _read_markdown(text: str) -> str:
    return _not_empty(unfenced(text, "markdown"))


def _read_text(text: str) -> str:
    return _not_empty(unfenced(text, "text"))


def _not_empty(text: str) -> str:
    if not text.strip():
        raise Unreadable("it is empty", kind="empty")
    return text.strip("\r\n")


def unfenced(text: str, output_format: OutputFormat) -> str:
    """The text without a code fence around it.

    Of JSON and CSV also what stands in the only fence of an answer that has words around it.
    """
    stripped = text.strip()
    fences = [match for match in _FENCE.finditer(stripped) if match[2].lower() in _FENCE_NAMES[output_format]]
    if len(fences) != 1:
        return text
    whole = fences[0].span() == (0, len(stripped))
    return fences[0][3] if whole or output_format in ("json", "csv") else text
