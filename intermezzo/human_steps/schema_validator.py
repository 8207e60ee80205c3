"""JSON Schema 2020-12 as answers are checked against it: the only place that knows the `jsonschema` library.

It is imported at first use, because it takes a quarter of a second and the command line must start fast.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Protocol, cast

from pydantic import JsonValue

from intermezzo.errors import DefinitionError
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.schema_definition import Node
from intermezzo.steps.linear_patterns import MAX_MATCHED_CHARACTERS, pattern_keyword

if TYPE_CHECKING:
    from jsonschema import FormatChecker, ValidationError


def check_schema(source: Node) -> None:
    """Refuse what is no JSON Schema 2020-12.

    Raises:
        DefinitionError: naming the place in the schema.
    """
    from jsonschema import Draft202012Validator, FormatChecker, SchemaError

    try:
        Draft202012Validator.check_schema(source, format_checker=FormatChecker(formats=()))
    except SchemaError as error:
        place = ".".join(str(part) for part in error.absolute_path) or "its top"
        raise DefinitionError(
            f"answer schema, at {place[:200]}: no JSON Schema 2020-12: {error.message[:200]}"
        ) from None


def flaws(schema: Node, value: JsonValue) -> "list[ValidationError]":
    """What is wrong with a value; empty if it is valid."""
    return list(_validator(schema).iter_errors(value))


def is_valid(schema: Node, value: JsonValue) -> bool:
    """Whether a value fits a schema."""
    return _validator(schema).is_valid(value)


def fitting(schema: Node, values: Sequence[JsonValue]) -> list[JsonValue]:
    """Those of many values that fit a schema."""
    validator = _validator(schema)
    return [value for value in values if validator.is_valid(value)]


class _Validator(Protocol):
    """What is used of a validator of the library, whose own types leave much unknown."""

    def iter_errors(self, instance: JsonValue) -> "Iterator[ValidationError]": ...
    def is_valid(self, instance: JsonValue) -> bool: ...


def _validator(schema: Node) -> _Validator:
    return _validator_class()(schema, format_checker=_format_checker())


@cache
def _validator_class() -> Callable[..., _Validator]:
    from jsonschema import Draft202012Validator, ValidationError, validators

    def unique_items(_: object, unique: object, value: object, _schema: object) -> "Iterator[ValidationError]":
        # The library compares items of unlike types pair by pair, which a long list makes very slow.
        if unique and isinstance(value, list):
            texts = [canonical_json(item) for item in cast("list[JsonValue]", value)]
            if len(set(texts)) < len(texts):
                yield ValidationError("items repeat")

    def multiple_of(_: object, step: float, value: object, _schema: object) -> "Iterator[ValidationError]":
        # The library divides floats, and finds that 0.07 is no multiple of 0.01.
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and Fraction(str(value)) % Fraction(str(step)):
            yield ValidationError(f"{value} is no multiple of {step}")

    own = {
        "pattern": pattern_keyword(most_characters=MAX_MATCHED_CHARACTERS),
        "uniqueItems": unique_items,
        "multipleOf": multiple_of,
    }
    extend = cast("Callable[..., Callable[..., _Validator]]", vars(validators)["extend"])
    return extend(Draft202012Validator, own)


def _is_date(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) is not None and bool(date.fromisoformat(text))


def _is_date_time(text: str) -> bool:
    shape = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)"
    if re.fullmatch(shape, text, re.ASCII) is None:
        return False
    return datetime.fromisoformat(re.sub(r"\.\d+", "", text).upper()).tzinfo is not None


def _is_time(text: str) -> bool:
    shape = r"\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)?"
    if re.fullmatch(shape, text, re.ASCII) is None:
        return False
    return bool(time.fromisoformat(re.sub(r"\.\d+", "", text).upper()).isoformat())


def _is_ip_address(text: str) -> bool:
    return bool(str(ipaddress.ip_address(text)))


def _has_shape(shape: str) -> Callable[[str], bool]:
    return lambda text: re.fullmatch(shape, text, re.ASCII) is not None


FORMATS: dict[str, Callable[[str], bool]] = {
    "date": _is_date,
    "date-time": _is_date_time,
    "time": _is_time,
    "email": _has_shape(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)+"),
    "uri": _has_shape(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+"),
    "uuid": _has_shape(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
    "ipv4": lambda text: "." in text and ":" not in text and _is_ip_address(text),
    "ipv6": lambda text: ":" in text and _is_ip_address(text),
}
"""The formats that are checked; others are annotations. Own checks, because those of the library come and go
with the packages that happen to be installed."""


@cache
def _format_checker() -> "FormatChecker":
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, check in FORMATS.items():
        checker.checks(name, raises=ValueError)(_for_text(check))
    return checker


def _for_text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)
