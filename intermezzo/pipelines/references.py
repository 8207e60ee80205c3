"""Whether what an expression reads can be there: steps that exist, fields that their outputs have."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from intermezzo.pipelines.cel_tree import Call, Constant, Loop, Name, Node, Select
from intermezzo.pipelines.expressions import Expression, children
from intermezzo.pipelines.flaws import nearest
from intermezzo.pipelines.shapes import ANY, Shape


@dataclass(frozen=True, slots=True)
class Misread:
    """A field that cannot be there."""

    message: str
    offset: int
    """In the expression's text."""


class Steps(dict[str, Shape]):
    """What is known of `steps`: the result of each, by id."""


def misreads(expression: Expression, shapes: Mapping[str, Shape], steps: Steps) -> list[Misread]:
    """Everything an expression reads that cannot be there.

    Args:
        shapes: of its variables, without `steps`.
        steps: shapes of the steps' results.
    """
    reader = _Reader(steps)
    reader.shape(expression.tree, dict(shapes))
    return reader.found


class _Reader:
    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.found: list[Misread] = []

    def shape(self, node: Node, scope: Mapping[str, Shape]) -> Shape:
        """What is known of a node's value; notes every misread on the way."""
        if isinstance(node, Name):
            return scope.get(node.name, ANY)
        if isinstance(node, Select):
            return self._field(node.of, node.field, node, scope)
        if isinstance(node, Loop):
            return self._loop(node, scope)
        if isinstance(node, Call) and node.function == "_[_]":
            key = node.arguments[1]
            if isinstance(key, Constant) and isinstance(key.value, str):
                return self._field(node.arguments[0], key.value, node, scope)
            return self.shape(node.arguments[0], scope).items or ANY
        for child in children(node):
            self.shape(child, scope)
        return ANY

    def _loop(self, loop: Loop, scope: Mapping[str, Shape]) -> Shape:
        over = self.shape(loop.over, scope)
        inner = {**scope, **dict.fromkeys(loop.variables, over.items or ANY), loop.result: ANY}
        if len(loop.variables) > 1:
            inner[loop.variables[0]] = ANY
        for part in loop.body:
            self.shape(part, inner)
        return ANY

    def _field(self, of: Node, name: str, at: Node, scope: Mapping[str, Shape]) -> Shape:
        if isinstance(of, Name) and of.name == "steps" and "steps" not in scope:
            if name not in self._steps:
                self.found.append(Misread(f"there is no step {name!r}; {nearest(name, self._steps)}", at.offset))
            return self._steps.get(name, ANY)
        shape = self.shape(of, scope)
        if shape.kind == "array":
            hint = f"; read one as [0].{name}, or all with .map(x, x.{name})"
            self.found.append(Misread(f"{name!r} is asked of a list{hint}", at.offset))
            return ANY
        if shape.kind in ("string", "number", "integer", "boolean"):
            self.found.append(Misread(f"{name!r} is asked of a {shape.kind}, which has no fields", at.offset))
            return ANY
        fields = shape.fields
        if fields is not None and name not in fields:
            self.found.append(Misread(f"there is no field {name!r}; {nearest(name, fields)}", at.offset))
        return (fields or {}).get(name, ANY)


def read_steps(expression: Expression) -> Iterator[tuple[str, bool]]:
    """The steps an expression reads, and whether it only asks if there is a result."""
    for reference in expression.references:
        if reference.root == "steps" and reference.path:
            yield reference.path[0], reference.asks or reference.path[1:2] == ("skipped",)
