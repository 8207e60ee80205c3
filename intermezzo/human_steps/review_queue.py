"""What waits for the requester: answers to approve or reject, and tasks to decide; for shell, pages and HTTP."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import JsonValue
from sqlalchemy import Connection, select

from intermezzo.errors import AssignmentNotFound, HumanTaskNotFound
from intermezzo.human_steps import disputes, review
from intermezzo.human_steps.disputes import Dispute
from intermezzo.human_steps.notes import check_id
from intermezzo.human_steps.tasks import belongs_to
from intermezzo.ledger import Payer
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import assignments, human_tasks, responses

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewItem:
    """An answer that waits for its review."""

    assignment_id: str
    task_id: str
    type: str
    name: str
    task_state: str
    """`submitted` when the task waits for nothing but the requester."""
    worker: str
    input: dict[str, JsonValue]
    answer: dict[str, JsonValue]
    reward_credits: int
    submitted_at: datetime
    review_due_at: datetime | None
    """When it is approved by itself; None: never."""


_SHOWN = (
    assignments.c.id.label("assignment_id"),
    human_tasks.c.id.label("task_id"),
    human_tasks.c.type,
    human_tasks.c.name,
    human_tasks.c.state.label("task_state"),
    assignments.c.worker_id.label("worker"),
    human_tasks.c.input,
    responses.c.answer,
    assignments.c.reward_credits,
    responses.c.submitted_at,
    assignments.c.review_due_at,
)


class ReviewQueue:
    """The requester's view of what workers have submitted.

    Args:
        store: where the tasks are.
        payer: the organisation, in live or test credits; what is anybody else's is not there.
    """

    def __init__(self, store: Store, payer: Payer) -> None:
        self.store = store
        self.payer = payer

    async def list(self, *, task_id: str | None = None, limit: int = 50) -> "Sequence[ReviewItem]":
        """Answers that wait for a review, those first that are approved by themselves soonest.

        Args:
            task_id: only those to this task.
            limit: most answers to return, 1 to 1,000.
        """
        query = (
            select(*_SHOWN)
            .join(assignments, assignments.c.task_id == human_tasks.c.id)
            .join(responses, responses.c.assignment_id == assignments.c.id)
            .where(assignments.c.state == "submitted", belongs_to(self.payer), human_tasks.c.gold_id.is_(None))
            .order_by(assignments.c.review_due_at.is_(None), assignments.c.review_due_at, responses.c.seq)
            .limit(min(max(limit, 1), 1000))
        )
        if task_id is not None:
            query = query.where(human_tasks.c.id == task_id)
        return await self.store.read(
            lambda c: [
                ReviewItem(**{**row, "input": json.loads(row["input"]), "answer": json.loads(row["answer"])})
                for row in c.execute(query).mappings()
            ]
        )

    async def approve(self, assignment_id: str, *, by: str, note: str | None = None, score: int | None = None) -> str:
        """Accept an answer and pay for it.

        Args:
            by: who reviews it.
            note: for the worker.
            score: how good it is, 0 to 10.

        Returns:
            The state of its task afterwards.

        Raises:
            AssignmentNotFound: there is none of that id.
            NotReviewable: there is no answer that waits, it was rejected before, or it is too late for a score.
            ValueError: the score is out of range.
            WorkerError: `by` or `note` cannot be stored.
        """

        def work(connection: Connection) -> str:
            self._require_assignment(connection, assignment_id)
            return review.review(connection, assignment_id, approved=True, by=by, note=note, score=score, at=utc_now())

        return await self.store.write(work)

    async def score(self, assignment_id: str, score: int, *, by: str, note: str | None = None) -> None:
        """Say how good an approved answer is, within 48 hours after it was submitted; again says it anew.

        Args:
            score: 0 to 10; an answer that nobody scores in time counts as 10.
            by: who says so.
            note: for the worker, at most 5,000 characters.

        Raises:
            AssignmentNotFound: there is none of that id.
            NotReviewable: it was not approved, was disputed, or its time is over.
            ValueError: the score is out of range.
            WorkerError: `by` or `note` cannot be stored.
        """

        def work(connection: Connection) -> None:
            self._require_assignment(connection, assignment_id)
            review.score(connection, assignment_id, score, by=by, note=note, at=utc_now())

        await self.store.write(work)

    async def dispute(self, assignment_id: str, *, by: str, reason: str) -> Dispute:
        """Ask an operator to look at an answer that waits for its review; again changes nothing.

        Args:
            by: who does not accept it.
            reason: for the operator, at most 5,000 characters.

        Raises:
            AssignmentNotFound: there is none of that id.
            NotReviewable: it does not wait for its review.
            ValueError: the reason is blank.
            WorkerError: `by` or `reason` cannot be stored.
        """

        def work(connection: Connection) -> Dispute:
            self._require_assignment(connection, assignment_id)
            return disputes.dispute(connection, assignment_id, reason=reason, by=by, at=utc_now())

        return await self.store.write(work)

    async def reject(self, assignment_id: str, *, by: str, reason: str) -> str:
        """Refuse an answer: it is not paid and does not count; while its task is open, another worker is asked.

        Returns:
            The state of its task afterwards.

        Raises:
            AssignmentNotFound: there is none of that id.
            NotReviewable: there is no answer that waits, or it was approved before.
            ValueError: the reason is blank.
        """

        def work(connection: Connection) -> str:
            self._require_assignment(connection, assignment_id)
            return review.review(connection, assignment_id, approved=False, by=by, note=reason, at=utc_now())

        return await self.store.write(work)

    async def decide(self, task_id: str, answer: object, *, by: str) -> None:
        """Complete a task with an answer of one's own; those given are paid.

        Args:
            by: who decides.

        Raises:
            HumanTaskNotFound: there is none of that id.
            NotReviewable: the task does not wait for the requester.
            InvalidResponse: the answer does not fit its form.
        """

        def work(connection: Connection) -> None:
            check_id(task_id, HumanTaskNotFound)
            mine = select(human_tasks.c.id).where(human_tasks.c.id == task_id, belongs_to(self.payer))
            if connection.execute(mine).first() is None:
                raise HumanTaskNotFound(f"there is no human task {task_id!r}")
            review.decide(connection, task_id, answer, by=by, at=utc_now())

        await self.store.write(work)

    def _require_assignment(self, connection: Connection, assignment_id: str) -> None:
        check_id(assignment_id, AssignmentNotFound)
        mine = (
            select(assignments.c.id)
            .join(human_tasks, human_tasks.c.id == assignments.c.task_id)
            .where(assignments.c.id == assignment_id, belongs_to(self.payer), human_tasks.c.gold_id.is_(None))
        )
        if connection.execute(mine).first() is None:
            raise AssignmentNotFound(f"there is no assignment {assignment_id!r}")
