"""References to stored files, as an input of a step holds them: `attachment:<sha256>/<name>`.

A reference says what the file is, not where it lies, so equal files make equal inputs: a replay finds its calls again.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self, cast
from urllib.parse import quote, unquote

REFERENCE = r"attachment:[0-9a-f]{64}/[A-Za-z0-9._~%-]+"
"""What a reference looks like."""
_SCHEME = "attachment:"
_REFERENCE = re.compile(REFERENCE)


@dataclass(frozen=True, slots=True)
class FileReference:
    """Which file, and what it is called."""

    sha256: str
    name: str

    def __str__(self) -> str:
        return f"{_SCHEME}{self.sha256}/{quote(self.name, safe='')}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The reference that a text is; None: it is something else."""
        if not text.startswith(_SCHEME) or _REFERENCE.fullmatch(text) is None:
            return None
        sha256, _, name = text.removeprefix(_SCHEME).partition("/")
        found = cls(sha256, unquote(name))
        return found if str(found) == text else None  # one spelling for one file


def references_in(document: str) -> list[FileReference]:
    """The references among the texts of a JSON document, each once, in order."""
    if _SCHEME not in document:
        return []
    found = (FileReference.parse(text) for text in _texts(json.loads(document)))
    return list(dict.fromkeys(reference for reference in found if reference is not None))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _texts(item)
