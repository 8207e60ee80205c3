"""Texts with marked personal data: reading sets of them, and scoring what was found in them.

Imports nothing but the standard library, because it runs in the peers' environment as well as in ours.
"""

import json
import os
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

_DATA = Path(__file__).resolve().parent / "data"
OWN = (_DATA / "pii_own.jsonl", _DATA / "pii_written.jsonl")
"""The sets that always run: made by `benchmarks.make_pii_set`, and written by hand."""
VARIABLE = "BENCHMARK_PII_SETS"
TYPES = ("EMAIL", "PHONE", "SSN", "CREDIT_CARD", "IBAN", "IPV4", "IPV6", "PASSPORT")
_LEAST_OVERLAP = 0.5
"""Of intersection over union, for a found span to be a marked one."""


class Span(NamedTuple):
    """A piece of personal data in a text."""

    start: int
    end: int
    type: str


class MarkedText(NamedTuple):
    """A text and what is to be found in it."""

    text: str
    spans: list[Span]


def chosen_sets(given: Sequence[Path]) -> tuple[Path, ...]:
    """The sets to run: those given, else those of the environment, else our own.

    Raises:
        FileNotFoundError: one of them does not exist.
    """
    named = [Path(name) for name in os.environ.get(VARIABLE, "").split(os.pathsep) if name]
    paths = tuple(path.resolve() for path in given or named or OWN)
    for path in paths:
        if not path.is_file():
            raise FileNotFoundError(
                "expected a set of marked texts, JSON Lines of {text, spans: [[start, end, type]]}, "
                f"at {path}, found no file; name others with --pii-set or {VARIABLE} (joined by {os.pathsep!r}), "
                "or none to run our own"
            )
    return paths


def read(path: Path, most: int) -> list[MarkedText]:
    """The first texts of a set; types are spelled as in `TYPES` in any case, or `ip`, others are passed over."""
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line, _ in zip(lines, range(most), strict=False)]
    return [MarkedText(row["text"], list(_spans(row["text"], row["spans"]))) for row in rows]


def _spans(text: str, rows: Iterable[tuple[int, int, str]]) -> Iterable[Span]:
    for start, end, name in rows:
        type = name.upper()
        if type == "IP":
            type = ip_type(text[start:end])
        if type in TYPES:
            yield Span(start, end, type)


def ip_type(address: str) -> str:
    """Which of the two an address is, for those who call both `ip`."""
    return "IPV6" if ":" in address else "IPV4"


@dataclass
class Tally:
    """How often what was found is what was marked."""

    hits: Counter[str] = field(default_factory=Counter[str])
    false: Counter[str] = field(default_factory=Counter[str])
    missed: Counter[str] = field(default_factory=Counter[str])

    def add(self, marked: Iterable[Span], found: Iterable[Span]) -> None:
        """Count one text: each marked span is hit once, by a span of its type that is mostly the same."""
        open_spans = list(marked)
        for span in found:
            hit = next((other for other in open_spans if _is_hit(span, other)), None)
            if hit:
                open_spans.remove(hit)
                self.hits[span.type] += 1
            else:
                self.false[span.type] += 1
        self.missed.update(span.type for span in open_spans)

    def f1(self, types: Sequence[str] = TYPES) -> float:
        """Micro-F1 over these types; 1 where there was nothing to find and nothing found."""
        hits, false, missed = (sum(c[type] for type in types) for c in (self.hits, self.false, self.missed))
        return 2 * hits / (2 * hits + false + missed) if hits + false + missed else 1.0


def _is_hit(found: Span, marked: Span) -> bool:
    common = min(found.end, marked.end) - max(found.start, marked.start)
    union = max(found.end, marked.end) - min(found.start, marked.start)
    return found.type == marked.type and common >= _LEAST_OVERLAP * union


def score(sets: dict[str, list[MarkedText]], found: dict[str, list[list[Span]]]) -> dict[str, float]:
    """Micro-F1 over everything, of each set and of each type that occurs.

    Args:
        sets: the texts of each set by its name.
        found: what was found in each of them, in order.
    """
    whole, figures = Tally(), dict[str, float]()
    for name, texts in sets.items():
        tally = Tally()
        for text, spans in zip(texts, found[name], strict=True):
            tally.add(text.spans, spans)
            whole.add(text.spans, spans)
        figures[f"f1_of_{name}"] = tally.f1()
    occurring = {*whole.hits, *whole.false, *whole.missed}
    return {"f1": whole.f1(), **figures, **{f"f1_{type}": whole.f1([type]) for type in TYPES if type in occurring}}


def add_arguments(parser: ArgumentParser) -> None:
    """The argument that names the sets."""
    parser.add_argument("--set", action="append", type=Path, required=True, dest="sets", help="may be given again")


def read_all(paths: Sequence[Path], most: int) -> dict[str, list[MarkedText]]:
    """The first texts of every set, by the name of its file."""
    return {path.stem: read(path, most) for path in paths}
