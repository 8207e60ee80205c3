"""From a document to a plan: everything that can be known to be wrong is refused here, before anything runs."""

from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from pydantic import JsonValue, ValidationError

from intermezzo.errors import DefinitionError
from intermezzo.pipelines import source as sources
from intermezzo.pipelines.allowance import Allowance
from intermezzo.pipelines.document import Default, Document, StepDocument
from intermezzo.pipelines.expressions import BadExpression, Expression
from intermezzo.pipelines.flaws import Flaw, InvalidPipeline, Path, nearest
from intermezzo.pipelines.inputs import input_flaws
from intermezzo.pipelines.options import configured, human_options, unknown_options
from intermezzo.pipelines.plan import AnyStep, Plan, PlannedStep
from intermezzo.pipelines.references import Steps, misreads
from intermezzo.pipelines.shapes import ANY, Shape, list_of, object_of
from intermezzo.pipelines.source import Source
from intermezzo.pipelines.templates import Placed, Template, Text, compiled
from intermezzo.steps import registered, registered_types

ERROR = Shape({"type": "object", "properties": {"type": {"type": "string"}, "message": {"type": "string"}}})
"""What `steps.ID.error` is, when it is not null."""

_OF_DOCUMENT = frozenset({"input", "steps"})
_OF_ITEMS = _OF_DOCUMENT | {"item", "index"}
_LEAVES = {"when", "for_each", "key"}

MAX_EXPRESSIONS = 2_000
"""Expressions in a document."""
MAX_EXPRESSION_CHARACTERS = 100_000
"""Characters of all expressions of a document."""
_TOO_MANY = f"a document has at most {MAX_EXPRESSIONS:,} expressions with {MAX_EXPRESSION_CHARACTERS:,} characters"
MAX_SECONDS = 5.0
"""Computing time of compiling all expressions of a document; one takes a millisecond."""
_MOST_FLAWS = 100


def plan_of_text(text: str, *, name: str = "") -> Plan:
    """Read and check a document.

    Args:
        text: YAML or JSON.
        name: of its file, for messages.

    Raises:
        InvalidPipeline: with every flaw that was found, and its line and column.
    """
    return _plan(sources.read(text, name=name), name)


def plan_of(document: Mapping[str, JsonValue]) -> Plan:
    """Check a document that was parsed already.

    Raises:
        InvalidPipeline: with every flaw that was found.
    """
    return _plan(sources.of_value(document), "")


def _plan(source: Source, name: str) -> Plan:
    try:
        document = Document.model_validate(source.value)
    except ValidationError as error:
        flaws = [_flaw_of(fault["type"], fault["loc"], fault["msg"]) for fault in error.errors()[:_MOST_FLAWS]]
        raise InvalidPipeline([_placed(source, flaw) for flaw in flaws], name=name) from None
    checker = _Checker(document, source)
    try:
        plan = checker.plan()
    except _TooManyFlaws:
        raise InvalidPipeline(checker.flaws, name=name) from None
    if checker.flaws:
        raise InvalidPipeline(checker.flaws, name=name)
    return plan


def _flaw_of(type: str, loc: Path, message: str) -> Flaw:
    # The parts of a union that pydantic names are no part of the document.
    path = tuple(part for part in loc if isinstance(part, int) or part.isidentifier())
    if (loc and loc[-1] in ("str", "dict[str,any]", "list[any]", "Default")) or "literal" in str(loc[-1:]):
        path = path[:-1] if path and path[-1] == loc[-1] else path
    if type != "extra_forbidden":
        said = message.removeprefix("Value error, ")
        return Flaw(said[:1].lower() + said[1:], path)
    model = {True: Default, False: StepDocument}["on_error" in path] if "steps" in path else Document
    known = [field.alias or name for name, field in model.model_fields.items()]
    name = str(loc[-1])
    holder = path[:-1] if path[-1:] == loc[-1:] else path
    hint = nearest(name, known)
    if model is StepDocument and name in human_options():
        hint = f"an option of a human step stands in `with: {{{name}: …}}`"
    return Flaw(f"unknown field {name!r}; {hint}", (*holder, name, ""))


def _placed(source: Source, flaw: Flaw) -> Flaw:
    """A flaw with its place in the text, and its path in words."""
    path = flaw.path[:-2] if flaw.path[-1:] == ("",) else flaw.path
    words = list(map(str, path))
    steps = source.value.get("steps")
    if len(path) > 1 and path[0] == "steps" and isinstance(steps, list) and isinstance(path[1], int):
        step = steps[path[1]]
        words[1] = str(step.get("id", path[1])) if isinstance(step, dict) else words[1]
    return replace(flaw, place=flaw.place or source.place(flaw.path), where=".".join(words))


def _beginnings(value: object) -> int:
    """How many expressions begin in a document, those in its texts that are escaped left out."""
    found, left = 0, [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            found += one.count("${") - one.count("$${")
        elif isinstance(one, dict):
            left.extend(cast("dict[str, object]", one).values())
        elif isinstance(one, list):
            left.extend(cast("list[object]", one))
    return found


class _TooManyFlaws(Exception):
    """Nobody reads more."""


class _Checker:
    """Makes the plan of a document, and collects what is wrong with it."""

    def __init__(self, document: Document, source: Source) -> None:
        self.flaws: list[Flaw] = []
        self._document = document
        self._source = source
        self._placed: list[Placed] = []
        self._allowance = Allowance(seconds=MAX_SECONDS)
        self._characters = 0
        self._paths: dict[str, Path] = {}

    def plan(self) -> Plan:
        """The plan; worth something only if no flaws were found."""
        if _beginnings(self._source.value) > MAX_EXPRESSIONS:  # before any is compiled, which takes time
            self._note(_TOO_MANY, ())
            raise _TooManyFlaws
        planned: dict[str, PlannedStep] = {}
        for index, step in enumerate(self._document.steps):
            path = ("steps", index)
            if step.id in planned:
                self._note(f"the id {step.id!r} is given twice", (*path, "id"))
            elif (made := self._step(step, path)) is not None:
                planned[step.id] = made
                self._paths[step.id] = path
        output = self._template(self._document.output, ("output",), _OF_DOCUMENT)
        shapes = {id: _result_shape(step) for id, step in planned.items()}
        input_shape = Shape.of(self._document.input)
        if len(planned) == len(self._document.steps):
            self._check_references(shapes, planned, input_shape)
        return Plan(self._document, self._ordered(planned), output, input_shape, shapes)

    def _note(self, message: str, path: Path) -> None:
        self._add(Flaw(message, path))

    def _add(self, flaw: Flaw) -> None:
        self.flaws.append(_placed(self._source, flaw))
        if len(self.flaws) >= _MOST_FLAWS:
            raise _TooManyFlaws

    def _step(self, document: StepDocument, path: Path) -> PlannedStep | None:
        known = registered_types()
        if document.type not in known:
            self._note(f"there is no step type {document.type!r}; {nearest(document.type, known)}", (*path, "type"))
            return None
        step = registered(document.type)
        unknown = list(unknown_options(step, document, path))
        for flaw in unknown:
            self._add(flaw)
        if not unknown:
            try:
                step = configured(step, document)
            except DefinitionError as error:
                self._note(str(error), (*path, "with") if document.with_ else path)
        variables = _OF_DOCUMENT if document.for_each is None else _OF_ITEMS
        template = self._template(cast("JsonValue", document.input), (*path, "input"), variables)
        for flaw in input_flaws(step, template, path):
            self._add(flaw)
        return PlannedStep(
            document.id,
            document,
            step,
            template,
            self._condition(document, path, variables),
            self._template(cast("JsonValue", document.for_each), (*path, "for_each"), _OF_DOCUMENT),
            self._template(document.key, (*path, "key"), variables),
        )

    def _condition(self, document: StepDocument, path: Path, variables: frozenset[str]) -> Template:
        template = self._template(document.when, (*path, "when"), variables)
        if isinstance(template, str):
            self._note(
                f"`when` is true, false or an expression in ${{ … }}, got the text {template!r}", (*path, "when")
            )
        return template

    def _template(self, value: JsonValue, path: Path, variables: frozenset[str]) -> Template:
        def compile(text: str, path: Path, nth: int) -> Expression:
            self._count_expression(text, path)
            try:
                expression = Expression(text, variables, self._allowance)
            except BadExpression as error:
                place = self._source.place_in(path, nth, error.line, error.column)
                self._add(Flaw(_hinted(error, variables), path, place))
                return Expression("null", frozenset())
            self._placed.append(Placed(expression, path, nth))
            return expression

        try:
            return compiled(value, path, compile)
        except BadExpression as error:
            self._note(str(error), path)
            return None

    def _count_expression(self, text: str, path: Path) -> None:
        self._characters += len(text)
        if len(self._placed) >= MAX_EXPRESSIONS or self._characters > MAX_EXPRESSION_CHARACTERS:
            self._note(_TOO_MANY, path)
            raise _TooManyFlaws

    def _check_references(
        self, shapes: Mapping[str, Shape], planned: Mapping[str, PlannedStep], input_shape: Shape
    ) -> None:
        steps = Steps(shapes)
        for placed in self._placed:
            expression = placed.expression
            scope = {"input": input_shape, "item": self._item_shape(placed.path, planned, shapes, input_shape)}
            for misread in misreads(expression, scope, steps):
                place = self._source.place_in(placed.path, placed.nth, *expression.position(misread.offset))
                self._add(Flaw(misread.message, placed.path, place))
            if any(reference.root == "steps" and not reference.path for reference in expression.references):
                self._note("name the step: steps.ID.output", placed.path)

    def _item_shape(
        self, path: Path, planned: Mapping[str, PlannedStep], shapes: Mapping[str, Shape], input_shape: Shape
    ) -> Shape:
        if path[0] != "steps":
            return ANY
        step = planned[self._document.steps[cast("int", path[1])].id]
        return elements_shape(step.for_each, shapes, input_shape).items or ANY

    def _ordered(self, planned: dict[str, PlannedStep]) -> dict[str, PlannedStep]:
        """The steps in an order in which each comes after what it needs; notes cycles."""
        ordered: dict[str, PlannedStep] = {}
        left = dict(planned)
        while left:
            ready = [id for id, step in left.items() if not any(need in left for need in step.needs)]
            if not ready:
                cycle = _cycle(left)
                self._note(f"steps wait for each other: {' → '.join(cycle)}", (*self._paths[cycle[0]], "id"))
                return planned
            for id in ready:
                ordered[id] = left.pop(id)
        return ordered


def elements_shape(for_each: Template, shapes: Mapping[str, Shape], input_shape: Shape) -> Shape:
    """What is known of the list that a step goes through, when it is a plain path."""
    if not isinstance(for_each, Text) or len(for_each.parts) != 1:
        return ANY
    [expression] = for_each.parts
    path = expression.path if isinstance(expression, Expression) else None
    if path is None:
        return ANY
    shape, rest = input_shape, path[1:]
    if path[0] == "steps":
        shape, rest = shapes.get(path[1], ANY) if len(path) > 1 else ANY, path[2:]
    for name in rest:
        shape = (shape.fields or {}).get(name, ANY)
    return shape


def _cycle(left: Mapping[str, PlannedStep]) -> list[str]:
    seen: list[str] = []
    at = next(iter(left))
    while at not in seen:
        seen.append(at)
        at = next(need for need in left[at].needs if need in left)
    return [*seen[seen.index(at) :], at]


def _result_shape(step: PlannedStep) -> Shape:
    output = output_shape(step.step)
    error = ERROR
    if step.repeats:
        output, error = list_of(output), list_of(ERROR)
    fields = {"output": output, "error": error, "skipped": Shape({"type": "boolean"})}
    return object_of(fields, output.definitions)


def output_shape(step: AnyStep) -> Shape:
    """What is known of a step's output."""
    return Shape.of(step.output.json_schema(mode="serialization"))


def _hinted(error: BadExpression, variables: frozenset[str]) -> str:
    said = str(error)
    if "undeclared reference to 'item'" in said or "undeclared reference to 'index'" in said:
        return f"{said}; `item` and `index` are there in a step with `for_each`"
    if "undeclared reference to" in said:
        return f"{said}; there are {', '.join(sorted(variables))}, and results as steps.ID.output"
    return said
