"""Looking through ten times as much text takes about ten times as long, whatever the text is made of."""

import random
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intermezzo.primitives.pii_detect import ENTITY_TYPES
from intermezzo.primitives.pii_findings import Finding, find_all, without_overlaps

ALPHABETS = [
    "01 ", "0123456789 -.()/+", "1+(", "12.", "1- ", "a1_", "aA1", "@a.", "a@.-_%+'~", "é@ü.", "af1:", "0:.1",
    "DE89 ", "GB1-", "1234 -.", "٣1\u200b", "\uff11-\u00a0", "0 1\n", "(1) +", "e\u0301@.",
    "phone: 12", "tel 09.-", "手机1 :",
]  # fmt: skip
"""What each pattern is made of, and what it stops at."""
PIECES = [
    "phone ", "call ", "number ", "is ", "ssn ", "passport ", "card ", "order ", "version ", "Telefon:", "电话", "x",
    "555-123-4567 ", "+44 20 7946 0958", "4111 1111 1111 1111 ", "4111-", "DE89 3704 0044 0532 0130 00 ", "192.0.2.1",
    "2001:db8::1 ", "a@b.co ", "a@a.", "@", "1:", "(0)", "(", "\u200b", "-", ".", "\n",
]  # fmt: skip
ANCHORS = [
    *"@.-:+(/10aAé ", "\u0301", "1@", "@a.", "a@a.a", "a-", "e\u0301@e\u0301.", "1 ", "00 ", "12 ", "1/", "(1", "+1",
    "(0) ", "1 + ", "(2020", "2020-01-01", "1.1.1.1", "::", "f:", "::1 ", "DE12-", "A1 ", "passport ", "pass 1234567 ",
    "phone 1 ", "number of ", "or 1234567 ", "T: ", "电", "手机1", "1\u200b", "\u202b1", "\U0001d7ce ", "4111 ",
    "555-123-4567x", "+1 2 3 4 5 6 7 8 ",
]  # fmt: skip
"""What patterns and labels hang on, and what they might try again and again."""
MOST_CALLS = 40
"""Function calls for each character, in the worst text there is: groups of two digits, each the start of a number."""
LINEAR = 10
QUADRATIC = 100


def repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def shuffled(alphabet: list[str], seed: int, length: int) -> str:
    return "".join(random.Random(seed).choices(alphabet, k=length))[:length]


def seconds(text: str) -> float:
    began = time.process_time()
    find_all(text, ENTITY_TYPES)
    return time.process_time() - began


def growth(make: Callable[[int], str], length: int) -> float:
    """How many times longer ten times the text takes; the least of three looks, since other programs run too."""
    ratios: list[float] = []
    for _ in range(3):
        small = min(seconds(make(length)) for _ in range(3))
        ratios.append(seconds(make(LINEAR * length)) / small)
        if ratios[-1] < 2 * LINEAR:
            break
    return min(ratios)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.one_of(
        st.sampled_from(ALPHABETS).flatmap(lambda alphabet: st.text(alphabet, min_size=1, max_size=12)),
        st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join),
    )
)
def test_repeating_anything_costs_in_proportion(unit: str) -> None:
    assert growth(lambda length: repeated(unit, length), 10_000) < QUADRATIC / 3


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.sampled_from(ALPHABETS).map(list), st.just(PIECES)), st.integers(0, 2**32))
def test_mixing_anything_costs_in_proportion(alphabet: list[str], seed: int) -> None:
    assert growth(lambda length: shuffled(alphabet, seed, length), 10_000) < QUADRATIC / 3


@pytest.mark.parametrize("unit", ["a", "1", "@", "a@a.", "1:", "4111-", "DE12 ", "1 ", "e\u0301", "passport A1234567 "])
def test_a_megabyte_costs_ten_times_a_tenth_of_it(unit: str) -> None:
    assert growth(lambda length: repeated(unit, length), 100_000) < QUADRATIC / 3


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, of Python's own too."""
    count = 0

    def look(_frame: object, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("unit", ANCHORS)
def test_the_work_for_each_character_is_bounded(unit: str) -> None:
    text = repeated(unit, 5_000)
    assert calls(lambda: find_all(text, ENTITY_TYPES)) < MOST_CALLS * len(text)


def chained(count: int) -> list[Finding]:
    """Each overlaps the next."""
    return [Finding(10 * index, 10 * index + 15, "PHONE", 0.5 + index % 3 / 10) for index in range(count)]


def test_overlaps_are_resolved_in_proportion_to_the_findings() -> None:
    few, many = chained(1_000), chained(10_000)
    assert calls(lambda: without_overlaps(many)) <= LINEAR * 1.1 * calls(lambda: without_overlaps(few))


def test_a_text_full_of_findings_costs_in_proportion_to_them() -> None:
    line = "bob@example.com 4111111111111111 192.0.2.1 +44 20 7946 0958 123-45-6789 2001:db8::1 "
    few, many = line * 240, line * 2_400
    assert len(many) > 200_000
    assert len(find_all(many, ENTITY_TYPES)) == LINEAR * len(find_all(few, ENTITY_TYPES)) == 6 * 2_400
    assert calls(lambda: find_all(many, ENTITY_TYPES)) <= LINEAR * 1.1 * calls(lambda: find_all(few, ENTITY_TYPES))
