"""What counts as JSON here: plain, finite, storable, with one text per value.

Called by answers and consensus.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import JsonValue

MAX_INTEGER = 2**63 - 1
"""Largest whole number kept; beyond 64 bits other programs lose digits without a word."""


def plain_json(value: object, *, max_bytes: int, max_depth: int = 64, max_values: int = 10_000) -> JsonValue:
    """A value as plain JSON: a deep copy that any database and any client can hold.

    Args:
        value: what came.
        max_bytes: size limit of its JSON text.
        max_depth: how deep lists and objects may nest.
        max_values: how many values it may hold, nested ones counted.

    Raises:
        ValueError: it is no JSON, or too large; the message names the place.
    """
    copy = _Copy(max_bytes=max_bytes, max_depth=max_depth, max_values=max_values)
    plain = copy.value(value, "", 0)
    size_bytes = len(json.dumps(plain, ensure_ascii=False, separators=(",", ":")).encode())
    if size_bytes > max_bytes:
        raise ValueError(f"expected at most {max_bytes:,} bytes of JSON, got {size_bytes:,}")
    return plain


class _Copy:
    """One deep copy, with the limits it must stay within."""

    def __init__(self, *, max_bytes: int, max_depth: int, max_values: int) -> None:
        self._max_bytes = max_bytes
        self._max_depth = max_depth
        self._max_values = max_values
        self._seen_values = 0

    def value(self, value: object, path: str, depth: int) -> JsonValue:
        self._seen_values += 1
        if self._seen_values > self._max_values:
            raise ValueError(f"expected at most {self._max_values:,} values, got more")
        if depth > self._max_depth:
            raise ValueError(f"{path[:80]}: expected at most {self._max_depth} levels of nesting, got more")
        if isinstance(value, Mapping):
            return self._object(cast("Mapping[object, object]", value), path, depth)
        if isinstance(value, list | tuple):
            items = cast("Sequence[object]", value)
            return [self.value(item, join(path, index), depth + 1) for index, item in enumerate(items)]
        return self._scalar(value, path)

    def _object(self, value: Mapping[object, object], path: str, depth: int) -> JsonValue:
        copy: dict[str, JsonValue] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(  # noqa: TRY004 - one kind of error for whatever is no JSON
                    f"{path or 'answer'}: expected text as names of fields, got {shown(key)}"
                )
            copy[self._text(key, path)] = self.value(item, join(path, key), depth + 1)
        return copy

    def _scalar(self, value: object, path: str) -> JsonValue:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._text(value, path)
        if isinstance(value, int) and abs(value) <= MAX_INTEGER:
            return int(value)
        if isinstance(value, float) and math.isfinite(value):
            return float(value)
        number = isinstance(value, int | float)
        expected = "a finite number of at most 64 bits" if number else "a JSON value"
        came = shown(value) if number else type(value).__name__
        raise ValueError(f"{path or 'answer'}: expected {expected}, got {came}")

    def _text(self, value: str, path: str) -> str:
        if len(value) > self._max_bytes:
            raise ValueError(f"{path or 'answer'}: expected at most {self._max_bytes:,} bytes, got more")
        # Databases refuse both: PostgreSQL has no NUL in text, and a lone surrogate has no UTF-8.
        if "\x00" in value or (not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)):
            raise ValueError(f"{path or 'answer'}: expected text without NUL and half characters, got {shown(value)}")
        return str(value)


def join(path: str, part: object) -> str:
    """The path of a field inside the one at `path`: `boxes.0.label`."""
    return f"{path}.{part}" if path else str(part)


def shown(value: object, limit: int = 80) -> str:
    """A value as it may stand in a message: its `repr`, shortened."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def canonical_json(value: JsonValue) -> str:
    """The one JSON text of a value: `1` and `1.0` have the same, `1` and `true` do not."""
    return json.dumps(_canonical(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _canonical(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {name: _canonical(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_canonical(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
