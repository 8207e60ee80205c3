"""Pipelines on the wire: documents, versions and estimates."""

import json
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, JsonValue

from intermezzo.flows.stored_pipelines import StoredPipeline
from intermezzo.pipelines.estimate import Estimate, Range
from intermezzo.server.task_wire import Wired

Document = dict[str, JsonValue]
"""A pipeline; its JSON Schema is at `/v1/pipelines/schema`."""

VersionNumber = Annotated[int, Field(ge=1, le=2_147_483_647)]


class VersionOut(Wired):
    """A version of a pipeline, in a line."""

    name: str
    version: int
    """Counted from 1."""
    label: str
    """What its author calls the version."""
    description: str
    digest: str
    """The same for documents that say the same."""
    created_at: AwareDatetime

    @classmethod
    def of(cls, stored: StoredPipeline) -> Self:
        """A version as it goes over the wire."""
        return cls(**_line(stored, json.loads(stored.document)))


class PipelineOut(VersionOut):
    """A version of a pipeline."""

    document: Document

    @classmethod
    def of(cls, stored: StoredPipeline) -> Self:
        """A version as it goes over the wire."""
        document: Document = json.loads(stored.document)
        return cls(**_line(stored, document), document=document)


class PipelinePage(Wired):
    """Pipelines by name, each with its newest version."""

    items: list[VersionOut]
    next_cursor: str | None
    """Give it as `cursor` for the page after this one; null: there is none."""


class VersionPage(Wired):
    """Versions of a pipeline, the newest first."""

    items: list[VersionOut]
    next_cursor: int | None
    """Give it as `cursor` for the page after this one; null: there is none."""


class Assuming(Wired):
    """What an estimate is made for."""

    input: Document | None = None
    """Of the run; without it, its lists and conditions are unknown as well."""
    assume: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict[str, float])
    """Calls by id of a step, in place of what is assumed otherwise."""


class NewEstimate(Assuming):
    """A document to price that need not be stored."""

    document: Document | str
    """The pipeline: an object, or a text in YAML."""


class VersionEstimate(Assuming):
    """A version to price."""

    version: VersionNumber | None = None
    """Default: the newest."""


class RangeOut(Wired):
    """A number of which only the bounds are known."""

    minimum: int
    expected: float
    maximum: int

    @classmethod
    def of(cls, range: Range) -> Self:
        """A range as it goes over the wire."""
        return cls(minimum=range.minimum, expected=range.expected, maximum=range.maximum)


class StepEstimateOut(Wired):
    """What one step costs."""

    id: str
    type: str
    calls: RangeOut
    credits: RangeOut
    assumption: str
    """What `expected` rests on; empty if nothing is assumed."""


class EstimateOut(Wired):
    """What a run that completes costs; nothing was spent."""

    steps: list[StepEstimateOut]
    credits: RangeOut
    """All steps together, at most the budget."""
    budget_credits: int | None

    @classmethod
    def of(cls, made: Estimate) -> Self:
        """An estimate as it goes over the wire."""
        return cls(
            steps=[
                StepEstimateOut(
                    id=step.id,
                    type=step.type,
                    calls=RangeOut.of(step.calls),
                    credits=RangeOut.of(step.credits),
                    assumption=step.assumption,
                )
                for step in made.steps
            ],
            credits=RangeOut.of(made.credits),
            budget_credits=made.budget_credits,
        )


def _line(stored: StoredPipeline, document: Document) -> dict[str, Any]:
    return {
        "name": stored.name,
        "version": stored.version,
        "label": str(document.get("version", "")),
        "description": str(document.get("description", "")),
        "digest": stored.digest,
        "created_at": stored.created_at,
    }
