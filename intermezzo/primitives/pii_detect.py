"""`pii_detect`: find personal data in a text by pattern and check digit, and mask it.

Called by pipelines before a text goes to a model or to workers (spec: CS-57, CS-58). Names are not detected.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, get_args

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from intermezzo.primitives.pii_findings import EntityType, Finding, find_all
from intermezzo.steps import StepInput, StepOutput, primitive

ENTITY_TYPES: tuple[EntityType, ...] = get_args(EntityType)

_INLINE_CHARACTERS = 20_000
"""Texts up to this length are scanned in about a millisecond, less than a thread is worth."""


def _canonical(name: object) -> object:
    """Any spelling of an entity type: `credit-card`, `Credit Card`."""
    if not isinstance(name, str):
        return name
    return name.strip().upper().replace("-", "_").replace(" ", "_")


class PiiDetectInput(StepInput):
    """A text, and what to look for in it."""

    text: str
    """Text to scan."""
    entities: list[Annotated[EntityType, BeforeValidator(_canonical)]] | None = Field(default=None, min_length=1)
    """Types to look for; all when left out."""
    mask: bool = Field(default=False, strict=True)
    """Whether to give a redacted copy as well."""


@dataclass(frozen=True, config=ConfigDict(use_attribute_docstrings=True))
class PiiEntity:
    """One piece of personal data: `text[start:end] == value`."""

    type: EntityType
    start: int
    """Index of its first character."""
    end: int
    """Index after its last character."""
    value: str
    score: float
    """Confidence from 0 to 1: high with a check digit, lower for a bare run of digits."""


class PiiDetectOutput(StepOutput):
    """What was found."""

    entities: list[PiiEntity]
    """In the order of the text, without overlaps."""
    count: int
    """How many were found."""
    redacted_text: str | None
    """The text with `[TYPE]` in the place of each; null without `mask`."""


@primitive(PiiDetectInput, credits=2)
async def pii_detect(input: PiiDetectInput) -> PiiDetectOutput:
    """Find e-mail addresses, phone, card, account, passport and social security numbers and IP addresses.

    Args:
        input: the text, which types to look for, and whether to mask them.

    Returns:
        The findings, and the redacted text when asked for.
    """
    if len(input.text) <= _INLINE_CHARACTERS:
        return _detect(input)
    return await asyncio.to_thread(_detect, input)


def _detect(input: PiiDetectInput) -> PiiDetectOutput:
    text = input.text
    found = find_all(text, tuple(dict.fromkeys(input.entities or ENTITY_TYPES)))
    return PiiDetectOutput(
        summary=_summary(found, len(text)),
        entities=[PiiEntity(type, start, end, text[start:end], score) for start, end, type, score in found],
        count=len(found),
        redacted_text=mask(text, found) if input.mask else None,
    )


def mask(text: str, findings: Iterable[Finding]) -> str:
    """The text with `[TYPE]` in the place of each finding, and everything else as it was.

    Args:
        text: the text the findings are of.
        findings: in order, without overlaps.
    """
    parts: list[str] = []
    position = 0
    for finding in findings:
        parts += (text[position : finding.start], f"[{finding.type}]")
        position = finding.end
    return "".join((*parts, text[position:]))


def _summary(found: list[Finding], length: int) -> str:
    if not found:
        return f"nothing found in {length:,} characters"
    counts = Counter(finding.type for finding in found)
    return f"{len(found)} found: " + ", ".join(f"{count} {type}" for type, count in counts.most_common())
