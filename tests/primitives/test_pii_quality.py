"""`pii_detect` finds what a set of texts with marked personal data has, and little else."""

import json
from pathlib import Path

import pytest

from benchmarks.pii_sets import OWN, TYPES, Span, Tally, chosen_sets, read, read_all, score
from intermezzo.primitives.pii_detect import ENTITY_TYPES
from intermezzo.primitives.pii_findings import find_all


def found(text: str) -> list[Span]:
    return [Span(finding.start, finding.end, finding.type) for finding in find_all(text, ENTITY_TYPES)]


def test_the_sets_of_the_benchmark_are_found_nearly_whole() -> None:
    sets = read_all(OWN, 10_000)
    figures = score(sets, {name: [found(text) for text, _ in texts] for name, texts in sets.items()})
    assert {f"f1_{type}" for type in TYPES} < set(figures)
    assert figures["f1"] > 0.98
    assert min(figures.values()) > 0.97


def test_a_span_is_hit_once_and_only_by_one_that_is_mostly_the_same() -> None:
    tally = Tally()
    marked = [Span(0, 10, "PHONE"), Span(20, 30, "PHONE")]
    tally.add(marked, [Span(0, 10, "PHONE"), Span(0, 9, "PHONE"), Span(27, 37, "PHONE"), Span(20, 30, "EMAIL")])
    assert (tally.hits["PHONE"], tally.false["PHONE"], tally.missed["PHONE"]) == (1, 2, 1)
    assert tally.false["EMAIL"] == 1
    assert tally.f1(["PHONE"]) == pytest.approx(2 / 5)
    assert tally.f1() == pytest.approx(2 / 6)
    assert Tally().f1() == 1


def test_a_set_spells_types_as_it_likes_and_may_have_others(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    row = {"text": "Ann 192.0.2.1 ::1", "spans": [[0, 3, "person"], [4, 13, "ip"], [14, 17, "IP"], [4, 13, "ipv4"]]}
    path.write_text(json.dumps(row) + "\n")
    [text] = read(path, 10)
    assert text.spans == [Span(4, 13, "IPV4"), Span(14, 17, "IPV6"), Span(4, 13, "IPV4")]


def test_a_set_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHMARK_PII_SETS", str(tmp_path / "missing.jsonl"))
    with pytest.raises(FileNotFoundError, match="found no file"):
        chosen_sets([])
    assert chosen_sets(OWN) == OWN
    monkeypatch.delenv("BENCHMARK_PII_SETS")
    assert chosen_sets([]) == OWN
