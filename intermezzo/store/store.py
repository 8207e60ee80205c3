"""Transactions over the store, grouped into few commits, and signals of what other processes changed.

A transaction is a plain function of a SQLAlchemy `Connection`; everybody above writes those.
"""

import asyncio
import atexit
import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection, text

from intermezzo.errors import StoreError
from intermezzo.settings import settings
from intermezzo.store.engine import for_reading, open_engine, with_driver
from intermezzo.store.prepared import Prepared
from intermezzo.store.readers import Readers
from intermezzo.store.signals import Event, Listener, postgres_listener, sqlite_listener
from intermezzo.store.tables import outbox
from intermezzo.store.writer import BulkWork, Work, Writer

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


def utc_now() -> datetime:
    """The current time, aware."""
    return datetime.now(UTC)


_INSERT = Prepared.insert(outbox)
_NOTIFY = Prepared(text("SELECT pg_notify('intermezzo', payload) FROM unnest(CAST(:payloads AS text[])) AS payload"))


def emit(connection: Connection, events: Iterable[Event], *, wake: bool = True, at: datetime) -> None:
    """Add rows to the outbox in this transaction; readers hear of them once it has committed.

    Args:
        wake: somebody may be waiting for them. Otherwise PostgreSQL tells nobody: that would make commits queue.
    """
    events = list(events)
    if not events:
        return
    rows = [
        {
            "topic": e.topic,
            "subject": e.subject,
            "run_id": e.run_id,
            "actor": e.actor,
            "detail": e.detail,
            "at": at,
            "pending": e.tell,
        }
        for e in events
    ]
    _INSERT.run(connection, rows)
    if wake and connection.dialect.name == "postgresql":
        payloads = list(dict.fromkeys(event.encode() for event in events))
        _NOTIFY.run(connection, [{"payloads": payloads}])


class Store:
    """One database, opened by URL; migrated to the newest schema when first used.

    Raises:
        StoreError: the URL is not one of ours, or the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.url = with_driver(url)
        self.engine = open_engine(self.url)
        self._read_engine = for_reading(self.engine)
        self._closed = False
        self._writer = Writer(self.engine.execution_options(write=True))
        self._readers = Readers(self._read_engine)
        self._listener: Listener | None = None
        self._listener_lock = threading.Lock()

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self.engine.dialect.name

    async def write(self, work: Work[T]) -> T:
        """Run a transaction; returns when it is committed and synced.

        Other callers' transactions may share the commit. If one of them raises, all are undone and run again one by
        one, so `work` may run more than once and must change nothing but the database.
        """
        return await self._writer.write(work)

    def write_now(self, work: Work[T]) -> T:
        """Run a transaction from synchronous code."""
        return self._writer.submit(work).result()

    def submit(self, work: Work[T]) -> "Future[T]":
        """Queue a transaction for the next commit."""
        return self._writer.submit(work)

    async def add(self, handler: BulkWork[T], item: T, *, synced: bool = True) -> None:
        """Run `handler` for this item; items of concurrent callers with an equal handler are handled in one call.

        If the common call raises, each item is handled in a transaction of its own.

        Args:
            handler: a transaction over many items.
            item: one of them.
            synced: wait for the disk. Without, it outlives every process, but not a power cut, unless a later synced
                transaction of anybody has taken it along: for what is worth nothing without such a one.
        """
        await self._writer.add(handler, item, synced=synced)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def _require_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed")

    async def read(self, work: Work[T]) -> T:
        """Run a function that only reads, on a consistent snapshot."""
        self._require_open()
        return await self._readers.read(work)

    def read_now(self, work: Work[T]) -> T:
        """Run a function that only reads, from synchronous code."""
        self._require_open()
        with self._read_engine.connect() as connection:
            return work(connection)

    def subscribe(self, callback: Callable[[Sequence[Event]], None]) -> Callable[[], None]:
        """Hear of committed events of every process, within milliseconds; returns what ends it.

        `callback` runs in a thread and must be quick. Events are hints: some may come twice, and after a lost
        connection one event with the topic `*` says that any may have been missed.
        """
        with self._listener_lock:
            self._require_open()
            if self._listener is None:
                self._listener = (sqlite_listener if self.dialect == "sqlite" else postgres_listener)(self.engine)
            return self._listener.add(callback)

    def subscribe_here(
        self, callback: Callable[[Sequence[Event]], None], *, topics: Collection[str] = ()
    ) -> Callable[[], None]:
        """As `subscribe`, for the running event loop: `callback` runs in it.

        Args:
            topics: only when there is an event of one of these, or any may have been missed; none: always.
        """
        loop = asyncio.get_running_loop()

        def heard(events: Sequence[Event]) -> None:
            if not topics or any(event.topic in topics or event.topic == "*" for event in events):
                with suppress(RuntimeError):  # the loop has ended meanwhile
                    loop.call_soon_threadsafe(callback, events)

        return self.subscribe(heard)

    def close(self) -> None:
        """Finish what is queued and let go of every connection."""
        self._closed = True
        self._writer.close()
        self._readers.close()
        with self._listener_lock:
            if self._listener:
                self._listener.stop()
        self.engine.dispose()


_stores: dict[str, Store] = {}
_stores_lock = threading.Lock()


def open_store(url: str | None = None) -> Store:
    """The process's store of that URL (default: of the settings), opened once."""
    url = url or settings().store_url
    with _stores_lock:
        store = _stores.get(url)
        if store is None or store.closed:
            store = _stores[url] = Store(url)
        return store


@atexit.register
def close_stores() -> None:
    """Close every store of the process."""
    with _stores_lock:
        for store in _stores.values():
            store.close()
        _stores.clear()
