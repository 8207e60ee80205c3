"""The history of human tasks: who did what when, and what they saw. Written with every move, read by `story`.

It is part of the outbox, append-only, and in the transaction of the move it tells of.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import JsonValue
from sqlalchemy import Connection, Row, select

from intermezzo.errors import HumanTaskNotFound
from intermezzo.human_steps.attachment_rows import attached_to_one
from intermezzo.human_steps.notes import check_id
from intermezzo.human_steps.scores import score_of
from intermezzo.human_steps.terms import Terms, terms_of
from intermezzo.ledger import Payer
from intermezzo.store import Event, emit, utc_now
from intermezzo.store.tables import assignments, human_tasks, outbox, responses

Happening = Literal[
    "claimed",
    "submitted",
    "approved",
    "rejected",
    "disputed",
    "resolved",
    "scored",
    "released",
    "declined",
    "lapsed",
    "attached",
    "extended",
    "escalated",
    "decided",
    "reported",
    "dismissed",
]
"""What is remembered of a task between its opening and its closing."""


def record(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    what: Happening,
    *,
    actor: str | None = None,
    tell: bool = False,
    at: datetime,
    **detail: JsonValue,
) -> None:
    """Remember a move of a task.

    Args:
        actor: the worker or reviewer who made it; None: the requester's flow, or time.
        tell: webhooks are to tell of it.
        detail: more about it; what is None is left out.
    """
    said = {name: value for name, value in detail.items() if value is not None}
    text = json.dumps(said, ensure_ascii=False) if said else None
    emit(
        connection,
        [Event(f"task.{what}", task.id, task.run_id, actor=actor, detail=text, tell=tell)],
        wake=False,
        at=at,
    )


def digest_of(connection: Connection, task: "Row[tuple[object, ...]]", terms: Terms) -> str:
    """Stands for everything that a worker on a task sees of it, the content of its files included."""
    attached = [(one.name, one.sha256, one.url) for one in attached_to_one(connection, task.id)]
    seen = json.dumps([terms.instructions, task.input, task.controls, task.answer_schema, attached])
    return hashlib.blake2b(seen.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """One line of a task's story."""

    at: datetime
    what: str
    """`opened`, `claimed`, … `closed`."""
    actor: str | None
    """The worker or reviewer; None: the requester's flow, or time."""
    detail: dict[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One worker's part in a task."""

    assignment_id: str
    worker: str
    state: str
    reward_credits: int
    answer: dict[str, JsonValue] | None
    reviewed_by: str | None
    note: str | None
    score: int | None
    """0 to 10; None: it has none, or none yet."""
    score_defaulted: bool
    """Nobody gave it one in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is known of one human task."""

    id: str
    type: str
    name: str
    state: str
    run_id: str | None
    gold_id: str | None
    """Of the item that it asks, whose answer is known; None: a real task."""
    input: dict[str, JsonValue]
    terms: dict[str, JsonValue]
    reserved_credits: int
    created_at: datetime
    closed_at: datetime | None
    settled_at: datetime | None
    """When its last answer was reviewed and its money settled."""
    parts: list[Part]
    happened: list[Happened]


def story(connection: Connection, payer: Payer, task_id: str, *, at: datetime | None = None) -> Story:
    """Everything that happened to a task.

    Args:
        at: scores are those of this time; None: now.

    Raises:
        HumanTaskNotFound: this organisation has none of that id in its live or test tasks.
    """
    check_id(task_id, HumanTaskNotFound)
    mine = (human_tasks.c.id == task_id, human_tasks.c.org == payer.org, human_tasks.c.test == payer.test)
    task = connection.execute(select(human_tasks).where(*mine)).one_or_none()
    if task is None:
        raise HumanTaskNotFound(f"there is no human task {task_id!r}")
    parts = connection.execute(
        select(assignments, responses.c.answer)
        .outerjoin(responses, responses.c.assignment_id == assignments.c.id)
        .where(assignments.c.task_id == task_id)
        .order_by(assignments.c.claimed_at, assignments.c.id)
    )
    events = connection.execute(
        select(outbox).where(outbox.c.subject == task_id, outbox.c.topic.like("task.%")).order_by(outbox.c.seq)
    )
    return Story(
        id=task.id,
        type=task.type,
        name=task.name,
        state=task.state,
        run_id=task.run_id,
        gold_id=task.gold_id,
        input=json.loads(task.input),
        terms=terms_of(connection, task.terms_id).model_dump(mode="json"),
        reserved_credits=task.reserved_credits,
        created_at=task.created_at,
        closed_at=task.closed_at,
        settled_at=task.settled_at,
        parts=[_part(row, at=at or utc_now()) for row in parts],
        happened=[
            Happened(
                at=row.at,
                what=row.topic.removeprefix("task."),
                actor=row.actor,
                detail=json.loads(row.detail) if row.detail else {},
            )
            for row in events
        ],
    )


def _part(row: "Row[*tuple[Any, ...]]", *, at: datetime) -> Part:
    score = score_of(row, at=at)
    return Part(
        assignment_id=row.id,
        worker=row.worker_id,
        state=row.state,
        reward_credits=row.reward_credits,
        answer=json.loads(row.answer) if row.answer else None,
        reviewed_by=row.reviewed_by,
        note=row.review_note,
        score=score.points if score else None,
        score_defaulted=score is not None and score.defaulted,
    )
