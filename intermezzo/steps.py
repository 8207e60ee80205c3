"""The one contract of every step: typed input → typed output, with a name and a price.

Authors call steps in a flow; `intermezzo.flows` journals and charges those calls. This module knows neither Prefect
nor the database: it says what a step *is*, and keeps the registry of step types.
"""

import hashlib
import importlib
import inspect
import json
import reprlib
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, ParamSpec, Protocol, Self, TypeVar, cast, overload

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError, create_model

from intermezzo.errors import DefinitionError, InvalidInput, MapFailed, RecordedOutputMismatch, StepError

P = ParamSpec("P")
In = TypeVar("In", bound=BaseModel)
Out = TypeVar("Out")

LONGEST_NAME = 200
"""Characters of a step's name: what the store has room for."""

STEP_CALL_NAMESPACE = uuid.UUID("6f1f7d7e-5b0c-5d43-9a55-1a7f6b1f2d10")
"""Namespace of step-call ids: the same call of the same run has the same id in every attempt."""


class StepInput(BaseModel):
    """Base of the built-in steps' inputs: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StepOutput(BaseModel):
    """Base of the built-in steps' outputs."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    summary: str
    """One line for a person, at most 500 characters (spec: CS-61)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCall:
    """One call of a step in a run, as a worker function may see it."""

    id: str
    """UUID, the same at every attempt: pass it to a provider as idempotency key."""
    run_id: str
    step: str
    key: str


_current_call: ContextVar[StepCall | None] = ContextVar("intermezzo_step_call", default=None)


def current_call() -> StepCall | None:
    """The step call this code works for, or None outside of one."""
    return _current_call.get()


def begin_work(call: StepCall) -> Token[StepCall | None]:
    """Make `call` the current one; `end_work` takes it back."""
    return _current_call.set(call)


def end_work(token: Token[StepCall | None]) -> None:
    """The worker function has returned."""
    _current_call.reset(token)


def call_id(run_id: str, step: str, key: str) -> str:
    """The id of a step call: a UUID that depends on nothing but run, step name and key."""
    return _uuid(f"{run_id}\n{step}\n{key}")


def task_id(call: str, generation: int) -> str:
    """The id of the human task that the n-th opening of a call posts; of the first, the call's own."""
    return call if generation == 1 else _uuid(f"{call}\n{generation}")


def _uuid(name: str) -> str:
    """UUID version 8 (RFC 9562: by our own rule) of a name; `uuid.uuid5` takes five times as long."""
    digest = hashlib.blake2b(name.encode(), digest_size=16, key=STEP_CALL_NAMESPACE.bytes).hexdigest()
    variant = "89ab"[int(digest[16], 16) % 4]
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:]}"


class Caller(Protocol):
    """What journals and charges calls: `intermezzo.flows.engine`."""

    async def call(self, step: "Step[..., Any, Out]", input: BaseModel, key: str) -> Out:
        """Output of one call; raises what it ended with."""
        ...

    async def map(self, step: "Step[..., Any, Out]", inputs: list[BaseModel], keys: list[str]) -> list[Out | StepError]:
        """Outcomes of many calls, in order."""
        ...


def _engine() -> Caller:
    # By name, at the first call: importing intermezzo must not import Prefect, and steps know nothing of flows.
    return cast("Caller", importlib.import_module("intermezzo.flows.engine").engine)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepOptions:
    """Options every step has; `with_options` sets them."""

    name: str
    """Name in this pipeline: part of a call's identity, so two uses of one type should differ."""
    key: str | None = None
    """Identity of the next call, when its input alone does not tell it from another."""


class Step(ABC, Generic[P, In, Out]):
    """A typed unit of work with a price. Its worker is a function (`Primitive`) or people (`HumanStep`)."""

    kind: Literal["primitive", "human"]

    def __init__(
        self, type: str, *, input_model: Callable[P, In], output: TypeAdapter[Out], options: StepOptions
    ) -> None:
        self.type = type
        self.input_model = cast("type[In]", input_model)
        self.output = output
        self.options = options

    @property
    def name(self) -> str:
        """Name of the step in its pipeline."""
        return self.options.name

    @overload
    def __call__(
        self, input: In | Mapping[str, object], /, *, key: str | None = None
    ) -> Coroutine[None, None, Out]: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[None, None, Out]: ...
    def __call__(self, *args: object, **kwargs: object) -> Coroutine[None, None, Out]:
        """Call the step in a flow: done at most once per run, charged exactly once.

        Args:
            args: the input, as its model or a mapping; or give its fields as keywords.
            kwargs: `key` tells two calls with equal input apart; everything else is a field of the input.

        Raises:
            InvalidInput: the input does not fit the step's model.
            MisplacedStep: not in a flow, or a human step inside a Prefect task.
            InsufficientCredits: before any work.
            StepError: the call ended without an output.
        """
        key = kwargs.pop("key", None) if "key" not in self.input_model.model_fields else None
        if key is not None and not isinstance(key, str):
            raise InvalidInput(f"{self.name}: key must be a string, got {key!r}")
        input = self.parse(*args, **kwargs)
        given = self.options.key if key is None else key
        return _engine().call(self, input, self.digest(input) if given is None else given)

    @overload
    async def map(
        self,
        inputs: Iterable[In | Mapping[str, object]],
        *,
        key: Callable[[In], str] | None = None,
        return_exceptions: Literal[False] = False,
    ) -> list[Out]: ...
    @overload
    async def map(
        self,
        inputs: Iterable[In | Mapping[str, object]],
        *,
        key: Callable[[In], str] | None = None,
        return_exceptions: Literal[True],
    ) -> list[Out | StepError]: ...
    async def map(
        self,
        inputs: Iterable[In | Mapping[str, object]],
        *,
        key: Callable[[In], str] | None = None,
        return_exceptions: bool = False,
    ) -> list[Out] | list[Out | StepError]:
        """Call the step once per input, in bulk; waits for all.

        Args:
            inputs: one input per call. Equal inputs are one call, paid once, unless `key` tells them apart.
            key: makes the key of a call from its input.
            return_exceptions: put failures into the list instead of raising.

        Returns:
            One output per input, in order.

        Raises:
            InvalidInput: an input does not fit; nothing was started or charged.
            InsufficientCredits: not enough for all of them; nothing was started or charged.
            MapFailed: some calls failed; it carries every result and failure.
        """
        parsed = [self._parse_item(index, item) for index, item in enumerate(inputs)]
        keys = [key(item) if key else self.digest(item) for item in parsed]
        results = await _engine().map(self, cast("list[BaseModel]", parsed), keys)
        if not return_exceptions and any(isinstance(result, StepError) for result in results):
            raise MapFailed(self.name, results)
        return results

    def with_options(self, *, name: str | None = None, key: str | None = None) -> Self:
        """A copy of the step with other options."""
        return self._with(name=name, key=key)

    def _with(self, **changes: object) -> Self:
        given = {field: value for field, value in changes.items() if value is not None}
        copy = object.__new__(self.__class__)
        vars(copy).update(vars(self))
        copy.options = replace(self.options, **cast("dict[str, Any]", given))
        copy._check()
        return copy

    def _check(self) -> None:
        """Refuse options that cannot work."""
        if not 1 <= len(self.name) <= LONGEST_NAME:
            raise DefinitionError(f"a step's name has 1 to {LONGEST_NAME} characters, got {self.name!r}")

    def parse(self, *args: object, **kwargs: object) -> In:
        """Make the typed input of a call from its arguments.

        Raises:
            InvalidInput: naming each field, what was expected and what came.
        """
        if args and (kwargs or len(args) > 1):
            raise InvalidInput(f"{self.name}: give the input as one mapping or as keywords, not both")
        value = args[0] if args else kwargs
        if isinstance(value, self.input_model):
            return value
        if not isinstance(value, Mapping):
            expected = f"{self.input_model.__name__} or a mapping"
            raise InvalidInput(f"{self.name}: expected {expected}, got {type(value).__name__}")
        return self._validate(cast("Mapping[str, object]", value))

    def _validate(self, value: Mapping[str, object]) -> In:
        try:
            return self.input_model.model_validate(dict(value))
        except ValidationError as error:
            raise InvalidInput(f"{self.name}: {explain(error)}") from None

    def _parse_item(self, index: int, item: object) -> In:
        try:
            return self.parse(item)
        except InvalidInput as error:
            raise InvalidInput(f"{error} (at index {index})") from None

    def digest(self, input: In) -> str:
        """The key of a call whose author gave none: a digest of the input's JSON."""
        canonical = json.dumps(input.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def dump(self, output: Out) -> str:
        """The output as JSON text, for the journal."""
        return self.output.dump_json(output).decode()

    def load(self, recorded: str) -> Out:
        """The output from the journal.

        Raises:
            RecordedOutputMismatch: the model has changed since it was recorded.
        """
        try:
            return self.output.validate_json(recorded)
        except ValidationError as error:
            raise RecordedOutputMismatch(
                f"{self.name}: its recorded output no longer fits the step's output model: {explain(error)}; "
                "make the new fields optional, or give the step a new name to run it again"
            ) from None

    @abstractmethod
    def price(self, input: In) -> int:
        """Credits that one call reserves."""


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
        if options.retries < 0 or options.retry_delay_seconds < 0:
            raise DefinitionError(f"{self.name}: retries and retry_delay_seconds cannot be negative")
        if options.timeout_seconds is not None and options.timeout_seconds <= 0:
            raise DefinitionError(f"{self.name}: timeout_seconds must be above 0, got {options.timeout_seconds!r}")


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


def _is_whole(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool)


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


_registry: dict[str, Step[..., Any, Any]] = {}

S = TypeVar("S", bound="Step[..., Any, Any]")


def register(step: S) -> S:
    """Enter a step type into the registry, so that it can be found by its name."""
    _registry[step.type] = step
    return step


def registered(type: str) -> Step[..., Any, Any]:
    """The step type of that name.

    Raises:
        DefinitionError: there is none; the message lists those there are.
    """
    try:
        return _registry[type]
    except KeyError:
        known = ", ".join(sorted(_registry)) or "none"
        raise DefinitionError(f"there is no step type {type!r}; known: {known}") from None


def registered_types() -> list[str]:
    """Names of all step types, sorted."""
    return sorted(_registry)


def explain(error: ValidationError) -> str:
    """A validation error as one line: each field, what was expected and what came."""
    parts: list[str] = []
    for detail in error.errors(include_url=False)[:5]:
        field = ".".join(str(part) for part in detail["loc"]) or "input"
        shown = reprlib.repr(detail["input"])
        got = "" if detail["type"] == "missing" else f", got {shown}"
        parts.append(f"{field}: {detail['msg'][0].lower()}{detail['msg'][1:]}{got}")
    more = error.error_count() - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")
