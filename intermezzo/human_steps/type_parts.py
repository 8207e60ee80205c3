"""Parts that the built-in human step types share: fields of inputs, fields of forms, and what workers see.

The sizes of inputs are such that any input which is accepted makes a form that is accepted (see
`schema_definition.MAX_SCHEMA_BYTES`; a character may take twelve bytes there).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, assert_never, cast

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, WrapValidator
from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidatorFunctionWrapHandler

from intermezzo.human_steps.controls import Audio, Control, Image, Link, WebAddress, default_controls
from intermezzo.human_steps.schema_definition import Node
from intermezzo.steps import StepInput

MAX_OPTIONS_CHARACTERS = 8_000
MAX_FIELDS_CHARACTERS = 5_000
MAX_ANSWER_CHARACTERS = 100_000


class OpenInput(StepInput):
    """Base of inputs whose unknown fields are kept, and shown to the worker (spec: K5)."""

    model_config = ConfigDict(extra="allow")

    # As pydantic documents it.
    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]


# --- fields of inputs


def _address(value: object, check: ValidatorFunctionWrapHandler) -> str:
    try:
        return check(value)
    except ValidationError:
        expected = "expected an http or https address of at most 4,096 characters"
        raise PydanticCustomError("address", expected) from None


def check_attachment(type: "AttachmentType | None", value: str) -> str:
    """Refuse an attachment that should be an address and is none."""
    if type not in (None, "text") and not is_address(value):
        raise PydanticCustomError(
            "attachment", "expected an http or https address, since the attachment_type is {type}", {"type": type}
        )
    return value


def is_address(value: object) -> bool:
    """Whether a value is an http or https address."""
    try:
        _ADDRESS.validate_python(value)
    except ValidationError:
        return False
    return True


_ADDRESS: TypeAdapter[str] = TypeAdapter(WebAddress)


def _options(options: list[str]) -> list[str]:
    if len(set(options)) < len(options) or not all(_is_label(option) for option in options):
        raise PydanticCustomError("options", "options must be distinct and not blank, without control characters")
    _limit(sum(map(len, options)), MAX_OPTIONS_CHARACTERS)
    return options


def _fields(fields: dict[str, str]) -> dict[str, str]:
    if not all(_is_label(key) and "\x00" not in about for key, about in fields.items()):
        raise PydanticCustomError("fields", "keys must not be blank, and nothing may hold control characters")
    _limit(sum(len(key) + len(about) for key, about in fields.items()), MAX_FIELDS_CHARACTERS)
    return fields


def _is_label(text: str) -> bool:
    return bool(text.strip()) and not _CONTROL.search(text)


def _limit(characters: int, most: int) -> None:
    if characters > most:
        found = {"most": f"{most:,}", "characters": f"{characters:,}"}
        raise PydanticCustomError("too_long", "expected at most {most} characters together, got {characters}", found)


_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")

AttachmentType = Literal["text", "image", "video", "audio", "website", "pdf"]
"""What an attachment is (spec: SC-14, K15)."""

Text = Annotated[str, Field(min_length=1, max_length=100_000)]
"""A text that must be there."""

MaybeText = Annotated[str, Field(max_length=100_000)]
"""A text that may be empty."""

Address = Annotated[WebAddress, WrapValidator(_address), Field(json_schema_extra={"format": "uri"})]
"""An http or https address: anything else could act in the worker's browser."""

DistinctOptions = AfterValidator(_options)
"""What makes a list of texts something to choose from; all of them together have at most 8,000 characters."""

Options = Annotated[list[str], Field(min_length=2, max_length=500), DistinctOptions]
"""What a worker chooses from."""

MaybeOptions = Annotated[list[str], Field(max_length=500), DistinctOptions]
"""What a worker chooses from, if anything."""

_DescribedFields = AfterValidator(_fields)

Fields = Annotated[dict[str, str], Field(min_length=1, max_length=50), _DescribedFields]
"""Texts that a worker finds out: key in the answer → what it is."""

MaybeFields = Annotated[dict[str, str], Field(max_length=50), _DescribedFields]
"""Texts that a worker finds out, if any."""

# --- fields of forms

LONG: dict[str, JsonValue] = {"x-multiline": True}
"""Says of a text that it may have several lines."""

Notes = Annotated[
    str,
    Field(
        max_length=5_000,
        description="Anything the requester should know. Never voted on.",
        json_schema_extra=LONG,
    ),
]
"""What a worker may add to a judgement."""


def form(required: Mapping[str, Node], optional: Mapping[str, Node] | None = None) -> Node:
    """A form with these fields."""
    return {"type": "object", "properties": {**required, **(optional or {})}, "required": [*required]}


def choice(options: Sequence[str]) -> Node:
    """One of the options."""
    return {"type": "string", "enum": [*options]}


def choices(options: Sequence[str]) -> Node:
    """One or more of the options."""
    return {"type": "array", "items": choice(options), "minItems": 1, "uniqueItems": True}


def text(*, least: int = 0, description: str = "", default: str = "", long: bool = False) -> Node:
    """A text.

    Args:
        least: fewest characters.
        default: what the worker starts from.
        long: it may have several lines.
    """
    said: Node = {"minLength": least, "description": description, "default": default, **(LONG if long else {})}
    given = {word: value for word, value in said.items() if value}
    return {"type": "string", "maxLength": MAX_ANSWER_CHARACTERS, **given}


def texts(fields: Mapping[str, str]) -> Node:
    """A text for each field, named as the requester described it; one that cannot be found stays empty."""
    return form({key: {**text(), "title": about or key} for key, about in fields.items()})


def boxes(image_url: str, labels: Sequence[str] = ()) -> Node:
    """Boxes that a worker draws on an image, in pixels of it, measured from its upper left corner.

    Args:
        labels: what a box may show; none: boxes have no label.
    """
    sides: dict[str, Node] = {side: {"type": "number", "minimum": 0} for side in ("left", "top", "width", "height")}
    box = form({**sides, "label": choice(labels)} if labels else sides)
    return {"type": "array", "items": box, "x-control": "boxes", "x-image": image_url}


# --- what workers see


def shown(input: OpenInput, **labels: str) -> list[Control]:
    """Some fields of an input under their labels, unless they are empty, and then every field its type does not know.

    Args:
        labels: field → what stands before it.
    """
    known = {label: cast("JsonValue", getattr(input, field)) for field, label in labels.items()}
    given = {label: value for label, value in known.items() if value not in ("", [], {})}
    return [*default_controls(given), *default_controls(input.model_extra or {})]


def attachment(type: AttachmentType, value: str) -> Control:
    """An attachment: a text as it reads, anything else by its address."""
    match type:
        case "text":
            return default_controls({"Attachment": value})[0]
        case "image":
            return Image(url=value, alt="Attachment")
        case "audio":
            return Audio(url=value)
        case "video" | "website" | "pdf":
            return Link(url=value, text=value)
        case _:
            assert_never(type)
