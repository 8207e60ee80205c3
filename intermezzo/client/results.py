"""What the server answers, as records; fields that a newer server adds are kept beside those known here."""

from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue


class Result(BaseModel):
    """Base of what the server answers."""

    model_config = ConfigDict(extra="allow", frozen=True, use_attribute_docstrings=True)


class RawSubmission(Result):
    """One worker's answer, in the output it is a part of."""

    worker: str
    answer: dict[str, JsonValue]
    submitted_at: AwareDatetime | None = None


class RawOutput(Result):
    """What workers said."""

    submissions: list[RawSubmission] = []


class TaskOutput(Result):
    """What a task came to (spec: CS-21)."""

    summary: str
    """One line for a person: `positive (3/3 workers agree)`."""
    raw: RawOutput = RawOutput()
    answer: dict[str, JsonValue] = {}
    """What the answers make together."""
    agreement: float | None = None
    """0 to 1."""


class Task(Result):
    """A task for people (spec: CS-20)."""

    id: str
    type: str
    status: str
    """`open`, `assigned`, `completed`, `failed` or `cancelled`."""
    state: str | None = None
    """More exactly: `expired` is told apart from `failed`, and `submitted` from `claimed`."""
    input: dict[str, JsonValue] = {}
    output: TaskOutput | None = None
    """There once it is completed."""
    error: str | None = None
    """Why it ended without an output."""
    credits_used: int = 0
    credits_reserved: int = 0
    """The most it can cost."""
    assignments_required: int = 1
    assignments_completed: int = 0
    priority: str = "normal"
    metadata: dict[str, JsonValue] = {}
    """What was given with it."""
    created_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    completed_at: AwareDatetime | None = None

    @property
    def ending(self) -> Literal["completed", "unfinished"] | None:
        """How it ended; None: it has not."""
        if self.status == "completed":
            return "completed"
        return "unfinished" if {self.status, self.state} & {"failed", "expired", "cancelled"} else None


class TaskPage(Result):
    """Tasks, the newest first."""

    items: list[Task]
    next_cursor: str | None = None
    """Give it as `cursor` for the page after this one; None: there is none."""


class Submission(Result):
    """One worker's answer, and what became of it."""

    id: str
    """Of the assignment: what `approve` and `reject` take."""
    worker: str
    status: str
    """`submitted` while it waits for a review, `disputed`, `approved` or `rejected`."""
    answer: dict[str, JsonValue]
    reward_credits: int = 0
    reviewed_by: str | None = None
    note: str | None = None
    """For the worker."""
    score: int | None = None
    """0 to 10."""


class Submissions(Result):
    """The answers to a task."""

    items: list[Submission]


class TaskIds(Result):
    """Tasks that were posted, in order."""

    task_ids: list[str]


class Balance(Result):
    """The organisation's credits (spec: CS-06)."""

    available: int
    reserved: int = 0
    """Held for tasks that are not closed."""
