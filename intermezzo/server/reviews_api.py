"""`/v1/tasks/{id}/submissions` and what a requester does about them; and the task's story (spec: CS-24, CS-27)."""

from typing import Annotated, Self

from fastapi import APIRouter
from pydantic import Field, JsonValue, StringConstraints

from intermezzo.errors import AssignmentNotFound
from intermezzo.human_steps.history import Part, Story
from intermezzo.human_steps.notes import MAX_NOTE_CHARACTERS
from intermezzo.human_steps.review_queue import ReviewQueue
from intermezzo.human_steps.scores import MAX_SCORE
from intermezzo.server.context import Context, Reader, Server, Writer, requester_of
from intermezzo.server.reading import Route
from intermezzo.server.task_wire import TaskOut, Wired

router = APIRouter(prefix="/v1/tasks/{task_id}", tags=["reviews"], route_class=Route)

Note = Annotated[str, StringConstraints(max_length=MAX_NOTE_CHARACTERS)]
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NOTE_CHARACTERS)]
Score = Annotated[int, Field(ge=0, le=MAX_SCORE)]


class Submission(Wired):
    """One worker's answer, and what became of it."""

    id: str
    """Of the assignment."""
    assignment_id: str
    """The same."""
    task_id: str
    worker: str
    status: str
    """`submitted` while it waits for a review, `disputed`, `approved` or `rejected`."""
    answer: dict[str, JsonValue]
    reward_credits: int
    reviewed_by: str | None
    note: str | None
    """For the worker."""
    score: int | None
    """0 to 10."""

    @classmethod
    def of(cls, task_id: str, part: Part) -> Self:
        """An answer as it goes over the wire."""
        return cls(
            id=part.assignment_id,
            assignment_id=part.assignment_id,
            task_id=task_id,
            worker=part.worker,
            status=part.state,
            answer=part.answer or {},
            reward_credits=part.reward_credits,
            reviewed_by=part.reviewed_by,
            note=part.note,
            score=part.score,
        )


class Submissions(Wired):
    """The answers to a task, in the order in which they were claimed."""

    items: list[Submission]


class Approval(Wired):
    """An answer is good."""

    note: Note | None = None
    """For the worker."""
    score: Score | None = None
    """How good it is, 0 to 10."""


class Rejection(Wired):
    """An answer is not good."""

    reason: Reason
    """For the worker to learn from."""


class Rating(Wired):
    """How good an approved answer is."""

    score: Score
    """0 to 10."""
    note: Note | None = None
    """For the worker."""


class Decision(Wired):
    """The requester's own answer."""

    answer: dict[str, JsonValue]
    """It fits the form of the task."""


@router.get("/submissions", summary="List the answers to a task")
async def submissions(task_id: str, principal: Reader, server: Server) -> Submissions:
    """Every answer that was given, also while the task is open."""
    story = await requester_of(server, principal).story(task_id)
    return Submissions(items=[Submission.of(task_id, part) for part in story.parts if part.answer is not None])


@router.post("/submissions/{assignment_id}/approve", summary="Approve an answer")
async def approve(
    task_id: str, assignment_id: str, principal: Writer, server: Server, given: Approval | None = None
) -> Submission:
    """Accept an answer and pay for it; again changes nothing."""
    await _submission(server, principal, task_id, assignment_id)
    said = given or Approval()
    queue = ReviewQueue(server.store, principal.payer)
    await queue.approve(assignment_id, by=principal.name, note=said.note, score=said.score)
    return await _submission(server, principal, task_id, assignment_id)


@router.post("/submissions/{assignment_id}/reject", summary="Reject an answer")
async def reject(task_id: str, assignment_id: str, given: Rejection, principal: Writer, server: Server) -> Submission:
    """Refuse an answer: it is not paid and does not count; while the task is open, another worker is asked."""
    await _submission(server, principal, task_id, assignment_id)
    await ReviewQueue(server.store, principal.payer).reject(assignment_id, by=principal.name, reason=given.reason)
    return await _submission(server, principal, task_id, assignment_id)


@router.post("/submissions/{assignment_id}/dispute", summary="Dispute an answer")
async def dispute(task_id: str, assignment_id: str, given: Rejection, principal: Writer, server: Server) -> Submission:
    """Ask an operator to look at an answer that waits for its review; its reward stays held meanwhile."""
    await _submission(server, principal, task_id, assignment_id)
    await ReviewQueue(server.store, principal.payer).dispute(assignment_id, by=principal.name, reason=given.reason)
    return await _submission(server, principal, task_id, assignment_id)


@router.post("/submissions/{assignment_id}/score", summary="Score an answer")
async def score(task_id: str, assignment_id: str, given: Rating, principal: Writer, server: Server) -> Submission:
    """Say how good an approved answer is, within 48 hours after it was submitted; again says it anew."""
    await _submission(server, principal, task_id, assignment_id)
    queue = ReviewQueue(server.store, principal.payer)
    await queue.score(assignment_id, given.score, by=principal.name, note=given.note)
    return await _submission(server, principal, task_id, assignment_id)


@router.post("/decide", summary="Decide a task")
async def decide(task_id: str, given: Decision, principal: Writer, server: Server) -> TaskOut:
    """Complete a task whose workers do not agree with an answer of your own; those given are paid."""
    await ReviewQueue(server.store, principal.payer).decide(task_id, given.answer, by=principal.name)
    return TaskOut.of(await requester_of(server, principal).get(task_id))


@router.get("/story", summary="Tell what happened to a task")
async def story(task_id: str, principal: Reader, server: Server) -> Story:
    """Who did what when, what they saw, and what they answered: the task's audit trail."""
    return await requester_of(server, principal).story(task_id)


async def _submission(server: Context, principal: Reader, task_id: str, assignment_id: str) -> Submission:
    """An answer of this task.

    Raises:
        HumanTaskNotFound: the organisation has no such task.
        AssignmentNotFound: there is no such answer to it.
    """
    story = await requester_of(server, principal).story(task_id)
    for part in story.parts:
        if part.assignment_id == assignment_id and part.answer is not None:
            return Submission.of(task_id, part)
    raise AssignmentNotFound(f"there is no answer {assignment_id!r} to human task {task_id}")
