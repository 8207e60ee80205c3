"""Any async function of an author's as a journaled, priced step."""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, ParamSpec, TypeVar, cast

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, create_model

from intermezzo.errors import DefinitionError, InvalidInput
from intermezzo.steps.primitive_step import Primitive, PrimitiveOptions

P = ParamSpec("P")
Out = TypeVar("Out")


class FunctionStep(Primitive[P, BaseModel, Out]):
    """An author's own async function as a step; called with the function's own arguments."""

    def __init__(self, function: Callable[P, Awaitable[Out]], *, credits: int, options: PrimitiveOptions) -> None:
        self.function = function
        self.signature = inspect.signature(function, eval_str=True)
        super().__init__(
            self._call_function,
            type=options.name,
            credits=credits,
            input_model=cast("Callable[P, BaseModel]", _arguments_model(options.name, self.signature)),
            output=_output_adapter(options.name, self.signature),
            options=options,
        )
        self.__doc__ = function.__doc__
        self.__module__ = function.__module__

    async def _call_function(self, input: BaseModel) -> Out:
        function: Callable[..., Awaitable[Out]] = self.function
        return await function(**vars(input))

    def parse(self, *args: object, **kwargs: object) -> BaseModel:
        """The input of a call from the function's own arguments.

        Raises:
            InvalidInput: an argument is missing, unknown, or of the wrong type.
        """
        if len(args) == 1 and isinstance(args[0], self.input_model):
            return args[0]
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise InvalidInput(f"{self.name}: {error}") from None
        return self._validate(bound.arguments)

    def _parse_item(self, index: int, item: object) -> BaseModel:
        try:
            if isinstance(item, Mapping):
                return self._validate(cast("Mapping[str, object]", item))
            return self.parse(item)
        except InvalidInput as error:
            raise InvalidInput(f"{error} (at index {index})") from None


def _arguments_model(name: str, signature: inspect.Signature) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for parameter in signature.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise DefinitionError(f"{name}: a step's parameters must be nameable, {parameter} is not")
        annotation = Any if parameter.annotation is parameter.empty else parameter.annotation
        fields[parameter.name] = (annotation, ... if parameter.default is parameter.empty else parameter.default)
    try:
        return create_model(f"{name}_input", __config__=ConfigDict(extra="forbid"), **fields)
    except (PydanticUserError, NameError) as error:
        raise DefinitionError(f"{name}: its parameters must be data that has a JSON form: {error}") from None


def _output_adapter(name: str, signature: inspect.Signature) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(Any if signature.return_annotation is signature.empty else signature.return_annotation)
    except PydanticUserError as error:
        raise DefinitionError(f"{name}: its result must be data that has a JSON form: {error}") from None


def step(
    *,
    credits: int = 0,
    name: str | None = None,
    retries: int = 0,
    retry_delay_seconds: float = 1.0,
    timeout_seconds: float | None = None,
) -> Callable[[Callable[P, Coroutine[Any, Any, Out]]], FunctionStep[P, Out]]:
    """Make a journaled, priced step of any async function.

    Arguments and result must be things pydantic can turn into JSON and back.

    Args:
        credits: price of one call.
        name: name of the step; the function's own by default.
        retries: how often a failed call is tried again.
        retry_delay_seconds: pause before the first retry, doubled each time.
        timeout_seconds: longest time one try may take.

    Raises:
        DefinitionError: the function is not async, or its parameters cannot be named.
    """

    def declare(function: Callable[P, Coroutine[Any, Any, Out]]) -> FunctionStep[P, Out]:
        if not inspect.iscoroutinefunction(function):
            raise DefinitionError(f"@step needs an `async def` function, got {function!r}")
        return FunctionStep(
            function,
            credits=credits,
            options=PrimitiveOptions(
                name=name or function.__name__,
                retries=retries,
                retry_delay_seconds=retry_delay_seconds,
                timeout_seconds=timeout_seconds,
            ),
        )

    return declare
