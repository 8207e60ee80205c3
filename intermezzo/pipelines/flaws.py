"""What is wrong with a pipeline document, each flaw with its place."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from intermezzo.errors import DefinitionError

Path = tuple[str | int, ...]
"""Where in a document: `("steps", 0, "input", "text")`."""

_MOST_TOLD = 20
_LONGEST_MESSAGE = 1_000
_MOST_NAMES = 200
_MOST_LISTED = 50
_LONGEST_NAME = 100


class Place(NamedTuple):
    """A position in the text of a document, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong."""

    message: str
    path: Path = ()
    place: Place | None = None
    where: str = ""
    """The path in words, with the ids of steps: `steps.check.input`."""

    def __post_init__(self) -> None:
        """Cut a message that quotes a document at length."""
        object.__setattr__(self, "message", _cut(self.message, _LONGEST_MESSAGE))

    def as_json(self) -> dict[str, object]:
        """For programs: `field`, `message`, and `line` and `column` where the document was a text."""
        place = {} if self.place is None else self.place._asdict()
        return {"field": self.where, "message": self.message, **place}

    def __str__(self) -> str:
        """`12:5: steps.check.input: …`, as far as known."""
        parts = [f"{self.place.line}:{self.place.column}" if self.place else "", self.where, self.message]
        return ": ".join(part for part in parts if part)


class InvalidPipeline(DefinitionError):
    """A pipeline document cannot be run as it is.

    Attributes:
        flaws: everything that is wrong with it.
    """

    def __init__(self, flaws: Sequence[Flaw], *, name: str = "") -> None:
        self.flaws = sorted(flaws, key=lambda flaw: flaw.place or Place(0, 0))
        told = list(dict.fromkeys(_told(flaw, name) for flaw in self.flaws))
        more = len(told) - _MOST_TOLD
        super().__init__("\n".join(told[:_MOST_TOLD]) + (f"\nand {more} more" if more > 0 else ""))


def _told(flaw: Flaw, name: str) -> str:
    if not name:
        return str(flaw)
    return f"{name}:{flaw}" if flaw.place else f"{name}: {flaw}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"


def nearest(given: str, known: Iterable[str]) -> str:
    """What to say about a name that is not known: the most similar one, else some that are."""
    names = [name for name in known if len(name) <= _LONGEST_NAME][:_MOST_NAMES]
    close = difflib.get_close_matches(given[:_LONGEST_NAME], names, 1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"there are {', '.join(sorted(names)[:_MOST_LISTED])}" if names else "there are none"
