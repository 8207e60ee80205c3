"""Telling phone numbers from the other digits in a text; called by `pii_patterns`.

Numbers are written in hundreds of national habits, so a candidate is judged by its prefix, by the shape of
its groups, and by the word next to it: "phone" and "call" speak for it, "order" and "card" against. Digits
that could start no number, and have no such word, are passed over by the pattern alone.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator

_SPACE = "[ \u00a0\u202f]"
_BREAK = "[-\u2010-\u2013./]"
_SEPARATOR = "[- \u00a0\u202f\u2010-\u2013./]"
_BOUNDARY = r"(?<![A-Za-z0-9_$€£%@])(?<![0-9][.,:/\-\u2010-\u2013])"
_DIGITS = "[0-9]{%s}+(?![0-9])"
# Possessive all the way: a candidate is the longest one or none, and no run of digits is split in two ways.
_CANDIDATE = re.compile(
    rf"{_BOUNDARY}(?:\(?\+|\()?(?:0\){_SPACE}?)?{_DIGITS % '1,16'}\)?"
    rf"(?:(?:{_SPACE}{{1,2}}|{_SPACE}?{_BREAK}{_SPACE}?|(?<=\)))(?:{_SPACE}?\(0\){_SPACE}?)?"
    rf"\(?{_DIGITS % '2,16'}\)?){{0,7}}+"
)
_SPEAKS_FOR_ITSELF = re.compile(
    rf"{_BOUNDARY}(?=[+(0]\+?(?:(?:\){_SEPARATOR}{{0,2}}|{_SEPARATOR}{{0,2}}\(?)[0-9]){{6}}"
    r"|(?:1[ .-])?[1-9][0-9]{2}[ .-][0-9]{3}[ .-][0-9]{4})"
)
_GROUP = re.compile(r"[0-9]+")
_EXTENSION = re.compile(r"[ ,;]{0,2}(?:x|ext\.?|extension)[ ]?[0-9]{1,6}(?![A-Za-z0-9])", re.IGNORECASE)
_LABEL = re.compile(
    r"\b(?:(?P<other>account|order|invoice|tracking|serial|card|case|ticket|ref(?:erence)?|model|part|iban|passport|"
    r"social security|ssn|id|version|isbn|policy|flight|zip|item|sku|routing|address|li[cs]en[cs]e)s?"
    r"(?: (?:number|no)s?\b)?|"
    r"(?:tele)?phones?|mobile|cell|fax|tel|desk|call(?:ed|ing|s)?|dial|ring|whatsapp|sms|text(?:ed)?|reach|"
    r"numbers?|contact|answering|messages?|hotline|landline|handy|telefono?|telefoon|t\u00e9l|tfno?|m\u00f3vil|"
    r"celular|portable)\b",
    re.IGNORECASE,
)
_LABEL_BEHIND = re.compile(r"[ ,(\u2013-]{1,3}(?:office|mobile|fax|cell|home|desk|work)\b", re.IGNORECASE)
_LABEL_REACH = 40
# How many digits a number of each kind has, prefixes included; E.164 allows 15, and "(0)" may come on top.
_DIGITS_ANY = range(7, 18)
_DIGITS_INTERNATIONAL = range(8, 17)
_DIGITS_ZONES_1_AND_7 = 11
_DIGITS_EXIT_CODE = range(9, 18)
_DIGITS_TRUNK = range(9, 13)
_DIGITS_AREA = range(8, 13)
_DIGITS_LABELLED = range(7, 14)
_LONGEST = 48


def find_phones(text: str) -> Iterator[tuple[int, int, float]]:
    """Phone numbers, international or national, with an extension where there is one.

    Yields:
        Start, end and score of each; the same number may come twice.
    """
    labels = _Labels(text)
    position = 0
    while start := _SPEAKS_FOR_ITSELF.search(text, position):
        found = _number_at(text, start.start(), label=labels.before(start.start()))
        if found:
            yield found
        position = found[1] if found else start.start() + 1
    for start, end in labels.reaches():
        yield from _labelled(text, start, end)
    for behind in _LABEL_BEHIND.finditer(text):
        for candidate in _CANDIDATE.finditer(text, max(0, behind.start() - _LONGEST), behind.start()):
            found = _number_at(text, candidate.start(), label=True)
            if found and found[1] == behind.start():
                yield found


def _labelled(text: str, position: int, limit: int) -> Iterator[tuple[int, int, float]]:
    """Numbers that start between two places where a word before them speaks for phone numbers."""
    while (match := _CANDIDATE.search(text, position, limit + _LONGEST)) and match.start() < limit:
        found = _number_at(text, match.start(), label=True)
        if found:
            yield found
        position = found[1] if found else match.start() + 1


class _Labels:
    """The words that say what a number is, found in one pass."""

    def __init__(self, text: str) -> None:
        found = [(match.start(), match.end(), match["other"] is None) for match in _LABEL.finditer(text)]
        self.starts = [start for start, _, _ in found]
        self.ends = [end for _, end, _ in found]
        self.for_phone = [for_phone for _, _, for_phone in found]

    def before(self, position: int) -> bool | None:
        """Whether the last word before speaks for a phone number; None where there is no such word."""
        index = bisect_right(self.ends, position) - 1
        if index < 0 or position - self.ends[index] > _LABEL_REACH:
            return None
        return self.for_phone[index]

    def reaches(self) -> Iterator[tuple[int, int]]:
        """Where a word that speaks for phone numbers counts: to its reach, or to the next word."""
        next_starts = [*self.starts[1:], float("inf")]
        for end, next_start, for_phone in zip(self.ends, next_starts, self.for_phone, strict=False):
            if for_phone:
                yield end, int(min(end + _LABEL_REACH, next_start))


def _number_at(text: str, start: int, *, label: bool | None) -> tuple[int, int, float] | None:
    """The phone number that starts here, if one does.

    Groups at the end may belong to something else, so they are dropped one by one, at spaces only.
    """
    match = _CANDIDATE.match(text, start)
    if match is None:
        return None
    groups = [group.span() for group in _GROUP.finditer(match[0])]
    while groups:
        end = start + groups[-1][1]
        score = _score(text[start:end], [last - first for first, last in groups], label=label)
        if score:
            extension = _EXTENSION.match(text, end)
            return start, extension.end() if extension else end, score
        if not text[start + groups[-1][0] - 1].isspace():
            return None
        groups.pop()
    return None


def _score(number: str, lengths: list[int], *, label: bool | None) -> float:
    total = sum(lengths)
    if total not in _DIGITS_ANY or _is_something_else(number, lengths):
        return 0.0
    if "+" in number[:2]:
        return 0.9 if _international(number, total) else 0.0
    if _north_american(number, lengths):
        return 0.75
    if label is False:
        return 0.0
    if _national(number, lengths, total):
        return 0.6
    return 0.5 if label and total in _DIGITS_LABELLED else 0.0


def _international(number: str, total: int) -> bool:
    first = number.lstrip("(+")[:1]
    if first in ("1", "7"):
        return total == _DIGITS_ZONES_1_AND_7
    return first != "0" and total in _DIGITS_INTERNATIONAL


def _north_american(number: str, lengths: list[int]) -> bool:
    if lengths == [3, 7]:
        return number[0] == "(" and number[1] != "0"
    return lengths in ([3, 3, 4], [1, 3, 3, 4]) and number.lstrip("(")[0] != "0"


def _national(number: str, lengths: list[int], total: int) -> bool:
    """A trunk prefix (0) or exit code (00), or an area code in brackets, and more than one group."""
    if len(lengths) == 1:
        return False
    if number[0] == "(":
        return total in _DIGITS_AREA
    if number.startswith("00"):
        return number[2:3] != "0" and total in _DIGITS_EXIT_CODE
    return number[0] == "0" and lengths[0] > 1 and total in _DIGITS_TRUNK


_DOTTED_QUAD = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_DATE = re.compile(r"(?:[12][0-9]{3}([-./])[0-9]{2}\1[0-9]{2}|[0-9]{2}([-./])[0-9]{2}\2[12][0-9]{3})(?![0-9])")


def _is_something_else(number: str, lengths: list[int]) -> bool:
    """Dates, social security numbers and IPv4 addresses have their own shapes; one digit alone is filler."""
    if lengths == [3, 2, 4] or _DATE.match(number) or len(set(filter(str.isdigit, number))) == 1:
        return True
    return _DOTTED_QUAD.fullmatch(number) is not None
