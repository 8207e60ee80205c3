"""Texts and numbers for any schema, as a simulated worker writes them. Called by the sampler."""

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import count

from pydantic import JsonValue

from intermezzo.human_steps.closed_options import number
from intermezzo.human_steps.patterns import matching_texts
from intermezzo.human_steps.schema_definition import Node

TEST_TEXT = "test response"
"""What a simulated worker writes (spec: CLIENTS.md section 7)."""

_OTHER_TEXTS = ("something else", "no idea", "quite another answer", "see above")

MAX_TEXT_CHARACTERS = 1_000_000
"""Longest text that is made up; no answer could hold more."""

MOST_NUMBERS = 24
"""Numbers below or between bounds that are tried."""

_FORMATTED: dict[str, Sequence[str]] = {
    "date": [f"2026-01-{day:02}" for day in range(1, 29)],
    "date-time": [f"2026-01-{day:02}T12:00:00Z" for day in range(1, 29)],
    "time": [f"12:{minute:02}:00Z" for minute in range(60)],
    "email": ["test@example.com", *(f"test{i}@example.com" for i in range(2, 30))],
    "uri": ["https://example.com/", *(f"https://example.com/{i}" for i in range(2, 30))],
    "uuid": [f"00000000-0000-4000-8000-{i:012}" for i in range(1, 30)],
    "ipv4": [f"192.0.2.{i}" for i in range(1, 30)],
    "ipv6": [f"2001:db8::{i:x}" for i in range(1, 30)],
}
"""Values of the formats, from the ranges reserved for examples."""


def texts(node: Node) -> Iterator[str]:
    """Texts that should fit a schema, the most natural first; the caller checks them."""
    least, most = int(number(node.get("minLength")) or 0), number(node.get("maxLength"))
    format = node.get("format")
    if isinstance(format, str) and format in _FORMATTED:
        values = _FORMATTED[format]
        yield from (_longer(value, format, least) for value in values)
    if isinstance(pattern := node.get("pattern"), str):
        yield from _text_lengths(TEST_TEXT, least, most)
        yield from matching_texts(pattern, least)
        return
    for text in (TEST_TEXT, *_OTHER_TEXTS):
        yield from _text_lengths(text, least, most)
    for i in count(2):
        yield from _text_lengths(f"{i} {TEST_TEXT}", least, most)


def _longer(value: str, format: str, least: int) -> str:
    if len(value) >= least or least > MAX_TEXT_CHARACTERS:
        return value
    if format == "uri":
        return f"{value}?q=".ljust(least, "a")
    return value.rjust(least, "a") if format == "email" else value


def _text_lengths(text: str, least: int, most: float | None) -> Iterator[str]:
    if least > MAX_TEXT_CHARACTERS:
        return
    long = text
    while len(long) < least:
        long = f"{long} {text}"
    yield text if least <= len(text) else long[:least]
    if most is not None and len(text) > most:
        yield text[: int(most)]


def numbers(node: Node, *, whole: bool) -> Iterator[int | float]:
    """Numbers that should fit a schema, the least first; the caller checks them."""
    bounds = {
        word: _fraction(node.get(word)) for word in ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
    }
    lows = [bound for bound in (bounds["minimum"], bounds["exclusiveMinimum"]) if bound is not None]
    highs = [bound for bound in (bounds["maximum"], bounds["exclusiveMaximum"]) if bound is not None]
    multiple = _fraction(node.get("multipleOf"))
    step = multiple or Fraction(1)
    if whole:
        step = Fraction(step.numerator)
    if not lows:
        top = min([Fraction(0), *(high / step for high in highs)])
        yield from (_plain(math.floor(top) * step - i * step) for i in range(MOST_NUMBERS))
        return
    low = max(lows)
    if not whole and multiple is None:
        yield _plain(low)
        high = min(highs, default=low + 2)
        yield from (_plain(low + (high - low) * Fraction(i, i + 1)) for i in range(1, MOST_NUMBERS))
    yield from (_plain((math.ceil(low / step) + i) * step) for i in count())


def _fraction(value: JsonValue) -> Fraction | None:
    plain = number(value)
    return None if plain is None else Fraction(str(plain))


def _plain(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)
