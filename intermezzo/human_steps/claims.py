"""The workers' side of a human task: claim a slot, submit an answer, give it back, or let it lapse.

Everything here is part of the caller's transaction. A claim is a lease: it lapses when its time is up and somebody
looks; until then a late answer still counts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Row, Select, exists, insert, select, update

from intermezzo import ledger
from intermezzo.errors import ClaimLost, InvalidResponse, NoConsensus, NotClaimable, WorkerError
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import Agreed, NotYet, Split, consensus
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.tasks import LEGAL_MOVES, lock_task, transition
from intermezzo.ledger import Payer
from intermezzo.store import new_id, reach
from intermezzo.store.tables import assignments, human_tasks, responses

MAX_WORKER_ID_CHARACTERS = 100
"""So that a worker's account in the ledger, which is named after them, has room for the name."""

_HOLDING = ("claimed", "approved", "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A slot of a human task that is now this worker's to fill."""

    assignment_id: str
    task_id: str
    worker_id: str
    lease_expires_at: datetime


def claim_next(
    connection: Connection, worker_id: str, *, test: bool, types: Sequence[str] = (), at: datetime
) -> Claimed | None:
    """Claim a slot of the most urgent, oldest task that this worker has not worked on; None if there is none.

    Raises:
        WorkerError: that cannot be a worker's id.
    """
    _check_worker(worker_id)
    queue = _queue(worker_id, test=test, types=types).limit(1)
    while (task := connection.execute(queue).one_or_none()) is not None:
        # What PostgreSQL locked may have been claimed by this same worker since the query began.
        if _held_by(connection, task.id, worker_id) is None:
            return _take(connection, task, worker_id, at=at)
    return None


def claim_task(connection: Connection, worker_id: str, task_id: str, *, test: bool, at: datetime) -> Claimed:
    """Claim a slot of one task; a worker who already holds one gets the same claim again.

    Raises:
        HumanTaskNotFound: there is none of that id.
        NotClaimable: it is closed, has no free slot, or this worker has answered it.
        WorkerError: that cannot be a worker's id.
    """
    _check_worker(worker_id)
    task = lock_task(connection, task_id)
    if task.test != test:
        whose = "a test task, answered by simulated workers" if task.test else "a live task, answered by people"
        raise NotClaimable(f"human task {task_id} is {whose}")
    mine = _held_by(connection, task_id, worker_id)
    if mine is not None and mine.state == "claimed":
        return Claimed(
            assignment_id=mine.id,
            task_id=task_id,
            worker_id=worker_id,
            lease_expires_at=mine.lease_expires_at,
        )
    if mine is not None:
        raise NotClaimable(f"worker {worker_id!r} has already answered human task {task_id}")
    if task.state != "open":
        raise NotClaimable(f"human task {task_id} has no free slot: it is {task.state}")
    return _take(connection, task, worker_id, at=at)


def _check_worker(worker_id: str) -> None:
    if not 0 < len(worker_id) <= MAX_WORKER_ID_CHARACTERS or not worker_id.isprintable():
        raise WorkerError(
            f"a worker's id has 1 to {MAX_WORKER_ID_CHARACTERS} printable characters, got {worker_id[:200]!r}"
        )


def _held_by(connection: Connection, task_id: str, worker_id: str) -> "Row[tuple[object, ...]] | None":
    return connection.execute(
        select(assignments).where(
            assignments.c.task_id == task_id,
            assignments.c.worker_id == worker_id,
            assignments.c.state.in_(_HOLDING),
        )
    ).one_or_none()


def _queue(worker_id: str, *, test: bool, types: Sequence[str]) -> "Select[tuple[object, ...]]":
    worked_on = exists().where(
        assignments.c.task_id == human_tasks.c.id,
        assignments.c.worker_id == worker_id,
        assignments.c.state.in_(_HOLDING),
    )
    query = select(human_tasks).where(human_tasks.c.state == "open", human_tasks.c.test == test, ~worked_on)
    if types:
        query = query.where(human_tasks.c.type.in_(types))
    return query.order_by(human_tasks.c.priority.desc(), human_tasks.c.created_at, human_tasks.c.id).with_for_update(
        skip_locked=True
    )


def _take(connection: Connection, task: "Row[tuple[object, ...]]", worker_id: str, *, at: datetime) -> Claimed:
    claim = Claimed(
        assignment_id=new_id(),
        task_id=task.id,
        worker_id=worker_id,
        lease_expires_at=at + timedelta(seconds=task.claim_timeout_seconds),
    )
    connection.execute(
        insert(assignments).values(
            id=claim.assignment_id,
            task_id=task.id,
            worker_id=worker_id,
            state="claimed",
            claimed_at=at,
            lease_expires_at=claim.lease_expires_at,
        )
    )
    slots = task.open_slots - 1
    transition(connection, task, "open" if slots else "claimed", open_slots=slots, at=at)
    return claim


def submit(connection: Connection, task_id: str, worker_id: str, answer: dict[str, JsonValue], *, at: datetime) -> str:
    """Store a worker's validated answer, pay for it, and close the task if that settles it.

    Sending the same answer again changes nothing and returns the same.

    Returns:
        The state of the task afterwards.

    Raises:
        HumanTaskNotFound: there is none of that id.
        ClaimLost: this worker holds no claim on it, or it has lapsed or been closed meanwhile.
    """
    task = lock_task(connection, task_id)
    claim = connection.execute(
        select(assignments)
        .where(assignments.c.task_id == task_id, assignments.c.worker_id == worker_id)
        .order_by(assignments.c.state.in_(_HOLDING).desc(), assignments.c.claimed_at.desc())
    ).first()
    if claim is None:
        raise ClaimLost(f"worker {worker_id!r} has no claim on human task {task_id}; claim it first")
    if claim.state != "claimed":
        return _submitted_before(connection, task, claim, answer)
    reach("answer.before")
    connection.execute(
        insert(responses).values(
            assignment_id=claim.id,
            task_id=task_id,
            worker_id=worker_id,
            answer=json.dumps(answer, ensure_ascii=False),
            submitted_at=at,
        )
    )
    connection.execute(update(assignments).where(assignments.c.id == claim.id).values(state="approved", closed_at=at))
    reach("answer.stored")
    return _settle(connection, task, worker_id, at=at)


def _submitted_before(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    claim: "Row[tuple[object, ...]]",
    answer: dict[str, JsonValue],
) -> str:
    stored = connection.scalar(select(responses.c.answer).where(responses.c.assignment_id == claim.id))
    if stored is not None and canonical_json(json.loads(stored)) == canonical_json(answer):
        return task.state
    if stored is not None:
        raise ClaimLost(f"worker {claim.worker_id!r} has already answered human task {task.id}")
    if not LEGAL_MOVES[task.state]:
        raise ClaimLost(f"human task {task.id} is {task.state}; the answer came too late")
    raise ClaimLost(f"the claim of worker {claim.worker_id!r} on human task {task.id} has lapsed; claim it again")


def _settle(connection: Connection, task: "Row[tuple[object, ...]]", worker_id: str, *, at: datetime) -> str:
    """Pay for the newest answer and see whether the answers now agree."""
    given = connection.execute(select(responses).where(responses.c.task_id == task.id).order_by(responses.c.seq)).all()
    payer = Payer(task.org, test=task.test)
    ledger.reward(connection, payer, task.id, worker_id, task.reward_credits, n=len(given), at=at)
    schema = AnswerSchema.of(json.loads(task.answer_schema))
    outcome = consensus(
        task.consensus_strategy,
        [json.loads(row.answer) for row in given],
        schema.closed_fields(),
        task.assignments_required,
    )
    match outcome:
        case NotYet():
            return task.state
        case Split():
            transition(connection, task, "failed", error=NoConsensus(f"{task.name}: {outcome.summary}"), at=at)
            return "failed"
        case Agreed():
            try:
                schema.validate(outcome.answer)
            except InvalidResponse as error:  # fields are voted on one by one, and may not fit together
                split = NoConsensus(f"{task.name}: the winning fields do not fit together: {error}")
                transition(connection, task, "failed", error=split, at=at)
                return "failed"
            transition(connection, task, "completed", output=_envelope(outcome, given), at=at)
            reach("answer.outbox")
            return "completed"


def _envelope(agreed: Agreed, given: "Sequence[Row[tuple[object, ...]]]") -> str:
    """What the journal keeps of a settled human call."""
    return json.dumps(
        {
            "answer": agreed.answer,
            "agreement": agreed.agreement,
            "summary": agreed.summary,
            "submissions": [
                {
                    "worker": row.worker_id,
                    "answer": json.loads(row.answer),
                    "submitted_at": row.submitted_at.isoformat(),
                }
                for row in given
            ],
        },
        ensure_ascii=False,
    )


def release(connection: Connection, task_id: str, worker_id: str, *, at: datetime) -> None:
    """Give a claimed slot back.

    Raises:
        HumanTaskNotFound: there is none of that id.
        ClaimLost: this worker holds no claim on it.
    """
    task = lock_task(connection, task_id)
    if not _give_back(connection, task, assignments.c.worker_id == worker_id, "released", at=at):
        raise ClaimLost(f"worker {worker_id!r} has no claim on human task {task_id}")


def lapse(connection: Connection, *, at: datetime, limit: int = 500) -> int:
    """Return slots whose claims have run out to the queue (spec: K2).

    Returns:
        How many were returned; call again if it is `limit`.
    """
    due = connection.execute(
        select(assignments.c.task_id, assignments.c.id)
        .where(assignments.c.state == "claimed", assignments.c.lease_expires_at <= at)
        .order_by(assignments.c.lease_expires_at)
        .limit(limit)
    ).all()
    for row in sorted(due, key=lambda row: row.task_id):
        task = lock_task(connection, row.task_id)
        # By its own id: meanwhile it may be settled, and the worker may hold a new claim.
        _give_back(connection, task, assignments.c.id == row.id, "expired", at=at)
    return len(due)


def _give_back(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    which: ColumnElement[bool],
    state: str,
    *,
    at: datetime,
) -> bool:
    given_back = connection.execute(
        update(assignments)
        .where(assignments.c.task_id == task.id, which, assignments.c.state == "claimed")
        .values(state=state, closed_at=at)
    ).rowcount
    if given_back:
        transition(connection, task, "open", open_slots=task.open_slots + 1, at=at)
    return bool(given_back)
