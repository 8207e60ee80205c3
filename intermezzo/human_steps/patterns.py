"""Texts that patterns of answer schemas match, for simulated workers. Called by the scalar samples."""

import string
from collections.abc import Iterator, Sequence

from intermezzo.steps.linear_patterns import MAX_MATCHED_CHARACTERS


def matching_texts(pattern: str, shortest: int = 0) -> Iterator[str]:
    """Texts that a simple pattern should match, shortest first; the caller checks them.

    Args:
        pattern: literals, classes, groups, alternatives, quantifiers and anchors; others give nothing.
        shortest: how many characters the text needs.
    """
    tried: set[str] = set()
    for extra in sorted({0, 1, 2, 3, 5, 8, 13, shortest, shortest // 2}):
        for turn in range(4):
            try:
                text = _Writer(pattern, extra=min(extra, 1000), turn=turn).text()
            except (ValueError, IndexError, TypeError):
                return
            for candidate in (text, text.ljust(shortest, "a"), text.rjust(shortest, "a")):
                if candidate not in tried:
                    tried.add(candidate)
                    yield candidate


_CLASSES = {"d": string.digits, "w": string.ascii_lowercase + string.digits + "_", "s": " "}
_PRINTABLE = string.ascii_lowercase + string.ascii_uppercase + string.digits + " " + string.punctuation
_NEGATED = {name.upper(): [char for char in _PRINTABLE if char not in known] for name, known in _CLASSES.items()}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_ANCHORS = "AzZbB"


class _Writer:
    """Reads a pattern from left to right and writes one text that it matches.

    Args:
        pattern: what to read.
        extra: how often more than needed a variable repetition repeats.
        turn: which character of a class and which alternative to take; other turns give other texts.
    """

    def __init__(self, pattern: str, *, extra: int, turn: int) -> None:
        self._pattern = pattern
        self._extra = extra
        self._turn = turn
        self._at = 0

    def text(self) -> str:
        """The text.

        Raises:
            ValueError: the pattern is not simple enough.
        """
        text = self._alternatives()
        if self._at < len(self._pattern):
            raise ValueError("unbalanced")
        return text

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        char = self._peek()
        if not char:
            raise ValueError("ends too early")
        self._at += 1
        return char

    def _alternatives(self) -> str:
        texts = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            texts.append(self._sequence())
        return texts[self._turn % len(texts)]

    def _sequence(self) -> str:
        text = ""
        while self._peek() not in ("", "|", ")"):
            text += self._repeated()
            if len(text) > MAX_MATCHED_CHARACTERS:
                raise ValueError("too long")
        return text

    def _repeated(self) -> str:
        unit = self._unit()
        least, most = self._quantifier()
        if self._peek() == "?" and (least, most) != (1, 1):
            self._at += 1
        count = least if most == least else min(least + self._extra, most or least + self._extra)
        if len(unit) * count > MAX_MATCHED_CHARACTERS:
            raise ValueError("too long")
        return unit * count

    def _quantifier(self) -> tuple[int, int | None]:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        if (char := self._peek()) in simple and char:
            self._at += 1
            return simple[char]
        if char != "{":
            return (1, 1)
        end = self._pattern.index("}", self._at)
        least, comma, most = self._pattern[self._at + 1 : end].partition(",")
        self._at = end + 1
        if not comma:
            return (int(least), int(least))
        return (int(least or 0), int(most) if most.strip() else None)

    def _unit(self) -> str:
        char = self._next()
        if char == "(":
            return self._group()
        if char == "[":
            return self._pick(self._class())
        if char == "\\":
            return self._pick(self._escape())
        if char in "^$":
            return ""
        return self._pick(string.ascii_lowercase) if char == "." else char

    def _group(self) -> str:
        if self._peek() == "?":
            named = self._pattern.startswith(("?P<", "?<"), self._at)
            if not named and not self._pattern.startswith("?:", self._at):
                raise ValueError("flags")
            self._at = self._pattern.index(">", self._at) + 1 if named else self._at + 2
        text = self._alternatives()
        if self._next() != ")":
            raise ValueError("unbalanced")
        return text

    def _escape(self) -> Sequence[str]:
        char = self._next()
        if char in _ANCHORS:
            return [""]
        if char in _NEGATED:
            return _NEGATED[char]
        if char in _CLASSES or char in _CONTROLS:
            return _CLASSES.get(char) or _CONTROLS[char]
        if char.isalnum():
            raise ValueError("an escape this does not know")
        return char

    def _class(self) -> Sequence[str]:
        negated = self._peek() == "^"
        self._at += negated
        members: list[str] = []
        first = True
        while (char := self._next()) != "]" or first:
            first = False
            if char == "[":
                raise ValueError("nested classes")
            chosen = self._escape() if char == "\\" else char
            if self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("]", "") and len(chosen) == 1:
                self._at += 1
                last = self._next()
                last = self._escape() if last == "\\" else last
                chosen = [chr(code) for code in range(ord(chosen[0]), ord(last[0]) + 1)][:200]
            members += chosen
        if negated:
            return [char for char in _PRINTABLE if char not in members]
        return members

    def _pick(self, members: Sequence[str]) -> str:
        if not members:
            raise ValueError("nothing to choose from")
        return members[self._turn % len(members)]
