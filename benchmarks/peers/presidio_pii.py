"""Presidio: its pattern recognisers on each text of the sets, without a language model; in CPU time.

`--context words` gives it the words around a finding, as its tokenizer splits them, in the place of lemmas; with
`none` it has patterns alone. The score from which a finding counts is chosen to its advantage, afterwards.
"""

import logging
import time
from collections.abc import Iterable, Iterator

import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, RecognizerResult
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
)

from benchmarks.pii_sets import MarkedText, Span, add_arguments, ip_type, read_all, score
from benchmarks.sample import arguments, report

TYPES = {
    "CREDIT_CARD": "CREDIT_CARD",
    "EMAIL_ADDRESS": "EMAIL",
    "IBAN_CODE": "IBAN",
    "PHONE_NUMBER": "PHONE",
    "US_PASSPORT": "PASSPORT",
    "US_SSN": "SSN",
}
RECOGNISERS = (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    PhoneRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
)
THRESHOLDS = (0.0, 0.06, 0.11, 0.3, 0.36, 0.4, 0.41, 0.5, 0.6, 0.8)
"""Between the scores that its recognisers give."""


class Tokenizer(NlpEngine):
    """Splits into words, or does nothing: no model."""

    def __init__(self, *, words: bool) -> None:
        self.words = words
        self.language = spacy.blank("en")

    def load(self) -> None:
        pass

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        tokens = self.language.make_doc(text if self.words else "")
        indices, lemmas = [token.idx for token in tokens], [token.lower_ for token in tokens]
        return NlpArtifacts([], tokens, indices, lemmas, self, language)

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 1, n_process: int = 1, **_: object
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        del batch_size, n_process
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:
        del language
        return self.language.vocab[word].is_stop

    def is_punct(self, word: str, language: str) -> bool:
        del language
        return self.language.vocab[word].is_punct

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return ["en"]


def surest(text: str, results: list[RecognizerResult], threshold: float) -> list[Span]:
    """Findings without overlaps, the surest first, as its anonymizer would take them."""
    kept: list[RecognizerResult] = []
    for result in sorted(results, key=lambda result: (-result.score, result.start - result.end)):
        overlaps = any(result.start < other.end and other.start < result.end for other in kept)
        if result.score >= threshold and not overlaps:
            kept.append(result)
    return [
        Span(r.start, r.end, TYPES.get(r.entity_type) or ip_type(text[r.start : r.end]))
        for r in sorted(kept, key=lambda r: r.start)
    ]


def best_score(
    sets: dict[str, list[MarkedText]], found: dict[str, list[list[RecognizerResult]]]
) -> tuple[float, dict[str, float]]:
    """The threshold with which it scores best, and the figures."""

    def at(threshold: float) -> dict[str, float]:
        spans = {
            name: [surest(text, results, threshold) for (text, _), results in zip(texts, found[name], strict=True)]
            for name, texts in sets.items()
        }
        return score(sets, spans)

    return max(((threshold, at(threshold)) for threshold in THRESHOLDS), key=lambda scored: scored[1]["f1"])


def main() -> None:
    parser = arguments(__doc__ or "")
    add_arguments(parser)
    parser.add_argument("--context", choices=("words", "none"), required=True)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    # The list of domain suffixes that comes with it: nothing is fetched.
    tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    sets = read_all(options.sets, options.n)
    registry = RecognizerRegistry(recognizers=[recogniser() for recogniser in RECOGNISERS])
    engine = AnalyzerEngine(registry=registry, nlp_engine=Tokenizer(words=options.context == "words"))
    engine.analyze("Warm up: ann@example.com, +44 20 7946 0958", language="en")
    began = time.process_time()
    found = {name: [engine.analyze(text, language="en") for text, _ in texts] for name, texts in sets.items()}
    seconds = time.process_time() - began
    threshold, figures = best_score(sets, found)
    count = sum(len(texts) for texts in sets.values())
    characters = sum(len(text) for texts in sets.values() for text, _ in texts)
    report(
        "presidio",
        "pii",
        count,
        seconds=seconds,
        characters=characters,
        characters_per_second=characters / seconds,
        settings={"sets": list(sets), "context": options.context, "threshold": threshold},
        **figures,
    )


if __name__ == "__main__":
    main()
