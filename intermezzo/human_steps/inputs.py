"""What a worker fills in: input controls (spec: SA-45). Forms are made of them and of display controls.

Every control is the JSON it came from: `model_dump(mode="json")` leaves out what is as by default.
What a control means as JSON Schema is told in `input_schemas`.
"""

from collections import Counter
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
from intermezzo.human_steps.json_values import canonical_json, shown
from intermezzo.human_steps.schema_definition import Node


def _scalar(value: JsonValue) -> JsonValue:
    if isinstance(value, dict | list):
        raise ValueError("expected text, a number, true, false or null")  # noqa: TRY004 - pydantic takes these
    return value


def _number(value: object) -> object:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ValueError("expected a number")  # noqa: TRY004 - pydantic takes these
    return value


Scalar = Annotated[JsonValue, AfterValidator(_scalar)]
"""A value without parts."""

Amount = Annotated[int | float, BeforeValidator(_number)]
"""A number; `true` is none."""


class Option(BaseModel):
    """One of the values to choose from."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    label: str
    """What it reads."""
    value: Scalar
    """What the answer holds."""

    @classmethod
    def of(cls, value: Scalar) -> Self:
        """An option that reads as its value."""
        return cls(label=value if isinstance(value, str) and value else canonical_json(value), value=value)


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


def _distinct(options: tuple[Option, ...]) -> tuple[Option, ...]:
    counts = Counter(canonical_json(option.value) for option in options)
    if twice := [text for text, count in counts.items() if count > 1]:
        raise ValueError(f"expected every option once, got {shown(twice[0])} several times; leave one")
    return options


class _Choice(_Input):
    options: tuple[Option, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _options_are_distinct(self) -> Self:
        _distinct(self.options)
        return self


class Radio(_Choice):
    """One of a few options, all in view."""

    type: Literal["radio"] = "radio"


class Select(_Choice):
    """One of many options, from a list that folds out."""

    type: Literal["select"] = "select"


class Checkbox(_Input):
    """One box for yes or no; with options a box for each, and any number of them may be ticked."""

    type: Literal["checkbox"] = "checkbox"
    options: tuple[Option, ...] = ()
    """None: the answer is true or false. Else it is the list of the values ticked."""
    min_items: int = Field(default=0, ge=0)
    """Least options to tick."""
    max_items: int | None = Field(default=None, ge=0)
    """Most options to tick."""
    repeats: bool = False
    """Whether an answer that does not come from boxes may hold an option twice."""

    @model_validator(mode="after")
    def _options_are_distinct(self) -> Self:
        _distinct(self.options)
        if not self.options and (self.min_items or self.max_items is not None or self.repeats):
            raise ValueError("min_items, max_items and repeats need options; add options or leave them out")
        return self


class Boxes(_Input):
    """Rectangles on an image: a list of `left`, `top`, `width`, `height` in its pixels, and `label` (spec: SC-24)."""

    type: Literal["boxes"] = "boxes"
    image: WebAddress | None = None
    """The image; None: one that the task shows."""
    labels: tuple[str, ...] = ()
    """What a rectangle may be of; empty: rectangles have no label."""
    min_items: int = Field(default=0, ge=0)
    max_items: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> Self:
        _distinct(tuple(Option.of(label) for label in self.labels))
        return self


class Group(_Input):
    """Several inputs whose answers are one object."""

    type: Literal["group"] = "group"
    controls: tuple["Input", ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        check_ids(self.controls)
        return self


class List(_Input):
    """Any number of the same input, one below the other."""

    type: Literal["list"] = "list"
    item: "Input"
    """What is repeated; always with the id `item`, and required."""
    min_items: int = Field(default=0, ge=0)
    max_items: int | None = Field(default=None, ge=0)
    unique: bool = False
    """Whether no item may come twice."""

    @model_validator(mode="after")
    def _item_has_no_name(self) -> Self:
        if self.item.id != ITEM_ID or not self.item.required:
            raise ValueError(f"expected an item with the id {ITEM_ID!r} that is required, got {shown(self.item.id)}")
        return self


class Json(_Input):
    """Any value as JSON text: for what no other control can say. `rules` is the schema it must fit."""

    type: Literal["json"] = "json"

    @model_validator(mode="after")
    def _null_is_said_by_rules(self) -> Self:
        if self.nullable:
            raise ValueError("json has no nullable; say in `rules` whether null is an answer")
        return self


ITEM_ID = "item"
"""The id of the input that a list repeats: its items have numbers and no names."""

INPUTS = (TextInput, Number, Select, Radio, Checkbox, Date, Boxes, Group, List, Json)
DISPLAYS = (Title, Markdown, Divider, Link, Image, Audio)

Input = Annotated[
    TextInput | Number | Select | Radio | Checkbox | Date | Boxes | Group | List | Json, Field(discriminator="type")
]
"""One thing a worker fills in; in JSON told apart by its `type`."""

for _model in (Group, List):
    _model.model_rebuild()


def check_ids(inputs: "tuple[Input, ...]") -> None:
    """Refuse inputs of which two would write to the same field.

    Raises:
        ValueError: naming the id.
    """
    counts = Counter(control.id for control in inputs)
    if twice := [id for id, count in counts.items() if count > 1]:
        raise ValueError(f"expected ids that differ, got {shown(twice[0])} several times; rename one")
