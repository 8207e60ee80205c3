"""The syntax tree of a compiled CEL expression: what it refers to is read from it.

The CEL library gives it as a serialized protocol buffer (`cel.expr.CheckedExpr`); the few messages of that schema are
read here by their field numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_CHECKED, _TREE, _SOURCE, _OFFSETS = 2, 4, 5, 4
_ID, _CONSTANT, _NAME, _SELECT, _CALL, _LIST, _STRUCT, _LOOP = 2, 3, 4, 5, 6, 7, 8, 9
_TEXT_CONSTANT, _INT_CONSTANT = 6, 3
_NEGATIVE = 1 << 63
_INTEGER, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression."""

    offset: int
    """Where it is in the expression's text, in characters."""


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal; `value` is known of texts and of whole numbers from 0."""

    value: str | int | None


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Select(Node):
    """A field of something: `of.field`, or `has(of.field)`."""

    of: Node
    field: str
    asks: bool
    """Whether it is `has(…)`."""


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function or an operator; `_[_]` is the one that takes an element."""

    function: str
    arguments: tuple[Node, ...]
    """With what it is called on, which comes first."""


@dataclass(frozen=True, slots=True)
class Many(Node):
    """A list or an object, with the values in it."""

    values: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Loop(Node):
    """A macro such as `map`, `filter`, `all`: `over` is what it goes through, `body` what it does with each."""

    variables: tuple[str, ...]
    result: str
    """The variable that collects."""
    over: Node
    body: tuple[Node, ...]


def tree_of(serialized: bytes) -> Node:
    """The syntax tree of an expression, as the library serializes it."""
    checked = _one(_Message(serialized), _CHECKED)
    source = _one(checked, _SOURCE)
    entries = [_Message(entry) for entry in source.all(_OFFSETS)]
    offsets = {entry.integer(1): entry.integer(2) for entry in entries}
    return _node(_one(checked, _TREE), offsets)


class _Message:
    """The fields of a protocol buffer, by number."""

    def __init__(self, encoded: bytes) -> None:
        self.fields: dict[int, list[int | bytes]] = {}
        for number, value in _fields(encoded):
            self.fields.setdefault(number, []).append(value)

    def all(self, number: int) -> list[bytes]:
        return [value for value in self.fields.get(number, ()) if isinstance(value, bytes)]

    def integer(self, number: int) -> int:
        value = self.fields.get(number, [0])[-1]
        return value if isinstance(value, int) else 0

    def text(self, number: int) -> str:
        found = self.all(number)
        return found[-1].decode() if found else ""


def _fields(encoded: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(encoded):
        key, at = _varint(encoded, at)
        kind = key & 7
        if kind == _INTEGER:
            value, at = _varint(encoded, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, at = _varint(encoded, at)
        else:
            length = {_FIXED64: 8, _FIXED32: 4}[kind]
        yield key >> 3, encoded[at : at + length]
        at += length


def _varint(encoded: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = encoded[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:  # noqa: PLR2004 (the highest bit says that more follows)
            return value, at


def _one(message: _Message, number: int) -> _Message:
    return _Message(b"".join(message.all(number)[-1:]))


def _node(message: _Message, offsets: Mapping[int, int]) -> Node:  # noqa: PLR0911 (one per kind of node)
    offset = offsets.get(message.integer(_ID), 0)

    def children(of: _Message, *numbers: int) -> tuple[Node, ...]:
        return tuple(_node(_Message(child), offsets) for number in numbers for child in of.all(number))

    if _NAME in message.fields:
        return Name(offset, _one(message, _NAME).text(1))
    if _SELECT in message.fields:
        select = _one(message, _SELECT)
        return Select(offset, children(select, 1)[0], select.text(2), bool(select.integer(3)))
    if _CALL in message.fields:
        call = _one(message, _CALL)
        return Call(offset, call.text(2), children(call, 1, 3))
    if _LIST in message.fields:
        return Many(offset, children(_one(message, _LIST), 1))
    if _STRUCT in message.fields:
        entries = [_Message(entry) for entry in _one(message, _STRUCT).all(2)]
        return Many(offset, tuple(node for entry in entries for node in children(entry, 3, 4)))
    if _LOOP in message.fields:
        loop = _one(message, _LOOP)
        variables = tuple(name for name in (loop.text(1), loop.text(8)) if name)
        return Loop(offset, variables, loop.text(3), children(loop, 2)[0], children(loop, 4, 5, 6, 7))
    constant = _one(message, _CONSTANT)
    if _TEXT_CONSTANT in constant.fields:
        return Constant(offset, constant.text(_TEXT_CONSTANT))
    number = constant.integer(_INT_CONSTANT)
    return Constant(offset, number if _INT_CONSTANT in constant.fields and number < _NEGATIVE else None)
