"""Waiting for human tasks or runs to close, in one process: one subscription, however many are waited for."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from intermezzo.store import Event, Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator


class Closable(Protocol):
    """What somebody waits for."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing more will become of it."""
        ...


Seen = TypeVar("Seen", bound=Closable)


class Closings:
    """Who waits for which task, or run; lives in one event loop.

    Args:
        store: where they are.
        topic: of the events that tell of their end.
    """

    def __init__(self, store: Store, topic: Literal["task.closed", "run.closed"] = "task.closed") -> None:
        self._store = store
        self._topic = topic
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._unsubscribe: Callable[[], None] | None = None

    @contextmanager
    def expecting(self, id: str) -> "Generator[asyncio.Event]":
        """An event that is set when it may have closed: begin with this, then look, then wait for it."""
        closed = asyncio.Event()
        self._waiting[id].add(closed)
        if self._unsubscribe is None:
            self._unsubscribe = self._store.subscribe_here(self._heard, topics=(self._topic,))
        try:
            yield closed
        finally:
            self._waiting[id].discard(closed)
            if not self._waiting[id]:
                del self._waiting[id]

    async def until_closed(self, id: str, look: "Callable[[], Awaitable[Seen]]", *, timeout_seconds: float) -> "Seen":
        """Look until it is closed, or for so long; returns what was seen last."""
        with self.expecting(id) as closed:
            seen = await look()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_seconds):
                    while not seen.is_closed:
                        await closed.wait()
                        closed.clear()
                        seen = await look()
        return seen

    def _heard(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.topic == "*":
                for waiting in self._waiting.values():
                    _set(waiting)
            elif event.topic == self._topic and event.subject in self._waiting:
                _set(self._waiting[event.subject])

    def close(self) -> None:
        """Hear no more."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None


def _set(events: set[asyncio.Event]) -> None:
    for event in events:
        event.set()
