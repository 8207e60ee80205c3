"""Finding personal data of each type in a text; called by `pii_detect`.

One pass per type: a pattern proposes, a validator decides. Every pattern is bounded in what it can try at one
position and starts at a boundary, so a pass takes time in proportion to the text, whatever the text is.
"""

import re
from collections.abc import Callable, Collection, Iterator
from ipaddress import IPv6Address
from typing import Literal, NamedTuple

from intermezzo.primitives.pii_phones import find_phones

EntityType = Literal["EMAIL", "PHONE", "SSN", "CREDIT_CARD", "IBAN", "IPV4", "IPV6", "PASSPORT"]


class Finding(NamedTuple):
    """A span of the text that looks like personal data."""

    type: EntityType
    start: int
    end: int
    score: float


class Span(NamedTuple):
    """A finding before its type is added."""

    start: int
    end: int
    score: float


# Boundaries are ASCII: Chinese or Japanese text has no space before a number or an address.
_NOT_AFTER_WORD = r"(?<![A-Za-z0-9_])"
_NOT_BEFORE_WORD = r"(?![A-Za-z0-9_])"

_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u03ff\u0400-\u04ff"
_LOCAL_REVERSED = re.compile(rf"[{_LETTER}0-9_.%+'&=~/-]{{1,65}}")
_DOMAIN = re.compile(
    rf"@(?:[{_LETTER}0-9](?:[{_LETTER}0-9-]{{0,61}}[{_LETTER}0-9])?\.){{1,8}}"
    rf"(?:xn--[A-Za-z0-9-]{{2,59}}|[{_LETTER}]{{2,24}})(?![{_LETTER}0-9])"
)
_MAX_LOCAL = 64


def find_emails(text: str) -> Iterator[Span]:
    """E-mail addresses; those with letters beyond ASCII too."""
    for match in _DOMAIN.finditer(text):
        at = match.start()
        before = text[max(0, at - _MAX_LOCAL - 1) : at][::-1]
        local = _LOCAL_REVERSED.match(before)
        if local is None or local.end() > _MAX_LOCAL or before[0] == ".":
            continue
        # `email=ann@example.com` and `'ann@example.com'`: these characters are legal, and mostly not meant.
        name = re.split(r"[=/&]", local[0][::-1])[-1].lstrip(".'-+%~")
        if name and ".." not in name:
            yield Span(at - len(name), match.end(), 1.0)


_SSN = re.compile(r"(?<![\w-])(?<![0-9]\.)([0-9]{3})([- ])([0-9]{2})\2([0-9]{4})(?![\w-])(?!\.[0-9])", re.ASCII)
_SSN_BARE = re.compile(rf"{_NOT_AFTER_WORD}([0-9]{{3}})([0-9]{{2}})([0-9]{{4}}){_NOT_BEFORE_WORD}")
_SSN_WORDS = re.compile(r"\b(?:ssn|social[ -]security)\b", re.IGNORECASE)
_CONTEXT_CHARACTERS = 40
_LONGEST_TOKEN = 10


def _tokens(pattern: re.Pattern[str], text: str, start: int) -> Iterator[re.Match[str]]:
    """Matches that start within reach of a word that ends at `start`."""
    limit = start + _CONTEXT_CHARACTERS
    # A little further, so that a token across the limit is seen whole and not cut down to one that fits.
    for match in pattern.finditer(text, start, limit + _LONGEST_TOKEN):
        if match.start() < limit:
            yield match


def find_ssns(text: str) -> Iterator[Span]:
    """US social security numbers in issued ranges; without separators only where the text says so."""
    for match in _SSN.finditer(text):
        if _ssn_issued(match[1], match[3], match[4]):
            yield Span(match.start(), match.end(), 0.85)
    for word in _SSN_WORDS.finditer(text):
        for match in _tokens(_SSN_BARE, text, word.end()):
            if _ssn_issued(match[1], match[2], match[3]):
                yield Span(match.start(), match.end(), 0.7)


def _ssn_issued(area: str, group: str, serial: str) -> bool:
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


_CARD_BARE = re.compile(rf"{_NOT_AFTER_WORD}(?<![0-9][.,])(?<!\+)[1-9][0-9]{{11,18}}{_NOT_BEFORE_WORD}")
_CARD_GROUPED = re.compile(
    rf"{_NOT_AFTER_WORD}(?<!\+)(?=([1-9][0-9]{{3}}([ .\-\u00a0\u2011])"
    r"(?:[0-9]{6}\2[0-9]{4,5}|[0-9]{4}\2[0-9]{4}(?:\2[0-9]{1,4})?(?:\2[0-9]{1,3})?))(?![0-9]))"
)
_SHORTEST_GROUPED = 14
"""Characters of twelve digits and two separators."""
_DOUBLED = bytes.maketrans(b"0123456789", b"0246813579")


def find_cards(text: str) -> Iterator[Span]:
    """Payment card numbers of 12 to 19 digits, in one run or in their usual groups."""
    for match in _CARD_BARE.finditer(text):
        if luhn(match[0]):
            yield Span(match.start(), match.end(), 0.95)
    for match in _CARD_GROUPED.finditer(text):
        number, separator = match[1], match[2]
        # The last group may be something else: the security code, a year, a price.
        while len(number) >= _SHORTEST_GROUPED:
            if luhn(number.replace(separator, "")):
                yield Span(match.start(), match.start() + len(number), 0.95)
                break
            number = number.rpartition(separator)[0]


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
            "15:NO", "16:BE", "18:DK FI FO GL NL SD", "19:MK SI", "20:AT BA EE KZ LT LU MN XK",
            "21:CH HR LI LV", "22:BG BH CR DE GB GE IE ME RS VA", "23:AE GI IL IQ OM SO TL",
            "24:AD CZ ES MD PK RO SA SE SK TN VG", "25:LY PT ST", "26:IS TR",
            "27:BI DJ FR GR IT MC MR SM", "28:AL AZ BY CY DO GT HN HU LB NI PL SV",
            "29:BR EG PS QA UA", "30:JO KW MU YE", "31:MT SC", "32:LC", "33:RU",
        )
    )
    for country in countries.split()
}  # fmt: skip
"""Length of an IBAN by country, from the SWIFT registry."""

_IBAN_START = re.compile(rf"{_NOT_AFTER_WORD}[A-Za-z]{{2}}[0-9]{{2}}(?=[ -]?[A-Za-z0-9])")
_IBAN_LONGEST_SPACED = 34 + 17


def find_ibans(text: str) -> Iterator[Span]:
    """International bank account numbers: right length for the country, right check digits."""
    for match in _IBAN_START.finditer(text):
        length = IBAN_LENGTHS.get(match[0][:2].upper())
        end = _iban_end(text, match.start(), length) if length else None
        if end is not None and iban_valid(re.sub(r"[ -]", "", text[match.start() : end])):
            yield Span(match.start(), end, 1.0)


def _iban_end(text: str, start: int, length: int) -> int | None:
    """Where `length` letters and digits from `start` end; None when something else comes in between."""
    count = 0
    previous = " "
    for index, character in enumerate(text[start : start + _IBAN_LONGEST_SPACED], start):
        if character.isascii() and character.isalnum():
            count += 1
            if count == length:
                following = text[index + 1 : index + 2]
                return None if following.isascii() and following.isalnum() else index + 1
        elif character not in " -" or previous in " -":
            return None
        previous = character
    return None


def iban_valid(iban: str) -> bool:
    """Whether the check digits fit (ISO 7064, mod 97)."""
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_NOT_AFTER_WORD}(?<![0-9]\.)(?:{_OCTET}\.){{3}}{_OCTET}(?!\.?[0-9]){_NOT_BEFORE_WORD}")


def find_ipv4(text: str) -> Iterator[Span]:
    """IPv4 addresses in dotted notation, each part 0 to 255."""
    for match in _IPV4.finditer(text):
        yield Span(match.start(), match.end(), 0.95)


_DOTTED = r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.?[0-9])"
_IPV6 = re.compile(
    rf"(?<![A-Za-z0-9_:.])(?=[0-9A-Fa-f]{{0,4}}:)(?:[0-9A-Fa-f:]{{1,29}}:{_DOTTED}|[0-9A-Fa-f:]{{3,39}})"
    rf"(?!:){_NOT_BEFORE_WORD}"
)


def find_ipv6(text: str) -> Iterator[Span]:
    """IPv6 addresses, full or shortened, with an embedded IPv4 address too."""
    for match in _IPV6.finditer(text):
        start, end = match.span()
        address = match[0]
        if address.endswith(":") and not address.endswith("::"):
            address, end = address[:-1], end - 1
        # `::` and `dead::beef` are far more often code or prose than an address.
        if any(character.isdigit() for character in address) and _ipv6_valid(address):
            yield Span(start, end, 0.95)


def _ipv6_valid(address: str) -> bool:
    try:
        IPv6Address(address)
    except ValueError:
        return False
    return True


_PASSPORT_WORDS = re.compile(r"passport|passeport|pasaporte|passaporte|passaporto|reisepass|paspoort", re.IGNORECASE)
_PASSPORT = re.compile(rf"{_NOT_AFTER_WORD}(?=(?:[A-Za-z]*[0-9]){{4}})[A-Za-z0-9]{{6,9}}{_NOT_BEFORE_WORD}")
_PASSPORT_LETTERED = re.compile(rf"{_NOT_AFTER_WORD}[A-Z]{{1,2}}[0-9]{{6,8}}{_NOT_BEFORE_WORD}")


def find_passports(text: str) -> Iterator[Span]:
    """Passport numbers near a word for passport: they have no form of their own to be known by."""
    for word in _PASSPORT_WORDS.finditer(text):
        for match in _tokens(_PASSPORT, text, word.end()):
            yield Span(match.start(), match.end(), 0.85)
        for match in _PASSPORT_LETTERED.finditer(text, max(0, word.start() - _CONTEXT_CHARACTERS), word.start()):
            yield Span(match.start(), match.end(), 0.6)


def _phones(text: str) -> Iterator[Span]:
    return (Span(*found) for found in find_phones(text))


RECOGNISERS: dict[EntityType, Callable[[str], Iterator[Span]]] = {
    "EMAIL": find_emails,
    "PHONE": _phones,
    "SSN": find_ssns,
    "CREDIT_CARD": find_cards,
    "IBAN": find_ibans,
    "IPV4": find_ipv4,
    "IPV6": find_ipv6,
    "PASSPORT": find_passports,
}


def find_all(text: str, types: Collection[EntityType]) -> list[Finding]:
    """Everything of these types in the text, in order and without overlaps.

    Where two findings overlap, the surer one stays, and of two equally sure ones the longer.
    """
    found = [Finding(type, *span) for type in types for span in RECOGNISERS[type](text)]
    found.sort(key=lambda finding: (finding.start, -finding.end))
    kept: list[Finding] = []
    for finding in found:
        if not kept or finding.start >= kept[-1].end:
            kept.append(finding)
        elif _rank(finding) > _rank(kept[-1]):
            kept[-1] = finding
    return kept


def _rank(finding: Finding) -> tuple[float, int]:
    return finding.score, finding.end - finding.start
