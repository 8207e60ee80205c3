"""The workers' side of a human task: claim a slot, submit an answer, give it back, or let it lapse.

Everything here is part of the caller's transaction. A claim is a lease: it lapses when its time is up and somebody
looks; until then a late answer still counts.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Row, bindparam, select, update

from intermezzo.errors import AnswerTooSoon, ClaimLost, NotClaimable
from intermezzo.human_steps import queues
from intermezzo.human_steps.admission import admit, check_explicit
from intermezzo.human_steps.gold_tasks import judge, review_wait
from intermezzo.human_steps.history import digest_of, record
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.notes import MAX_NAME_CHARACTERS, check_text
from intermezzo.human_steps.queues import HOLDING
from intermezzo.human_steps.review import approve, review, weigh
from intermezzo.human_steps.scores import SCORE_WINDOW
from intermezzo.human_steps.tasks import LEGAL_MOVES, MOST_SWEPT, lock_task, lock_tasks, transition
from intermezzo.human_steps.terms import EVERYBODY, terms_of
from intermezzo.human_steps.workers import (
    check_worker_id,
    profile_of,
    set_suspended,
    suspension_of,
    unfinished_work,
)
from intermezzo.store import Prepared, new_id, one_of, reach
from intermezzo.store.tables import assignments, responses

_INSERT_CLAIM, _INSERT_ANSWER = Prepared.insert(assignments), Prepared.insert(responses)
_PARTS = select(assignments).where(
    assignments.c.task_id == bindparam("task"), assignments.c.worker_id == bindparam("worker")
)
_HOLDS = one_of(assignments.c.state, HOLDING)
_HELD = Prepared(_PARTS.where(_HOLDS))
_BEST_FIRST = (_HOLDS.desc(), assignments.c.claimed_at.desc())
_PART = Prepared(_PARTS.order_by(*_BEST_FIRST))
_STATE = Prepared(_PARTS.with_only_columns(assignments.c.state).order_by(*_BEST_FIRST))
_SUBMIT = Prepared(
    update(assignments)
    .where(assignments.c.id == bindparam("assignment"))
    .values(state="submitted", review_due_at=bindparam("due_at"), score_until=bindparam("until"))
)


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

    It may be a gold task instead, which looks like any other.

    Raises:
        NotClaimable: there are only such that this worker gets no more of, or not now.
        WorkerError: that cannot be a worker's id.
    """
    check_worker_id(worker_id)
    profile = profile_of(connection, worker_id)
    refused: NotClaimable | None = None
    for head in queues.heads(connection, profile, test=test, types=types, at=at):
        try:
            gold = admit(connection, profile, head, at=at)
        except NotClaimable as error:
            refused = refused or error
            continue
        if gold is not None:
            return _take(connection, gold, worker_id, at=at)
        queue = (head.queue, head.for_worker, worker_id)
        while (task := queues.next_of(connection, *queue, test=test, lock=True, at=at)) is not None:
            # What PostgreSQL locked may have been claimed by this same worker since the query began.
            if _held_by(connection, task.id, worker_id) is None:
                claim = _take(connection, task, worker_id, at=at)
                queues.note_place(connection, head, worker_id, at=at)
                return claim
    if refused is not None:
        raise refused
    return None


def claim_task(connection: Connection, worker_id: str, task_id: str, *, test: bool, at: datetime) -> Claimed:
    """Claim a slot of one task; a worker who already holds one gets the same claim again.

    Raises:
        HumanTaskNotFound: there is none of that id.
        NotClaimable: it is closed, has no free slot, or this worker has answered it.
        WorkerError: that cannot be a worker's id.
    """
    check_worker_id(worker_id)
    profile = profile_of(connection, worker_id)
    task = lock_task(connection, task_id)
    if task.test != test:
        whose = "a test task, answered by simulated workers" if task.test else "a live task, answered by people"
        raise NotClaimable(f"human task {task_id} is {whose}")
    why = None if test else profile.refusal(terms_of(connection, task.terms_id))
    mine = _held_by(connection, task_id, worker_id)
    if mine is not None and mine.state == "claimed":
        return Claimed(
            assignment_id=mine.id,
            task_id=task_id,
            worker_id=worker_id,
            lease_expires_at=mine.lease_expires_at,
        )
    if mine is not None:
        did = "declined" if mine.state == "declined" else "already answered"
        raise NotClaimable(f"worker {worker_id!r} has {did} human task {task_id}")
    if why is not None:
        raise NotClaimable(f"human task {task_id} is not for worker {worker_id!r}: {why}")
    if task.state != "open" or task.for_worker not in (EVERYBODY, worker_id):
        state = "claimed" if task.state == "open" else task.state
        raise NotClaimable(f"human task {task_id} has no free slot: it is {state}")
    if task.deadline_at is not None and task.deadline_at <= at:
        raise NotClaimable(f"human task {task_id} is past its deadline")
    if not test:
        check_explicit(connection, profile, task, at=at)
    return _take(connection, task, worker_id, at=at)


def _held_by(connection: Connection, task_id: str, worker_id: str) -> "Row[tuple[object, ...]] | None":
    return _HELD.first(connection, {"task": task_id, "worker": worker_id})


def part_of(connection: Connection, task_id: str, worker_id: str) -> str:
    """The state of a worker's part in a task: of the one that counts, else of the newest."""
    return _STATE.scalar(connection, {"task": task_id, "worker": worker_id})


def _take(connection: Connection, task: "Row[tuple[object, ...]]", worker_id: str, *, at: datetime) -> Claimed:
    terms = terms_of(connection, task.terms_id)
    until = at + timedelta(seconds=terms.claim_timeout_seconds)
    claim = Claimed(
        assignment_id=new_id(),
        task_id=task.id,
        worker_id=worker_id,
        lease_expires_at=until if task.deadline_at is None else min(until, task.deadline_at),
    )
    row = {
        "id": claim.assignment_id,
        "task_id": task.id,
        "worker_id": worker_id,
        "test": task.test,
        "type": terms.type,
        "domain": terms.domain,
        "state": "claimed",
        "reward_credits": terms.reward_credits,
        "claimed_at": at,
        "lease_expires_at": claim.lease_expires_at,
        "gold_id": task.gold_id,
    }
    _INSERT_CLAIM.run(connection, [row])
    saw = digest_of(connection, task, terms)
    record(connection, task, "claimed", actor=worker_id, at=at, assignment=claim.assignment_id, saw=saw)
    slots = task.open_slots - 1
    transition(connection, task, "open" if slots else "claimed", open_slots=slots, at=at)
    return claim


def submit(connection: Connection, task_id: str, worker_id: str, answer: dict[str, JsonValue], *, at: datetime) -> str:
    """Store a worker's validated answer, pay for it unless it is to be reviewed, and close the task if that settles it.

    Sending the same answer again changes nothing and returns the same.

    Returns:
        The state of the task afterwards.

    Raises:
        HumanTaskNotFound: there is none of that id.
        ClaimLost: this worker holds no claim on it, it has lapsed or been closed meanwhile, or they are suspended.
        AnswerTooSoon: the task asks for more time.
    """
    check_worker_id(worker_id)
    task = lock_task(connection, task_id)
    claim = _PART.first(connection, {"task": task_id, "worker": worker_id})
    if claim is None:
        raise ClaimLost(f"worker {worker_id!r} has no claim on human task {task_id}; claim it first")
    if claim.state != "claimed":
        return _submitted_before(connection, task, claim, answer)
    if not task.test and (reason := suspension_of(connection, worker_id)) is not None:
        raise ClaimLost(f"worker {worker_id!r} is suspended: {reason}")
    _check_time(connection, task, claim, at=at)
    reach("answer.before")
    row = {
        "assignment_id": claim.id,
        "task_id": task_id,
        "worker_id": worker_id,
        "answer": json.dumps(answer, ensure_ascii=False),
        "submitted_at": at,
    }
    _INSERT_ANSWER.run(connection, [row])
    is_gold = task.gold_id is not None
    if is_gold:
        judge(connection, task, claim.id, answer)
    wait = review_wait(connection, task)
    # Webhooks tell of answers that wait for a review.
    record(connection, task, "submitted", actor=worker_id, tell=wait != timedelta(), at=at, assignment=claim.id)
    # An answer that is always approved says nothing of whoever gave it: it has no score.
    times = {"due_at": at + wait if wait else None, "until": None if is_gold else at + SCORE_WINDOW}
    _SUBMIT.run(connection, [{"assignment": claim.id, **times}])
    if wait == timedelta():
        approve(connection, task, claim, at=at)
    reach("answer.stored")
    return weigh(connection, task, at=at)


def _check_time(
    connection: Connection, task: "Row[tuple[object, ...]]", claim: "Row[tuple[object, ...]]", *, at: datetime
) -> None:
    quality = terms_of(connection, task.terms_id).quality
    if quality is None or task.test:  # simulated workers take as long as they are told to
        return
    taken_seconds = max(0.0, (at - claim.claimed_at).total_seconds())  # another machine's clock may be ahead
    wait_seconds = math.ceil(quality.min_seconds - taken_seconds)
    if wait_seconds > 0:
        raise AnswerTooSoon(
            f"human task {task.id} asks for {quality.min_seconds} seconds of work: "
            f"send the answer again in {wait_seconds} seconds",
            wait_seconds=wait_seconds,
        )


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


def release(connection: Connection, task_id: str, worker_id: str, *, at: datetime) -> None:
    """Give a claimed slot back.

    Raises:
        HumanTaskNotFound: there is none of that id.
        ClaimLost: this worker holds no claim on it.
    """
    check_worker_id(worker_id)
    task = lock_task(connection, task_id)
    if not give_back(connection, task, assignments.c.worker_id == worker_id, "released", actor=worker_id, at=at):
        raise ClaimLost(f"worker {worker_id!r} has no claim on human task {task_id}")


def decline(connection: Connection, task_id: str, worker_id: str, *, reason: str = "", at: datetime) -> None:
    """Give a claimed slot back for good: this worker is not offered the task again.

    Args:
        reason: for the requester.

    Raises:
        HumanTaskNotFound: there is none of that id.
        ClaimLost: this worker holds no claim on it.
    """
    check_worker_id(worker_id)
    check_text(reason, "a reason")
    task = lock_task(connection, task_id)
    mine = assignments.c.worker_id == worker_id
    if not give_back(connection, task, mine, "declined", actor=worker_id, note=reason, at=at):
        raise ClaimLost(f"worker {worker_id!r} has no claim on human task {task_id}")


def suspend(connection: Connection, worker_id: str, *, reason: str, by: str, at: datetime) -> None:
    """Keep a worker from working: claims go back, and answers to open tasks that wait for their review are rejected.

    Answers that were approved stay, and so do those to tasks that are closed: the requester reviews them.

    Raises:
        WorkerError: that cannot be a worker's id.
    """
    check_text(reason, "a reason")
    check_text(by, "a name", most=MAX_NAME_CHARACTERS)
    set_suspended(connection, worker_id, reason, at=at)
    unfinished = unfinished_work(connection, worker_id)
    lock_tasks(connection, [task_id for task_id, _ in unfinished])
    for task_id, assignment_id in unfinished:
        task = lock_task(connection, task_id)
        this = assignments.c.id == assignment_id
        state = connection.scalar(select(assignments.c.state).where(this))
        if state == "claimed":
            give_back(connection, task, this, "released", actor=by, note=f"suspended: {reason}", at=at)
        elif state == "submitted" and LEGAL_MOVES[task.state]:
            review(connection, assignment_id, approved=False, by=by, note=f"suspended: {reason}", at=at)


def lapse(connection: Connection, *, at: datetime, limit: int = MOST_SWEPT) -> int:
    """Return slots whose claims have run out to the queue (spec: K2).

    Returns:
        How many were returned; call again if it is `limit`.
    """
    due = connection.execute(
        select(assignments.c.task_id, assignments.c.id, assignments.c.worker_id)
        .where(assignments.c.state == "claimed", assignments.c.lease_expires_at <= at)
        .order_by(assignments.c.lease_expires_at)
        .limit(limit)
    ).all()
    lock_tasks(connection, [row.task_id for row in due])
    for row in due:
        task = lock_task(connection, row.task_id)
        # By its own id: meanwhile it may be settled, and the worker may hold a new claim.
        give_back(connection, task, assignments.c.id == row.id, "expired", actor=row.worker_id, at=at)
    return len(due)


def give_back(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    which: ColumnElement[bool],
    state: Literal["released", "declined", "expired"],
    *,
    actor: str | None = None,
    note: str | None = None,
    at: datetime,
) -> bool:
    """Make the slot of a claim free again; returns whether there was such a claim.

    Args:
        task: locked.
        which: of its claims.
        actor: who did it; None: time.
        note: why.
    """
    given_back = connection.execute(
        update(assignments)
        .where(assignments.c.task_id == task.id, which, assignments.c.state == "claimed")
        .values(state=state, closed_at=at, review_note=note)
    ).rowcount
    if given_back:
        record(connection, task, "lapsed" if state == "expired" else state, actor=actor, at=at)
        transition(connection, task, "open", open_slots=task.open_slots + 1, at=at)
    return bool(given_back)
