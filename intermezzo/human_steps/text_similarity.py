"""How alike two texts are, 0 to 1: one less the edits between them, as a share of the longer one.

Called by the measures. Label Studio compares texts by edit distance as well, and speech people by the share of
wrong words (WER); long texts are compared by words here too, because characters would take minutes.
"""

import re
import sys
import unicodedata
import zlib
from collections import Counter
from functools import cached_property

MAX_CELLS = 25_000_000
"""Most pairs of units that one comparison may look at: 5,000 characters against 5,000, about two milliseconds."""

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
"""A word; in scripts that put no space between words (Thai, Chinese, Japanese), a character."""


def normal_text(text: str) -> str:
    """A text without what does not count as a difference: case, spacing, and how an accent is encoded."""
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


class ComparableText:
    """A text in its normal form, with its words once they are needed."""

    def __init__(self, text: str) -> None:
        self.text = normal_text(text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ComparableText) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @cached_property
    def words(self) -> str:
        """Words and punctuation marks, each as one character, which is much faster to compare.

        Of a million pairs of different words, one has the same character.
        """
        words: list[str] = _WORD.findall(self.text)
        codes = {word: chr(zlib.crc32(word.encode()) % sys.maxunicode) for word in set(words)}
        return "".join([codes[word] for word in words])

    @cached_property
    def word_counts(self) -> Counter[str]:
        """How often each of them is there."""
        return Counter(self.words)


def text_similarity(one: ComparableText, other: ComparableText) -> float:
    """How alike two texts are: 1 if and only if they are equal, 0 if nothing is.

    Up to 5,000 characters (`MAX_CELLS`) by characters; longer ones by words; and where of very long ones more words
    differ than can be counted in time (735 of 17,000), by the words they have in common, whatever their order.
    """
    if one.text == other.text:
        return 1.0
    longest = max(len(one.text), len(other.text))
    if len(one.text) * len(other.text) <= MAX_CELLS:
        from rapidfuzz.distance import Levenshtein

        return 1 - Levenshtein.distance(one.text, other.text) / longest
    # Texts may differ in what words do not show, such as the space before a comma.
    return min(_word_similarity(one, other), 1 - 1 / longest)


def _word_similarity(one: ComparableText, other: ComparableText) -> float:
    from rapidfuzz.distance import Levenshtein

    longest = max(len(one.words), len(other.words))
    exact = len(one.words) * len(other.words) <= MAX_CELLS
    most = longest if exact else MAX_CELLS // (2 * longest)
    edits = Levenshtein.distance(one.words, other.words, score_cutoff=most)
    if edits <= most:
        return 1 - edits / longest
    in_common = (one.word_counts & other.word_counts).total()
    return min(in_common, longest - edits) / longest
