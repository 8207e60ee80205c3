"""One expression in CEL, the Common Expression Language: compiled when a document is read, evaluated when it runs.

CEL has no loops without end, no assignments, no clock and no access to anything but the values it is given, so an
expression gives the same at every attempt of a run. Its implementation is Google's own (`cel-expr-python`): patterns
of `matches` are RE2's, which take time in proportion to the text, and one evaluation goes through at most 10,000
elements.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from typing import Any, cast

from cel_expr_python import cel  # pyright: ignore[reportMissingTypeStubs] (it has none)
from pydantic import JsonValue

from intermezzo.errors import AuthorError
from intermezzo.pipelines.cel_tree import Call, Constant, Loop, Many, Name, Node, Select, tree_of

MAX_LENGTH = 4_000
"""Characters of an expression."""
MAX_RESULT_BYTES = 32 * 1024 * 1024
"""Size of what an expression gives: a large document in base64."""
MAX_RESULT_VALUES = 1_000_000

_KINDS = {"BOOL": "boolean", "INT": "number", "DOUBLE": "number", "STRING": "string", "LIST": "array", "MAP": "object"}
_SAID = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*?)(?:\n|$)")
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


class ExpressionFailed(AuthorError, ValueError):
    """An expression has no value for what it was given."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What an expression reads: `steps.draft.output.text` is `steps` and its path."""

    root: str
    path: tuple[str, ...]
    asks: bool
    """Whether it only asks with `has()` if it is there."""
    offset: int


@dataclass(frozen=True)
class Expression:
    """A compiled expression."""

    text: str
    variables: frozenset[str]

    def __post_init__(self) -> None:
        """Refuse what does not compile."""
        if len(self.text) > MAX_LENGTH:
            raise BadExpression(f"an expression has at most {MAX_LENGTH} characters, got {len(self.text)}")
        try:
            compiled = _environment(self.variables).compile(self.text)
        except (RuntimeError, TypeError) as error:  # TypeError: half of a surrogate pair
            raise _bad(str(error), self.text) from None
        object.__setattr__(self, "_compiled", compiled)

    @cached_property
    def tree(self) -> Node:
        """Its syntax tree."""
        return tree_of(self._program.serialize())

    @property
    def kind(self) -> str | None:
        """The JSON type of its value, if that is certain before it is evaluated."""
        return _KINDS.get(self._program.return_type().name().partition("<")[0])

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
    def _program(self) -> cel.Expression:
        return cast("Any", self)._compiled  # noqa: SLF001 (its own, set when it was made)

    def evaluate(self, values: Mapping[str, JsonValue]) -> JsonValue:
        """Its value.

        Args:
            values: of the variables. What it does not refer to is not even looked at.

        Raises:
            ExpressionFailed: it reads what is not there, divides by zero, or gives too much or no JSON.
        """
        try:
            if self.path is not None:
                return _walk(values, self.path)
            for path in self._ordered:
                _require_order(values, path)
            result = self._program.eval(data=_needed(self.references, values))
            return _Result().json(result)
        except (RuntimeError, ValueError, TypeError, OverflowError) as error:
            raise ExpressionFailed(f"${{ {self.text.strip()} }}: {_plain(str(error))}") from None

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character of its text, both from 1."""
        before = self.text[:offset]
        return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


@cache
def _environment(variables: frozenset[str]) -> cel.Env:
    return cel.NewEnv(variables={name: cel.Type.INT if name == "index" else cel.Type.DYN for name in variables})


def _bad(said: str, text: str) -> BadExpression:
    found = _SAID.search(said)
    if found is None:
        return BadExpression(_plain(said))
    line, column, message = int(found[1]), int(found[2]), found[3]
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


def _walk(values: Mapping[str, JsonValue], path: tuple[str, ...]) -> JsonValue:
    at: JsonValue = dict(values)
    for name in path:
        if not isinstance(at, dict):
            raise ValueError(f"{name!r} is asked of {json_kind(at)}, which has no fields")  # noqa: TRY004 (a value is wrong, no code)
        if name not in at:
            raise ValueError(f"there is no {name!r}")
        at = at[name]
    return at


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
    return key.value if isinstance(key, Constant) else None


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


class _Result:
    """A value of the library as JSON, read piece by piece so that nothing huge is ever made."""

    def __init__(self) -> None:
        self._bytes = MAX_RESULT_BYTES
        self._values = MAX_RESULT_VALUES

    def json(self, value: cel.Value) -> JsonValue:
        if value.type() == cel.Type.ERROR:
            raise ValueError(_plain(str(value.plain_value())))
        plain = value.value()
        self._values -= 1
        if isinstance(plain, str):
            self._bytes -= len(plain)
        if self._bytes < 0 or self._values < 0:
            limit = f"{MAX_RESULT_BYTES // 2**20} MB or {MAX_RESULT_VALUES:,} values"
            raise ValueError(f"it gives more than {limit}")
        if isinstance(plain, list):
            return [self.json(item) for item in cast("list[cel.Value]", plain)]
        if isinstance(plain, dict):
            fields = {_key(key): item for key, item in cast("dict[object, cel.Value]", plain).items()}
            return {key: self.json(fields[key]) for key in sorted(fields)}  # the library's order is chance
        return _scalar(plain)


def _scalar(plain: object) -> JsonValue:
    if isinstance(plain, float) and not math.isfinite(plain):
        raise ValueError(f"it gives {plain!r}, which is not JSON")
    if plain is None or isinstance(plain, str | bool | int | float):
        return plain
    if isinstance(plain, datetime):
        return plain.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(plain, timedelta):
        return f"{plain.total_seconds():g}s"
    raise ValueError(f"it gives {type(plain).__name__}, which is not JSON")


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"it gives an object with the key {key!r}; keys are texts")  # noqa: TRY004 (the same)
    return key
