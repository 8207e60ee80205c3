"""The requester's side of a human task: what the answers make together, and which of them are paid.

Everything here is part of the caller's transaction. A worker is paid when an answer is approved: at once, after a
review, or when nobody has reviewed it in time.
"""

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Row, bindparam, case, func, select, update

from intermezzo import ledger
from intermezzo.errors import AssignmentNotFound, InvalidResponse, NoConsensus, NotReviewable
from intermezzo.human_steps.agreement import Agreement, agreement
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import Agreed, NotYet, Split, consensus
from intermezzo.human_steps.history import record
from intermezzo.human_steps.leaves import Answer
from intermezzo.human_steps.notes import MAX_NAME_CHARACTERS, check_id, check_text
from intermezzo.human_steps.outcome import envelope
from intermezzo.human_steps.scores import DEFAULT_SCORE, SCORE_WINDOW, check_score
from intermezzo.human_steps.tasks import LEGAL_MOVES, MOST_SWEPT, lock_task, lock_tasks, settle, transition
from intermezzo.human_steps.terms import Terms, terms_of
from intermezzo.ledger import Payer
from intermezzo.store import Prepared, one_of, reach
from intermezzo.store.tables import assignments, responses

if TYPE_CHECKING:
    from collections.abc import Sequence


_APPROVE = Prepared(
    update(assignments)
    .where(assignments.c.id == bindparam("assignment"))
    .values(state="approved", closed_at=bindparam("at"), reviewed_by=bindparam("by"), review_note=bindparam("note"))
)
_APPROVED = Prepared(
    select(func.count()).where(assignments.c.task_id == bindparam("task"), assignments.c.state == "approved")
)
_ANSWERS = {
    only_approved: Prepared(
        select(responses)
        .join(assignments, assignments.c.id == responses.c.assignment_id)
        .where(responses.c.task_id == bindparam("task"), one_of(assignments.c.state, states))
        .order_by(responses.c.seq)
    )
    for only_approved, states in ((True, ("approved",)), (False, ("approved", "submitted")))
}


def approve(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    assignment: "Row[tuple[object, ...]]",
    *,
    by: str | None = None,
    note: str | None = None,
    at: datetime,
) -> None:
    """Accept an answer and pay for it.

    Args:
        task: locked.
        assignment: of an answer that waits for its review.
        by: who reviewed it; None: nobody.
        note: for the worker.
    """
    _APPROVE.run(connection, [{"assignment": assignment.id, "at": at, "by": by, "note": note}])
    record(connection, task, "approved", actor=by, at=at, assignment=assignment.id)
    ledger.reward(
        connection,
        Payer(task.org, test=task.test),
        task.id,
        assignment.worker_id,
        assignment.reward_credits,
        n=_APPROVED.scalar(connection, {"task": task.id}),
        at=at,
    )


def reject(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    assignment: "Row[tuple[object, ...]]",
    *,
    by: str,
    reason: str,
    at: datetime,
) -> None:
    """Refuse an answer: it does not count and is not paid; another worker may answer while the task is open.

    Args:
        task: locked.
        assignment: of an answer that waits for its review.
        by: who reviewed it.
        reason: for the worker.
    """
    connection.execute(
        update(assignments)
        .where(assignments.c.id == assignment.id)
        .values(state="rejected", closed_at=at, reviewed_by=by, review_note=reason)
    )
    record(connection, task, "rejected", actor=by, at=at, assignment=assignment.id, reason=reason)
    if LEGAL_MOVES[task.state]:
        transition(connection, task, "open", open_slots=task.open_slots + 1, at=at)


def review(
    connection: Connection,
    assignment_id: str,
    *,
    approved: bool,
    by: str,
    note: str | None = None,
    score: int | None = None,
    at: datetime,
) -> str:
    """Approve or reject an answer; the same decision again changes nothing but the score.

    Args:
        note: for the worker.
        score: of an answer that is approved, 0 to 10.

    Returns:
        The state of the task afterwards.

    Raises:
        AssignmentNotFound: there is none of that id.
        NotReviewable: it holds no answer, the other decision was made before, or it is too late for a score.
        ValueError: a rejection without a reason or with a score, or a score out of range.
        WorkerError: `by` or `note` cannot be stored.
    """
    if not approved and not (note or "").strip():
        raise ValueError("a rejection needs a reason that the worker can learn from")
    if not approved and score is not None:
        raise ValueError("only an answer that is approved has a score")
    check_text(note or "", "a note")
    check_text(by, "a reviewer's name", most=MAX_NAME_CHARACTERS)
    if score is not None:
        check_score(score)
    task, assignment = lock_assignment(connection, assignment_id)
    if task.gold_id is not None:
        raise AssignmentNotFound(f"there is no assignment {assignment_id!r}")
    done = assignment.state == ("approved" if approved else "rejected") and assignment.reviewed_by is not None
    if assignment.state != "submitted" and not done:
        raise NotReviewable(f"assignment {assignment_id} is {assignment.state}; only a submitted answer is reviewed")
    if not done and approved:
        approve(connection, task, assignment, by=by, note=note, at=at)
    elif not done:
        reject(connection, task, assignment, by=by, reason=note or "", at=at)
    if score is not None:
        _, assignment = lock_assignment(connection, assignment_id)
        _set_score(connection, task, assignment, score, by=by, note=note if done else None, at=at)
    return task.state if done else go_on(connection, task, at=at)


def go_on(connection: Connection, task: "Row[tuple[object, ...]]", *, at: datetime) -> str:
    """See what becomes of a task one of whose answers was just approved or rejected.

    Args:
        task: locked before that.

    Returns:
        Its state afterwards.
    """
    if not LEGAL_MOVES[task.state]:
        settle(connection, task, at=at)
        return task.state
    return weigh(connection, lock_task(connection, task.id), at=at)


def score(
    connection: Connection, assignment_id: str, score: int, *, by: str, note: str | None = None, at: datetime
) -> None:
    """Say how good an approved answer is; again in time says it anew.

    Raises:
        AssignmentNotFound: there is none of that id.
        NotReviewable: it was not approved, was disputed, or its time is over.
        ValueError: it is out of range.
        WorkerError: `by` or `note` cannot be stored.
    """
    check_score(score)
    check_text(note or "", "a note")
    check_text(by, "a reviewer's name", most=MAX_NAME_CHARACTERS)
    task, assignment = lock_assignment(connection, assignment_id)
    _set_score(connection, task, assignment, score, by=by, note=note, at=at)


def _set_score(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    assignment: "Row[tuple[object, ...]]",
    score: int,
    *,
    by: str,
    note: str | None = None,
    at: datetime,
) -> None:
    """Say how good an approved answer is; again in time says it anew, and its history keeps both.

    Args:
        task: locked.
        assignment: read since.
        by: who says so.
        note: for the worker; None: the one there is stays.

    Raises:
        NotReviewable: it was not approved, was disputed, or its time is over.
    """
    if assignment.state != "approved":
        raise NotReviewable(
            f"assignment {assignment.id} is {assignment.state}; only an approved answer is scored, "
            "with its approval or later"
        )
    if assignment.score_until is None:
        raise NotReviewable(f"assignment {assignment.id} was disputed; such an answer has no score")
    kept = assignment.review_note if note is None else note
    if (assignment.score, assignment.review_note) == (score, kept):
        return
    if at >= assignment.score_until:
        hours = SCORE_WINDOW // timedelta(hours=1)
        counts = DEFAULT_SCORE if assignment.score is None else assignment.score
        raise NotReviewable(
            f"assignment {assignment.id} could be scored until {assignment.score_until:%Y-%m-%d %H:%M} UTC, "
            f"{hours} hours after it was submitted; it counts as {counts}"
        )
    connection.execute(
        update(assignments).where(assignments.c.id == assignment.id).values(score=score, review_note=kept)
    )
    record(connection, task, "scored", actor=by, at=at, assignment=assignment.id, score=score, note=note)


def lock_assignment(
    connection: Connection, assignment_id: str
) -> "tuple[Row[tuple[object, ...]], Row[tuple[object, ...]]]":
    """A task and an assignment of it, which nobody else can move meanwhile.

    Raises:
        AssignmentNotFound: there is none of that id.
    """
    check_id(assignment_id, AssignmentNotFound)
    query = select(assignments).where(assignments.c.id == assignment_id)
    found = connection.execute(query).one_or_none()
    if found is None:
        raise AssignmentNotFound(f"there is no assignment {assignment_id!r}")
    task = lock_task(connection, found.task_id)
    return task, connection.execute(query).one()


def approve_unreviewed(connection: Connection, *, at: datetime, limit: int = MOST_SWEPT) -> int:
    """Approve answers that nobody has reviewed in time.

    Returns:
        How many there were; call again if it is `limit`.
    """
    due = connection.execute(
        select(assignments.c.id, assignments.c.task_id)
        .where(assignments.c.state == "submitted", assignments.c.review_due_at <= at)
        .order_by(assignments.c.review_due_at)
        .limit(limit)
    ).all()
    lock_tasks(connection, [row.task_id for row in due])
    for row in due:
        task, assignment = lock_assignment(connection, row.id)
        if assignment.state == "submitted":  # it may have been reviewed meanwhile
            approve(connection, task, assignment, at=at)
            go_on(connection, task, at=at)
    return len(due)


def weigh(connection: Connection, task: "Row[tuple[object, ...]]", *, at: datetime) -> str:
    """See what the answers of an open task make together, and move it accordingly.

    Returns:
        Its state afterwards.
    """
    if task.gold_id is not None:  # its outcome was known before
        transition(connection, task, "completed", at=at)
        return "completed"
    terms = terms_of(connection, task.terms_id)
    given = _answers(connection, task, only_approved=terms.consensus_strategy == "requester_review")
    schema = AnswerSchema.of(json.loads(task.answer_schema))
    outcome = consensus(
        terms.consensus_strategy,
        [json.loads(row.answer) for row in given],
        schema.leaves,
        task.assignments_required,
    )
    match outcome:
        case NotYet():
            return _wait(connection, task, at=at)
        case Split():
            return _split(connection, task, terms, outcome.summary, at=at)
        case Agreed():
            try:
                schema.validate(outcome.answer)
            except InvalidResponse as error:  # fields are voted on one by one, and may not fit together
                return _split(connection, task, terms, f"the winning fields do not fit together: {error}", at=at)
            _complete(connection, task, outcome.answer, outcome.agreement, given, summary=outcome.summary, at=at)
            reach("answer.outbox")
            return "completed"


def _complete(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    answer: Answer,
    found: Agreement,
    given: "Sequence[Row[tuple[object, ...]]]",
    *,
    summary: str,
    at: datetime,
) -> None:
    """Complete a task with an outcome, and keep how far each answer agrees with it."""
    output = envelope(answer, summary=summary, agreement=found.overall, agreement_by_field=found.by_field, given=given)
    if len(found.of_answers) > 1:
        of_assignment = {row.assignment_id: of_answer for row, of_answer in zip(given, found.of_answers, strict=True)}
        connection.execute(
            update(assignments)
            .where(assignments.c.id.in_(of_assignment))
            .values(agreement=case(of_assignment, value=assignments.c.id))
        )
    transition(connection, task, "completed", output=output, at=at)


def _answers(
    connection: Connection, task: "Row[tuple[object, ...]]", *, only_approved: bool
) -> "Sequence[Row[tuple[object, ...]]]":
    """The answers that count, the earliest first; a disputed one does not until its dispute is resolved."""
    return _ANSWERS[only_approved].all(connection, {"task": task.id})


def _wait(connection: Connection, task: "Row[tuple[object, ...]]", *, at: datetime) -> str:
    """More answers are needed, or a review of those there are."""
    if task.open_slots or _claimed(connection, task):
        return task.state
    if task.state != "submitted":
        transition(connection, task, "submitted", at=at)
    return "submitted"


def _claimed(connection: Connection, task: "Row[tuple[object, ...]]") -> int:
    query = select(func.count()).where(assignments.c.task_id == task.id, assignments.c.state == "claimed")
    return connection.scalar(query) or 0


def _split(connection: Connection, task: "Row[tuple[object, ...]]", terms: Terms, summary: str, *, at: datetime) -> str:
    """The answers do not agree: one more is asked for, or the requester, or the task fails."""
    if terms.consensus_strategy == "majority_vote" and task.assignments_required < terms.max_assignments:
        slots = task.assignments_required + 1
        record(connection, task, "extended", at=at, slots=slots, why=summary)
        transition(connection, task, "open", slots=slots, open_slots=task.open_slots + 1, at=at)
        return "open"
    if terms.on_split == "review":
        return _wait(connection, task, at=at)
    transition(connection, task, "failed", error=NoConsensus(f"{task.name}: {summary}"), at=at)
    return "failed"


def decide(connection: Connection, task_id: str, answer: object, *, by: str, at: datetime) -> None:
    """Complete a task whose workers do not agree with the requester's own answer; those given are paid.

    Raises:
        HumanTaskNotFound: there is none of that id.
        NotReviewable: it does not wait for the requester.
        InvalidResponse: the answer does not fit its form.
        WorkerError: `by` cannot be stored.
    """
    check_text(by, "a reviewer's name", most=MAX_NAME_CHARACTERS)
    task = lock_task(connection, task_id)
    if task.state != "submitted":
        raise NotReviewable(f"human task {task_id} is {task.state}; only one that is submitted waits for a decision")
    schema = AnswerSchema.of(json.loads(task.answer_schema))
    valid = schema.validate(answer)
    record(connection, task, "decided", actor=by, at=at)
    given = _answers(connection, task, only_approved=False)
    found = agreement(schema.leaves, valid, [json.loads(row.answer) for row in given])
    summary = f"decided by the requester ({found.agreeing}/{len(given)} workers agree)"
    _complete(connection, task, valid, found, given, summary=summary, at=at)
