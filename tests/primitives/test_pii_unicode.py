"""Personal data is found however its characters are written, and told in indexes of the text as it came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.primitives.pii_detect import ENTITY_TYPES, mask
from intermezzo.primitives.pii_findings import find_all
from intermezzo.primitives.pii_text import PlainText

ARABIC_ZERO, DEVANAGARI_ZERO, BOLD_ZERO = "\u0660", "\u0966", "\U0001d7ce"


def masked(text: str) -> str:
    return mask(text, find_all(text, ENTITY_TYPES))


def wide(text: str) -> str:
    """In the full-width forms of Chinese and Japanese typing."""
    return "".join(character if character == " " else chr(ord(character) + 0xFEE0) for character in text)


def with_digits(text: str, zero: str) -> str:
    """In the digits that start with this zero."""
    return "".join(chr(ord(zero) + int(character)) if character.isdigit() else character for character in text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"電話{wide(':03-1234-5678')}。", f"電話{wide(':')}[PHONE]。"),
        (wide("john@example.com"), "[EMAIL]"),
        (f"هاتف: {with_digits('+971 50 123 4567', ARABIC_ZERO)}.", "هاتف: [PHONE]."),
        (f"फ़ोन: {with_digits('+91 98765 43210', DEVANAGARI_ZERO)}", "फ़ोन: [PHONE]"),
        (with_digits("4111 1111 1111 1111", BOLD_ZERO), "[CREDIT_CARD]"),
    ],
)
def test_digits_and_letters_of_other_forms_count(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4111\u00a01111\u00a01111\u00a01111", "[CREDIT_CARD]"),
        ("DE89\u202f3704\u202f0044\u202f0532\u202f0130\u202f00", "[IBAN]"),
        ("123\u201145\u20116789", "[SSN]"),
        ("555\u2013123\u20134567", "[PHONE]"),
    ],
)
def test_typographic_spaces_and_hyphens_count(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("jo\u200bhn@exam\u00adple.com!", "[EMAIL]!"),
        ("4111\u200b1111\u200b1111\u200b1111", "[CREDIT_CARD]"),
        ("\u202b+972\u200e 54 123 4567\u202c", "\u202b[PHONE]\u202c"),
        ("\ufeff192.0.2\u2060.1", "\ufeff[IPV4]"),
        ("โทร\u200b081-234-5678\u200bนะ", "โทร\u200b[PHONE]\u200bนะ"),
        ("call\u200b555-123-4567\u200bnow", "call\u200b[PHONE]\u200bnow"),
    ],
)
def test_what_cannot_be_seen_hides_nothing(text: str, expected: str) -> None:
    assert masked(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mu\u0308ller@bu\u0308cher.example", "[EMAIL]"),
        ("ann@example.com\u0301", "[EMAIL]"),
        ("555-123-4567\u20e3", "[PHONE]\u20e3"),
        ("👩‍💻 ann@example.com 👍🏽", "👩‍💻 [EMAIL] 👍🏽"),
        ("☎️ +44 20 7946 0958", "☎️ [PHONE]"),
        ("\ud800 ann@example.com \udfff", "\ud800 [EMAIL] \udfff"),
    ],
)
def test_combining_characters_emoji_and_lone_surrogates_are_kept(text: str, expected: str) -> None:
    assert masked(text) == expected


@given(st.text())
def test_every_plain_character_has_its_place_in_the_original(text: str) -> None:
    read = PlainText.of(text)
    places = [read.original(index, index + 1) for index in range(len(read.plain))]
    assert all(end == start + 1 for start, end in places)
    assert [start for start, _ in places] == sorted({start for start, _ in places})
    assert len(read.plain) + len(read.removed) == len(text)
    same = [text[start] for (start, _), plain in zip(places, read.plain, strict=True) if plain == text[start]]
    assert len(same) >= sum(character.isascii() for character in text)


HIDDEN = st.text("\u200b\u200d\u200e\u00ad\u2060\ufeff", max_size=3)


@given(st.lists(HIDDEN, min_size=16, max_size=16))
def test_hidden_characters_anywhere_leave_the_finding_whole(hidden: list[str]) -> None:
    text = "".join(character + other for character, other in zip("ann@example.com ", hidden, strict=True))
    [finding] = find_all(text, ENTITY_TYPES)
    assert finding.start == 0
    plain = PlainText.of(text[finding.start : finding.end]).plain
    assert plain == "ann@example.com"
