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
    agreement_by_field: dict[str, float] = {}
    """The same, of each field that was compared."""


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


class Part(Result):
    """One worker's part in a task."""

    assignment_id: str
    worker: str
    state: str
    """`claimed`, `submitted`, `disputed`, `approved`, `rejected`, `released`, `declined`, `expired`, …"""
    answer: dict[str, JsonValue] | None = None
    reward_credits: int = 0
    reviewed_by: str | None = None
    note: str | None = None
    score: int | None = None
    """0 to 10."""


class Happened(Result):
    """One line of a story."""

    at: AwareDatetime
    what: str
    """`opened`, `claimed`, … `closed`."""
    actor: str | None = None
    """The worker or reviewer; None: the requester, or time."""
    detail: dict[str, JsonValue] = {}


class Story(Result):
    """Everything that happened to a task."""

    id: str
    type: str
    state: str
    input: dict[str, JsonValue] = {}
    parts: list[Part]
    happened: list[Happened]


class WorkerTask(Result):
    """A task as a worker sees it."""

    id: str
    type: str
    part: str | None = None
    """What became of your part; None: you have none."""
    instructions: str
    """Markdown."""
    input: dict[str, JsonValue]
    controls: list[dict[str, JsonValue]] = []
    """The form: what is shown and what is filled in, in order."""
    answer_schema: dict[str, JsonValue]
    """JSON Schema of the answer."""
    reward_credits: int
    """For an answer that is approved."""
    created_at: AwareDatetime | None = None
    expires_at: AwareDatetime | None = None
    """When your claim lapses; without one, when the task is closed at the latest."""


class WorkerTasks(Result):
    """Tasks, the most urgent and oldest first."""

    items: list[WorkerTask]


class Claim(Result):
    """A slot of a task that is now yours to fill."""

    assignment_id: str
    task_id: str
    lease_expires_at: AwareDatetime
    """Until then it is yours alone."""
    task: WorkerTask


class Answered(Result):
    """An answer was stored."""

    status: str
    """`approved`, or `submitted` while it waits for its review."""


class Me(Result):
    """The worker who asks."""

    worker_id: str
    balance_credits: int
    """Earned."""
    suspended: str | None = None
    """Why they may not work."""
    profile: dict[str, JsonValue] = {}
    """As others see it, with their record."""


class TaskIds(Result):
    """Tasks that were posted, in order."""

    task_ids: list[str]


class Balance(Result):
    """The organisation's credits (spec: CS-06)."""

    available: int
    reserved: int = 0
    """Held for tasks that are not closed."""
