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
# Of North America: 212-555-0143, (212) 555-0143. Of France: 01 84 17 61 18.
_WELL_KNOWN = re.compile(
    r"(?:\(?(?:1[-. ]{0,2}\(?)?[1-9][0-9]{2}(?:\)[-. /]{0,3}|[-. /]{1,3})[0-9]{3}[-. /]{1,3}[0-9]{4}"
    r"|\([1-9][0-9]{2}\)[-. ]?[0-9]{7}"
    r"|0[1-9]([-. ])(?:[0-9]{2}\1){3}[0-9]{2})(?![-.]?[0-9]|(?!x|ext)[A-Za-z_])"
)
_YEAR, _MONTH, _DAY = "(?:19|20)[0-9]{2}", "(?:0?[1-9]|1[0-2])", "(?:0?[1-9]|[12][0-9]|3[01])"
_SOMETHING_ELSE = (
    r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.[0-9])",  # an IPv4 address
    r"[0-9]{3}(?P<s>[-. ])[0-9]{2}(?P=s)[0-9]{4}(?!(?P=s)[0-9])",  # a social security number
    rf"{_YEAR}(?P<y>[-./ ]){_MONTH}(?P=y){_DAY}",
    rf"[0-9]{{1,2}}(?P<d>[-./ ])[0-9]{{1,2}}(?P=d){_YEAR}",
    rf"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{{6}})?",  # a day, with a time or without
    rf"\( ?{_YEAR}(?: ?- ?{_YEAR})? ?\)",
    r"[0-9]{1,2}\.[0-9]{2} ?- ?[0-9]{1,2}\.[0-9]{2}(?!\.)",  # opening hours
    r"(?<=[A-Z]{2} )[0-9]{5}-[0-9]{4}",  # a post code: TX 75001-1234
    r"[0-9]{1,12}+\.(?:[0-9]{2}|[0-9]{1,3}\.[0-9])(?![-./ ][0-9])",  # an amount, a version
    r"\+[0-9]{1,3}\.[0-9]{4,7}(?![-.][0-9])",  # degrees
    r"(?<=[0-9] )\+ [0-9]{1,17}",  # a sum
)
_NO_PHONE = re.compile(f"(?:{'|'.join(_SOMETHING_ELSE)})(?![0-9])")
_GROUP = re.compile("[0-9]+")
_BETWEEN = "- ./()"
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

# How sure the shape of a number makes that it is a phone's. A plain one needs a label besides.
_SURE, _FAMILIAR, _NATIONAL, _ODD, _PLAIN = 0.9, 0.75, 0.6, 0.45, 0.1
_LABELLED, _PLAIN_LABELLED = 0.1, 0.65

Reading = tuple[range, float]
"""How many digits a number with some prefix has, the prefix included, and how sure it is then."""
# E.164 allows 15 digits.
_AS_PLAIN: Reading = (range(7, 14), _PLAIN)
_INTERNATIONAL: tuple[Reading, ...] = ((range(8, 16), _SURE),)
_ZONES_1_AND_7: tuple[Reading, ...] = ((range(11, 12), _SURE), (range(8, 16), _ODD))
_NO_ZONE: tuple[Reading, ...] = ((range(8, 16), _ODD),)
"""No country code begins with 0, but people write "+0151 …"."""
_EXIT_CODE: tuple[Reading, ...] = ((range(9, 18), _NATIONAL), _AS_PLAIN)
_TRUNK: tuple[Reading, ...] = ((range(9, 16), _NATIONAL), _AS_PLAIN)
_TRUNK_ALONE: tuple[Reading, ...] = ((range(10, 12), _NATIONAL), _AS_PLAIN)
_AREA: tuple[Reading, ...] = ((range(8, 13), _NATIONAL), _AS_PLAIN)
_DIGITS_ANY = range(7, 18)
_MOST_GROUPS, _MOST_GROUPS_PLAIN = 8, 6
_MOST_ALONE, _MOST_ALONE_PLAIN = 2, 1
"""Groups of one digit, as in "+33 (0)1": more of them are a list."""

_SURENESS = itemgetter(1)
Shape = tuple[int, float]
"""Where a number may end, and how sure its form alone makes that it is a phone's."""


def find_phones(text: str) -> Iterator[Span]:
    """Phone numbers, international or national, with an extension where there is one."""
    position = 0
    while match := _CANDIDATE.search(text, position):
        start, limit = match.span()
        if other := _NO_PHONE.match(text, start):
            position = other.end()
            continue
        familiar = _WELL_KNOWN.match(text, start)
        shapes = [(familiar.end(), _FAMILIAR)] if familiar else _shapes(text, start, limit)
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
    number = text[start:limit]
    groups = _GROUP.findall(number)
    if _RUNS_ON.match(text, limit) and not _EXTENSION.match(text, limit):
        number = _without_last(number, groups.pop())  # the start of something longer
    lengths = list(map(len, groups))
    total, found = sum(lengths), list[Shape]()
    if total < _DIGITS_ANY.start or max(lengths[: _MOST_ALONE + 1]) == 1:
        return found
    readings = _readings(number, lengths)
    while total >= _DIGITS_ANY.start:
        end = start + len(number)
        if total in _DIGITS_ANY and (end == limit or text[end] in _LOOSE):
            shape = _shape(number, lengths, total, readings)
            if shape:
                found.append((end, shape))
            if shape > _ODD:
                break
        total -= lengths.pop()
        number = _without_last(number, groups.pop())
    return found


def _without_last(number: str, group: str) -> str:
    return number[: -len(group)].rstrip(_BETWEEN)


def _readings(number: str, lengths: Sequence[int]) -> tuple[Reading, ...]:
    """What a number may be by how it begins."""
    if "+" in number[:2]:
        digits = number.lstrip("(+ ")
        if digits.startswith("0."):
            return ()
        return _ZONES_1_AND_7 if digits[0] in "17" else _NO_ZONE if digits[0] == "0" else _INTERNATIONAL
    alone = len(lengths) == 1
    if number[0] == "(" and not alone:
        return _AREA
    if number[0] != "0" or lengths[0] == 1 or number.startswith("000"):
        return (_AS_PLAIN,)
    if number[1] == "0":
        return (_AS_PLAIN,) if alone else _EXIT_CODE
    return _TRUNK_ALONE if alone else _TRUNK


def _shape(number: str, lengths: Sequence[int], total: int, readings: tuple[Reading, ...]) -> float:
    """How sure its form alone makes that this is a phone number, 0 if it can be none."""
    dialled = total - ("(0)" in number)
    fitting = [sureness for digits, sureness in readings if dialled in digits]
    alone = lengths.count(1)
    if not fitting or alone > _MOST_ALONE:
        return 0
    if "+" not in number[:2] and (number.count(number[-1]) == total or _BREAKS_OFF.search(number)):
        return 0
    if fitting[0] == _PLAIN and (len(lengths) > _MOST_GROUPS_PLAIN or alone > _MOST_ALONE_PLAIN):
        return 0
    return fitting[0]


def _whole(text: str, start: int, end: int, score: float) -> Span:
    """With its extension, and without a bracket that only opens."""
    if text[start] == "(" and ")" not in text[start:end]:
        start += 1
    extension = _EXTENSION.match(text, end)
    return start, extension.end() if extension else end, score
