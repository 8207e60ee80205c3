"""One expression in CEL, the Common Expression Language: compiled when a document is read, evaluated when it runs.

CEL has no loops without end, no assignments, no clock and no access to anything but the values it is given, so an
expression gives the same at every attempt of a run. Its implementation is Google's own (`cel-expr-python`), in a
process under limits of time and memory (`cel_processes`). An expression that only follows a path, such as
`steps.a.output[index].text`, is evaluated here.
"""

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import InitVar, dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

from pydantic import JsonValue

from intermezzo.pipelines.allowance import Allowance, ExpressionFailed, ExpressionTooCostly, measured
from intermezzo.pipelines.cel_processes import asked
from intermezzo.pipelines.cel_tree import Call, Constant, Loop, Many, Name, Node, Select, tree_of
from intermezzo.pipelines.cel_worker import MAX_BYTES, MAX_SECONDS, MAX_VALUES

MAX_LENGTH = 4_000
"""Characters of an expression."""

_KINDS = {"BOOL": "boolean", "INT": "number", "DOUBLE": "number", "STRING": "string", "LIST": "array", "MAP": "object"}
_SAID = re.compile(r"ERROR: <input>:(-?\d+):(-?\d+): (.*?)(?:\n|$)")
_MOST_TOLD = 200
_CODE = re.compile(r"^[A-Z_]+: ")


class BadExpression(ValueError):
    """The text is not an expression.

    Attributes:
        line: in the text, from 1.
        column: from 1.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        self.line = line
        self.column = column
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Reference:
    """What an expression reads: `steps.draft.output.text` is `steps` and its path."""

    root: str
    path: tuple[str, ...]
    asks: bool
    """Whether it only asks with `has()` if it is there."""
    offset: int


@dataclass(frozen=True, slots=True)
class _Compiled:
    tree: bytes
    """As the library serializes it."""
    kind: str
    """Type of its value."""
    seconds: float
    """What compiling took."""
    error: str = ""
    """Why it does not compile."""


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    variables: frozenset[str]
    allowance: InitVar[Allowance | None] = None

    def __post_init__(self, allowance: Allowance | None) -> None:
        """Refuse what does not compile."""
        if len(self.text) > MAX_LENGTH:
            raise BadExpression(f"an expression has at most {MAX_LENGTH} characters, got {len(self.text)}")
        allowance = allowance or Allowance()
        try:
            with allowance.spent_on_failure(MAX_SECONDS):
                compiled = _compiled(self.text, self.variables)
            allowance.take_seconds(compiled.seconds)
        except ExpressionTooCostly as error:
            raise BadExpression(str(error)) from None
        if compiled.error:
            raise _bad(compiled.error, self.text)
        object.__setattr__(self, "_compiled", compiled)

    @cached_property
    def tree(self) -> Node:
        """Its syntax tree."""
        return tree_of(self._program.tree)

    @property
    def kind(self) -> str | None:
        """The JSON type of its value, if that is certain before it is evaluated."""
        return _KINDS.get(self._program.kind)

    @cached_property
    def references(self) -> tuple[Reference, ...]:
        """Everything it reads of the variables, as far as its text says."""
        return tuple(_references(self.tree, frozenset()))

    @cached_property
    def path(self) -> tuple[str, ...] | None:
        """Where it leads, if it is nothing but a path: then the value is taken as it is."""
        path = path_of(self.tree)
        return path if path is not None and path[0] in self.variables else None

    @cached_property
    def _ordered(self) -> tuple[tuple[str, ...], ...]:
        """Paths to what it makes a list of, element by element."""
        return tuple(_looped(self.tree, frozenset()))

    @property
    def _program(self) -> _Compiled:
        return cast("Any", self)._compiled  # noqa: SLF001 (its own, set when it was made)

    def evaluate(self, values: Mapping[str, JsonValue], allowance: Allowance | None = None) -> JsonValue:
        """Its value.

        Args:
            values: of the variables. What it does not refer to is not even looked at.
            allowance: what it may take, with others; one of its own if left out.

        Raises:
            ExpressionFailed: it reads what is not there, divides by zero, or gives no JSON.
            ExpressionTooCostly: it takes too much time or memory, or reads or gives too much.
        """
        allowance = allowance or Allowance()
        try:
            value = _walked(self.tree, values) if self._is_walked else self._computed(values, allowance)
            allowance.take_bytes(measured(value, most_bytes=allowance.bytes, most_values=allowance.bytes)[0])
        except ExpressionTooCostly as error:
            raise ExpressionTooCostly(f"{self._told}: {error}") from None
        except (ValueError, RecursionError) as error:
            raise ExpressionFailed(f"{self._told}: {_plain(str(error))}") from None
        return value

    def _computed(self, values: Mapping[str, JsonValue], allowance: Allowance) -> JsonValue:
        for path in self._ordered:
            _require_order(values, path)
        needed = _needed(self.references, values)
        size, count = measured(needed, most_bytes=MAX_BYTES, most_values=MAX_VALUES)
        if size > MAX_BYTES or count > MAX_VALUES:
            raise ExpressionTooCostly(f"it reads more than {MAX_BYTES // 2**20} MB or {MAX_VALUES:,} values")
        request = {"text": self.text, "variables": sorted(self.variables), "values": needed}
        with allowance.spent_on_failure(MAX_SECONDS):
            reply = asked(request)
        allowance.take_seconds(reply["seconds"])
        if "error" in reply:
            raise ValueError(reply["error"])
        return reply["value"]

    @cached_property
    def _is_walked(self) -> bool:
        return _is_walk(self.tree, self.variables) and not isinstance(self.tree, Constant)

    @property
    def _told(self) -> str:
        text = self.text.strip()
        return f"${{ {text if len(text) <= _MOST_TOLD else text[:_MOST_TOLD] + '…'} }}"

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character of its text, both from 1."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


@lru_cache(256)  # a run's pipeline is read again at each of its attempts
def _compiled(text: str, variables: frozenset[str]) -> _Compiled:
    reply = asked({"text": text, "variables": sorted(variables)})
    if "error" in reply:
        return _Compiled(b"", "", reply["seconds"], reply["error"])
    return _Compiled(base64.b64decode(reply["tree"]), reply["kind"], reply["seconds"])


def _bad(said: str, text: str) -> BadExpression:
    found = _SAID.search(said)
    if found is None:
        return BadExpression(_plain(said))
    line, column, message = max(int(found[1]), 1), max(int(found[2]), 1), found[3]
    if "'<EOF>'" in message:
        message = "the expression is not complete"
    message = message.replace(" (in container '')", "").partition(" expecting {")[0]
    return BadExpression(f"{message} in ${{ {text.strip()[:100]} }}", line, column)


def _plain(said: str) -> str:
    """A message of the library as one line, without its codes."""
    said = _CODE.sub("", said).partition("\n")[0]
    said = re.sub(r" \[[A-Z_]+\]$", "", said)
    found = re.fullmatch(r'Key not found in map : "(.*)"', said)
    return f"there is no {found[1]!r}" if found else said[:1].lower() + said[1:]


def path_of(node: Node) -> tuple[str, ...] | None:
    """The variable and the fields of an expression that is nothing but those: `a.b["c"]`; None for any other."""
    if isinstance(node, Name):
        return (node.name,)
    if isinstance(node, Select) and not node.asks:
        before, name = path_of(node.of), node.field
    elif isinstance(node, Call) and (key := _text_key(node)) is not None:
        before, name = path_of(node.arguments[0]), key
    else:
        return None
    return None if before is None else (*before, name)


def children(node: Node) -> tuple[Node, ...]:
    """The parts of a node; of a loop, what it goes through comes first."""
    if isinstance(node, Select):
        return (node.of,)
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Many):
        return node.values
    return (node.over, *node.body) if isinstance(node, Loop) else ()


def _references(node: Node, bound: frozenset[str]) -> Iterator[Reference]:
    asks = isinstance(node, Select) and node.asks
    path = path_of(Select(node.offset, node.of, node.field, asks=False) if isinstance(node, Select) else node)
    if path is not None:
        if path[0] not in bound:
            yield Reference(path[0], path[1:], asks, node.offset)
        return
    inner = bound | {*node.variables, node.result} if isinstance(node, Loop) else bound
    for index, part in enumerate(children(node)):
        yield from _references(part, inner if index else bound)


def _looped(node: Node, bound: frozenset[str]) -> Iterator[tuple[str, ...]]:
    if isinstance(node, Loop):
        path = path_of(node.over)
        # `map` and `filter` begin with an empty list; what `all` and `exists` give does not depend on an order.
        if path is not None and path[0] not in bound and isinstance(node.body[0], Many):
            yield path
        bound |= {*node.variables, node.result}
    for part in children(node):
        yield from _looped(part, bound)


def _is_walk(node: Node, variables: frozenset[str]) -> bool:
    """Whether a node only takes fields and elements of variables."""
    if isinstance(node, Name):
        return node.name in variables
    if isinstance(node, Constant):
        return node.value is not None
    if isinstance(node, Call):
        return node.function == "_[_]" and all(_is_walk(part, variables) for part in node.arguments)
    return isinstance(node, Select) and not node.asks and _is_walk(node.of, variables)


def _walked(node: Node, values: Mapping[str, JsonValue]) -> JsonValue:
    if isinstance(node, Name):
        return _field(dict(values), node.name)
    if isinstance(node, Constant):
        return node.value
    if isinstance(node, Select):
        return _field(_walked(node.of, values), node.field)
    assert isinstance(node, Call)
    of, key = (_walked(part, values) for part in node.arguments)
    return _element(of, key) if isinstance(of, list) else _field(of, key)


def _walk(values: Mapping[str, JsonValue], path: tuple[str, ...]) -> JsonValue:
    at: JsonValue = dict(values)
    for name in path:
        at = _field(at, name)
    return at


def _field(of: JsonValue, name: JsonValue) -> JsonValue:
    if not isinstance(of, dict):
        raise ValueError(f"{name!r} is asked of {json_kind(of)}, which has no fields")  # noqa: TRY004 (a value is wrong, no code)
    if not isinstance(name, str) or name not in of:
        raise ValueError(f"there is no {name!r}")
    return of[name]


def _element(of: list[JsonValue], index: JsonValue) -> JsonValue:
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < len(of):
        raise ValueError(f"there is no element {index!r} in a list of {len(of)}")
    return of[index]


def _require_order(values: Mapping[str, JsonValue], path: tuple[str, ...]) -> None:
    if isinstance(_walk(values, path), dict):
        raise ValueError(  # noqa: TRY004 (the same)
            f"{'.'.join(path)} is an object, whose fields have no order to make a list in"
        )


def json_kind(value: JsonValue) -> str:
    """What a value is, for a message: `a list`."""
    if value is None:
        return "null"
    kinds: dict[type, str] = {bool: "a boolean", int: "a number", float: "a number", str: "a text", list: "a list"}
    return kinds.get(type(value), "an object")


def _text_key(call: Call) -> str | None:
    if call.function != "_[_]":
        return None
    key = call.arguments[1]
    return key.value if isinstance(key, Constant) and isinstance(key.value, str) else None


def _needed(references: tuple[Reference, ...], values: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The part of the values that is referred to: converting the rest for the library would take its time."""
    needed: dict[str, JsonValue] = {}
    for reference in sorted(references, key=lambda found: len(found.path)):
        if reference.root in values:
            _copy(reference.root, reference.path, values, needed)
    return needed


def _copy(name: str, path: tuple[str, ...], source: Mapping[str, JsonValue], target: dict[str, JsonValue]) -> None:
    value = source[name]
    if not path or not isinstance(value, dict):
        target[name] = value
        return
    part = target.setdefault(name, {})
    if part is not value and isinstance(part, dict) and path[0] in value:
        _copy(path[0], path[1:], value, part)
