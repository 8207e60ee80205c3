"""What the server answers about pipelines and their runs, as records."""

from typing import Literal

from pydantic import AwareDatetime, Field, JsonValue

from intermezzo.client.results import Result


class PipelineVersion(Result):
    """A version of a pipeline, in a line."""

    name: str
    version: int
    label: str = ""
    """What its author calls the version."""
    description: str = ""
    digest: str
    """The same for documents that say the same."""
    created_at: AwareDatetime


class Pipeline(PipelineVersion):
    """A version of a pipeline."""

    document: dict[str, JsonValue]


class PipelinePage(Result):
    """Pipelines by name, each with its newest version."""

    items: list[PipelineVersion]
    next_cursor: str | None = None
    """Give it as `cursor` for the page after this one; None: there is none."""


class VersionPage(Result):
    """Versions of a pipeline, the newest first."""

    items: list[PipelineVersion]
    next_cursor: int | None = None
    """Give it as `cursor` for the page after this one; None: there is none."""


class Range(Result):
    """A number of which only the bounds are known."""

    minimum: int
    expected: float
    maximum: int


class StepEstimate(Result):
    """What one step costs."""

    id: str
    type: str
    calls: Range
    credits: Range
    assumption: str = ""
    """What `expected` rests on; empty if nothing is assumed."""


class Estimate(Result):
    """What a run that completes costs."""

    steps: list[StepEstimate]
    credits: Range
    budget_credits: int | None = None


class Failure(Result):
    """Why something failed."""

    type: str
    message: str


class RunStep(Result):
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


class RunCall(Result):
    """One call of a step."""

    id: str
    step: str
    key: str
    kind: str
    """`primitive` or `human`."""
    state: str
    """`open`, `completed`, `failed` or `void`: it is made again, or no longer wanted."""
    price_credits: int
    task_id: str | None = None
    """Of the human task that it has posted."""
    error: Failure | None = None
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None = None


class Run(Result):
    """A run of a pipeline."""

    id: str
    pipeline: str
    version: int
    state: str
    """`scheduled`, `active`, `suspended` (it waits for people), `completed`, `failed` or `cancelled`."""
    cancel_requested: bool = False
    input: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Not in lists, as everything below without a line of its own."""
    output: JsonValue = None
    """There once it is completed."""
    error: Failure | None = None
    """Once it has failed; in lists too."""
    budget_credits: int | None = None
    credits_used: int = 0
    credits_reserved: int = 0
    """Held by step calls that are not closed."""
    steps: list[RunStep] = Field(default_factory=list[RunStep])
    calls: list[RunCall] = Field(default_factory=list[RunCall])
    """The first 100; `runs.calls` has all."""
    created_at: AwareDatetime
    closed_at: AwareDatetime | None = None

    @property
    def ending(self) -> Literal["completed", "unfinished"] | None:
        """How it ended; None: it has not."""
        if self.state == "completed":
            return "completed"
        return "unfinished" if self.state in ("failed", "cancelled") else None


class RunPage(Result):
    """Runs, the newest first."""

    items: list[Run]
    next_cursor: str | None = None
    """Give it as `cursor` for the page after this one; None: there is none."""


class CallPage(Result):
    """Step calls of a run, in the order in which they were made."""

    items: list[RunCall]
    next_cursor: str | None = None
    """Give it as `cursor` for the page after this one; None: there is none."""


class RunEvent(Result):
    """Something happened to a run, or to a human task of it."""

    id: str = ""
    """Give it as `after` to go on from here."""
    event: str
    """`run.started`, `run.suspended`, `task.claimed`, … `run.closed`."""
    run_id: str
    state: str
    """Of the run, when this was sent."""
    step: str | None = None
    task_id: str | None = None
    """The human task it is about."""
    actor: str | None = None
    """The worker or reviewer."""
    detail: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    at: AwareDatetime
