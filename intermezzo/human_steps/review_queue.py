"""What waits for the requester: answers to approve or reject, and tasks to decide; for shell, pages and HTTP."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pydantic import JsonValue
from sqlalchemy import select

from intermezzo.human_steps import review
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
        test: see test tasks instead of live ones.
    """

    def __init__(self, store: Store, *, test: bool = False) -> None:
        self.store = store
        self.test = test

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
            .where(assignments.c.state == "submitted", human_tasks.c.test == self.test, human_tasks.c.gold_id.is_(None))
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
            NotReviewable: there is no answer that waits, or it was rejected before.
            ValueError: the score is out of range.
        """
        return await self.store.write(
            lambda c: review.review(c, assignment_id, approved=True, by=by, note=note, score=score, at=utc_now())
        )

    async def reject(self, assignment_id: str, *, by: str, reason: str) -> str:
        """Refuse an answer: it is not paid and does not count; while its task is open, another worker is asked.

        Returns:
            The state of its task afterwards.

        Raises:
            AssignmentNotFound: there is none of that id.
            NotReviewable: there is no answer that waits, or it was approved before.
            ValueError: the reason is blank.
        """
        return await self.store.write(
            lambda c: review.review(c, assignment_id, approved=False, by=by, note=reason, at=utc_now())
        )

    async def decide(self, task_id: str, answer: object, *, by: str) -> None:
        """Complete a task with an answer of one's own; those given are paid.

        Args:
            by: who decides.

        Raises:
            HumanTaskNotFound: there is none of that id.
            NotReviewable: the task does not wait for the requester.
            InvalidResponse: the answer does not fit its form.
        """
        await self.store.write(lambda c: review.decide(c, task_id, answer, by=by, at=utc_now()))
