"""Patterns of text in JSON Schemas: matched in linear time, whoever wrote the pattern and the text.

Python's `re` can be made to run for years by a pattern like `(a+)+$`; the engine pydantic brings cannot. Called by
whatever checks schemas of answers: of people and of models.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from pydantic_core import SchemaError, SchemaValidator, core_schema

if TYPE_CHECKING:
    from jsonschema import ValidationError

MAX_PATTERN_CHARACTERS = 500
"""Longest pattern an author may write."""

MAX_MATCHED_CHARACTERS = 20_000
"""Longest text of a person that a pattern accepts: the time of a match grows with the product of both."""

Keyword = Callable[[object, str, object, object], "Iterator[ValidationError]"]
"""A keyword as the `jsonschema` library has it: the validator, the pattern, the value, the schema."""


@dataclass(frozen=True)
class LinearPattern:
    """A compiled pattern, or the reason why it cannot be one."""

    flaw: str | None
    _validator: SchemaValidator | None

    def matches(self, text: str) -> bool:
        """Whether the pattern is found anywhere in the text, as JSON Schema has it."""
        return self._validator is not None and self._validator.isinstance_python(text)


@lru_cache(maxsize=32)
def linear_pattern(pattern: str) -> LinearPattern:
    """Compile a pattern."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        return LinearPattern(f"expected at most {MAX_PATTERN_CHARACTERS} characters, got {len(pattern)}", None)
    try:
        return LinearPattern(None, SchemaValidator(core_schema.str_schema(pattern=pattern)))
    except SchemaError as error:
        return LinearPattern(" ".join(str(error).split()).rpartition("rror: ")[2].rstrip("."), None)


def pattern_keyword(*, most_characters: int | None = None) -> Keyword:
    """The keyword `pattern` for a validator of the `jsonschema` library.

    Args:
        most_characters: a longer text matches nothing.
    """

    def check(_: object, pattern: str, value: object, _schema: object) -> "Iterator[ValidationError]":
        from jsonschema import ValidationError

        if not isinstance(value, str):
            return
        too_long = most_characters is not None and len(value) > most_characters
        if too_long or not linear_pattern(pattern).matches(value):
            yield ValidationError(f"{value!r} does not match {pattern!r}")

    return check
