"""`document_parse`: the text, tables and metadata of a PDF, DOCX, XLSX, HTML, CSV, EML or text file.

Called by pipelines with an address or with the bytes themselves (spec: CS-55, CS-56). Once a document has
been fetched, nothing goes over the network.
"""

import asyncio
import base64
import binascii
from typing import Self

from pydantic import Field, ValidationError, model_validator

from intermezzo.errors import InvalidInput
from intermezzo.primitives.document_content import DocumentPage, DocumentSheet, DocumentTable
from intermezzo.primitives.document_formats import Format
from intermezzo.primitives.document_sandbox import parse_in_sandbox
from intermezzo.steps import StepInput, StepOutput, primitive
from intermezzo.web import MAX_URL_CHARACTERS, fetch

MAX_DOCUMENT_BYTES = 20 * 1024 * 1024
"""Largest document (spec: CS-55)."""

_LONGEST_BASE64 = MAX_DOCUMENT_BYTES * 2
"""Base64 is a third longer than what it encodes, and line breaks may come on top."""


class DocumentParseInput(StepInput):
    """Where the document is: exactly one of `url` and `content_base64`."""

    url: str | None = Field(default=None, min_length=1, max_length=MAX_URL_CHARACTERS)
    """Public http or https address of the document."""
    content_base64: str | None = Field(default=None, max_length=_LONGEST_BASE64)
    """The document itself, at most 20 MB."""
    mime_type: str | None = Field(default=None, max_length=255)
    """What the document is; counts only when its first bytes do not tell."""

    @model_validator(mode="after")
    def _exactly_one_source(self) -> Self:
        if (self.url is None) == (self.content_base64 is None):
            given = "neither" if self.url is None else "both"
            raise ValueError(f"expected exactly one of url and content_base64, got {given}")
        return self


class DocumentParseOutput(StepOutput):
    """What is in the document."""

    text: str
    """All of its text; a table has one line per row, with tabs between cells."""
    format: Format
    pages: list[DocumentPage]
    """Pages of a PDF; empty for other formats."""
    sheets: list[DocumentSheet]
    """Sheets of a workbook; empty for other formats."""
    tables: list[DocumentTable]
    """Tables of a DOCX, HTML or CSV and contents of an XLSX's sheets, row by row."""
    metadata: dict[str, str | int]
    """Such as title, author, page_count, encoding, size_bytes."""
    truncated: bool
    """Whether the document has more than is read: 1,000,000 characters, 1,000 pages, 200,000 cells."""


@primitive(DocumentParseInput, credits=3)
async def document_parse(input: DocumentParseInput) -> DocumentParseOutput:
    """Extract the text, tables and metadata of a PDF, DOCX, XLSX, HTML, CSV, EML or text file.

    Args:
        input: the document or its address.

    Returns:
        Its content; a document longer than the caps comes truncated, and says so.

    Raises:
        InvalidInput: the document is empty, damaged, encrypted, too large or of another format; or its
            address is not public.
        ProviderError: the document could not be fetched.
    """
    if input.url is not None:
        return await _parse_url(input.url, input.mime_type)
    # In a thread: 20 MB take a while, and everyone else in this event loop would wait.
    data = await asyncio.to_thread(_decoded, input.content_base64 or "")
    return await _parse(data, input.mime_type)


async def _parse_url(url: str, mime_type: str | None) -> DocumentParseOutput:
    fetched = await fetch(url, max_bytes=MAX_DOCUMENT_BYTES)
    # The server's word is taken where the caller gives none.
    document = await _parse(fetched.content, mime_type or fetched.content_type)
    document.metadata["url"] = fetched.url
    return document


def _decoded(content: str) -> bytes:
    try:
        data = base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput(
            f"content_base64: expected standard base64, got something else ({error}); "
            "encode the bytes of the file, without a `data:` prefix"
        ) from None
    if len(data) > MAX_DOCUMENT_BYTES:
        raise InvalidInput(
            f"content_base64: a document has at most {MAX_DOCUMENT_BYTES:,} bytes (20 MB), "
            f"this one has {len(data):,}; split it"
        )
    return data


async def _parse(data: bytes, mime_type: str | None) -> DocumentParseOutput:
    fields = await parse_in_sandbox(data, mime_type)
    try:
        output = DocumentParseOutput.model_validate({"summary": "", **fields})
    except ValidationError as error:
        raise InvalidInput(
            f"the document cannot be read: the parser gave a malformed answer ({error.error_count()} errors); "
            "save it anew with another program"
        ) from None
    return output.model_copy(update={"summary": _summary(output)})


def _summary(document: DocumentParseOutput) -> str:
    format = document.format
    parts = [f"{format.upper() if format != 'text' else 'text'} of {len(document.text):,} characters"]
    for name, items in (("page", document.pages), ("sheet", document.sheets), ("table", document.tables)):
        if items:
            parts.append(f"{len(items):,} {name}{'s' if len(items) > 1 else ''}")
    if document.pages and not document.text.strip():
        images = "images_only" in document.metadata
        parts.append("no text: its pages are images, probably scanned" if images else "no text")
    if "mime_type_mismatch" in document.metadata:
        parts.append(f"{document.metadata['mime_type_mismatch']!s:.100}")
    if "macros" in document.metadata:
        parts.append("has macros, which were not run")
    if document.truncated:
        parts.append("truncated")
    return ", ".join(parts)
