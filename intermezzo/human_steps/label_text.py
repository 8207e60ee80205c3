"""label_text: workers put a text into one of the given categories (spec: CS-63)."""

from typing import Annotated

from pydantic import ConfigDict, Field, field_validator

from intermezzo.human_steps.controls import Control, Markdown, Title, quoted
from intermezzo.human_steps.human_step import Answer, human_step
from intermezzo.steps import StepInput


class LabelTextInput(StepInput):
    """What is to be labelled; fields the type does not know are kept and shown to the worker (spec: K5)."""

    model_config = ConfigDict(extra="allow")

    text: Annotated[str, Field(min_length=1, max_length=100_000)]
    """Text to categorize."""
    categories: Annotated[list[str], Field(min_length=2, max_length=100)]
    """Possible categories."""
    question: str = ""
    """What to ask about the text."""

    @field_validator("categories")
    @classmethod
    def _distinct(cls, categories: list[str]) -> list[str]:
        if len(set(categories)) < len(categories) or not all(c.strip() for c in categories):
            raise ValueError("categories must be distinct and not blank")
        return categories


class LabelTextOutput(Answer):
    """The category that the workers agreed on."""

    category: str
    """One of the input's categories."""


def _form(input: LabelTextInput) -> dict[str, object]:
    return {
        "type": "object",
        "properties": {"category": {"enum": input.categories}},
        "required": ["category"],
    }


def _shown(input: LabelTextInput) -> list[Control]:
    return [Title(value=input.question or "Which category fits this text?"), Markdown(value=quoted(input.text))]


label_text = human_step(
    "label_text",
    input=LabelTextInput,
    output=LabelTextOutput,
    answer_schema=_form,
    controls=_shown,
    reward_credits=2,
    instructions="Read the text and choose the one category that fits it best.",
)
