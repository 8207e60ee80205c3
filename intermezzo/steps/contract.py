"""What a step is: typed input → typed output, with a name and a price. Knows neither Prefect nor the database."""

import hashlib
import importlib
import json
import reprlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, Protocol, Self, TypeVar, cast, overload

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from intermezzo.errors import DefinitionError, InvalidInput, MapFailed, RecordedOutputMismatch, StepError
from intermezzo.steps.cost import Cost

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

P = ParamSpec("P")


In = TypeVar("In", bound=BaseModel)


Out = TypeVar("Out")


LONGEST_NAME = 200
"""Characters of a step's name: what the store has room for."""

_MOST_FAULTS = 5
_LONGEST_SHOWN = 20
"""Faults of one input that are listed."""


class StepInput(BaseModel):
    """Base of the built-in steps' inputs: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class StepOutput(BaseModel):
    """Base of the built-in steps' outputs (spec: CS-61)."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    summary: str
    """One line for a person, at most 500 characters."""


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
            broken = [field for field, given in value.items() if not _is_unicode(given)]
        except RecursionError:
            raise InvalidInput(f"{self.name}: the input is nested too deeply") from None
        if broken:
            raise InvalidInput(
                f"{self.name}: {broken[0][:100]}: expected Unicode text, got half of a surrogate pair "
                "(a code point from U+D800 to U+DFFF); replace it"
            )
        try:
            return self.input_model.model_validate(dict(value))
        except ValidationError as error:
            raise InvalidInput(f"{self.name}: {explain(error, known=self.input_model.model_fields)}") from None

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

    def load(self, recorded: str, input: In | None = None) -> Out:  # noqa: ARG002 (some outputs follow from it in part)
        """The output from the journal.

        Args:
            input: of the call that it was recorded for.

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

    @property
    @abstractmethod
    def cost(self) -> Cost:
        """What one call costs in the end, whatever its input."""


def explain(error: ValidationError, *, known: Iterable[str] = ()) -> str:
    """A validation error as one line: each field, what was expected and what came.

    Args:
        known: names of the fields there are, to be told when one is unknown.
    """
    faults = error.errors(include_url=False)
    parts = [_fault(fault, known) for fault in faults[:_MOST_FAULTS]]
    more = len(faults) - len(parts)
    return "; ".join(parts) + (f"; and {more} more" if more > 0 else "")


def _is_unicode(value: object) -> bool:
    """Whether all text in a value, as parsed from JSON, can be written as UTF-8."""
    if isinstance(value, str):
        try:
            return value.isascii() or bool(value.encode())
        except UnicodeEncodeError:
            return False
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value)
        return all(map(_is_unicode, items)) and all(map(_is_unicode, items.values()))
    return all(map(_is_unicode, cast("list[object]", value))) if isinstance(value, list) else True


def _fault(fault: "ErrorDetails", known: Iterable[str]) -> str:
    field = ".".join(str(part) for part in fault["loc"])
    if fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        there_are = f"; the fields are {', '.join(known)}" if known and len(fault["loc"]) == 1 else ""
        return f"{field}: unknown field{there_are}"
    said = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    # How long a list is, is to be seen; and the model is a name of the code, not of the input.
    said = said.partition(" after validation, not ")[0].partition(" or instance of ")[0]
    said = said[:1].lower() + said[1:]
    if not field:  # said of the input as a whole, which is not to be repeated
        return said
    return f"{field}: {said}" + ("" if fault["type"] == "missing" else f", got {_shown(fault['input'])}")


def _shown(value: object) -> str:
    """A value that came, for a message; such messages are logged, so a longer text is only measured."""
    if isinstance(value, str) and len(value) > _LONGEST_SHOWN:
        return f"text of {len(value):,} characters"
    return reprlib.repr(value)
