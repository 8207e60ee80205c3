"""A text as a person reads it: full-width digits are digits, and what cannot be seen is not there.

Called by `pii_findings`: patterns are written for the plain text, findings are told in indexes of the original.
"""

import re
from bisect import bisect_right
from typing import NamedTuple, Self

Span = tuple[int, int, float]
"""Start, end and score of something found in a text."""

_ZEROS = (
    "\u0660\u06f0\u0966\u09e6\u0a66\u0ae6\u0be6\u0c66\u0ce6\u0d66\u0e50\u0ed0\U0001d7ce\U0001d7d8\U0001d7e2\U0001d7ec"
)
"""The zero of each script whose digits people write numbers with; nine more follow each."""
_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_HYPHENS = "\u2010\u2011\u2012\u2013\u2212\ufe63"
_PLAIN = {
    **{chr(ord(zero) + value): str(value) for zero in _ZEROS for value in range(10)},
    **{chr(0xFF01 + offset): chr(0x21 + offset) for offset in range(94)},  # the full-width forms of ASCII
    **dict.fromkeys(_SPACES, " "),
    **dict.fromkeys(_HYPHENS, "-"),
}
_UNUSUAL = re.compile(f"[{re.escape(''.join(_PLAIN))}]")

# Soft hyphens, joiners, zero-width spaces, marks of the writing direction, byte order marks.
_HIDDEN = "\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_INVISIBLE = re.compile(f"[{_HIDDEN}]")
# Between a word and a number it is what keeps them apart, as in languages that write no spaces.
_DIVIDES = re.compile(f"(?<=[A-Za-z])[{_HIDDEN}]+(?=[0-9])|(?<=[0-9])[{_HIDDEN}]+(?=[A-Za-z])")


class PlainText(NamedTuple):
    """A text in plain characters, and where each of them was in the original."""

    plain: str
    """ASCII digits, letters, spaces and hyphens in the place of their other forms; nothing invisible."""
    removed: tuple[int, ...]
    """For each character taken out, the index in `plain` of the one after it; in order."""

    @classmethod
    def of(cls, text: str) -> Self:
        """The plain form of a text: every other character stays as it is, in its place."""
        if text.isascii():
            return cls(text, ())
        plain = _UNUSUAL.sub(lambda match: _PLAIN[match[0]], text)
        if not _INVISIBLE.search(plain):
            return cls(plain, ())
        plain = _DIVIDES.sub(lambda match: " " * len(match[0]), plain)
        found = enumerate(_INVISIBLE.finditer(plain))
        return cls(_INVISIBLE.sub("", plain), tuple(match.start() - before for before, match in found))

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where the plain text from `start` to `end` is in the original."""
        if not self.removed:
            return start, end
        return start + bisect_right(self.removed, start), end + bisect_right(self.removed, end - 1)
