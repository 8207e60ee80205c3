"""Steps whose worker is a function that takes the step's input model: the built-in AI steps."""

import inspect
import math
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ParamSpec, Self, TypeVar

from pydantic import BaseModel, TypeAdapter

from intermezzo.errors import DefinitionError
from intermezzo.steps.contract import Step, StepOptions
from intermezzo.steps.cost import Cost
from intermezzo.steps.registry import register

P = ParamSpec("P")
In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out")


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimitiveOptions(StepOptions):
    """Options of a step whose worker is a function."""

    retries: int = 0
    """How often a failed call is tried again."""
    retry_delay_seconds: float = 1.0
    """Pause before the first retry; doubles each time."""
    timeout_seconds: float | None = None
    """Longest time one try may take; None: no limit."""


class Primitive(Step[P, In, Out]):
    """A step whose worker is a function."""

    kind = "primitive"
    options: PrimitiveOptions

    def __init__(
        self,
        perform: Callable[[In], Awaitable[Out]],
        *,
        type: str,
        credits: int,
        input_model: Callable[P, In],
        output: TypeAdapter[Out],
        options: PrimitiveOptions,
    ) -> None:
        if not _is_whole(credits) or credits < 0:
            raise DefinitionError(f"{type}: credits must be a whole number, 0 or more, got {credits!r}")
        super().__init__(type, input_model=input_model, output=output, options=options)
        self.perform = perform
        self.credits = credits
        self.__doc__ = perform.__doc__
        self.__name__ = type
        self.__module__ = perform.__module__
        self._check()

    def price(self, input: In) -> int:  # noqa: ARG002 (the same whatever the input)
        """Credits that one call reserves: the same whatever the input."""
        return self.credits

    @property
    def cost(self) -> Cost:
        """What one call costs: the price."""
        return Cost(minimum=self.credits, expected=self.credits, maximum=self.credits)

    def fn(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[Out]:
        """Do the work itself: no flow, no journal, no charge."""
        return self.perform(self.parse(*args, **kwargs))

    def with_options(
        self,
        *,
        name: str | None = None,
        key: str | None = None,
        retries: int | None = None,
        retry_delay_seconds: float | None = None,
        timeout_seconds: float | None = None,
    ) -> Self:
        """A copy of the step with other options.

        Args:
            name: its name in this pipeline.
            key: identity of the call.
            retries: how often a failed call is tried again.
            retry_delay_seconds: pause before the first retry, doubled each time.
            timeout_seconds: longest time one try may take.

        Raises:
            DefinitionError: an option is out of range.
        """
        return self._with(
            name=name,
            key=key,
            retries=retries,
            retry_delay_seconds=retry_delay_seconds,
            timeout_seconds=timeout_seconds,
        )

    def _check(self) -> None:
        super()._check()
        options = self.options
        if not _is_whole(options.retries) or options.retries < 0:
            raise DefinitionError(f"{self.name}: retries must be a whole number, 0 or more, got {options.retries!r}")
        delay, timeout = options.retry_delay_seconds, options.timeout_seconds
        if not _is_finite(delay) or delay < 0:
            raise DefinitionError(f"{self.name}: retry_delay_seconds must be a number, 0 or more, got {delay!r}")
        if timeout is not None and (not _is_finite(timeout) or timeout <= 0):
            raise DefinitionError(f"{self.name}: timeout_seconds must be above 0, got {timeout!r}")


def _is_finite(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


def primitive(
    input_model: Callable[P, In], *, credits: int
) -> Callable[[Callable[[In], Coroutine[Any, Any, Out]]], Primitive[P, In, Out]]:
    """Declare a built-in step from an async function that takes its input model.

    Args:
        input_model: the pydantic model of the input.
        credits: price of one call (spec: CS-31).
    """

    def declare(perform: Callable[[In], Coroutine[Any, Any, Out]]) -> Primitive[P, In, Out]:
        name = perform.__name__
        returned = inspect.signature(perform, eval_str=True).return_annotation
        return register(
            Primitive(
                perform,
                type=name,
                credits=credits,
                input_model=input_model,
                output=TypeAdapter(returned),
                options=PrimitiveOptions(name=name),
            )
        )

    return declare
