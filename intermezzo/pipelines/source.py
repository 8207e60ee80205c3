"""Text of a pipeline document, YAML or JSON → plain values, each with its place in the text.

YAML is read by its core schema (1.2): `no`, `on` and `2026-01-01` are texts. Nothing in it can make an object: tags are
refused. What it may become is bounded, however often an alias repeats it.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, cast

import yaml
from pydantic import JsonValue

from intermezzo.pipelines.allowance import measured
from intermezzo.pipelines.flaws import Flaw, InvalidPipeline, Path, Place

MAX_BYTES = 256 * 1024
"""Size of a document: several hundred steps."""
MAX_VALUES = 20_000
"""Values in a document, those counted again that an alias repeats."""
MAX_CHARACTERS = 1024 * 1024
"""Characters of its texts, those counted again that an alias repeats."""
MAX_DEPTH = 40
"""How deeply values may be nested."""

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MAX_DIGITS = 30


class _Mark(Protocol):
    index: int
    line: int
    column: int


class _Event(Protocol):
    """What PyYAML says of the text, piece by piece."""

    start_mark: _Mark
    end_mark: _Mark
    anchor: str | None
    tag: str | None
    value: str
    style: str | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """A value as it is written, before it is known what it means."""

    event: _Event
    text: JsonValue = None
    items: "tuple[_Piece, ...] | None" = None
    pairs: "tuple[tuple[_Piece, _Piece], ...] | None" = None


@dataclass(frozen=True)
class Source:
    """A document's value, and where its parts are."""

    value: dict[str, JsonValue]
    places: Mapping[Path, Place] = field(default_factory=dict[Path, Place])
    """Of every value, and of the keys of objects under `(*path, key, "")`."""
    texts: Mapping[Path, tuple[int, str]] = field(default_factory=dict[Path, tuple[int, str]])
    """Of every text: the index where it begins, and how it is written."""
    text: str = ""

    def place(self, path: Path) -> Place | None:
        """Where a value is, or else the nearest one that holds it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.places:
                return self.places[path[:end]]
        return None

    def place_in(self, path: Path, nth: int, line: int = 1, column: int = 1) -> Place | None:
        """Where the text of the n-th `${` of a value is, and in there a line and column, both from 1."""
        index, written = self.texts.get(path, (0, ""))
        found = -1
        for _ in range(nth + 1):
            found = written.find("${", found + 1)
        if found < 0:
            return self.place(path)
        before = self.text[: index + found + 2]
        rows, last = before.count("\n"), len(before) - (before.rfind("\n") + 1)
        return Place(rows + line, last + column if line == 1 else column)


def read(text: str, *, name: str = "") -> Source:
    """Parse a document.

    Args:
        name: of its file, for messages.

    Raises:
        InvalidPipeline: it is not YAML, not an object, or too large.
    """
    if len(text.encode(errors="replace")) > MAX_BYTES:
        raise InvalidPipeline([Flaw(f"the document is larger than {MAX_BYTES // 1024} KB")], name=name)
    value = _json(text)
    try:
        # YAML indents with spaces only.
        source = _Reader(text if value is None else text.replace("\t", " ")).read()
        return source if value is None else replace(source, value=value)
    except yaml.YAMLError as error:
        if value is not None:  # JSON allows characters that YAML does not; then nothing has a place
            return Source(value)
        raise InvalidPipeline([_yaml_flaw(error)], name=name) from None
    except _Refused as refused:
        raise InvalidPipeline([refused.flaw], name=name) from None


def _yaml_flaw(error: yaml.YAMLError) -> Flaw:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = cast("_Mark | None", error.problem_mark or error.context_mark)
        place = Place(mark.line + 1, mark.column + 1) if mark else None
        said = ", ".join(part for part in (error.context, error.problem) if part)
        if "mapping values are not allowed" in said:
            said += "; put quotes around a text that holds a colon and a space"
        return Flaw(f"not YAML: {said}", place=place)
    return Flaw(f"not YAML: {error}".partition("\n")[0])


def of_value(value: Mapping[str, JsonValue]) -> Source:
    """A document that was parsed already, so that nothing in it has a place.

    Raises:
        InvalidPipeline: it is too large.
    """
    size, count = measured(value, most_bytes=2 * MAX_CHARACTERS, most_values=MAX_VALUES)
    if size > 2 * MAX_CHARACTERS or count > MAX_VALUES:
        raise InvalidPipeline(
            [Flaw(f"the document has more than {MAX_CHARACTERS:,} characters or {MAX_VALUES} values")]
        )
    if _is_deeper(value, MAX_DEPTH):
        raise InvalidPipeline([Flaw(f"nested more than {MAX_DEPTH} levels deep")])
    return Source(dict(value))


def _is_deeper(value: object, levels: int) -> bool:
    """Whether lists and objects are nested beyond so many levels."""
    inner = list(cast("dict[str, object]", value).values()) if isinstance(value, dict) else value
    if not isinstance(inner, list):
        return False
    return levels < 0 or any(_is_deeper(one, levels - 1) for one in cast("list[object]", inner))


class _Refused(Exception):
    def __init__(self, event: _Event, message: str) -> None:
        self.flaw = Flaw(message, place=_place(event))


class _Reader:
    """Builds the value of one document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._events = cast("Iterator[_Event]", yaml.parse(text, Loader=yaml.BaseLoader))  # pyright: ignore[reportUnknownMemberType]
        self._anchors: dict[str, _Piece] = {}
        self._places: dict[Path, Place] = {}
        self._texts: dict[Path, tuple[int, str]] = {}
        self._values = self._characters = 0

    def read(self) -> Source:
        next(self._events)  # the stream
        start = next(self._events)
        if not isinstance(start, yaml.DocumentStartEvent):
            raise _Refused(start, "the document is empty")
        root = self._piece(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _Refused(after, "one file holds one pipeline; here a second document begins")
        value = self._value(root, ())
        if not isinstance(value, dict):
            raise _Refused(root.event, "expected an object with `name` and `steps`")
        return Source(value, self._places, self._texts, self._text)

    def _piece(self, event: _Event, depth: int) -> _Piece:
        if depth > MAX_DEPTH:
            raise _Refused(event, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            anchor = event.anchor or ""
            if anchor not in self._anchors:
                raise _Refused(event, f"nothing above is anchored as &{anchor}")
            return self._anchors[anchor]
        if event.tag is not None:
            raise _Refused(event, f"tags are not allowed, got {event.tag!r}")
        if isinstance(event, yaml.ScalarEvent):
            piece = _Piece(event, text=_scalar(event))
        elif isinstance(event, yaml.SequenceStartEvent):
            piece = _Piece(event, items=tuple(self._items(depth)))
        else:
            piece = _Piece(event, pairs=tuple(self._pairs(depth)))
        if event.anchor:
            self._anchors[event.anchor] = piece
        return piece

    def _items(self, depth: int) -> Iterator[_Piece]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._piece(event, depth + 1)

    def _pairs(self, depth: int) -> Iterator[tuple[_Piece, _Piece]]:
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused(event, "a key of an object is a text")
            key = self._piece(event, depth + 1)
            yield key, self._piece(next(self._events), depth + 1)

    def _value(self, piece: _Piece, path: Path) -> JsonValue:
        self._values += 1
        if self._values > MAX_VALUES or len(path) > MAX_DEPTH:
            raise _Refused(
                piece.event, f"the document has more than {MAX_VALUES} values, or aliases nest them too deep"
            )
        self._places[path] = _place(piece.event)
        if piece.items is not None:
            return [self._value(item, (*path, index)) for index, item in enumerate(piece.items)]
        if piece.pairs is not None:
            return self._object(piece.pairs, path)
        if isinstance(piece.text, str):
            event = piece.event
            self._count(event)
            self._texts[path] = (event.start_mark.index, self._text[event.start_mark.index : event.end_mark.index])
        return piece.text

    def _count(self, event: _Event) -> None:
        self._characters += event.end_mark.index - event.start_mark.index
        if self._characters > MAX_CHARACTERS:
            most = f"more than {MAX_CHARACTERS:,} characters"
            raise _Refused(event, f"the document has {most}, with what aliases repeat")

    def _object(self, pairs: tuple[tuple[_Piece, _Piece], ...], path: Path) -> dict[str, JsonValue]:
        made: dict[str, JsonValue] = {}
        for written, piece in pairs:
            key = written.event.value
            self._count(written.event)
            if key in made:
                raise _Refused(written.event, f"{key!r} is given twice")
            self._places[(*path, key, "")] = _place(written.event)
            made[key] = self._value(piece, (*path, key))
        return made


def _scalar(event: _Event) -> JsonValue:
    text = event.value
    if event.style is not None:
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise _Refused(event, "the text holds half of a surrogate pair") from None
    return _plain(text)


def _plain(text: str) -> JsonValue:
    """What a text without quotes means."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if len(text) <= _MAX_DIGITS and (_INTEGER.fullmatch(text) or _BASED.fullmatch(text)):
        return int(text, 10 if _INTEGER.fullmatch(text) else 0)
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def _place(event: _Event) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def _json(text: str) -> dict[str, JsonValue] | None:
    """The document, if it is JSON."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None


def _unique(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a key is given twice")
    return made


def _no_constant(name: str) -> JsonValue:
    raise ValueError(f"{name} is not JSON")
