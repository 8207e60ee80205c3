"""Scale's seven task types, under their names on the wire (spec: SC-13…SC-28, K14…K17).

An input holds what Scale calls `params`, and the instruction, which is the requester's own Markdown: unlike every
other text of an input it is shown as such, so do not build it from what strangers wrote. `response()` of an output
is the object that Scale documents. The documents give no rewards; these are set beside comparable native types.
Unless told otherwise, an answer is wanted within a day, as Scale's default urgency says (SC-09).
"""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from intermezzo.human_steps.controls import Control, Divider, Markdown, default_controls
from intermezzo.human_steps.human_step import human_step
from intermezzo.human_steps.scale_media_types import annotation, audiotranscription
from intermezzo.human_steps.scale_parts import URGENCY_SECONDS, AttachmentInput, ScaleInput, ScaleOutput
from intermezzo.human_steps.schema_definition import Node
from intermezzo.human_steps.type_parts import (
    AttachmentType,
    DistinctOptions,
    Fields,
    MaybeFields,
    MaybeOptions,
    Text,
    attachment,
    check_attachment,
    choice,
    choices,
    form,
    shown,
    texts,
)

__all__ = [
    "annotation",
    "audiotranscription",
    "categorization",
    "comparison",
    "datacollection",
    "phonecall",
    "transcription",
]

SomeOptions = Annotated[list[str], Field(min_length=1, max_length=500), DistinctOptions]
"""One will do: where several may be chosen, it is a question of yes or no."""


# --- categorization


class CategorizationInput(AttachmentInput):
    """Something to put into categories."""

    categories: SomeOptions
    """What workers choose from."""
    category_ids: dict[str, str] = Field(default={})
    """Id → category, for all categories or none."""
    allow_multiple: bool = False
    """Workers may choose several categories."""

    @field_validator("category_ids")
    @classmethod
    def _one_id_each(cls, ids: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if ids and sorted(ids.values()) != sorted(info.data.get("categories", ids.values())):
            raise PydanticCustomError("category_ids", "expected one id for each of the categories, or none at all")
        return ids


class CategorizationOutput(ScaleOutput):
    """The category that the workers agreed on; a list with `allow_multiple`."""

    category: str | list[str]
    category_id: Annotated[str | list[str] | None, Field(validate_default=True)] = None
    """From the input's `category_ids`; workers are not asked for it."""

    @field_validator("category_id", mode="before")
    @classmethod
    def _follows_from_the_category(cls, given: object, info: ValidationInfo) -> object:
        if not isinstance(info.context, CategorizationInput) or "category" not in info.data:
            return given
        ids = {category: id for id, category in info.context.category_ids.items()}
        category: str | list[str] = info.data["category"]
        if not ids:
            return None
        return [ids[one] for one in category] if isinstance(category, list) else ids[category]


def _category_form(input: CategorizationInput) -> Node:
    return form({"category": (choices if input.allow_multiple else choice)(input.categories)})


categorization = human_step(
    "categorization",
    input=CategorizationInput,
    output=CategorizationOutput,
    answer_schema=_category_form,
    controls=lambda input: [*input.seen(), *shown(input)],
    reward_credits=2,
    deadline_seconds=URGENCY_SECONDS["day"],
    instructions="Put the attachment into a category.",
    example={
        "instruction": "Is this company public or private?",
        "attachment_type": "website",
        "attachment": "http://www.google.com/",
        "categories": ["public", "private"],
        "category_ids": {"123": "public", "124": "private"},
    },
)


# --- transcription and datacollection


class FieldsOutput(ScaleOutput):
    """What the workers found: field → text, empty if it could not be found."""

    fields: dict[str, str]


class TranscriptionInput(AttachmentInput):
    """Something to read, and what to write down of it."""

    fields: Fields
    """Key in the answer → what it is."""


transcription = human_step(
    "transcription",
    input=TranscriptionInput,
    output=FieldsOutput,
    answer_schema=lambda input: form({"fields": texts(input.fields)}),
    controls=lambda input: [*input.seen(), *shown(input)],
    reward_credits=4,
    deadline_seconds=URGENCY_SECONDS["day"],
    instructions="Read the attachment and write down what is asked for, exactly as it stands there.",
    example={
        "instruction": "Transcribe the given fields.",
        "attachment_type": "website",
        "attachment": "http://news.ycombinator.com/",
        "fields": {"title": "Title of Webpage", "top_result": "Title of the top result"},
    },
)


class DataCollectionInput(TranscriptionInput):
    """What to start from, and what to find out."""

    # Narrower, and an input is never changed.
    attachment_type: Literal["text", "image", "website"]  # pyright: ignore[reportIncompatibleVariableOverride]
    """What the attachment is."""


datacollection = human_step(
    "datacollection",
    input=DataCollectionInput,
    output=FieldsOutput,
    answer_schema=lambda input: form({"fields": texts(input.fields)}),
    controls=lambda input: [*input.seen(), *shown(input)],
    reward_credits=5,
    deadline_seconds=URGENCY_SECONDS["day"],
    instructions="Find out on the internet what is asked for.",
    example={
        "instruction": "Find the URL for the hiring page for the company with attached website.",
        "attachment_type": "website",
        "attachment": "https://www.scaleapi.com/",
        "fields": {"hiring_page": "Hiring Page URL"},
    },
)


# --- phonecall


class PhoneCallInput(ScaleInput):
    """Whom to call, what to say, and what to ask."""

    phone_number: Annotated[str, Field(min_length=3, max_length=50)]
    """With the country code."""
    entity_name: Annotated[str, Field(min_length=1, max_length=500)]
    """The person or business that is called."""
    script: Text
    """What to say; `{{name}}` stands for `entity_name`."""
    attachment_type: AttachmentType = "text"
    """What the attachment is."""
    attachment: Annotated[str, Field(max_length=100_000)] = ""
    """The text itself if `attachment_type` is `text`, else an address; may be left out."""
    fields: MaybeFields = Field(default={})
    """Key in the answer → what it is."""
    choices: MaybeOptions = Field(default=[])
    """What the worker chooses from after the call."""

    @field_validator("attachment")
    @classmethod
    def _fits_its_type(cls, value: str, info: ValidationInfo) -> str:
        return check_attachment(info.data.get("attachment_type"), value)


class PhoneCallOutput(ScaleOutput):
    """How the call went, and what was learned if it succeeded."""

    outcome: Literal["no_pickup", "hung_up", "success"]
    fields: dict[str, str] | None = None
    choice: str | None = None


def _asked(input: "PhoneCallInput | ComparisonInput") -> dict[str, Node]:
    asked: dict[str, Node] = {"choice": choice(input.choices)} if input.choices else {}
    return asked | ({"fields": texts(input.fields)} if input.fields else {})


def _call_form(input: PhoneCallInput) -> Node:
    asked = _asked(input)
    outcomes = form({"outcome": choice(["success", "no_pickup", "hung_up"])}, optional=asked)
    # Nothing is learned from a call that nobody takes.
    succeeded: Node = {"properties": {"outcome": {"const": "success"}}, "required": ["outcome"]}
    return {**outcomes, "if": succeeded, "then": {"required": [*asked]}} if asked else outcomes


def _see_call(input: PhoneCallInput) -> list[Control]:
    script = default_controls({"Script": input.script.replace("{{name}}", input.entity_name)})
    attached = [attachment(input.attachment_type, input.attachment)] if input.attachment else []
    who = shown(input, entity_name="Call", phone_number="Phone number")
    return [Markdown(value=input.instruction), *attached, Divider(), *script, *who]


phonecall = human_step(
    "phonecall",
    input=PhoneCallInput,
    output=PhoneCallOutput,
    answer_schema=_call_form,
    controls=_see_call,
    reward_credits=8,
    deadline_seconds=URGENCY_SECONDS["day"],
    instructions="Call the number, follow the script, and write down what you learn.",
    example={
        "instruction": "Call this person and follow the script provided, recording responses",
        "phone_number": "5055006865",
        "entity_name": "Alexandr Wang",
        "script": "Hello {{name}}! Are you happy today? (pause) One more thing - what is your email address?",
        "fields": {"email": "Email Address"},
        "choices": ["He is happy", "He is not happy"],
    },
)


# --- comparison


class ComparisonInput(ScaleInput):
    """Things to compare, and what to say about them."""

    attachment_type: AttachmentType
    """What the attachments are."""
    attachments: Annotated[list[Text], Field(min_length=2, max_length=20)]
    """Texts if `attachment_type` is `text`, else addresses."""
    fields: MaybeFields = Field(default={})
    """Key in the answer → what it is."""
    choices: MaybeOptions = Field(default=[], validate_default=True)
    """What the worker chooses from. There are `choices`, `fields`, or both."""

    @field_validator("attachments")
    @classmethod
    def _fit_their_type(cls, values: list[str], info: ValidationInfo) -> list[str]:
        return [check_attachment(info.data.get("attachment_type"), value) for value in values]

    @field_validator("choices")
    @classmethod
    def _something_is_asked(cls, choices: list[str], info: ValidationInfo) -> list[str]:
        if not choices and info.data.get("fields") == {}:
            raise PydanticCustomError("choices", "expected choices or fields, or both")
        return choices


class ComparisonOutput(ScaleOutput):
    """What the workers say about the things."""

    choice: str | None = None
    fields: dict[str, str] | None = None


comparison = human_step(
    "comparison",
    input=ComparisonInput,
    output=ComparisonOutput,
    answer_schema=lambda input: form(_asked(input)),
    controls=lambda input: [
        Markdown(value=input.instruction),
        *(attachment(input.attachment_type, value) for value in input.attachments),
        *shown(input),
    ],
    reward_credits=2,
    deadline_seconds=URGENCY_SECONDS["day"],
    instructions="Compare the attachments.",
    example={
        "instruction": "Do the objects in these images have the same pattern?",
        "attachment_type": "image",
        "attachments": [
            "http://i.ebayimg.com/00/$T2eC16dHJGwFFZKjy5ZjBRfNyMC4Ig~~_32.JPG",
            "http://images.wisegeek.com/checkered-tablecloth.jpg",
        ],
        "choices": ["yes", "no"],
    },
)
