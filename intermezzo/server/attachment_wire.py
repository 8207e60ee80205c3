"""Attachments of human tasks on the wire."""

from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, model_validator

from intermezzo.human_steps.attachment_rows import Attachment
from intermezzo.server.task_wire import Wired


class AttachmentOut(Wired):
    """A file or an address beside the form of a task."""

    id: str
    name: str
    media_type: str | None
    """None: it is an address."""
    size_bytes: int | None
    sha256: str | None
    """Of the file's content."""
    url: str | None
    """None: it is a file."""
    created_at: AwareDatetime

    @classmethod
    def of(cls, attachment: Attachment) -> Self:
        """An attachment as it goes over the wire."""
        return cls(
            id=attachment.id,
            name=attachment.name,
            media_type=attachment.media_type,
            size_bytes=attachment.size_bytes,
            sha256=attachment.sha256,
            url=attachment.url,
            created_at=attachment.created_at,
        )


A_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}, "example": "item,price\nlamp,20\n"}},
    }
}
"""What opening a file answers."""


class AttachmentsOut(Wired):
    """What is attached to a task, the first attached first."""

    items: list[AttachmentOut]


class NewAttachment(Wired):
    """A file, by `name` and `content_base64`; or an address, by `url`."""

    name: Annotated[str | None, Field(max_length=255)] = None
    """Of the file, with its extension; of an address, what workers see it called."""
    content_base64: str | None = None
    """The file, at most 5 MB."""
    media_type: Annotated[str | None, Field(max_length=200)] = None
    """What the file is; it must agree with the content. Left out: told by it."""
    url: str | None = None
    """An address, kept as it is written and never fetched."""

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.content_base64 is None) == (self.url is None):
            raise ValueError("expected content_base64 for a file, or url for an address, and not both")
        if self.content_base64 is not None and self.name is None:
            raise ValueError("expected a name with an extension for a file")
        return self
