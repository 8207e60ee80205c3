"""A human step type on one sheet: what it takes, what workers answer, what it gives and costs.

Read by those who choose a type: the command line shows sheets, and the documentation is made of them.
"""

import json
from dataclasses import dataclass
from typing import Any, Self, cast

from pydantic import BaseModel, JsonValue

from intermezzo.errors import InvalidInput
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.human_step import Answer, HumanStep
from intermezzo.human_steps.schema_definition import Node
from intermezzo.ledger import human_price
from intermezzo.steps import BUILT_IN, family_of, registered, registered_types
from intermezzo.steps.schema_words import in_words

AnyHumanStep = HumanStep[..., Any, Any]

PRICED_ASSIGNMENTS = (1, 3)
"""For how many answers a sheet says the price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetField:
    """One field of an input or of an answer."""

    name: str
    required: bool
    expected: str
    """Type, options and bounds, in words."""
    default: str
    """As JSON; empty if there is none."""
    about: str
    """What it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeSheet:
    """What there is to know about a type."""

    name: str
    family: str
    """Where it comes from: `native`, `humanrail`, `scale` or `custom`."""
    instructions: str
    """What its workers are told; Markdown."""
    reward_credits: int
    """Per answer."""
    price_credits: dict[int, int]
    """Number of answers → credits that a call reserves for them, the fee included."""
    deadline_seconds: int | None
    input_fields: list[SheetField]
    answer_fields: list[SheetField]
    """Of the example, where the form depends on the input."""
    output_fields: list[str]
    """What a call gives, besides how the workers agreed."""
    example: dict[str, JsonValue] | None
    input_schema: Node
    answer_schema: Node | None
    """Of the example; None without one that the form could be made for."""
    output_schema: Node

    @classmethod
    def of(cls, step: AnyHumanStep) -> Self:
        """The sheet of a type."""
        input_schema = cast("Node", cast("type[BaseModel]", step.input_model).model_json_schema())
        example = None if step.example is None else dict(cast("dict[str, JsonValue]", step.example))
        form = _form(step, example or {})
        output_schema = step.output.json_schema(mode="serialization")
        return cls(
            name=step.type,
            family=family_of(step.type),
            instructions=step.instructions,
            reward_credits=step.reward,
            price_credits={n: human_price(step.reward, n) for n in PRICED_ASSIGNMENTS},
            deadline_seconds=step.options.deadline_seconds,
            input_fields=_fields(input_schema),
            answer_fields=_fields(form.schema) if form else [],
            output_fields=[name for name in output_schema.get("properties", {}) if name not in Answer.model_fields],
            example=example,
            input_schema=input_schema,
            answer_schema=form.schema if form else None,
            output_schema=output_schema,
        )

    @property
    def deadline(self) -> str:
        """The deadline in words; empty without one."""
        seconds = self.deadline_seconds or 0
        for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
            if seconds >= length and seconds % length == 0:
                count = seconds // length
                return f"{count} {unit}{'' if count == 1 else 's'}"
        return ""

    @property
    def prices(self) -> str:
        """The prices in words."""
        each = [f"{price} for {n} {'answer' if n == 1 else 'answers'}" for n, price in self.price_credits.items()]
        return f"{self.reward_credits} credits to the worker per answer; with the fee {', '.join(each)}"

    @property
    def work(self) -> str:
        """What workers do, in a sentence."""
        return self.instructions.partition(". ")[0].removesuffix(".")


def human_types() -> list[AnyHumanStep]:
    """All human step types, family by family."""
    families = [*BUILT_IN, "custom"]
    found = [step for name in registered_types() if isinstance(step := registered(name), HumanStep)]
    return sorted(found, key=lambda step: families.index(family_of(step.type)))


def _form(step: AnyHumanStep, example: dict[str, JsonValue]) -> AnswerSchema | None:
    try:
        return step.answer_schema(step.parse(example))
    except InvalidInput:
        return None


def _fields(schema: Node) -> list[SheetField]:
    required = schema.get("required")
    return [
        SheetField(
            name=name,
            required=isinstance(required, list) and name in required,
            expected=in_words(node, schema),
            default=json.dumps(node["default"], ensure_ascii=False) if "default" in node else "",
            about=str(node.get("description", "")).replace("\n", " "),
        )
        for name, node in _nodes(schema.get("properties")).items()
    ]


def _node(value: JsonValue) -> Node:
    return value if isinstance(value, dict) else {}


def _nodes(value: JsonValue) -> dict[str, Node]:
    return {name: _node(node) for name, node in _node(value).items()}
