"""Finding social security, card, account and passport numbers in a plain text; called by `pii_findings`.

Check digits decide where a number has them, the word before it where it has none.
"""

import re
from collections.abc import Iterator
from string import ascii_uppercase

from intermezzo.primitives.pii_labels import is_labelled, label_before
from intermezzo.primitives.pii_text import Span

_SSN = re.compile(
    r"([0-9]{3})(?<![A-Za-z0-9_-][0-9]{3})(?<![0-9]\.[0-9]{3})([-. ]?)([0-9]{2})\2([0-9]{4})"
    r"(?![A-Za-z0-9_-])(?!\.[0-9])"
)
_SSN_SHAPE_SCORE = 0.85
_SSN_LABEL_SCORE = 0.8


def find_ssns(text: str) -> Iterator[Span]:
    """US social security numbers.

    Without separators only where the text says so. There also those of 9xx, which are given to taxpayers without a
    social security number, and to people in examples.
    """
    for match in _SSN.finditer(text):
        area, separator, group, serial = match.groups()
        if area in ("000", "666") or group == "00" or serial == "0000":
            continue
        if separator and area[0] != "9":
            yield *match.span(), _SSN_SHAPE_SCORE
        elif is_labelled(text, match.start(), "ssn"):
            yield *match.span(), _SSN_LABEL_SCORE


_CARD = re.compile(
    r"[0-9](?<![A-Za-z0-9_+][0-9])(?<![0-9]\.[0-9])"
    r"(?:[0-9]{11,18}+(?![A-Za-z0-9_])"
    r"|[0-9]{3}([ .-])(?:[0-9]{6}\1[0-9]{4,5}|[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,4})?(?:\1[0-9]{1,3})?)(?![0-9]))"
)
# First digits in use, by the number of digits (ISO/IEC 7812). Two thirds of what only happens to pass Luhn's
# check, timestamps and serial numbers above all, begins with others.
_ISSUED = {
    12: re.compile("0604|5[06-8]|6"),
    13: re.compile("4"),
    14: re.compile("3[0689]"),
    15: re.compile("3[47]|1800|2131"),
    16: re.compile("2[2-7]|[3456]"),
    18: re.compile("5[06-8]|6"),
    19: re.compile("4|5[06-8]|6"),
}
_DIGITS_OF_A_GROUP = 4
_DIGITS_OF_MOST_CARDS = 15
_SHORTEST_GROUPED = 14
"""Characters of twelve digits and two separators."""
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def find_cards(text: str) -> Iterator[Span]:
    """Payment card numbers of 12 to 19 digits, in one run or in their usual groups."""
    position = 0
    while match := _CARD.search(text, position):
        start = match.start()
        position = start + _DIGITS_OF_A_GROUP
        for number in _readings(match[0], match[1]):
            if score := _card_score(text, start, number.replace(match[1] or " ", "")):
                position = start + len(number)
                yield start, position, score
                break


def _readings(number: str, separator: str | None) -> Iterator[str]:
    """The number whole, then without its last groups: they may be the security code, a year, a price."""
    yield number
    while separator and len(number := number.rpartition(separator)[0]) >= _SHORTEST_GROUPED:
        yield number


def _card_score(text: str, start: int, digits: str) -> float:
    """How sure it is that these are the digits of a card; 0 if they are not."""
    if not luhn(digits):
        return 0
    prefixes = _ISSUED.get(len(digits))
    issued = prefixes is not None and prefixes.match(digits) is not None
    if (issued and len(digits) >= _DIGITS_OF_MOST_CARDS) or is_labelled(text, start, "card"):
        return 0.95
    label = label_before(text, start)
    return 0.6 if issued and not (label and label.adjacent) else 0


def luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    data = digits.encode()
    total = sum(data[-1::-2]) + sum(data[-2::-2].translate(_DOUBLED)) - len(data) * ord("0")
    return total % 10 == 0 and len(set(digits)) > 1


IBAN_LENGTHS = {
    country: int(length)
    for length, countries in (
        row.split(":")
        for row in (
            "15:NO", "16:BE", "18:DK FI FK FO GL NL SD", "19:MK SI", "20:AT BA EE KZ LT LU MN XK",
            "21:CH HR LI LV", "22:BG BH CR DE GB GE IE ME RS VA", "23:AE GI IL IQ OM SO TL",
            "24:AD CZ ES MD PK RO SA SE SK TN VG", "25:LY PT ST", "26:IS TR",
            "27:BI DJ FR GR IT MC MR SM", "28:AL AZ BY CY DO GT HN HU LB NI PL SV",
            "29:BR EG PS QA UA", "30:JO KW MU YE", "31:MT SC", "32:LC", "33:RU",
        )
    )
    for country in countries.split()
}  # fmt: skip
"""Length of an IBAN by country, from the SWIFT registry."""

# The check digits come first in the pattern: few letters are followed by two digits.
_IBAN_START = re.compile(r"[0-9]{2}(?<=[A-Za-z]{2}[0-9]{2})(?<![A-Za-z0-9_][A-Za-z]{2}[0-9]{2})(?=[ -]?[A-Za-z0-9])")
_IBAN_PREFIX = 2
_IBAN_REST = {
    length: re.compile(rf"(?:[ -]?[A-Za-z0-9]){{{length - _IBAN_PREFIX}}}(?![A-Za-z0-9])")
    for length in set(IBAN_LENGTHS.values())
}
_LETTER_VALUES = {ord(letter): str(value) for value, letter in enumerate(ascii_uppercase, 10)}


def find_ibans(text: str) -> Iterator[Span]:
    """International bank account numbers: right length for the country, right check digits."""
    for match in _IBAN_START.finditer(text):
        start = match.start() - _IBAN_PREFIX
        length = IBAN_LENGTHS.get(text[start : match.start()].upper())
        rest = _IBAN_REST[length].match(text, match.start()) if length else None
        if rest and iban_valid(text[start : rest.end()].replace(" ", "").replace("-", "")):
            yield start, rest.end(), 1.0


def iban_valid(iban: str) -> bool:
    """Whether the check digits fit (ISO 7064, mod 97)."""
    return int((iban[4:] + iban[:4]).upper().translate(_LETTER_VALUES)) % 97 == 1


_PASSPORT_WORDS = (
    "pass",
    "pasap",
    "paspo",
    "pasz",
    "паспорт",
    "护照",
    "護照",
    "パスポート",
    "여권",
    "पासपोर्ट",
    "పాస్పోర్ట్",
)
# Six to nine letters and digits, or letters, a space and digits.
_PASSPORT = re.compile(
    r"(?<![A-Za-z0-9_])(?:(?=(?:[A-Za-z]*[0-9]){4})[A-Za-z0-9]{6,9}|[A-Z]{1,3}[ -][0-9]{5,8})(?![A-Za-z0-9_])"
)
_PASSPORT_BEHIND = re.compile(r" ?\((?:passport|passeport|reisepass|pasaporte|passaporto|paspoort)", re.IGNORECASE)
_DAY = re.compile("(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])")


def find_passports(text: str) -> Iterator[Span]:
    """Passport numbers next to a word for passport: they have no form of their own to be known by."""
    lowered = text.lower()
    if not any(word in lowered for word in _PASSPORT_WORDS):
        return
    for match in _PASSPORT.finditer(text):
        start, end = match.span()
        if not is_labelled(text, start, "passport") and not _PASSPORT_BEHIND.match(text, end):
            continue
        # "passport valid until 20301231"
        if _DAY.fullmatch(match[0]) and not ((label := label_before(text, start)) and label.adjacent):
            continue
        yield start, end, 0.85
