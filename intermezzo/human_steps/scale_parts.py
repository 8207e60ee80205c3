"""What Scale's types have in common. Called by their declarations."""

from typing import Annotated

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from intermezzo.human_steps.controls import Control, Markdown
from intermezzo.human_steps.human_step import Answer
from intermezzo.human_steps.type_parts import AttachmentType, OpenInput, Text, attachment, check_attachment

URGENCY_SECONDS = {"immediate": 3_600, "day": 86_400, "week": 7 * 86_400}
"""Deadline of each urgency (spec: SC-09)."""


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
