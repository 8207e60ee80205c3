"""What workers answer to a human step, as JSON Schema: the one validator, and the one maker of examples.

Called by the human step types when they are defined, by the task lifecycle before a response is stored, and
by the simulated workers.
"""

import json
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import cast

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic_core import to_json

from intermezzo.errors import DefinitionError, InvalidResponse
from intermezzo.human_steps.answer_flaws import explained, problems_of
from intermezzo.human_steps.closed_options import closed_options
from intermezzo.human_steps.json_values import plain_json
from intermezzo.human_steps.leaves import Leaf, leaves_of
from intermezzo.human_steps.samples import Choose, Sampler, no_sample
from intermezzo.human_steps.schema_definition import Node, define, plain_schema
from intermezzo.human_steps.schema_validator import check_schema, flaws, is_valid
from intermezzo.steps import explain

MAX_ANSWER_BYTES = 1_000_000
"""Size limit of one answer as JSON; a form filled in by a person stays far below."""


@dataclass(frozen=True)
class AnswerSchema:
    """The form of an answer: `AnswerSchema.of(model_or_schema)` makes one.

    One may be stored as its `schema` and made again; only the model's own validators are lost then.
    """

    source: Node = field(hash=False)
    """The schema as the author wrote it, as plain JSON. Do not change it."""
    schema: Node = field(hash=False, repr=False, compare=False)
    """The schema to validate with, render and store: no `$ref`, objects closed to unknown fields.
    Do not change it."""
    model: type[BaseModel] | None = None
    """The author's pydantic model, whose own validators run after the schema."""

    @classmethod
    def of(cls, model_or_schema: object) -> "AnswerSchema":
        """The answer schema of a pydantic model class or a JSON Schema.

        Args:
            model_or_schema: a model class, or a JSON Schema 2020-12 of an object with at least one field.
                References may point to its own `$defs`. Objects refuse unknown fields unless
                `additionalProperties` says otherwise. The `schema` of another `AnswerSchema` will do too.

        Raises:
            DefinitionError: it cannot be a form: no valid schema, no object, no field, endless, too large, or
                with a reference to elsewhere.
        """
        if isinstance(model_or_schema, type):
            model = cast("type[object]", model_or_schema)
            if not issubclass(model, BaseModel):
                raise DefinitionError(f"answer schema: expected a pydantic model class, got {model.__name__}")
            # What pydantic writes is a valid schema; checking it would import jsonschema at every start.
            source = _schema_of_model(model)
            return cls(source, define(source), model)
        return _defined(json.dumps(plain_schema(model_or_schema)))

    def validate(self, answer: object) -> dict[str, JsonValue]:
        """The answer in its normal form, or an error a worker can act on.

        Args:
            answer: what came, as parsed JSON.

        Returns:
            A copy of the answer; with a model, what the model makes of it, defaults filled in.

        Raises:
            InvalidResponse: naming each field, what was expected and what came.
        """
        try:
            plain = plain_json(answer, max_bytes=MAX_ANSWER_BYTES)
        except ValueError as error:
            raise InvalidResponse(f"{error}; correct it and submit again") from None
        self._checked()
        if found := flaws(self.schema, plain):
            problems = problems_of(found, self.schema)
            raise InvalidResponse(f"{explained(problems)}; correct it and submit again", problems=dict(problems))
        normal = cast("dict[str, JsonValue]", plain)
        return normal if self.model is None else _normalised(self.model, normal)

    def closed_fields(self) -> list[str]:
        """The fields whose values come from a closed set: those that workers can agree on."""
        return [name for name in self.fields if self.options(name) is not None]

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """What of an answer is compared by itself, when the answers of several workers are."""
        return tuple(leaves_of(self.schema))

    def options(self, name: str) -> list[JsonValue] | None:
        """The closed set a field's value comes from, or None if it is open.

        Raises:
            KeyError: there is no such field.
        """
        return closed_options(self.fields[name])

    @property
    def fields(self) -> dict[str, Node]:
        """Name of each top-level field → its schema."""
        return cast("dict[str, Node]", self.schema["properties"])

    def sample(self, choose: Choose | None = None, stray: Choose | None = None) -> dict[str, JsonValue]:
        """An example answer that validates: first option, minimum, true, "test response".

        Args:
            choose: picks one of the options of a closed field; another is taken when the rest of the schema
                refuses it.
            stray: picks one of a few values of an open field, the most natural first; without it that is taken.

        Raises:
            DefinitionError: no valid answer was found; it names the field.
        """
        self._checked()
        sampler = Sampler(choose, stray)
        candidates = sampler.samples(self.schema)
        examples = self.schema.get("examples")
        if isinstance(examples, list):
            candidates += [example for example in examples if is_valid(self.schema, example)]
        if not candidates:
            raise no_sample(sampler.failed_path, "its rules leave no value that a machine can find")
        refusal: InvalidResponse | None = None
        for candidate in candidates:
            try:
                return self.validate(candidate)
            except InvalidResponse as error:
                refusal = refusal or error
        raise no_sample(str(refusal).partition(":")[0], str(refusal)) from None

    def _checked(self) -> None:
        if self.model is not None:
            self._model_schema_checked  # noqa: B018 - cached, so that the check runs once

    @cached_property
    def _model_schema_checked(self) -> bool:
        # `json_schema_extra` may have broken what pydantic wrote.
        check_schema(self.schema)
        return True


@lru_cache(maxsize=128)
def _defined(text: str) -> AnswerSchema:
    """Cached: a batch defines the same form for every item, and stored forms are read again and again."""
    source = cast("Node", json.loads(text))
    schema = define(source)
    check_schema(schema)
    return AnswerSchema(source, schema)


def _schema_of_model(model: type[BaseModel]) -> Node:
    try:
        source = plain_schema(model.model_json_schema())
        written = model.model_json_schema(mode="serialization")
    except PydanticInvalidForJsonSchema as error:
        raise DefinitionError(f"answer schema: {model.__name__} has a field without JSON Schema: {error}") from None
    lost = set(_fields(source)) - set(_fields(written))
    if lost:
        raise DefinitionError(
            f"answer schema: {model.__name__} reads {', '.join(sorted(lost))} but does not write it; "
            "give the field one `alias` for both, and no `exclude`"
        )
    return source


def _fields(schema: dict[str, JsonValue]) -> list[str]:
    reference = schema.get("$ref")
    definitions = schema.get("$defs")
    if isinstance(reference, str) and isinstance(definitions, dict):
        target = definitions.get(reference.removeprefix("#/$defs/"))
        schema = target if isinstance(target, dict) else {}
    properties = schema.get("properties")
    return list(properties) if isinstance(properties, dict) else []


def _normalised(model: type[BaseModel], answer: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        # As JSON, so that strict models still take a date or an enum written as text.
        parsed = model.model_validate_json(to_json(answer))
    except ValidationError as error:
        raise InvalidResponse(f"{explain(error)}; correct it and submit again") from None
    return parsed.model_dump(mode="json", by_alias=True, round_trip=True)
