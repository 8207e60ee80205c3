"""Writing numbers as a workbook shows them: percent, currencies, decimals; called by `document_xlsx`."""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|\[\$(?P<currency>[^\]-]*)[^\]]*\]|(?P<left_out>[_*].|\[[A-Za-z]\w*\])|(?P<code>.)',
    re.DOTALL,
)
_DIGITS = "0#?.,"
_LITERALS = " $€£¥-+()%:'"
_MOST_CHARACTERS = 100
_NUMBER = re.compile(r"[0#?,]*(?:\.[0#?]{0,15})?")
_LARGEST = 1e15
"""Beyond, a float has no whole-number precision, and a person sees an exponent."""


def shown(value: float, number_format: str) -> str:
    """A number as a person sees it.

    Args:
        value: the number.
        number_format: as the workbook has it, such as `#,##0.00 "€"`; what is none of digits, currencies and percent
            is not followed.
    """
    sections = _sections(number_format) if number_format != "General" else None
    if not abs(value) < _LARGEST or sections is None:
        return _plain(value)
    # For positive numbers, negative ones and zero.
    section = sections[0]
    if value < 0 and len(sections) > 1:
        section, value = sections[1], -value
    elif value == 0 and len(sections) > 2:  # noqa: PLR2004
        section = sections[2]
    try:
        return section.written(value)
    except ArithmeticError:  # more digits than decimals have
        return _plain(value)


def _plain(value: float) -> str:
    return str(int(value)) if abs(value) < _LARGEST and float(value).is_integer() else str(value)


class _Section:
    """One part of a format, prepared once for all the numbers it is for."""

    def __init__(self, before: str, after: str, digits: str) -> None:
        placeholders = digits.rstrip(",")
        whole, point, decimals = placeholders.partition(".")
        self.usable = bool(_NUMBER.fullmatch(placeholders))
        self._before, self._after, self._empty = before, after, not placeholders
        # Percent signs, and commas at the end, which stand for thousands.
        self._exponent = 2 * (before + after).count("%") - 3 * (len(digits) - len(placeholders))
        self._quantum = Decimal(1).scaleb(-len(decimals))
        self._grouping = "{:,f}" if "," in whole else "{:f}"
        self._least_whole = whole.count("0")
        self._optional_decimals = len(decimals) - decimals.count("0")
        self._always_point = bool(point) and "0" in decimals

    def written(self, value: float) -> str:
        """A number in this format."""
        if self._empty:
            return self._before
        exact = Decimal(repr(value))
        if self._exponent:
            exact = exact.scaleb(self._exponent)
        rounded = exact.quantize(self._quantum, ROUND_HALF_UP)
        text = self._grouping.format(abs(rounded))
        if self._optional_decimals:
            optional = text[-self._optional_decimals :].rstrip("0")
            text = text[: -self._optional_decimals] + optional
            text = text if self._always_point else text.removesuffix(".")
        if self._least_whole != 1:
            front, point, back = text.partition(".")
            front = front.zfill(self._least_whole) if self._least_whole else front.removeprefix("0")
            text = front + point + back
        return f"{'-' if rounded < 0 else ''}{self._before}{text}{self._after}"


@lru_cache(1000)
def _sections(number_format: str) -> list[_Section] | None:
    """The parts of a format, or None where it is for dates, text, fractions, or too odd."""
    if len(number_format) > _MOST_CHARACTERS:
        return None
    sections: list[_Section] = []
    before = after = digits = ""
    for token in _TOKEN.finditer(f"{number_format};"):
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if kind == "code" and text == ";":
            sections.append(_Section(before, after, digits))
            if not sections[-1].usable:
                return None
            before = after = digits = ""
        elif kind == "code" and text in _DIGITS and not after:
            digits += text
        elif kind == "code" and text not in _LITERALS:
            return None if len(sections) < 3 else sections  # noqa: PLR2004 (the fourth is for text)
        elif kind != "left_out" and digits:
            after += text
        elif kind != "left_out":
            before += text
    return sections or None
