"""Runs of pipelines on the wire."""

from dataclasses import asdict
from typing import Annotated, Self

from pydantic import AwareDatetime, ConfigDict, Field, JsonValue

from intermezzo.flows.run_views import CallView, RunFilter, RunSummary, RunView, ViewState
from intermezzo.journal.calls import CallState
from intermezzo.server.changes import Change
from intermezzo.server.pipeline_wire import Document, VersionNumber
from intermezzo.server.task_wire import Time, Wired


class NewRun(Wired):
    """A run to start."""

    input: Document = Field(default_factory=dict[str, JsonValue])
    """As the pipeline's input schema says."""
    version: VersionNumber | None = None
    """Default: the newest. The run keeps it, whatever is stored later."""
    budget_credits: Annotated[int, Field(ge=0, le=2**63 - 1)] | None = None
    """Most credits this run may spend; the document's own budget holds as well."""


class RunError(Wired):
    """Why something failed."""

    type: str
    message: str


class RunLine(Wired):
    """A run of a pipeline, in a line."""

    id: str
    pipeline: str
    version: int
    state: ViewState
    """`suspended`: it waits for people, and costs nothing meanwhile."""
    cancel_requested: bool
    """Somebody wants it cancelled; while it goes on, that is about to happen."""
    budget_credits: int | None
    credits_used: int
    """Spent so far."""
    credits_reserved: int
    """Held by step calls that are not closed."""
    created_at: AwareDatetime
    closed_at: AwareDatetime | None
    error: RunError | None
    """Once it has failed."""

    @classmethod
    def of(cls, run: RunSummary) -> Self:
        """A run as it goes over the wire."""
        return cls.model_validate(_line(run))


class StepOut(Wired):
    """One step of a run: its calls together."""

    step: str
    kind: str
    """`primitive` or `human`."""
    calls: int
    completed: int
    open: int
    failed: int
    credits_used: int
    credits_reserved: int


class CallOut(Wired):
    """One call of a step."""

    id: str
    step: str
    key: str
    """What tells it from the other calls of its step: a digest of its input, unless the document says otherwise."""
    kind: str
    """`primitive` or `human`."""
    state: CallState
    """`void`: it is made again, or no longer wanted."""
    attempt: int
    """How often it was made."""
    price_credits: int
    """What was reserved for it."""
    task_id: str | None
    """Of the human task that it has posted: `/v1/tasks/{id}`."""
    error: RunError | None
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None

    @classmethod
    def of(cls, call: CallView) -> Self:
        """A call as it goes over the wire."""
        return cls.model_validate(asdict(call))


class RunOut(RunLine):
    """A run of a pipeline."""

    input: Document
    output: JsonValue
    """Once it is completed."""
    steps: list[StepOut]
    """In the order in which they were first called."""
    calls: list[CallOut]
    """The first 100, in the order in which they were made."""
    calls_cursor: str | None
    """There are more: give it as `cursor` to `GET /v1/pipelines/runs/{id}/calls`."""

    @classmethod
    def full(cls, run: RunView, calls: "CallPage") -> Self:
        """A run as it goes over the wire, with its first calls."""
        steps = [
            StepOut(
                step=one.step,
                kind=one.kind,
                calls=one.calls,
                completed=one.completed,
                open=one.open,
                failed=one.failed,
                credits_used=one.spent_credits,
                credits_reserved=one.reserved_credits,
            )
            for one in run.steps
        ]
        more = {"input": run.input, "output": run.output, "steps": steps}
        return cls.model_validate({**_line(run), **more, "calls": calls.items, "calls_cursor": calls.next_cursor})


class RunPage(Wired):
    """Runs, the newest first."""

    items: list[RunLine]
    next_cursor: str | None
    """Give it as `cursor` for the page after this one; null: there is none."""


class CallPage(Wired):
    """Step calls of a run, in the order in which they were made."""

    items: list[CallOut]
    next_cursor: str | None
    """Give it as `cursor` for the page after this one; null: there is none."""


class RunQuery(Wired):
    """Which runs to list."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    state: list[ViewState] = Field(default_factory=list[ViewState])
    pipeline: list[str] = Field(default_factory=list[str])
    version: VersionNumber | None = None
    created_after: Time | None = None
    """Exclusive; without a zone it is UTC."""
    created_before: Time | None = None
    """Exclusive; without a zone it is UTC."""
    cursor: Annotated[str | None, Field(max_length=36)] = None
    """`next_cursor` of the page before."""
    limit: Annotated[int, Field(ge=1, le=100)] = 20

    def filter(self) -> RunFilter:
        """The same, as the service layer says it."""
        return RunFilter(
            states=self.state,
            pipelines=self.pipeline,
            version=self.version,
            created_after=self.created_after,
            created_before=self.created_before,
        )


class RunEvent(Wired):
    """Something happened to a run, or to a human task of it."""

    event: Annotated[str, Field(examples=["run.suspended"])]
    """`run.scheduled`, `run.started`, `run.suspended`, … `run.closed`; `task.opened`, … `task.closed`."""
    run_id: str
    state: ViewState
    """Of the run, when this was sent."""
    step: str | None
    """The step it is about."""
    task_id: str | None
    """The human task it is about."""
    actor: str | None
    """The worker or reviewer."""
    detail: dict[str, JsonValue]
    at: AwareDatetime

    @classmethod
    def of(cls, run_id: str, change: Change) -> Self:
        """An event as it goes over the wire."""
        told = {"step": change.step, "task_id": change.task_id, "actor": change.actor, "detail": change.detail}
        return cls.model_validate(
            {"event": change.topic, "run_id": run_id, "state": change.state, "at": change.at, **told}
        )


def _line(run: RunSummary) -> dict[str, object]:
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "version": run.version,
        "state": run.state,
        "cancel_requested": run.cancel_requested,
        "budget_credits": run.budget_credits,
        "credits_used": run.spent_credits,
        "credits_reserved": run.reserved_credits,
        "created_at": run.created_at,
        "closed_at": run.closed_at,
        "error": run.error,
    }
