"""Values with expressions in them: `${ … }` in the texts of a document.

A text that is one expression and nothing else becomes that expression's value, of whatever type. In a longer text an
expression is replaced by its value as text: a text as it is, null by nothing, everything else by its JSON. `$${` stands
for `${` itself.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from intermezzo.pipelines.allowance import Allowance
from intermezzo.pipelines.expressions import BadExpression, Expression
from intermezzo.pipelines.flaws import Path

_BYTES_OF_A_VALUE = 8
_QUOTES = re.compile(r"'''|\"\"\"|'|\"")


@dataclass(frozen=True, slots=True)
class Placed:
    """An expression, and where in the document it is."""

    expression: Expression
    path: Path
    nth: int
    """Which `${` of its text."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text with expressions in it."""

    parts: tuple[str | Expression, ...]

    def value(self, values: Mapping[str, JsonValue], allowance: Allowance) -> JsonValue:
        """What it becomes."""
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].evaluate(values, allowance)
        told: list[str] = []
        for part in self.parts:
            told.append(part if isinstance(part, str) else as_text(part.evaluate(values, allowance)))
            allowance.take_bytes(len(told[-1]))
        return "".join(told)


Template = Text | dict[str, "Template"] | list["Template"] | str | int | float | bool | None
"""A value of a document whose texts have been looked through."""

Compile = Callable[[str, Path, int], Expression]
"""Makes the n-th expression of the text at a path."""


def compiled(value: JsonValue, path: Path, compile: Compile) -> Template:
    """Look for expressions in a value.

    Raises:
        BadExpression: by `compile`, or when a `${` has no end.
    """
    if isinstance(value, str):
        return _text(value, path, compile)
    if isinstance(value, dict):
        return {key: compiled(item, (*path, key), compile) for key, item in value.items()}
    if isinstance(value, list):
        return [compiled(item, (*path, index), compile) for index, item in enumerate(value)]
    return value


def filled(template: Template, values: Mapping[str, JsonValue], allowance: Allowance | None = None) -> JsonValue:
    """The value that a template becomes.

    Args:
        allowance: what it may take, with others; one of its own if left out.

    Raises:
        ExpressionFailed: an expression has no value.
        ExpressionTooCostly: it takes or gives too much.
    """
    allowance = allowance or Allowance()
    if isinstance(template, Text):
        return template.value(values, allowance)
    allowance.take_bytes(len(template) if isinstance(template, str) else _BYTES_OF_A_VALUE)
    if isinstance(template, dict):
        return {key: filled(item, values, allowance) for key, item in template.items()}
    if isinstance(template, list):
        return [filled(item, values, allowance) for item in template]
    return template


def expressions_in(template: Template) -> Iterator[Expression]:
    """Every expression of a template."""
    if isinstance(template, Text):
        yield from (part for part in template.parts if isinstance(part, Expression))
    elif isinstance(template, dict):
        for item in template.values():
            yield from expressions_in(item)
    elif isinstance(template, list):
        for item in template:
            yield from expressions_in(item)


def as_text(value: JsonValue) -> str:
    """A value inside of a longer text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _text(text: str, path: Path, compile: Compile) -> Template:
    parts: list[str | Expression] = []
    plain, at, nth = "", 0, 0
    while (found := text.find("${", at)) >= 0:
        if found > at and text[found - 1] == "$":
            plain += text[at : found - 1] + "${"
            at, nth = found + 2, nth + 1
            continue
        end = _end(text, found + 2)
        plain += text[at:found]
        if plain:
            parts.append(plain)
            plain = ""
        parts.append(compile(text[found + 2 : end], path, nth))
        at, nth = end + 1, nth + 1 + text.count("${", found + 2, end)
    plain += text[at:]
    if not parts:
        return plain
    return Text((*parts, plain) if plain else tuple(parts))


def _end(text: str, at: int) -> int:
    """Where the `}` is that ends the expression beginning at `at`: braces nest, and in quotes they do not count."""
    depth = 0
    while at < len(text):
        if (quote := _QUOTES.match(text, at)) is not None:
            raw = text[at - 1] in "rR"
            at = _after_quotes(text, quote.end(), quote[0], raw=raw)
            continue
        if text[at] == "}" and depth == 0:
            return at
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    raise BadExpression("a `${` has no `}` that ends it; write `$${` for the characters themselves")


def _after_quotes(text: str, at: int, quote: str, *, raw: bool) -> int:
    while at < len(text) and not text.startswith(quote, at):
        at += 2 if text[at] == "\\" and not raw else 1
    return at + len(quote)
