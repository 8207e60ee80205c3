"""Gold tasks: tasks whose answer is known, put among the real ones so that nobody can tell them apart.

Everything here is part of the caller's transaction. A gold task is for one worker and goes through the same moves as
a real one, since whatever went another way could be seen: given back, it comes to the same worker again; nobody
claims it in time, and it expires.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy import Connection, Row, Select, exists, insert, or_, select, update

from intermezzo import ledger
from intermezzo.errors import InsufficientCredits
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.attachment_rows import attach_files_of_inputs
from intermezzo.human_steps.consensus import Agreed, consensus
from intermezzo.human_steps.gold_record import GoldRecord
from intermezzo.human_steps.queues import IN_QUEUE
from intermezzo.human_steps.tasks import lock_task
from intermezzo.human_steps.terms import Terms, terms_of
from intermezzo.ledger import Payer, Reservation
from intermezzo.store import sibling_of
from intermezzo.store.tables import assignments, gold_items, human_tasks

LONGEST_REVIEW = timedelta(hours=48)
"""After which an answer to a gold task is approved, where a real one could wait longer for the requester."""

Task = Row[tuple[object, ...]]


def is_right(schema: AnswerSchema, expected: Mapping[str, JsonValue], answer: Mapping[str, JsonValue]) -> bool:
    """Whether an answer says the same as the one that is expected, as two workers would be said to agree."""
    return isinstance(consensus("unanimous", [expected, answer], schema.leaves, 2), Agreed)


def is_drawn(share: float, worker_id: str, task_id: str, taken: int) -> bool:
    """Whether a worker gets a gold task instead of the real one that is next for them.

    It depends on nothing but its arguments, so that giving a task back and claiming again leads to the same one.

    Args:
        share: how often.
        task_id: of the real task.
        taken: how many gold tasks they took before.
    """
    return _hashed("share", worker_id, task_id, str(taken)) / 16**32 < share


def _hashed(*parts: str) -> int:
    return int(_digest(*parts), 16)


def _digest(*parts: str) -> str:
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def give(
    connection: Connection, head: Task, terms: Terms, worker_id: str, record: GoldRecord, *, at: datetime
) -> Task | None:
    """A gold task for a worker, locked, to be claimed instead of a real one; None if there is none for them.

    Args:
        head: the real task.
        record: the worker's, in the gold set of these terms.
    """
    back = connection.scalar(_given_back(head, terms, worker_id, at=at))
    if back is not None and (task := lock_task(connection, back)).state == "open":
        return task
    item = _unseen(connection, head, terms, worker_id, record.taken)
    if item is None:
        return None
    id, payer = sibling_of(head.id), Payer(head.org, test=head.test)
    price = terms.price_of(1)
    try:
        ledger.reserve(connection, payer, [Reservation(id, 1, price)], at=at)
    except InsufficientCredits:  # nothing was written
        return None
    connection.execute(insert(human_tasks).values(**_row(head, item, id, worker_id, price)))
    attach_files_of_inputs(connection, head.org, {id: item.input}, at=at)
    return lock_task(connection, id)


def _given_back(head: Task, terms: Terms, worker_id: str, *, at: datetime) -> "Select[str]":
    """The first gold task of the same set that this worker gave back."""
    declined = exists().where(
        assignments.c.task_id == human_tasks.c.id,
        assignments.c.worker_id == worker_id,
        assignments.c.state == "declined",
    )
    return (
        select(human_tasks.c.id)
        .join(gold_items, gold_items.c.id == human_tasks.c.gold_id)
        .where(
            IN_QUEUE,
            human_tasks.c.test == head.test,
            human_tasks.c.for_worker == worker_id,
            human_tasks.c.queue == head.queue,
            human_tasks.c.gold_id.is_not(None),
            gold_items.c.gold_set == terms.gold_set,
            or_(human_tasks.c.deadline_at.is_(None), human_tasks.c.deadline_at > at),
            ~declined,
        )
        .order_by(human_tasks.c.created_at, human_tasks.c.id)
        .limit(1)
    )


def _unseen(connection: Connection, head: Task, terms: Terms, worker_id: str, taken: int) -> Task | None:
    """An item that this worker was never given: which one depends on nothing but the arguments."""
    seen = exists().where(assignments.c.gold_id == gold_items.c.id, assignments.c.worker_id == worker_id)
    query = (
        select(gold_items)
        .where(
            gold_items.c.org == head.org,
            gold_items.c.test == head.test,
            gold_items.c.gold_set == terms.gold_set,
            gold_items.c.type == head.type,
            gold_items.c.retired_at.is_(None),
            ~seen,
        )
        .order_by(gold_items.c.digest)
        .limit(1)
    )
    start = _digest("item", worker_id, head.id, str(taken))
    return (
        connection.execute(query.where(gold_items.c.digest >= start)).one_or_none()
        or connection.execute(query).one_or_none()
    )


def _row(head: Task, item: Task, id: str, worker_id: str, price: int) -> dict[str, object]:
    """A task that looks like the head, but for what it asks."""
    like_head = ("org", "test", "type", "name", "terms_id", "queue", "priority", "created_at", "deadline_at")
    return {
        **{name: getattr(head, name) for name in like_head},
        "id": id,
        "gold_id": item.id,
        "for_worker": worker_id,
        "listed": False,
        "returned": False,
        "state": "open",
        "input": item.input,
        "controls": item.controls,
        "answer_schema": item.answer_schema,
        "assignments_required": 1,
        "open_slots": 1,
        "reserved_credits": price,
        "generation": 1,
        "expires_at": head.expires_at,
    }


def judge(connection: Connection, task: Task, assignment_id: str, answer: Mapping[str, JsonValue]) -> None:
    """Remember whether an answer to a gold task was right."""
    expected = connection.execute(select(gold_items.c.answer).where(gold_items.c.id == task.gold_id)).scalar_one()
    right = is_right(AnswerSchema.of(json.loads(task.answer_schema)), json.loads(expected), answer)
    connection.execute(update(assignments).where(assignments.c.id == assignment_id).values(gold_correct=right))


def review_wait(connection: Connection, task: Task) -> timedelta | None:
    """How long an answer waits for the requester; None: for ever. Nobody reviews one to a gold task."""
    seconds = terms_of(connection, task.terms_id).auto_approve_seconds
    wait = None if seconds is None else timedelta(seconds=seconds)
    if task.gold_id is None:
        return wait
    return LONGEST_REVIEW if wait is None else min(wait, LONGEST_REVIEW)


def expected_answer(connection: Connection, task_id: str) -> dict[str, JsonValue] | None:
    """The right answer to a task, if it is a gold task; for simulated workers, who are to be right so often."""
    found = connection.scalar(
        select(gold_items.c.answer)
        .join(human_tasks, human_tasks.c.gold_id == gold_items.c.id)
        .where(human_tasks.c.id == task_id)
    )
    return None if found is None else json.loads(found)
