"""What happens to human tasks and runs, as streams tell it: read from the outbox, as soon as it is committed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import JsonValue
from sqlalchemy import Connection, Row, Select, case, func, select

from intermezzo.human_steps.tasks import LEGAL_MOVES, HumanTaskState, belongs_to
from intermezzo.journal.runs import ENDED
from intermezzo.ledger import Payer
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import human_tasks, outbox, runs, step_calls

POLL_SECONDS = 1.0
"""PostgreSQL tells at once of openings and closings only; the rest is found by looking."""
REST_SECONDS = 0.05
"""Between two looks of one stream, however much happens."""
HEARTBEAT_SECONDS = 15.0
"""Longest silence of a stream: proxies hang up on longer ones."""

_OVERLAP = 2_000
"""On PostgreSQL a change may be committed after one with a higher number: as many numbers are looked at again …"""
_OVERLAP_TIME = timedelta(seconds=10)
"""… if they are not older than this."""
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Something happened."""

    seq: int
    topic: str
    """`task.opened`, `task.claimed`, … `run.closed`."""
    subject: str
    """Id of the task, step call or run it happened to."""
    state: str
    """Of the task or run that is followed, when this was read."""
    step: str | None
    """The step of the run that it is about."""
    task_id: str | None
    """The human task that it is about."""
    actor: str | None
    detail: dict[str, JsonValue]
    at: datetime


@dataclass(frozen=True, slots=True)
class Source:
    """What a stream follows."""

    query: "Select[*tuple[Any, ...]]"
    """Entries of the outbox, with what a `Change` says beside them."""
    is_over: Callable[[Connection], bool] | None = None
    """Whether nothing more can come; None: something always can, and the stream begins with what happens from now."""
    in_order: bool = False
    """Whether its entries are committed in the order of their numbers on every database."""


def tasks_of(payer: Payer) -> Source:
    """The human tasks of an organisation."""
    return Source(_tasks(payer))


def task_of(payer: Payer, task_id: str) -> Source:
    """One human task; its moves follow one another."""

    def is_over(connection: Connection) -> bool:
        state = connection.scalar(select(human_tasks.c.state).where(human_tasks.c.id == task_id))
        return state is None or not LEGAL_MOVES[cast("HumanTaskState", state)]

    return Source(_tasks(payer).where(outbox.c.subject == task_id), is_over, in_order=True)


def run_of(run_id: str) -> Source:
    """One run, with its human tasks."""

    def is_over(connection: Connection) -> bool:
        return connection.scalar(select(runs.c.state).where(runs.c.id == run_id)) in ENDED

    query = (
        select(
            outbox,
            case((runs.c.state == "crashed", "failed"), else_=runs.c.state).label("state"),
            func.coalesce(step_calls.c.step, human_tasks.c.name).label("step"),
            func.coalesce(step_calls.c.reservation_id, human_tasks.c.id).label("task_id"),
        )
        .join(runs, runs.c.id == outbox.c.run_id)
        .outerjoin(step_calls, step_calls.c.id == outbox.c.subject)
        .outerjoin(human_tasks, human_tasks.c.id == outbox.c.subject)
        .where(outbox.c.run_id == run_id)
        .order_by(outbox.c.seq)
    )
    return Source(query, is_over)


def _tasks(payer: Payer) -> "Select[*tuple[Any, ...]]":
    return (
        select(outbox, human_tasks.c.state, human_tasks.c.name.label("step"), human_tasks.c.id.label("task_id"))
        .join(human_tasks, human_tasks.c.id == outbox.c.subject)
        # Nobody has asked for gold tasks.
        .where(belongs_to(payer), human_tasks.c.gold_id.is_(None), outbox.c.topic.like("task.%"))
        .order_by(outbox.c.seq)
    )


@dataclass(slots=True)
class _Position:
    """How far a stream has come."""

    after: int
    sent: set[int] = field(default_factory=set[int])
    """Numbers up to `after` that may be read again."""

    def take(self, found: Sequence[Change]) -> list[Change]:
        """What is new of what was found."""
        new = [change for change in found if change.seq not in self.sent]
        self.after = max([self.after, *(change.seq for change in new)])
        self.sent = {seq for seq in (*self.sent, *(change.seq for change in new)) if seq > self.after - _OVERLAP}
        return new


class Changes:
    """Follows tasks and runs, for one event loop.

    Args:
        store: where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: set[asyncio.Event] = set()
        self._unsubscribe: Callable[[], None] | None = None
        self._closed = False

    async def follow(self, source: Source, *, after: int | None = None) -> AsyncGenerator[Change | None]:
        """What happens, in order; None at the beginning and after long silences.

        It ends when nothing more can happen to what is followed, and when the server stops. What happened within
        seconds before `after` may come again.

        Args:
            source: what is followed.
            after: `seq` of the last change that is known already.
        """
        woken = asyncio.Event()
        self._listen()
        self._waiting.add(woken)
        try:
            position = await self._store.read(lambda c: _begin(c, source, after))
            silent_seconds = 0.0
            yield None
            while not self._closed:
                woken.clear()
                found, over = await self._store.read(lambda c: _look(c, source, position))
                for change in position.take(found):
                    silent_seconds = 0.0
                    yield change
                if over and len(found) < _AT_ONCE:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), POLL_SECONDS)
                await asyncio.sleep(REST_SECONDS)
                silent_seconds += POLL_SECONDS
                if silent_seconds >= HEARTBEAT_SECONDS:
                    silent_seconds = 0.0
                    yield None
        finally:
            self._waiting.discard(woken)

    def close(self) -> None:
        """End every stream, and hear no more."""
        self._closed = True
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        self._wake()

    def _listen(self) -> None:
        if self._unsubscribe is None:
            self._unsubscribe = self._store.subscribe_here(lambda _: self._wake())

    def _wake(self) -> None:
        for event in self._waiting:
            event.set()


def _begin(connection: Connection, source: Source, after: int | None) -> _Position:
    if after is not None or source.is_over is not None:
        return _Position(after or 0)
    position = _Position(connection.scalar(select(func.coalesce(func.max(outbox.c.seq), 0))) or 0)
    position.take(_late(connection, source, position))
    return position


def _look(connection: Connection, source: Source, position: _Position) -> tuple[list[Change], bool]:
    """What there is beyond a position, and whether nothing more can come."""
    over = source.is_over is not None and source.is_over(connection)
    fresh = connection.execute(source.query.where(outbox.c.seq > position.after).limit(_AT_ONCE))
    found = [_change(row) for row in fresh]
    return ([] if source.in_order else _late(connection, source, position)) + found, over


def _late(connection: Connection, source: Source, position: _Position) -> list[Change]:
    if connection.dialect.name == "sqlite":  # where the order of numbers is the order of commits
        return []
    again = (
        outbox.c.seq > position.after - _OVERLAP,
        outbox.c.seq <= position.after,
        outbox.c.at > utc_now() - _OVERLAP_TIME,
    )
    return [_change(row) for row in connection.execute(source.query.where(*again))]


def _change(row: "Row[*tuple[Any, ...]]") -> Change:
    return Change(
        seq=row.seq,
        topic=row.topic,
        subject=row.subject,
        state=row.state,
        step=row.step,
        task_id=row.task_id,
        actor=row.actor,
        detail=json.loads(row.detail) if row.detail else {},
        at=row.at,
    )
