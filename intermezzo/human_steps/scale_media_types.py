"""Two of Scale's types: boxes on images, and recordings written down. Called through `scale_types`."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from intermezzo.human_steps.controls import Audio, Control, Image, Markdown, default_controls, escaped
from intermezzo.human_steps.human_step import human_step
from intermezzo.human_steps.scale_parts import URGENCY_SECONDS, ScaleOutput
from intermezzo.human_steps.schema_definition import Node
from intermezzo.human_steps.type_parts import Address, DistinctOptions, OpenInput, boxes, form, shown, text

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
