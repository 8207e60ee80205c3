"""Reading an answer as JSON, CSV or text, and refusing what is not."""

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal, NoReturn, cast

from pydantic import JsonValue

from intermezzo.llm.generate import Unreadable

OutputFormat = Literal["json", "csv", "markdown", "text"]

_OPENING = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*(\w*)[^`]*")
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
        Unreadable: it is no JSON, or names a field of an object twice.
    """
    try:
        parsed = json.loads(unfenced(text, "json"), parse_constant=_no_constant, object_pairs_hook=_object)
        value = cast("JsonValue", parsed)
        # Numbers beyond a float and halves of surrogate pairs are parsed, but nobody can write them down again.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise Unreadable("it has half of a surrogate pair in a string", kind="not valid JSON") from None
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"it is not valid JSON: {error}", kind="not valid JSON") from None
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _object(fields: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(fields)
    if len(value) < len(fields):
        [(twice, _)] = Counter(name for name, _ in fields).most_common(1)
        raise ValueError(f"an object has the field {twice[:100]!r} more than once")
    return value


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
    lines = text.strip().split("\n")
    fences = [inside for name, inside in _fences(lines) if name in _FENCE_NAMES[output_format]]
    if len(fences) != 1:
        return text
    [inside] = fences
    whole = inside == slice(1, len(lines) - 1)
    return "\n".join(lines[inside]) if whole or output_format in ("json", "csv") else text


def _fences(lines: list[str]) -> Iterator[tuple[str, slice]]:
    """The language of each code fence, in lower case, and the lines inside it."""
    mark = name = ""
    start = 0
    for number, line in enumerate(lines):
        if not mark:
            if opening := _OPENING.fullmatch(line):
                mark, name, start = opening[1], opening[2].lower(), number + 1
        elif line.strip(" \t\r") == mark:
            yield name, slice(start, number)
            mark = ""
