"""Telling phone numbers from the other digits in a plain text; called by `pii_findings`.

Numbers are written in hundreds of national habits, so a candidate is judged by its prefix, by the shape of
its groups, and by the word next to it: "phone" and "call" speak for it, "order" and "card" against.

The numbering plans of libphonenumber do not help: of the numbers with a country code in three synthetic sets they call
9 to 60 % invalid, while of random numbers with 8 to 12 digits 93 to 100 % are valid in one of 22 countries.
"""

import re
from collections.abc import Iterator, Sequence
from operator import itemgetter

from intermezzo.primitives.pii_labels import label_before
from intermezzo.primitives.pii_text import Span

# A plus, a bracket or a digit that is not in the middle of something, and six or more digits with little in between.
_CANDIDATE = re.compile(
    r"[+(0-9](?<![A-Za-z0-9_$€£¥%@〒][+(0-9])(?<![0-9][.:-][+(0-9])(?:(?<=\()\+)?(?:[- ./()]{0,3}+[0-9]){6,17}+"
)
_NORTH_AMERICAN = re.compile(
    r"\(?(?:1[-. ]{0,2}\(?)?[1-9][0-9]{2}(?:\)[-. /]{0,3}|[-. /]{1,3})[0-9]{3}[-. /]{1,3}[0-9]{4}"
    r"(?![-.]?[0-9]|(?!x|ext)[A-Za-z_])"
    r"|\([1-9][0-9]{2}\)[-. ]?[0-9]{7}(?![-.]?[0-9]|(?!x|ext)[A-Za-z_])"
)
_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"
# IPv4 addresses, social security numbers, days with and without a time, years in brackets, opening hours,
# post codes as in "TX 75001-1234", amounts, degrees.
_SOMETHING_ELSE = re.compile(
    rf"(?:[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}(?!\.[0-9])|[0-9]{{3}}([-. ])[0-9]{{2}}\1[0-9]{{4}}(?![- .][0-9])"
    rf"|{_YEAR}([-./ ]){_MONTH}\2{_DAY}|[0-9]{{1,2}}([-./ ])[0-9]{{1,2}}\3{_YEAR}"
    rf"|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{{6}})?|\( ?{_YEAR}(?: ?- ?{_YEAR})? ?\)"
    r"|[0-9]{1,2}\.[0-9]{2} ?- ?[0-9]{1,2}\.[0-9]{2}(?!\.)|(?<=[A-Z]{2} )[0-9]{5}-[0-9]{4}"
    r"|[0-9]{1,12}+\.[0-9]{2}(?![-./ ][0-9])|\+[0-9]{1,3}\.[0-9]{4,7}(?![-.][0-9]))(?![0-9])"
)
_GROUP = re.compile("[0-9]+")
_BREAKS_OFF = re.compile("[-./] ?[-./]")
_EXTENSION = re.compile(
    r"[ ,;]{0,2}(?:x|ext\.?|extn\.?|extension|poste|durchwahl|#)[ .:]{0,2}[0-9]{1,6}(?![A-Za-z0-9])", re.IGNORECASE
)
_LABEL_BEHIND = re.compile(
    r"[ ,(|-]{1,3}(?:office|mobile|fax|cell|home|desk|work|phone|tel|telefon|handy|portable|móvil)\b", re.IGNORECASE
)
_RUNS_ON = re.compile("[A-Za-z0-9_]")
_LOOSE = " /("
"""Where one number may end and another begin; at a dot or a hyphen none does."""

# How many digits a number of each kind has, prefixes included; E.164 allows 15, and "(0)" may come on top.
_DIGITS_ANY = range(7, 18)
_DIGITS_INTERNATIONAL = range(8, 16)
_DIGITS_ZONES_1_AND_7 = 11
_DIGITS_EXIT_CODE = range(9, 18)
_DIGITS_TRUNK = range(9, 16)
_DIGITS_TRUNK_ALONE = range(10, 12)
_DIGITS_AREA = range(8, 13)
_DIGITS_PLAIN = range(7, 14)
_MOST_GROUPS, _MOST_GROUPS_PLAIN = 8, 6
_MOST_ALONE, _MOST_ALONE_PLAIN = 2, 1
"""Groups of one digit, as in "+33 (0)1": more of them are a list."""

# How sure the shape of a number makes that it is a phone's. A plain one needs a label besides.
_SURE, _FAMILIAR, _NATIONAL, _ODD, _PLAIN = 0.9, 0.75, 0.6, 0.45, 0.1
_LABELLED, _PLAIN_LABELLED = 0.1, 0.65

_SURENESS = itemgetter(1)
Shape = tuple[int, float]
"""Where a number may end, and how sure its form alone makes that it is a phone's."""


def find_phones(text: str) -> Iterator[Span]:
    """Phone numbers, international or national, with an extension where there is one."""
    position = 0
    while match := _CANDIDATE.search(text, position):
        start = match.start()
        if other := _SOMETHING_ELSE.match(text, start):
            position = other.end()
            continue
        american = _NORTH_AMERICAN.match(text, start)
        shapes = [(american.end(), _FAMILIAR)] if american else _shapes(text, start, match.end())
        found = _number_of(text, start, shapes) if shapes else None
        if found:
            yield found
        position = found[1] if found else _after_digits(text, start)


def _after_digits(text: str, start: int) -> int:
    """Where the first group of digits from `start` ends."""
    group = _GROUP.search(text, start)
    return group.end() if group else len(text)


def _number_of(text: str, start: int, shapes: list[Shape]) -> Span | None:
    """The phone number that starts here, if what is written around it does not say otherwise."""
    end, shape = max(shapes, key=_SURENESS)
    if shape == _SURE:
        return _whole(text, start, end, shape)
    label = label_before(text, start)
    if label and label.adjacent and label.kind not in ("phone", "unknown"):
        return None
    labelled = label is not None and label.kind == "phone"
    if shape != _PLAIN:
        return _whole(text, start, end, shape + _LABELLED * labelled)
    if not labelled:
        end = next((end for end, _ in shapes if _LABEL_BEHIND.match(text, end)), 0)
    return _whole(text, start, end, _PLAIN_LABELLED) if end else None


def _shapes(text: str, start: int, limit: int) -> list[Shape]:
    """What the groups of digits from `start` to `limit` may be: all of them, and without the last ones.

    Groups at the end may belong to something else.
    """
    groups = [group.span() for group in _GROUP.finditer(text, start, limit)]
    if _RUNS_ON.match(text, limit) and not _EXTENSION.match(text, limit):
        groups.pop()  # the last is the start of something longer
    lengths = [last - first for first, last in groups[:_MOST_GROUPS]]
    total, found = sum(lengths), list[Shape]()
    while total >= _DIGITS_ANY.start:
        end = groups[len(lengths) - 1][1]
        if total in _DIGITS_ANY and lengths.count(1) <= _MOST_ALONE and (end == limit or text[end] in _LOOSE):
            shape = _shape(text[start:end], lengths, total)
            if shape:
                found.append((end, shape))
            if shape > _ODD:
                break
        total -= lengths.pop()
    return found


def _whole(text: str, start: int, end: int, score: float) -> Span:
    """With its extension, and without a bracket that only opens."""
    if text[start] == "(" and ")" not in text[start:end]:
        start += 1
    extension = _EXTENSION.match(text, end)
    return start, extension.end() if extension else end, score


def _shape(number: str, lengths: Sequence[int], total: int) -> float:
    """How sure its form alone makes that this is a phone number, 0 if it can be none."""
    if "+" in number[:2]:
        return _international(number, total)
    if number.count(number[-1]) == total or _BREAKS_OFF.search(number):
        return 0
    if _national(number, lengths, total):
        return _NATIONAL
    even = len(lengths) <= _MOST_GROUPS_PLAIN and lengths.count(1) <= _MOST_ALONE_PLAIN
    return _PLAIN if even and total in _DIGITS_PLAIN else 0


def _international(number: str, total: int) -> float:
    """A country code and what follows it; of zones 1 and 7 it is known how much that is.

    None begins with 0, but people write "+0151 …".
    """
    digits = number.lstrip("(+ ")
    if total - ("(0)" in number) not in _DIGITS_INTERNATIONAL or digits.startswith("0."):
        return 0
    odd = digits[0] == "0" or (digits[0] in "17" and total != _DIGITS_ZONES_1_AND_7)
    return _ODD if odd else _SURE


def _national(number: str, lengths: Sequence[int], total: int) -> bool:
    """A trunk prefix (0) or exit code (00), or an area code in brackets."""
    if len(lengths) == 1:
        return total in _DIGITS_TRUNK_ALONE and number[0] == "0" != number[1]
    if number[0] == "(":
        return total in _DIGITS_AREA
    if number.startswith("00"):
        return number[2:3] != "0" and total in _DIGITS_EXIT_CODE
    return number[0] == "0" and lengths[0] > 1 and total in _DIGITS_TRUNK
