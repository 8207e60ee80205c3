"""Scale's seven task types, under their names on the wire (spec: SC-13…SC-28, K14…K17).

An input holds what Scale calls `params`, and the instruction, which is the requester's own Markdown: unlike every
other text of an input it is shown as such, so do not build it from what strangers wrote. `response()` of an output
is the object that Scale documents. The documents give no rewards; these are set beside comparable native types.
Unless told otherwise, an answer is wanted within a day, as Scale's default urgency says (SC-09).
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from intermezzo.human_steps.controls import Audio, Control, Divider, Image, Markdown, default_controls, escaped
from intermezzo.human_steps.human_step import Answer, human_step
from intermezzo.human_steps.schema_definition import Node
from intermezzo.human_steps.type_parts import (
    Address,
    AttachmentType,
    DistinctOptions,
    Fields,
    MaybeFields,
    MaybeOptions,
    OpenInput,
    Text,
    attachment,
    boxes,
    check_attachment,
    choice,
    choices,
    form,
    shown,
    text,
    texts,
)

URGENCY_SECONDS = {"immediate": 3_600, "day": 86_400, "week": 7 * 86_400}
"""Deadline of each urgency (spec: SC-09)."""

SomeOptions = Annotated[list[str], Field(min_length=1, max_length=500), DistinctOptions]
"""One will do: where several may be chosen, it is a question of yes or no."""


class ScaleInput(OpenInput):
    """What all types have."""

    instruction: Annotated[str, Field(min_length=1, max_length=20_000)]
    """What to do; Markdown."""


class ScaleOutput(Answer):
    """What all types give."""

    def response(self) -> dict[str, JsonValue]:
        """The answer in the shape that Scale documents."""
        return self.model_dump(mode="json", exclude=set(Answer.model_fields), exclude_none=True)


class AttachmentInput(ScaleInput):
    """What types with one attachment have."""

    attachment_type: AttachmentType
    """What the attachment is."""
    attachment: Text
    """The text itself if `attachment_type` is `text`, else an address."""

    @field_validator("attachment")
    @classmethod
    def _fits_its_type(cls, value: str, info: ValidationInfo) -> str:
        return check_attachment(info.data.get("attachment_type"), value)

    def seen(self) -> list[Control]:
        """What every type with an attachment shows."""
        return [Markdown(value=self.instruction), attachment(self.attachment_type, self.attachment)]


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


# --- annotation


class AnnotationExample(OpenInput):
    """An image that was annotated well or badly."""

    correct: bool
    image: Address
    explanation: Annotated[str, Field(max_length=5_000)] = ""


class AnnotationInput(OpenInput):
    """An image, and the objects on it that get boxes."""

    attachment: Address
    """Address of the image."""
    objects_to_annotate: Annotated[list[str], Field(min_length=1, max_length=6), DistinctOptions]
    """What gets a box, in the singular: “cat”, “street sign”."""
    with_labels: bool = False
    """Each box says which of the objects it shows."""
    examples: list[AnnotationExample] = Field(default=[], max_length=20)
    """Images that were annotated well or badly; shown to the worker."""
    instruction: Annotated[str, Field(max_length=20_000)] = ""
    """What else to heed; Markdown."""
    attachment_type: Literal["image"] = "image"
    """Nothing else can be annotated."""


class Box(BaseModel):
    """Where an object is, in pixels of the image from its upper left corner."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    left: float
    top: float
    width: float
    height: float
    label: str | None = None
    """What it shows, with `with_labels`."""


class AnnotationOutput(ScaleOutput):
    """The boxes that the workers drew."""

    annotations: list[Box]


def _see_annotation(input: AnnotationInput) -> list[Control]:
    examples: list[Control] = []
    for example in input.examples:
        verdict = "**Done right.**" if example.correct else "**Done wrong.**"
        examples += [
            Markdown(value=f"{verdict} {escaped(example.explanation)}"),
            Image(url=example.image, alt="Example"),
        ]
    instruction = [Markdown(value=input.instruction)] if input.instruction else []
    objects = default_controls({"Draw a box around each": ", ".join(input.objects_to_annotate)})
    return [*instruction, *objects, *shown(input), *examples]


def _boxes_form(input: AnnotationInput) -> Node:
    return form({"annotations": boxes(input.attachment, input.objects_to_annotate if input.with_labels else [])})


annotation = human_step(
    "annotation",
    input=AnnotationInput,
    output=AnnotationOutput,
    answer_schema=_boxes_form,
    controls=_see_annotation,
    reward_credits=5,
    deadline_seconds=URGENCY_SECONDS["day"],
    instructions="Draw a tight box around each of the objects on the image.",
    example={
        "instruction": "Draw a box around each **baby cow** and **big cow**",
        "attachment_type": "image",
        "attachment": "http://i.imgur.com/v4cBreD.jpg",
        "objects_to_annotate": ["baby cow", "big cow"],
        "with_labels": True,
        "examples": [
            {
                "correct": True,
                "image": "http://i.imgur.com/lj6e98s.jpg",
                "explanation": "The boxes are tight and accurate",
            },
            {
                "correct": False,
                "image": "http://i.imgur.com/HIrvIDq.jpg",
                "explanation": "The boxes are neither accurate nor complete",
            },
        ],
    },
)


# --- audiotranscription


class AudioTranscriptionInput(OpenInput):
    """A recording to write down."""

    attachment: Address
    """Address of the recording."""
    verbatim: bool = False
    """Non-words such as “um” are written down too."""
    instruction: Annotated[str, Field(min_length=1, max_length=20_000)] = "Please transcribe the attached audio file."
    """What to do; Markdown."""
    attachment_type: Literal["audio"] = "audio"
    """Nothing else can be heard."""


class AudioTranscriptionOutput(ScaleOutput):
    """What is said, and for how long; or what was wrong, and what could be heard."""

    error: str | None = None
    """Why the recording could not be transcribed."""
    transcript: str | None = None
    """All of it, or with an `error` what could be heard."""
    duration: float | None = None
    """Length of the recording in seconds, without an `error`."""


def _audio_form(input: AudioTranscriptionInput) -> Node:  # noqa: ARG001 (the same whatever the input)
    asked = form(
        {},
        optional={
            "transcript": text(description="All of it, or what can be heard if there is an error.", long=True),
            "duration": {"type": "number", "minimum": 0, "description": "Length of the recording in seconds."},
            "error": text(least=1, description="Only if the recording cannot be transcribed: why."),
        },
    )
    complete: Node = {"required": ["transcript", "duration"]}
    return {**asked, "if": {"required": ["error"]}, "then": {"properties": {"duration": False}}, "else": complete}


def _see_recording(input: AudioTranscriptionInput) -> list[Control]:
    sounds = "Write down every *um* and *hm* too." if input.verbatim else "Leave out *um*, *hm* and the like."
    return [Markdown(value=input.instruction), Markdown(value=sounds), Audio(url=input.attachment), *shown(input)]


audiotranscription = human_step(
    "audiotranscription",
    input=AudioTranscriptionInput,
    output=AudioTranscriptionOutput,
    answer_schema=_audio_form,
    controls=_see_recording,
    reward_credits=5,
    deadline_seconds=URGENCY_SECONDS["day"],
    instructions="Listen to the recording and write down what is said.",
    example={
        "attachment_type": "audio",
        "attachment": (
            "https://storage.googleapis.com/deepmind-media/pixie/knowing-what-to-say/second-list/speaker-3.wav"
        ),
        "verbatim": False,
    },
)
