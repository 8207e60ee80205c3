"""One execution of a pipeline's plan: its steps are called as a Python flow calls them, each as soon as it can be."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic import BaseModel, JsonValue

from intermezzo.errors import InvalidInput, MapFailed, StepError, StepFailed
from intermezzo.flows.off_loop import off_loop
from intermezzo.pipelines.allowance import Allowance
from intermezzo.pipelines.document import Default
from intermezzo.pipelines.expressions import ExpressionFailed, json_kind
from intermezzo.pipelines.plan import Plan, PlannedStep
from intermezzo.pipelines.references import read_steps
from intermezzo.pipelines.templates import Template, as_text, expressions_in, filled

Values = dict[str, JsonValue]
Failure = StepError | InvalidInput | ExpressionFailed
_Input = tuple[BaseModel, str] | InvalidInput | ExpressionFailed


@dataclass(frozen=True, slots=True)
class _Done:
    """How one call ended."""

    output: JsonValue = None
    failure: Failure | None = None

    @property
    def error(self) -> JsonValue:
        """What `steps.ID.error` says."""
        if self.failure is None:
            return None
        if isinstance(self.failure, StepFailed):
            return {"type": self.failure.type, "message": self.failure.message}
        return {"type": type(self.failure).__name__, "message": str(self.failure)}


async def execute(plan: Plan, input: Mapping[str, JsonValue]) -> JsonValue:
    """Run a pipeline in a flow; returns its output.

    Raises:
        StepError: a step failed whose `on_error` does not say what happens then.
        InvalidInput: a step's input does not fit.
        ExpressionFailed: an expression has no value.
        CreditsError: there is not enough money.
    """
    return await _Execution(plan, plan.with_defaults(input)).run()


class _Execution:
    def __init__(self, plan: Plan, input: Values) -> None:
        self._plan = plan
        self._results: dict[str, JsonValue] = {}
        self._skipped: set[str] = set()
        self._values: Values = {"input": input, "steps": self._results}
        self._allowance = Allowance()

    async def run(self) -> JsonValue:
        tasks: dict[str, asyncio.Task[None]] = {}
        for id, step in self._plan.steps.items():
            before = [tasks[need] for need in step.needs]
            tasks[id] = asyncio.create_task(self._after(before, step), name=id)
        try:
            await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)
        for task in tasks.values():
            if not task.cancelled():
                task.result()
        return await off_loop(self._output)

    async def _after(self, before: Sequence[asyncio.Task[None]], step: PlannedStep) -> None:
        for task in before:
            await task
        try:
            self._results[step.id] = await self._result(step)
        except ExpressionFailed as error:
            raise type(error)(f"step {step.id}: {error}") from None

    async def _result(self, step: PlannedStep) -> JsonValue:
        if any(need in self._skipped and need not in step.asked for need in step.needs):
            return self._skip(step)
        if step.repeats:
            return await self._each(step)
        if not await off_loop(_is_wanted, step, self._values, self._allowance):
            return self._skip(step)
        [done] = await _calls(step, [self._values], self._allowance)
        if done.failure is not None and step.document.on_error == "fail":
            raise done.failure
        return {"output": done.output, "error": done.error, "skipped": False}

    def _skip(self, step: PlannedStep) -> JsonValue:
        self._skipped.add(step.id)
        return {"error": None, "skipped": True}

    async def _each(self, step: PlannedStep) -> JsonValue:
        scopes, wanted = await off_loop(_wanted, step, self._values, self._allowance)
        calls = await _calls(step, [scopes[index] for index in wanted], self._allowance)
        done = dict(zip(wanted, calls, strict=True))
        if step.document.on_error == "fail" and any(one.failure for one in done.values()):
            raise MapFailed(step.id, [one.failure or one.output for one in done.values()])
        every = [done.get(index, _Done()) for index in range(len(scopes))]
        return {"output": [one.output for one in every], "error": [one.error for one in every], "skipped": False}

    def _output(self) -> JsonValue:
        if self._plan.document.output is None:
            results = cast("dict[str, dict[str, JsonValue]]", self._results)
            return {id: result["output"] for id, result in results.items() if "output" in result}
        return self._filled(self._plan.output)

    def _filled(self, template: Template) -> JsonValue:
        """The output, in which null stands for what reads the result of a skipped step."""
        if isinstance(template, dict):
            return {key: self._filled(item) for key, item in template.items()}
        if isinstance(template, list):
            return [self._filled(item) for item in template]
        reads = [read for expression in expressions_in(template) for read in read_steps(expression)]
        asked = {id for id, asks in reads if asks}
        if any(id in self._skipped and id not in asked for id, _ in reads):
            return None
        try:
            return filled(template, self._values, self._allowance)
        except ExpressionFailed as error:
            raise type(error)(f"output: {error}") from None


def _wanted(step: PlannedStep, values: Values, allowance: Allowance) -> tuple[list[Values], list[int]]:
    """What each call of a step in a loop sees, and which of them are wanted."""
    scopes = step.scopes(filled(step.for_each, values, allowance), values)
    return scopes, [index for index, scope in enumerate(scopes) if _is_wanted(step, scope, allowance)]


def _is_wanted(step: PlannedStep, scope: Values, allowance: Allowance) -> bool:
    if step.when is None:
        return True
    wanted = filled(step.when, scope, allowance)
    if not isinstance(wanted, bool):
        raise ExpressionFailed(f"when is true or false, got {json_kind(wanted)}")
    return wanted


async def _calls(step: PlannedStep, scopes: Sequence[Values], allowance: Allowance) -> list[_Done]:
    """Call a step once per scope; failures are in place, but for those of a step that lets its run fail."""
    inputs = await off_loop(_inputs, step, scopes, allowance)
    ready = [pair for pair in inputs if not isinstance(pair, Exception)]
    keys = iter([key for _, key in ready])
    outcomes = iter(
        await step.step.map([input for input, _ in ready], key=lambda _: next(keys), return_exceptions=True)
        if ready
        else []
    )
    return [_failed(step, one) if isinstance(one, Exception) else _done(step, next(outcomes)) for one in inputs]


def _inputs(step: PlannedStep, scopes: Sequence[Values], allowance: Allowance) -> list[_Input]:
    inputs: list[_Input] = []
    for scope in scopes:
        inputs.append(_input(step, scope, allowance))
        if isinstance(inputs[-1], Exception) and step.document.on_error == "fail":
            raise inputs[-1]  # nothing was started or charged
    return inputs


def _input(step: PlannedStep, scope: Values, allowance: Allowance) -> _Input:
    """The input of a call and its key, or why there is none."""
    try:
        value = filled(step.input, scope, allowance)
        if not isinstance(value, dict):
            return InvalidInput(f"{step.id}: the input is an object, got {json_kind(value)}")
        input = cast("BaseModel", step.step.parse(**value))
        key = None if step.key is None else as_text(filled(step.key, scope, allowance))
    except (InvalidInput, ExpressionFailed) as error:
        return error
    return input, step.step.digest(input) if key is None else key


def _done(step: PlannedStep, outcome: object) -> _Done:
    if isinstance(outcome, StepError):
        return _failed(step, outcome)
    return _Done(json.loads(step.step.dump(outcome)))


def _failed(step: PlannedStep, failure: Exception) -> _Done:
    instead = step.document.on_error
    return _Done(instead.default if isinstance(instead, Default) else None, cast("Any", failure))
