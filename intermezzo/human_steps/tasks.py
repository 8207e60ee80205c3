"""Human tasks: posted in bulk, then moved from state to state by one function that also moves the money.

Everything here is part of the caller's transaction. Workers' side of it is in `claims`, the requester's in `review`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, case, func, select, update

from intermezzo import journal, ledger
from intermezzo.errors import HumanTaskCancelled, HumanTaskExpired, HumanTaskNotFound, StepError
from intermezzo.human_steps import open_counts
from intermezzo.human_steps.attachment_rows import attach_files_of_inputs
from intermezzo.human_steps.gold_items import check_gold
from intermezzo.human_steps.history import record
from intermezzo.human_steps.notes import check_id
from intermezzo.human_steps.outcome import envelope
from intermezzo.human_steps.terms import EVERYBODY, Terms, keep, terms_of
from intermezzo.human_steps.workers import addressed, check_audience
from intermezzo.journal import RecordedError
from intermezzo.ledger import Payer
from intermezzo.store import Event, Prepared, emit, one_of
from intermezzo.store.tables import assignments, human_tasks, step_calls

_INSERT = Prepared.insert(human_tasks)
_LOCK = Prepared(select(human_tasks).where(human_tasks.c.id == bindparam("task")).with_for_update())

HumanTaskState = Literal["open", "claimed", "submitted", "completed", "expired", "cancelled", "failed"]
Priority = Literal["low", "normal", "high", "urgent"]

PRIORITIES: dict[Priority, int] = {"low": 0, "normal": 1, "high": 2, "urgent": 3}

MOST_SWEPT = 50
"""Tasks, claims or answers that one transaction deals with when their time is over. It holds the organisation's account
meanwhile, and on SQLite the whole store: with 500 that was seconds."""

_ENDS: frozenset[HumanTaskState] = frozenset({"completed", "expired", "cancelled", "failed"})

LEGAL_MOVES: dict[HumanTaskState, frozenset[HumanTaskState]] = {
    "open": frozenset({*_ENDS, "claimed", "submitted"}),
    "claimed": frozenset({*_ENDS, "open", "submitted"}),
    "submitted": frozenset({*_ENDS, "open"}),
    "completed": frozenset(),
    "expired": frozenset(),
    "cancelled": frozenset(),
    "failed": frozenset(),
}
"""`claimed` means that every slot is taken, `submitted` that every one is answered and the requester is asked; a slot
that comes back makes the task `open` again."""


_MOVE = Prepared(
    update(human_tasks)
    .where(human_tasks.c.id == bindparam("task"))
    .values(
        state=bindparam("to"),
        open_slots=bindparam("free_slots"),
        returned=bindparam("came_back"),
        assignments_required=bindparam("slots"),
        expires_at=bindparam("until"),
        closed_at=bindparam("ended_at"),
        output=bindparam("outcome"),
        error=bindparam("why"),
    )
)
_RELEASE = Prepared(
    update(assignments)
    .where(assignments.c.task_id == bindparam("task"), assignments.c.state == "claimed")
    .values(state="released", closed_at=bindparam("ended_at"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewHumanTask:
    """What a human step posts for workers."""

    id: str
    call_id: str | None
    run_id: str | None
    generation: int
    type: str
    name: str
    input: str
    controls: str | None
    answer_schema: str
    priority: Priority
    terms: Terms
    webhook_url: str | None = None
    metadata: str | None = None


def post(connection: Connection, payer: Payer, tasks: Sequence[NewHumanTask], *, at: datetime) -> None:
    """Put human tasks into the queue; the caller has reserved their prices.

    Raises:
        InvalidInput: their audience is one that tasks cannot be given to, their gold set has too few items, or an
            input refers to a file that was not stored.
    """
    distinct = {t.terms.id: addressed(connection, t.terms) for t in {t.terms.id: t for t in tasks}.values()}
    for terms in distinct.values():
        check_audience(connection, terms)
        check_gold(connection, terms, payer)
    keep(connection, distinct.values(), at=at)
    _INSERT.run(
        connection,
        [
            {
                "id": t.id,
                "call_id": t.call_id,
                "run_id": t.run_id,
                "generation": t.generation,
                "org": payer.org,
                "test": payer.test,
                "type": t.type,
                "name": t.name,
                **_place(distinct[t.terms.id], PRIORITIES[t.priority], payer),
                "state": "open",
                "priority": PRIORITIES[t.priority],
                "input": t.input,
                "controls": t.controls,
                "answer_schema": t.answer_schema,
                "assignments_required": t.terms.assignments_required,
                "open_slots": t.terms.assignments_required,
                "returned": False,
                "listed": t.terms.gold_set is None,
                "reserved_credits": t.terms.price_credits,
                "webhook_url": t.webhook_url,
                "metadata": t.metadata,
                "created_at": at,
                **_clocks(t.terms, at),
            }
            for t in tasks
        ],
    )
    attach_files_of_inputs(connection, payer.org, {t.id: t.input for t in tasks}, at=at)
    open_counts.change(connection, Counter(t.type for t in tasks), test=payer.test)
    emit(connection, [Event("task.opened", t.id, t.run_id) for t in tasks], at=at)


def _place(terms: Terms, priority: int, payer: Payer) -> dict[str, str]:
    """In which queue a task under these terms stands; a test task is for any simulated worker."""
    return {
        "terms_id": terms.id,
        "queue": f"{priority}{terms.queue_of(payer.org)}",
        "for_worker": EVERYBODY if payer.test else terms.for_worker,
    }


def _clocks(terms: Terms, at: datetime) -> dict[str, datetime | None]:
    """The times of a task that is open from now on under these terms."""
    deadline = None if terms.deadline_seconds is None else at + timedelta(seconds=terms.deadline_seconds)
    unclaimed = at + timedelta(seconds=terms.claim_timeout_seconds)
    return {"deadline_at": deadline, "expires_at": unclaimed if deadline is None else min(unclaimed, deadline)}


def belongs_to(payer: Payer) -> ColumnElement[bool]:
    """Whether a task is this organisation's, and live or test as its credits are."""
    return (human_tasks.c.org == payer.org) & (human_tasks.c.test == payer.test)


def lock_task(connection: Connection, task_id: str) -> "Row[tuple[object, ...]]":
    """Read a human task for a move; no other transaction can move it meanwhile.

    Raises:
        HumanTaskNotFound: there is none of that id.
    """
    check_id(task_id, HumanTaskNotFound)
    row = _LOCK.first(connection, {"task": task_id})
    if row is None:
        raise HumanTaskNotFound(f"there is no human task {task_id!r}")
    return row


def lock_tasks(connection: Connection, task_ids: Iterable[str]) -> list[str]:
    """Lock human tasks before any of them moves: whoever moves many would else wait for the next one with money locked.

    Returns:
        Their ids, in the order in which everybody locks them.
    """
    ids = sorted(set(task_ids))
    for start in range(0, len(ids), 500):  # databases limit the parameters of one statement
        part = human_tasks.c.id.in_(ids[start : start + 500])
        connection.execute(select(human_tasks.c.id).where(part).order_by(human_tasks.c.id).with_for_update())
    return ids


def transition(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    to: HumanTaskState,
    *,
    at: datetime,
    open_slots: int | None = None,
    slots: int | None = None,
    output: str | None = None,
    error: StepError | None = None,
    void: bool = False,
) -> None:
    """Move a locked human task to another state, with its money, its journal entry and its outbox rows.

    Args:
        task: as `lock_task` returned it.
        to: the state it goes to; the same state only changes its slots.
        open_slots: free slots from now on.
        slots: all of its slots from now on.
        output: what the flow gets, when it completes.
        error: what the flow gets, when it ends otherwise.
        void: the flow no longer asks for it.

    Raises:
        ValueError: that move is not legal.
    """
    if to != task.state and to not in LEGAL_MOVES[task.state]:
        raise ValueError(f"human task {task.id} cannot go from {task.state} to {to}")
    closing = to in _ENDS
    if (change := (to == "open") - (task.state == "open")) and task.gold_id is None:
        open_counts.change(connection, {task.type: change}, test=task.test)
    free_slots = task.open_slots if open_slots is None else open_slots
    move = {
        "task": task.id,
        "to": to,
        "free_slots": free_slots,
        "came_back": task.returned or free_slots > task.open_slots,
        "slots": task.assignments_required if slots is None else slots,
        "until": _expiry(connection, task, to, at),
        "ended_at": at if closing else None,
        **_own_outcome(task, output, error),
    }
    _MOVE.run(connection, [move])
    if closing:
        released = _RELEASE.run(connection, [{"task": task.id, "ended_at": at}])
        settle(connection, task, closing=True, at=at)
        _tell_call(connection, task, output, error, void=void, at=at)
        emit(connection, [_closed_event(task, to, released, error)], at=at)


def _own_outcome(task: "Row[tuple[object, ...]]", output: str | None, error: StepError | None) -> dict[str, str | None]:
    """How a task without a step call ended: nobody else keeps it."""
    if task.call_id is not None:
        return {"outcome": task.output, "why": task.error}
    return {"outcome": output, "why": RecordedError.of(error).encode() if error else None}


def _tell_call(
    connection: Connection,
    task: "Row[tuple[object, ...]]",
    output: str | None,
    error: StepError | None,
    *,
    void: bool,
    at: datetime,
) -> None:
    """Close the step call that posted a task, if one did."""
    if task.call_id is not None:
        journal.close_human_call(
            connection,
            task.call_id,
            task.run_id,
            task.generation,
            output=output,
            error=RecordedError.of(error) if error else None,
            void=void,
            at=at,
        )


def _closed_event(
    task: "Row[tuple[object, ...]]", state: HumanTaskState, released: int, error: StepError | None
) -> Event:
    how: dict[str, object] = {"state": state, "claims_released": released, "why": str(error) if error else None}
    detail = json.dumps({name: value for name, value in how.items() if value}, ensure_ascii=False)
    return Event("task.closed", task.id, task.run_id, detail=detail, tell=True)


def _expiry(
    connection: Connection, task: "Row[tuple[object, ...]]", state: HumanTaskState, at: datetime
) -> datetime | None:
    """When a task that is in a state from now on closes by itself."""
    if state != "open":
        return task.deadline_at
    unclaimed = at + timedelta(seconds=terms_of(connection, task.terms_id).claim_timeout_seconds)
    return unclaimed if task.deadline_at is None else min(unclaimed, task.deadline_at)


def settle(connection: Connection, task: "Row[tuple[object, ...]]", *, closing: bool = False, at: datetime) -> None:
    """Give back what a closed human task does not need: when it closes, and whenever an answer to it was reviewed.

    Args:
        closing: it closes just now.
    """
    count = _COUNTED.all(connection, {"task": task.id})[0]
    payer = Payer(task.org, test=task.test)
    if count.waiting:
        rewards = int(count.waiting_credits) + int(count.approved_credits)
        needed = int(count.waiting_credits) + ledger.platform_fee(rewards, count.waiting + count.approved)
        given_back = ledger.held(connection, task.id) - needed
        # Once when it closes, and then only a rejection leaves something over: each has a number of its own.
        ledger.free(connection, payer, task.id, given_back, n=0 if closing else count.rejected, at=at)
    else:
        fee = ledger.platform_fee(int(count.approved_credits), count.approved)
        given_back = ledger.settle(connection, payer, task.id, fee_credits=fee, at=at)
        _SETTLE.run(connection, [{"task": task.id, "done_at": at}])
    if task.run_id is not None:
        journal.uncommit(connection, task.run_id, given_back)


def _counted() -> "Select[*tuple[Any, ...]]":
    """The answers to a task by what became of them."""
    waiting = one_of(assignments.c.state, ("submitted", "disputed"))
    approved, rejected = assignments.c.state == "approved", assignments.c.state == "rejected"
    reward = assignments.c.reward_credits
    return select(
        func.count(case((waiting, 1))).label("waiting"),
        func.count(case((approved, 1))).label("approved"),
        func.count(case((rejected, 1))).label("rejected"),
        func.coalesce(func.sum(case((waiting, reward))), 0).label("waiting_credits"),
        func.coalesce(func.sum(case((approved, reward))), 0).label("approved_credits"),
    ).where(assignments.c.task_id == bindparam("task"))


_COUNTED = Prepared(_counted())
_SETTLE = Prepared(
    update(human_tasks).where(human_tasks.c.id == bindparam("task")).values(settled_at=bindparam("done_at"))
)


def cancel(connection: Connection, task_ids: Iterable[str], *, reason: str, void: bool = False, at: datetime) -> int:
    """Close tasks that are still open: answers that came are paid, everything else goes back.

    Returns:
        How many were open.
    """
    count = 0
    for task_id in lock_tasks(connection, task_ids):
        task = lock_task(connection, task_id)
        if LEGAL_MOVES[task.state]:
            error = HumanTaskCancelled(f"{task.name}: {reason}")
            transition(connection, task, "cancelled", error=error, void=void, at=at)
            count += 1
    return count


def expire(connection: Connection, *, at: datetime, limit: int = MOST_SWEPT) -> int:
    """Deal with tasks whose time is over: a free slot was not claimed in time (spec: K2), or their deadline is there.

    Returns:
        How many there were; call again if it is `limit`.
    """
    due = connection.scalars(
        select(human_tasks.c.id)
        .where(human_tasks.c.closed_at.is_(None), human_tasks.c.expires_at <= at)
        .order_by(human_tasks.c.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for task_id in due:
        _time_is_over(connection, lock_task(connection, task_id), at=at)
    return len(due)


def _time_is_over(connection: Connection, task: "Row[tuple[object, ...]]", *, at: datetime) -> None:
    terms = terms_of(connection, task.terms_id)
    if terms.escalation is not None and task.state != "submitted":
        _escalate(connection, task, terms.escalation, at=at)
    elif terms.default_answer is not None:
        output = envelope(terms.default_answer, summary="the default answer: nobody answered in time", agreement=0.0)
        transition(connection, task, "completed", output=output, at=at)
    else:
        taken = task.assignments_required - task.open_slots
        minutes = terms.claim_timeout_seconds / 60
        why = (
            "its deadline was there"
            if task.deadline_at is not None and task.deadline_at <= at
            else f"{minutes:g} minutes had passed without a new claim"
        )
        error = HumanTaskExpired(f"{task.name}: {taken} of {task.assignments_required} slots were taken when {why}")
        transition(connection, task, "expired", error=error, at=at)


def _escalate(connection: Connection, task: "Row[tuple[object, ...]]", terms: Terms, *, at: datetime) -> None:
    """Put a task before others: whoever had claimed it is too late, what was answered stays."""
    late = connection.execute(
        update(assignments)
        .where(assignments.c.task_id == task.id, assignments.c.state == "claimed")
        .values(state="expired", closed_at=at)
    ).rowcount
    place = _place(terms, task.priority, Payer(task.org, test=task.test))
    if task.gold_id is not None:
        place["for_worker"] = task.for_worker
    changes = {**place, **_clocks(terms, at), "returned": True}
    connection.execute(update(human_tasks).where(human_tasks.c.id == task.id).values(**changes))
    record(connection, task, "escalated", at=at, reward_credits=terms.reward_credits, claims_lapsed=late)
    moved = lock_task(connection, task.id)
    transition(connection, moved, "open", open_slots=task.open_slots + late, at=at)
    if task.gold_id is None:
        emit(connection, [Event("task.opened", task.id, task.run_id)], at=at)


def open_tasks_of(connection: Connection, run_id: str, call_ids: Sequence[str] | None = None) -> list[str]:
    """Ids of a run's tasks that are still open, or of those among these calls."""
    query = select(human_tasks.c.id).where(human_tasks.c.run_id == run_id, human_tasks.c.closed_at.is_(None))
    if call_ids is None:
        return list(connection.scalars(query))
    wanted = set(call_ids)
    rows = connection.execute(query.add_columns(human_tasks.c.call_id))
    return [row.id for row in rows if row.call_id in wanted]


def input_of_calls(connection: Connection, call_ids: Sequence[str]) -> dict[str, str]:
    """The input that each of these calls posted, as JSON text."""
    query = select(human_tasks.c.call_id, human_tasks.c.input).where(human_tasks.c.call_id.in_(call_ids))
    return {row.call_id: row.input for row in connection.execute(query.order_by(human_tasks.c.generation))}


def progress_of(connection: Connection, run_id: str) -> tuple[int, int]:
    """How many of a run's human calls are answered, and how many there are."""
    query = (
        select(step_calls.c.state, func.count())
        .where(step_calls.c.run_id == run_id, step_calls.c.kind == "human", step_calls.c.state != "void")
        .group_by(step_calls.c.state)
    )
    counts = {row[0]: row[1] for row in connection.execute(query)}
    return sum(counts.values()) - counts.get("open", 0), sum(counts.values())
