"""What a worker fills in: input controls (spec: SA-45). Forms are made of them and of display controls.

Every control is the JSON it came from: `model_dump(mode="json")` leaves out what is as by default.
What a control means as JSON Schema is told in `input_schemas`.
"""

from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from intermezzo.human_steps.controls import Audio, Divider, Image, Link, Markdown, Title, WebAddress
from intermezzo.human_steps.options import Options, refuse_repeated
from intermezzo.human_steps.schema_definition import Node


def _number(value: object) -> object:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("expected a number")  # noqa: TRY004 - pydantic takes these
    return value


Amount = Annotated[int | float, BeforeValidator(_number)]
"""A number; `true` is none."""


class _Input(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    id: str
    """Name of the field in the answer."""
    label: str = ""
    """What stands beside it; empty: the id."""
    help: str = ""
    """A hint in CommonMark, below the label."""
    required: bool = False
    """Whether an answer must have it."""
    nullable: bool = False
    """Whether null is an answer too."""
    default: JsonValue = None
    """What the worker finds filled in; null: nothing."""
    examples: tuple[JsonValue, ...] = ()
    """Answers that would do."""
    rules: Node = {}
    """JSON Schema of what else the value must fit: what the control has no word for. Do not change it."""

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, JsonValue]:
        full: dict[str, JsonValue] = handler(self)
        fields = type(self).model_fields.items()
        told = {name: full[name] for name, field in fields if name == "id" or getattr(self, name) != field.default}
        return {"type": full["type"], **told}


class TextInput(_Input):
    """Text."""

    type: Literal["text-input"] = "text-input"
    multiline: bool = False
    placeholder: str = ""
    """What an empty field shows."""
    min_length: int = Field(default=0, ge=0)
    """In characters."""
    max_length: int | None = Field(default=None, ge=0)
    """In characters."""
    pattern: str | None = None
    """A regular expression that matches somewhere in the text."""
    format: str | None = None
    """As in JSON Schema: `email`, `uri`, `date-time`, …"""


class Number(_Input):
    """A number."""

    type: Literal["number"] = "number"
    integer: bool = False
    """Whether it must be whole."""
    minimum: Amount | None = None
    maximum: Amount | None = None
    exclusive_minimum: Amount | None = None
    """It must be more than this."""
    exclusive_maximum: Amount | None = None
    """It must be less than this."""
    step: Annotated[Amount, Field(gt=0)] | None = None
    """It must be a multiple of this."""


class Date(_Input):
    """A day, as `2026-01-31`."""

    type: Literal["date"] = "date"


class Radio(_Input):
    """One of a few options, all in view."""

    type: Literal["radio"] = "radio"
    options: Options = Field(min_length=1)


class Select(_Input):
    """One of many options, from a list that folds out."""

    type: Literal["select"] = "select"
    options: Options = Field(min_length=1)


class Checkbox(_Input):
    """One box for yes or no; with options a box for each, and any number of them may be ticked."""

    type: Literal["checkbox"] = "checkbox"
    options: Options = ()
    """None: the answer is true or false. Else it is the list of the values ticked."""
    min_items: int = Field(default=0, ge=0)
    """Least options to tick."""
    max_items: int | None = Field(default=None, ge=0)
    """Most options to tick."""
    repeats: bool = False
    """Whether an answer that does not come from boxes may hold an option twice."""

    @model_validator(mode="after")
    def _one_box_has_no_limits(self) -> Self:
        if not self.options and (self.min_items or self.max_items is not None or self.repeats):
            raise ValueError("min_items, max_items and repeats need options; add options or leave them out")
        return self


def _distinct_labels(labels: tuple[str, ...]) -> tuple[str, ...]:
    refuse_repeated("every label", labels)
    return labels


class Boxes(_Input):
    """Rectangles on an image: a list of `left`, `top`, `width`, `height` in its pixels, and `label` (spec: SC-24)."""

    type: Literal["boxes"] = "boxes"
    image: WebAddress | None = None
    """The image; None: one that the task shows."""
    labels: Annotated[tuple[str, ...], AfterValidator(_distinct_labels)] = ()
    """What a rectangle may be of; empty: rectangles have no label."""
    min_items: int = Field(default=0, ge=0)
    max_items: int | None = Field(default=None, ge=0)


def check_ids(inputs: "tuple[Input, ...]") -> "tuple[Input, ...]":
    """Refuse inputs of which two would write to the same field.

    Raises:
        ValueError: naming the id.
    """
    refuse_repeated("every id", [control.id for control in inputs])
    return inputs


class Group(_Input):
    """Several inputs whose answers are one object."""

    type: Literal["group"] = "group"
    controls: Annotated[tuple["Input", ...], AfterValidator(check_ids)] = Field(min_length=1)


ITEM_ID = "item"
"""The id of the input that a list repeats: its items have numbers and no names."""


def _nameless(item: "Input") -> "Input":
    if item.id != ITEM_ID or not item.required:
        raise ValueError(f"expected the id {ITEM_ID!r} and required true, or neither")
    return item


class List(_Input):
    """Any number of the same input, one below the other."""

    type: Literal["list"] = "list"
    item: Annotated["Input", AfterValidator(_nameless)]
    """What is repeated; always with the id `item`, and required."""
    min_items: int = Field(default=0, ge=0)
    max_items: int | None = Field(default=None, ge=0)
    unique: bool = False
    """Whether no item may come twice."""


class Json(_Input):
    """Any value as JSON text: for what no other control can say. `rules` is the schema it must fit."""

    type: Literal["json"] = "json"

    @model_validator(mode="after")
    def _null_is_said_by_rules(self) -> Self:
        if self.nullable:
            raise ValueError("json has no nullable; say in `rules` whether null is an answer")
        return self


INPUTS = (TextInput, Number, Select, Radio, Checkbox, Date, Boxes, Group, List, Json)
DISPLAYS = (Title, Markdown, Divider, Link, Image, Audio)

Input = Annotated[
    TextInput | Number | Select | Radio | Checkbox | Date | Boxes | Group | List | Json, Field(discriminator="type")
]
"""One thing a worker fills in; in JSON told apart by its `type`."""

for _model in (Group, List):
    _model.model_rebuild()
