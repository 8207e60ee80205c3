"""What one process knows of the runs it works on: their leases are kept, and their wake-ups delivered."""

import asyncio
import contextlib
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection

from intermezzo import journal
from intermezzo.errors import StoreError
from intermezzo.human_steps import claims, review, tasks
from intermezzo.settings import settings
from intermezzo.store import Event, Store, open_store, utc_now

if TYPE_CHECKING:
    from concurrent.futures import Future


class Listening(Protocol):
    """What wants to hear of a run's events: an attempt."""

    loop: asyncio.AbstractEventLoop

    def heard(self, events: Sequence[Event]) -> None:
        """Called in `loop`."""
        ...


class Runtime:
    """The process's place among the executors that share a store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.holder = f"{os.getpid()}-{uuid.uuid4()}"
        self.lease = timedelta(seconds=settings().lease_seconds)
        self._held: Counter[str] = Counter()
        self._listening: dict[str, Listening] = {}
        self._lock = threading.Lock()
        self._heartbeat: threading.Thread | None = None
        self._unsubscribe: Callable[[], None] | None = None
        self._closed = threading.Event()

    def close(self) -> None:
        """Let go of the runs; their leases run out."""
        self._closed.set()
        with self._lock:
            self._held.clear()
            if self._unsubscribe is not None:
                self._unsubscribe()

    def release(self) -> None:
        """Give up every run that this process works on: another may take them at once."""
        with self._lock:
            held = list(self._held)
        self.store.write_now(lambda c: journal.release_runs(c, self.holder, held, at=utc_now()))

    def keep(self, run_id: str) -> None:
        """Renew the lease of this run until it is dropped as often as it was kept: two attempts may overlap."""
        with self._lock:
            self._held[run_id] += 1
            if self._heartbeat is None:
                self._heartbeat = threading.Thread(target=self._beat, name="intermezzo-heartbeat", daemon=True)
                self._heartbeat.start()

    def drop(self, run_id: str) -> None:
        """This process no longer works on the run."""
        with self._lock:
            self._held[run_id] -= 1
            if self._held[run_id] <= 0:
                del self._held[run_id]

    def listen(self, run_id: str, listening: Listening) -> None:
        """Deliver the run's events from now on."""
        with self._lock:
            self._listening[run_id] = listening
            if self._unsubscribe is None:
                self._unsubscribe = self.store.subscribe(self._heard)

    def ignore(self, run_id: str, listening: Listening) -> None:
        """Deliver no more events to this listener."""
        with self._lock:
            if self._listening.get(run_id) is listening:
                del self._listening[run_id]

    def _heard(self, events: Sequence[Event]) -> None:
        by_run: dict[str, list[Event]] = {}
        for event in events:
            targets = list(self._listening) if event.topic == "*" else [event.run_id] if event.run_id else []
            for run_id in targets:
                by_run.setdefault(run_id, []).append(event)
        for run_id, heard in by_run.items():
            listening = self._listening.get(run_id)
            if listening is not None and not listening.loop.is_closed():
                listening.loop.call_soon_threadsafe(listening.heard, heard)

    def _tidy(self) -> None:
        """Do what is due to human tasks: a script may run where no reconciler does."""
        with contextlib.suppress(StoreError):
            for sweep in (claims.lapse, tasks.expire, review.approve_unreviewed):
                self._sweep(sweep)

    def _sweep(self, sweep: Callable[..., int]) -> None:
        """Run it until nothing is due."""

        def go_on(swept: "Future[int]") -> None:
            with contextlib.suppress(StoreError):
                if swept.exception() is None and swept.result() == tasks.MOST_SWEPT:
                    self._sweep(sweep)

        self.store.submit(lambda c: sweep(c, at=utc_now())).add_done_callback(go_on)

    def _renew(self, run_ids: list[str], until: datetime, connection: Connection) -> None:
        journal.renew_leases(connection, self.holder, run_ids, until=until)

    def _beat(self) -> None:
        while not self._closed.wait(self.lease.total_seconds() / 3):
            with self._lock:
                held = list(self._held)
            if held:
                self._tidy()
            until = utc_now() + self.lease
            for start in range(0, len(held), 500):
                part = held[start : start + 500]
                with contextlib.suppress(StoreError):  # it is closed when the process ends
                    self.store.submit(partial(self._renew, part, until))


@cache
def runtime() -> Runtime:
    """The process's runtime, over the store of the settings."""
    return Runtime(open_store())
