"""What happens to human tasks, as streams tell it: read from the outbox, as soon as it is committed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from pydantic import JsonValue
from sqlalchemy import Connection, Row, Select, func, select

from intermezzo.human_steps.tasks import LEGAL_MOVES, HumanTaskState, belongs_to
from intermezzo.ledger import Payer
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import human_tasks, outbox

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
    """Something happened to a human task."""

    seq: int
    task_id: str
    what: str
    """`opened`, `claimed`, … `closed`."""
    state: str
    """Of the task, when this was read."""
    actor: str | None
    detail: dict[str, JsonValue]
    at: datetime


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
    """Follows the tasks of organisations, for one event loop.

    Args:
        store: where the tasks are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: set[asyncio.Event] = set()
        self._unsubscribe: Callable[[], None] | None = None
        self._closed = False

    async def follow(
        self, payer: Payer, *, task_id: str | None = None, after: int | None = None
    ) -> AsyncGenerator[Change | None]:
        """What happens to an organisation's tasks from now on, in order; None at its beginning and after long silences.

        It ends when the task is closed, if it is about one, and when the server stops. What happened within seconds
        before `after` may come again.

        Args:
            task_id: only of this task, from its beginning.
            after: `seq` of the last change that is known already.
        """
        woken = asyncio.Event()
        self._listen()
        self._waiting.add(woken)
        try:
            position = await self._store.read(lambda c: self._begin(c, payer, task_id, after))
            silent_seconds = 0.0
            yield None
            while not self._closed:
                woken.clear()
                found, over = await self._store.read(lambda c: self._look(c, payer, task_id, position))
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

    def _begin(self, connection: Connection, payer: Payer, task_id: str | None, after: int | None) -> _Position:
        if after is not None or task_id is not None:
            return _Position(after or 0)
        position = _Position(connection.scalar(select(func.coalesce(func.max(outbox.c.seq), 0))) or 0)
        position.take(self._late(connection, payer, position))
        return position

    def _look(
        self, connection: Connection, payer: Payer, task_id: str | None, position: _Position
    ) -> tuple[list[Change], bool]:
        """What there is beyond a position, and whether nothing more can come."""
        fresh = _query(payer).where(outbox.c.seq > position.after).limit(_AT_ONCE)
        if task_id is None:
            late = self._late(connection, payer, position)
            return [*late, *(_change(row) for row in connection.execute(fresh))], False
        # The moves of one task follow one another, so that none of its numbers comes late.
        state = connection.scalar(select(human_tasks.c.state).where(human_tasks.c.id == task_id))
        over = state is None or not LEGAL_MOVES[cast("HumanTaskState", state)]
        return [_change(row) for row in connection.execute(fresh.where(outbox.c.subject == task_id))], over

    def _late(self, connection: Connection, payer: Payer, position: _Position) -> list[Change]:
        if connection.dialect.name == "sqlite":  # where the order of numbers is the order of commits
            return []
        again = (
            outbox.c.seq > position.after - _OVERLAP,
            outbox.c.seq <= position.after,
            outbox.c.at > utc_now() - _OVERLAP_TIME,
        )
        return [_change(row) for row in connection.execute(_query(payer).where(*again))]


def _query(payer: Payer) -> "Select[*tuple[Any, ...]]":
    return (
        select(outbox, human_tasks.c.state)
        .join(human_tasks, human_tasks.c.id == outbox.c.subject)
        # Nobody has asked for gold tasks.
        .where(belongs_to(payer), human_tasks.c.gold_id.is_(None), outbox.c.topic.like("task.%"))
        .order_by(outbox.c.seq)
    )


def _change(row: "Row[*tuple[Any, ...]]") -> Change:
    return Change(
        seq=row.seq,
        task_id=row.subject,
        what=row.topic.removeprefix("task."),
        state=row.state,
        actor=row.actor,
        detail=json.loads(row.detail) if row.detail else {},
        at=row.at,
    )
