"""Finding e-mail and IP addresses in a plain text; called by `pii_findings`.

Boundaries are ASCII: Chinese and Japanese have no space before an address.
"""

import re
from collections.abc import Iterator
from socket import AF_INET6, inet_pton

from intermezzo.primitives.pii_labels import label_before
from intermezzo.primitives.pii_text import Span

# Latin, Greek and Cyrillic, composed or with combining marks.
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0300-\u036f\u0370-\u03ff\u0400-\u052f\u1e00-\u1eff"
_LOCAL = rf"[{_LETTER}0-9_.%+'~-]"
# Not `=`, `/` and `&`: legal in a name, but `?email=ann@example.com&x=1` is what texts have. One start per run.
_EMAIL = re.compile(
    rf"(?<!{_LOCAL})[.%+'~-]*+((?!git@)[{_LETTER}0-9_]{_LOCAL}{{0,63}}+@"
    rf"(?:[{_LETTER}0-9](?:[{_LETTER}0-9-]{{0,61}}[{_LETTER}0-9])?\.){{1,8}}"
    rf"(?:xn--[A-Za-z0-9-]{{2,59}}|[{_LETTER}]{{2,24}})(?![{_LETTER}0-9]))"
)


def find_emails(text: str) -> Iterator[Span]:
    """E-mail addresses; those with letters beyond ASCII too."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            yield match.start(1), match.end(1), 1.0


# Digits come first, and after them what may not precede them: a search that starts with digits skips letters fast.
_QUAD = re.compile(
    r"[0-9](?<![A-Za-z0-9_][0-9])(?<![0-9]\.[0-9])[0-9]{0,2}+(?:\.[0-9]{1,3}+){3}(?!\.?[0-9])(?![A-Za-z_])"
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_OCTETS = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")


def find_ipv4(text: str) -> Iterator[Span]:
    """IPv4 addresses in dotted notation, each part 0 to 255; not what the text calls a version."""
    if "." not in text:
        return
    for match in _QUAD.finditer(text):
        if _OCTETS.fullmatch(match[0]) and not _is_version(text, match.start()):
            yield *match.span(), 0.95


def _is_version(text: str, start: int) -> bool:
    label = label_before(text, start)
    return label is not None and label.adjacent and label.kind == "version"


_IPV6 = re.compile(
    r"(?<![A-Za-z0-9_:.])(?=[0-9A-Fa-f]{0,4}:)"
    r"(?:[0-9A-Fa-f:]{1,29}:[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?!\.?[0-9])|[0-9A-Fa-f:]{3,40})"
    r"(?![A-Za-z0-9_:])"
)
_HARDWARE = re.compile("(?:[0-9A-Fa-f]{2}:){7}[0-9A-Fa-f]{2}")
"""Eight pairs are the address of a network card far more often than one of eight tiny groups."""


def find_ipv6(text: str) -> Iterator[Span]:
    """IPv6 addresses, full or shortened, with an embedded IPv4 address too."""
    if ":" not in text:
        return
    for match in _IPV6.finditer(text):
        start, end = match.span()
        address = match[0]
        if address.endswith(":") and not address.endswith("::"):
            address, end = address[:-1], end - 1
        # `::` and `dead::beef` are far more often code or prose than an address.
        if any(character.isdigit() for character in address) and _ipv6_valid(address):
            yield start, end, 0.95


def _ipv6_valid(address: str) -> bool:
    if _HARDWARE.fullmatch(address):
        return False
    try:
        inet_pton(AF_INET6, address)
    except OSError:
        return False
    return True
