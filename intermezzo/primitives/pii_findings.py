"""Everything of some types of personal data in a text; called by `pii_detect`.

One pass per type: a pattern proposes, check digits or the word before it decide. Every pattern is bounded in what
it can try at one position and starts at a boundary, so a pass takes time in proportion to the text, whatever it is.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Literal, NamedTuple

from intermezzo.primitives.pii_addresses import find_emails, find_ipv4, find_ipv6
from intermezzo.primitives.pii_numbers import find_cards, find_ibans, find_passports, find_ssns
from intermezzo.primitives.pii_phones import find_phones
from intermezzo.primitives.pii_text import PlainText, Span

EntityType = Literal["EMAIL", "PHONE", "SSN", "CREDIT_CARD", "IBAN", "IPV4", "IPV6", "PASSPORT"]


class Finding(NamedTuple):
    """A span of the text that looks like personal data."""

    start: int
    end: int
    type: EntityType
    score: float


RECOGNISERS: dict[EntityType, Callable[[str], Iterator[Span]]] = {
    "EMAIL": find_emails,
    "IBAN": find_ibans,
    "IPV6": find_ipv6,
    "IPV4": find_ipv4,
    "CREDIT_CARD": find_cards,
    "SSN": find_ssns,
    "PASSPORT": find_passports,
    "PHONE": find_phones,
}
"""The surest first: what one has found for certain is blank for those after it."""

_CERTAIN = 0.95
_DIGIT = re.compile("[0-9]")


def find_all(text: str, types: Collection[EntityType]) -> list[Finding]:
    """Everything of these types in the text, in order and without overlaps.

    What is part of something surer is not found, whether or not that was asked for: the digits of a card are no
    phone number.
    """
    read = PlainText.of(text)
    rest, found = read.plain, list[Finding]()
    # Nothing but an e-mail address is without digits.
    has_digits = _DIGIT.search(rest) is not None
    for type, recognise in RECOGNISERS.items():
        if has_digits or type == "EMAIL":
            new = [Finding(start, end, type, score) for start, end, score in recognise(rest)]
            rest = _without(rest, new)
            found += new
    kept = [finding for finding in without_overlaps(found) if finding.type in types]
    if not read.removed:
        return kept
    return [Finding(*read.original(start, end), type, score) for start, end, type, score in kept]


def _without(text: str, findings: list[Finding]) -> str:
    """The text with what is certain blanked, in characters that no pattern and no label has."""
    parts: list[str] = []
    position = 0
    for start, end, _, score in findings:
        if score >= _CERTAIN:
            parts += (text[position:start], "_" * (end - start))
            position = end
    return "".join((*parts, text[position:])) if parts else text


def without_overlaps(findings: list[Finding]) -> list[Finding]:
    """The surest findings that do not overlap, and of equally sure ones the longest; in order."""
    kept: list[Finding] = []
    chain: list[Finding] = []
    reach = 0
    for finding in sorted(findings):
        if finding.start >= reach:
            kept += _surest(chain)
            chain = []
        chain.append(finding)
        reach = max(reach, finding.end)
    return kept + _surest(chain)


def _surest(chain: list[Finding]) -> list[Finding]:
    """Of findings each of which overlaps an earlier one, those to keep."""
    if len(chain) <= 1:
        return chain
    first = chain[0].start
    taken = bytearray(max(finding.end for finding in chain) - first)
    kept: list[Finding] = []
    for finding in sorted(chain, key=_rank):
        start, end = finding.start - first, finding.end - first
        # Findings are short, so looking at each of their characters is linear in the text.
        if taken.find(1, start, end) < 0:
            taken[start:end] = b"\1" * (end - start)
            kept.append(finding)
    return sorted(kept)


def _rank(finding: Finding) -> tuple[float, int, int]:
    return -finding.score, finding.start - finding.end, finding.start
