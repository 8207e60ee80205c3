"""What a run of a pipeline costs, before anything is spent.

The figures are of a run that completes. What the input decides is counted; of the rest is assumed:

* a condition that only the run can tell is true half of the time: between 0 and all calls, half expected;
* a list that only the run can tell has between its schema's `minItems` and `maxItems` (else `max_items`) elements,
  and 10 or the nearest number to that are expected;
* what reads the result of a step that may be skipped is skipped as often;
* equal calls are paid once: where inputs are not known, the fewest calls of a non-empty list are one;
* a step that may fail without failing the run (`on_error`) costs at least nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from intermezzo.errors import InvalidInput
from intermezzo.pipelines.allowance import Allowance
from intermezzo.pipelines.checking import elements_shape
from intermezzo.pipelines.expressions import ExpressionFailed, ExpressionTooCostly
from intermezzo.pipelines.plan import Plan, PlannedStep
from intermezzo.pipelines.templates import Template, Text, as_text, expressions_in, filled

SHARE_OF_CONDITIONS = 0.5
LENGTH_OF_LISTS = 10

MAX_SECONDS = 10.0
"""Computing time of the expressions that the input decides."""


@dataclass(frozen=True, slots=True)
class Range:
    """A number of which only the bounds are known."""

    minimum: int
    expected: float
    maximum: int


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """What one step of a run costs."""

    id: str
    type: str
    calls: Range
    credits: Range
    assumption: str
    """What `expected` rests on; empty if nothing is assumed."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run costs."""

    steps: list[StepEstimate]
    credits: Range
    budget_credits: int | None

    @property
    def budget_note(self) -> str:
        """What the budget does to the maximum."""
        return "" if self.budget_credits is None else f"budget {self.budget_credits:,}"


@dataclass(frozen=True, slots=True)
class _Count:
    """How often a step is called; `distinct` of these calls are paid at least."""

    minimum: int
    expected: float
    maximum: int
    distinct: int
    assumption: str = ""


def estimated(
    plan: Plan, input: Mapping[str, JsonValue] | None = None, *, assumed: Mapping[str, float] | None = None
) -> Estimate:
    """Estimate a run.

    Args:
        input: of the run; without it, its lists and conditions are unknown as well.
        assumed: calls by id of a step, in place of what is assumed otherwise.

    Raises:
        ExpressionTooCostly: expressions take or give more than they may, as they would in the run.
        ExpressionFailed: a list is longer than its step's `max_items`.
    """
    estimator = _Estimator(plan, None if input is None else plan.with_defaults(input), assumed or {})
    steps = [estimator.step(step) for step in plan.steps.values()]
    budget = plan.document.budget
    total = Range(
        sum(step.credits.minimum for step in steps),
        sum(step.credits.expected for step in steps),
        sum(step.credits.maximum for step in steps),
    )
    if budget is not None:
        total = Range(min(total.minimum, budget), min(total.expected, budget), min(total.maximum, budget))
    return Estimate(steps, total, budget)


class _Estimator:
    def __init__(self, plan: Plan, input: Mapping[str, JsonValue] | None, assumed: Mapping[str, float]) -> None:
        self._plan = plan
        self._values: dict[str, JsonValue] | None = None if input is None else {"input": dict(input)}
        self._assumed = assumed
        self._allowance = Allowance(seconds=MAX_SECONDS)
        self._counts: dict[str, _Count] = {}
        self._shares: dict[str, float] = {}
        """Expected share of runs in which a step is not skipped; below 1 if it may be."""

    def step(self, step: PlannedStep) -> StepEstimate:
        """Estimate one step; those it needs have been."""
        count = self._counts[step.id] = self._bounded(step, self._count(step))
        cost = step.step.cost
        safe = step.document.on_error == "fail"
        credits = Range(
            cost.minimum * min(count.minimum, count.distinct) if safe else 0,
            cost.expected * count.expected,
            cost.maximum * count.maximum,
        )
        calls = Range(count.minimum, count.expected, count.maximum)
        return StepEstimate(step.id, step.document.type, calls, credits, count.assumption)

    def _bounded(self, step: PlannedStep, count: _Count) -> _Count:
        """The count, less what a step that it reads may take away by being skipped."""
        needs = [need for need in step.needs if need not in step.asked]
        share = min((self._shares[need] for need in needs), default=1.0)
        single = not step.repeats and count.minimum == 0
        self._shares[step.id] = min(share, count.expected) if single else share
        expected, assumption = count.expected * share, count.assumption
        if share < 1:
            first = next(need for need in needs if self._shares[need] == share)
            count = _Count(0, expected, count.maximum if share > 0 else 0, 0, f"skipped as often as {first}")
        if step.id in self._assumed and count.minimum < count.maximum:
            given = min(max(self._assumed[step.id], count.minimum), count.maximum)
            if single:
                self._shares[step.id] = given
            return _Count(count.minimum, given, count.maximum, count.distinct, f"{given:g} calls, as given")
        return _Count(count.minimum, expected, count.maximum, count.distinct, count.assumption or assumption)

    def _count(self, step: PlannedStep) -> _Count:
        if step.repeats:
            return self._count_of_list(step)
        wanted = self._truth(step.when, self._values)
        if wanted is None:
            return _Count(0, SHARE_OF_CONDITIONS, 1, 0, "`when` is true half of the time")
        return _Count(int(wanted), int(wanted), int(wanted), int(wanted))

    def _count_of_list(self, step: PlannedStep) -> _Count:
        items = self._known(step.for_each, self._values)
        if isinstance(items, list) and self._values is not None:
            return self._count_of_items(step, step.scopes(items, self._values))
        least, expected, most, assumption = self._length(step)
        if step.when is not None and step.when is not True:
            half = f"{assumption + ', ' if assumption else ''}`when` is true for half of the items"
            return _Count(0, expected * SHARE_OF_CONDITIONS, most, 0, half)
        return _Count(least, expected, most, min(least, 1), assumption)

    def _count_of_items(self, step: PlannedStep, scopes: list[dict[str, JsonValue]]) -> _Count:
        truths = [self._truth(step.when, scope) for scope in scopes]
        sure, unsure = sum(truth is True for truth in truths), sum(truth is None for truth in truths)
        keys = {self._key(step, scope) for scope, truth in zip(scopes, truths, strict=True) if truth}
        distinct = max(len(keys - {None}), min(sure, 1))
        most = sure + unsure
        if None not in keys and not unsure:
            return _Count(len(keys), len(keys), len(keys), distinct)
        note = "`when` is true for half of the items" if unsure else ""
        return _Count(sure, sure + unsure * SHARE_OF_CONDITIONS, most, distinct, note)

    def _length(self, step: PlannedStep) -> tuple[int, float, int, str]:
        """Of a list that is not known."""
        source = _source(step.for_each)
        if source is not None and self._plan.steps[source].repeats:
            return self._length_of_results(source, step)
        shape = elements_shape(step.for_each, self._plan.result_shapes, self._plan.input_shape)
        least, most = shape.lengths
        longest = step.document.max_items if most is None else min(most, step.document.max_items)
        least = min(least, longest)
        expected = min(max(LENGTH_OF_LISTS, least), longest)
        note = "" if least == longest else f"a list of {expected}"
        return least, expected, longest, note

    def _length_of_results(self, source: str, step: PlannedStep) -> tuple[int, float, int, str]:
        """Of the list that another step gives: as many elements as its own list has."""
        before = self._plan.steps[source]
        items = self._known(before.for_each, self._values)
        if isinstance(items, list):
            return len(items), len(items), len(items), ""
        least, expected, most, note = self._length(before)
        return least, expected, min(most, step.document.max_items), note

    def _truth(self, when: Template, values: Mapping[str, JsonValue] | None) -> bool | None:
        if when is None:
            return True
        known = self._known(when, values)
        return known if isinstance(known, bool) else None

    def _key(self, step: PlannedStep, scope: Mapping[str, JsonValue]) -> str | None:
        """What tells a call from its equals, if it follows from the run's input."""
        if step.key is not None:
            key = self._known(step.key, scope)
            return None if key is None else as_text(key)
        value = self._known(step.input, scope)
        if not isinstance(value, dict):
            return None
        try:
            return step.step.digest(step.step.parse(**value))
        except InvalidInput:
            return None

    def _known(self, template: Template, values: Mapping[str, JsonValue] | None) -> JsonValue:
        """A value that follows from the run's input alone; None if it does not."""
        roots = {reference.root for expression in expressions_in(template) for reference in expression.references}
        if not roots <= (values or {}).keys():
            return None
        try:
            return filled(template, values or {}, self._allowance)
        except ExpressionTooCostly:
            raise
        except ExpressionFailed:
            return None


def _source(for_each: Template) -> str | None:
    """The step whose results a list is, if it is nothing but `steps.ID.output` of one that gives a list."""
    if not isinstance(for_each, Text) or len(for_each.parts) != 1 or isinstance(for_each.parts[0], str):
        return None
    path = for_each.parts[0].path
    if path is None or len(path) != 3 or path[0] != "steps" or path[2] != "output":  # noqa: PLR2004 (steps.ID.output)
        return None
    return path[1]
