"""Writing numbers as a workbook shows them: percent, currencies, decimals; called by `document_xlsx`."""

import re
from dataclasses import dataclass
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
    sections = _sections(number_format)
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


@dataclass(frozen=True, slots=True)
class _Section:
    before: str
    after: str
    digits: str
    thousands: int
    """How often it is divided by a thousand."""

    def written(self, value: float) -> str:
        if not self.digits:
            return self.before
        whole, _, decimals = self.digits.partition(".")
        exact = Decimal(repr(value)) * 100 ** (self.before + self.after).count("%") / 1000**self.thousands
        rounded = exact.quantize(Decimal(1).scaleb(-len(decimals)), ROUND_HALF_UP)
        text = f"{abs(rounded):{',' if ',' in whole else ''}f}"
        front, point, back = text.partition(".")
        back = back[: decimals.count("0")] + back[decimals.count("0") :].rstrip("0")
        front = front.zfill(whole.count("0")) if whole.count("0") else front.removeprefix("0")
        sign = "-" if rounded < 0 else ""
        return f"{sign}{self.before}{front}{point if back or '0' in decimals else ''}{back}{self.after}"


@lru_cache(1000)
def _sections(number_format: str) -> list[_Section] | None:
    """The parts of a format, or None where it is for dates, text, fractions, or too odd."""
    if number_format == "General" or len(number_format) > _MOST_CHARACTERS:
        return None
    sections: list[_Section] = []
    before = after = digits = ""
    for token in _TOKEN.finditer(f"{number_format};"):
        kind, text = token.lastgroup, token[token.lastgroup or 0]
        if kind == "code" and text == ";":
            bare = digits.rstrip(",")
            if not _NUMBER.fullmatch(bare):
                return None
            sections.append(_Section(before, after, bare, len(digits) - len(bare)))
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
