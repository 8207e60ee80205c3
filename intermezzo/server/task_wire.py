"""Human tasks on the wire: the documents' object, with what other clients expect beside it (spec: CS-20…CS-22, K4)."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from intermezzo.human_steps.task_views import TaskFilter, TaskView
from intermezzo.human_steps.tasks import HumanTaskState, Priority

Status = Literal["open", "assigned", "completed", "failed", "cancelled"]
"""The words of the documents' clients for `state`."""

_STATUS: dict[HumanTaskState, Status] = {
    "open": "open",
    "claimed": "assigned",
    "submitted": "assigned",
    "completed": "completed",
    "expired": "failed",
    "failed": "failed",
    "cancelled": "cancelled",
}

MAX_BATCH = 1_000
"""Tasks in one request; more go in several."""


def _utc(at: datetime) -> datetime:
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a time from the year 1 to 9999 in UTC") from None


Time = Annotated[datetime, AfterValidator(_utc)]
"""A time; without a zone it is UTC."""


class Wired(BaseModel):
    """Base of what is sent and received."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class NewTask(Wired):
    """A task to post. Whatever else `with_options` takes may stand beside these."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": "label_text",
                    "input": {
                        "text": "The new iPhone is great!",
                        "categories": ["positive", "negative", "neutral"],
                        "question": "What is the sentiment?",
                    },
                    "assignments_required": 3,
                    "consensus_strategy": "majority_vote",
                    "claim_timeout_minutes": 60,
                    "priority": "normal",
                }
            ]
        },
    )

    __pydantic_extra__: dict[str, JsonValue] = Field(init=False)  # pyright: ignore[reportIncompatibleVariableOverride]

    type: Annotated[str, Field(min_length=1, max_length=200)]
    """What is to be done; `GET /v1/types` lists the types."""
    input: dict[str, JsonValue]
    """As the type says."""
    webhook_url: Annotated[str, Field(max_length=2_048, pattern="^https?://")] | None = None
    """Told when the task is closed."""
    metadata: dict[str, JsonValue] = {}
    """Yours; comes back with the task."""

    @property
    def options(self) -> dict[str, JsonValue]:
        """Arguments of `with_options`."""
        return {name: value for name, value in self.__pydantic_extra__.items() if value is not None}


class SubmissionOut(Wired):
    """One worker's answer."""

    worker: str
    answer: dict[str, JsonValue]
    submitted_at: AwareDatetime


class RawOutput(Wired):
    """What workers said."""

    submissions: list[SubmissionOut]


class TaskOutput(Wired):
    """What a task came to."""

    summary: str
    """One line for a person: `positive (3/3 workers agree)`."""
    raw: RawOutput
    answer: dict[str, JsonValue]
    """What the answers make together."""
    agreement: float
    """0 to 1."""
    agreement_by_field: dict[str, float] = {}
    """The same, of each field that was compared."""


class TaskOut(Wired):
    """A human task."""

    id: str
    task_id: str
    """The same."""
    type: str
    name: str
    status: Status
    state: HumanTaskState
    """More exactly."""
    execution_mode: Literal["human"] = "human"
    input: dict[str, JsonValue]
    output: TaskOutput | None
    error: str | None
    """Why it ended without an output."""
    credits_used: int
    """Spent so far."""
    credits_reserved: int
    """When it was posted: the most it can cost."""
    estimated_credits: int
    """The same."""
    assignments_required: int
    assignments_completed: int
    priority: Priority
    metadata: dict[str, JsonValue]
    webhook_url: str | None
    run_id: str | None
    """Of the pipeline that posted it."""
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    completed_at: AwareDatetime | None

    @classmethod
    def of(cls, view: TaskView) -> Self:
        """A task as it goes over the wire."""
        return cls(
            id=view.id,
            task_id=view.id,
            type=view.type,
            name=view.name,
            status=_STATUS[view.state],
            state=view.state,
            input=view.input,
            output=None if view.outcome is None else _output(view.outcome),
            error=view.error,
            credits_used=view.spent_credits,
            credits_reserved=view.reserved_credits,
            estimated_credits=view.reserved_credits,
            assignments_required=view.assignments_required,
            assignments_completed=view.assignments_completed,
            priority=view.priority,
            metadata=view.metadata,
            webhook_url=view.webhook_url,
            run_id=view.run_id,
            created_at=view.created_at,
            expires_at=view.expires_at,
            completed_at=view.closed_at,
        )


def _output(outcome: dict[str, JsonValue]) -> TaskOutput:
    told: dict[str, Any] = dict(outcome)
    return TaskOutput.model_validate({**told, "raw": {"submissions": told["submissions"]}})


class TaskPage(Wired):
    """Tasks, the newest first."""

    items: list[TaskOut]
    next_cursor: str | None
    """Give it as `cursor` for the page after this one; null: there is none. It misses nothing and shows nothing twice,
    whatever is posted meanwhile."""
    has_next: bool
    total: int
    """On all pages."""
    limit: int
    offset: int
    """How many were left out, not counted from `cursor`."""
    page: int
    """From 1, likewise."""
    page_size: int
    """The same as `limit`."""


class NewTasks(Wired):
    """Tasks to post: all of them or none."""

    tasks: Annotated[list[NewTask], Field(min_length=1, max_length=MAX_BATCH)]


class TaskIds(Wired):
    """Tasks that were posted, in order."""

    task_ids: list[str]


class TaskQuery(Wired):
    """Which tasks to list."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    status: list[Status | HumanTaskState] = []
    """Statuses, or states."""
    type: list[str] = []
    run_id: str | None = None
    created_after: Time | None = None
    """Exclusive; without a zone it is UTC."""
    created_before: Time | None = None
    """Exclusive; without a zone it is UTC."""
    cursor: Annotated[str | None, Field(max_length=36)] = None
    """`next_cursor` of the page before."""
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """How many to leave out; `cursor` is quicker and steadier."""
    page: Annotated[int | None, Field(ge=1, le=10_000)] = None
    """Instead of `offset`: which page, from 1."""
    page_size: Annotated[int | None, Field(ge=1, le=100)] = None
    """Instead of `limit`."""

    def filter(self) -> TaskFilter:
        """The same, as the service layer says it."""
        return TaskFilter(
            states=[state for state, status in _STATUS.items() if state in self.status or status in self.status],
            types=self.type,
            run_id=self.run_id,
            created_after=self.created_after,
            created_before=self.created_before,
        )
