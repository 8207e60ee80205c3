"""The eight native types of human step, with the inputs, rewards and answers of the specification (CS-62…CS-69)."""

import json
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from intermezzo.human_steps.controls import Audio, Control, Image, Markdown, Title, default_controls, quoted
from intermezzo.human_steps.human_step import Answer, human_step
from intermezzo.human_steps.schema_definition import Node
from intermezzo.human_steps.type_parts import (
    Address,
    MaybeOptions,
    MaybeText,
    Notes,
    OpenInput,
    Options,
    Text,
    choice,
    form,
    shown,
    text,
)

_MAX_PREFILLED_BYTES = 100_000


class LabelImageInput(OpenInput):
    """An image and the labels it may get."""

    image_url: Address
    """Address of the image."""
    labels: Options
    """Possible labels."""
    description: MaybeText = ""
    """More about the image or the question."""


class LabelImageOutput(Answer):
    """The label that the workers agreed on."""

    label: str
    """One of the input's labels."""


def _see_image(input: LabelImageInput) -> list[Control]:
    return [Image(url=input.image_url, alt="The image to label"), *shown(input, description="Description")]


label_image = human_step(
    "label_image",
    input=LabelImageInput,
    output=LabelImageOutput,
    answer_schema=lambda input: form({"label": choice(input.labels)}),
    controls=_see_image,
    reward_credits=3,
    instructions="Look at the image and choose the one label that fits it best.",
    example={
        "image_url": "https://example.com/photo.jpg",
        "labels": ["cat", "dog", "bird", "other"],
        "description": "Select the animal in this photo",
    },
)


class LabelTextInput(OpenInput):
    """A text and the categories it may belong to."""

    text: Text
    """Text to categorize."""
    categories: Options
    """Possible categories."""
    question: MaybeText = ""
    """What to ask about the text."""


class LabelTextOutput(Answer):
    """The category that the workers agreed on."""

    category: str
    """One of the input's categories."""


def _see_text(input: LabelTextInput) -> list[Control]:
    question = Title(value=input.question or "Which category fits this text?")
    return [question, Markdown(value=quoted(input.text)), *shown(input)]


label_text = human_step(
    "label_text",
    input=LabelTextInput,
    output=LabelTextOutput,
    answer_schema=lambda input: form({"category": choice(input.categories)}),
    controls=_see_text,
    reward_credits=2,
    instructions="Read the text and choose the one category that fits it best.",
    example={
        "text": "The new iPhone is great!",
        "categories": ["positive", "negative", "neutral"],
        "question": "What is the sentiment?",
    },
)


class RateQualityInput(OpenInput):
    """Content and what to judge it by."""

    content: Text
    """The content to evaluate."""
    title: MaybeText = ""
    """Title of the content."""
    criteria: MaybeText = ""
    """What to evaluate, such as clarity or accuracy."""


class RateQualityOutput(Answer):
    """The rating that the workers agreed on."""

    rating: Annotated[int, Field(ge=1, le=5)]
    """From 1 (poor) to 5 (excellent)."""
    notes: Notes = ""


rate_quality = human_step(
    "rate_quality",
    input=RateQualityInput,
    output=RateQualityOutput,
    controls=lambda input: shown(input, criteria="Criteria", title="Title", content="Content"),
    reward_credits=2,
    instructions="Rate the content from 1 (poor) to 5 (excellent), by the criteria if there are any.",
    example={
        "title": "Introduction to Machine Learning",
        "content": "Machine learning is a subset of AI...",
        "criteria": "Rate the accuracy and clarity of this explanation",
    },
)


class VerifyFactInput(OpenInput):
    """A claim and what is known about it."""

    claim: Text
    """The factual claim to verify."""
    context: MaybeText = ""
    """Supporting context or evidence."""


class VerifyFactOutput(Answer):
    """The verdict that the workers agreed on."""

    verdict: Literal["true", "false", "indeterminate"]
    """Whether the claim is true, as far as can be told."""
    notes: Notes = ""


verify_fact = human_step(
    "verify_fact",
    input=VerifyFactInput,
    output=VerifyFactOutput,
    controls=lambda input: shown(input, claim="Claim", context="Context"),
    reward_credits=3,
    instructions="Say whether the claim is true, given the context. If that cannot be told, it is indeterminate.",
    example={
        "claim": "Python was created by Guido van Rossum in 1991",
        "context": "Python is a high-level programming language first released in 1991 by Guido van Rossum.",
    },
)


class ModerateContentInput(OpenInput):
    """Content and the policy it has to respect."""

    content: Text
    """The content to moderate."""
    content_type: MaybeText = ""
    """What it is, such as a comment, a review or a post."""
    policy_context: Annotated[MaybeText, Field(validation_alias=AliasChoices("policy_context", "guidelines"))] = ""
    """The policy or guidelines; may be given as `guidelines` (spec: K5)."""


class ModerateContentOutput(Answer):
    """The decision that the workers agreed on."""

    decision: Literal["approve", "reject", "escalate"]
    """Whether the content may stay; `escalate` leaves it to somebody who may decide."""
    notes: Notes = ""


moderate_content = human_step(
    "moderate_content",
    input=ModerateContentInput,
    output=ModerateContentOutput,
    controls=lambda input: shown(input, policy_context="Policy", content_type="Type", content="Content"),
    reward_credits=2,
    instructions="Approve or reject the content by the policy. Escalate it if the policy does not decide.",
    example={
        "content": "This product is absolutely terrible, worst purchase ever!",
        "content_type": "product_review",
        "policy_context": "Reject spam, hate speech, and threats. Allow negative opinions.",
    },
)


class CompareRankInput(OpenInput):
    """Two options and what to compare them by."""

    option_a: Text
    """First option."""
    option_b: Text
    """Second option."""
    criteria: MaybeText = ""
    """What to compare on, such as readability or accuracy."""


class CompareRankOutput(Answer):
    """The option that the workers prefer."""

    preferred: Literal["option_a", "option_b"]
    """The better one."""
    notes: Notes = ""


compare_rank = human_step(
    "compare_rank",
    input=CompareRankInput,
    output=CompareRankOutput,
    controls=lambda input: shown(input, criteria="Criteria", option_a="Option A", option_b="Option B"),
    reward_credits=2,
    instructions="Choose the better of the two options, by the criteria if there are any.",
    example={
        "option_a": "Machine learning uses algorithms to learn from data.",
        "option_b": "ML is when computers figure stuff out from examples.",
        "criteria": "Which explanation is clearer and more professional?",
    },
)


class AnswerQuestionInput(OpenInput):
    """Content and a question about it."""

    content: Text
    """Source content to read."""
    question: Text
    """Question to answer."""
    answer_format: Literal["free_text", "multiple_choice"] = "free_text"
    """Whether workers write the answer or choose it."""
    choices: MaybeOptions = Field(default=[], validate_default=True)
    """What they choose from: two or more for `multiple_choice`, none for `free_text`."""

    @field_validator("choices")
    @classmethod
    def _fit_the_format(cls, choices: list[str], info: ValidationInfo) -> list[str]:
        wanted = info.data.get("answer_format")
        if wanted == "multiple_choice" and len(choices) < 2:  # noqa: PLR2004 (one option is no choice)
            raise PydanticCustomError("choices", "expected two or more with the answer_format multiple_choice")
        if wanted == "free_text" and choices:
            raise PydanticCustomError("choices", "expected none unless the answer_format is multiple_choice")
        return choices


class AnswerQuestionOutput(Answer):
    """The answer that the workers agreed on."""

    answer: str
    """One of the input's choices, or a text."""


def _answer_form(input: AnswerQuestionInput) -> Node:
    return form({"answer": choice(input.choices) if input.choices else text(least=1, long=True)})


answer_question = human_step(
    "answer_question",
    input=AnswerQuestionInput,
    output=AnswerQuestionOutput,
    answer_schema=_answer_form,
    controls=lambda input: [Title(value=input.question), *shown(input, content="Content")],
    reward_credits=4,
    instructions="Read the content and answer the question from it.",
    example={
        "content": "The Eiffel Tower was built in 1889 for the World's Fair...",
        "question": "When was the Eiffel Tower built?",
        "answer_format": "multiple_choice",
        "choices": ["1876", "1889", "1901", "1912"],
    },
)


class TranscriptionReviewInput(OpenInput):
    """A recording and what a machine understood."""

    audio_url: Address
    """Address of the recording."""
    ai_transcript: MaybeText
    """The transcript to correct."""
    language: MaybeText = ""
    """Language of the recording, such as `en` or `es`."""


class TranscriptionReviewOutput(Answer):
    """The corrected transcript."""

    transcript: str
    """What is said in the recording; empty if nothing is."""


def _transcript_form(input: TranscriptionReviewInput) -> Node:
    # The worker starts from the machine's text, unless it is too long to be part of a form.
    fits = len(json.dumps(input.ai_transcript)) <= _MAX_PREFILLED_BYTES and "\x00" not in input.ai_transcript
    return form({"transcript": text(default=input.ai_transcript if fits else "", long=True)})


def _hear(input: TranscriptionReviewInput) -> list[Control]:
    return [
        Audio(url=input.audio_url),
        *default_controls({"AI transcript": input.ai_transcript}),
        *shown(input, language="Language"),
    ]


transcription_review = human_step(
    "transcription_review",
    input=TranscriptionReviewInput,
    output=TranscriptionReviewOutput,
    answer_schema=_transcript_form,
    controls=_hear,
    reward_credits=5,
    instructions="Listen to the recording and correct the transcript. Change nothing that is right.",
    example={
        "audio_url": "https://example.com/recording.mp3",
        "ai_transcript": "Welcome to the podast about artifical inteligence...",
        "language": "en",
    },
)
