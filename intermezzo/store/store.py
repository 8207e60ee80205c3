"""Transactions over the store, grouped into few commits, and signals of what other processes changed.

A transaction is a plain function of a SQLAlchemy `Connection`; everybody above writes those.
"""

import asyncio
import atexit
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError

from intermezzo.errors import StoreError
from intermezzo.settings import settings
from intermezzo.store.migrations import upgrade
from intermezzo.store.signals import Event, Listener, postgres_listener, sqlite_listener
from intermezzo.store.tables import outbox
from intermezzo.store.writer import BulkWork, Work, Writer

T = TypeVar("T")


def utc_now() -> datetime:
    """The current time, aware."""
    return datetime.now(UTC)


_NOTIFY = text("SELECT pg_notify('intermezzo', payload) FROM unnest(CAST(:payloads AS text[])) AS payload")


def emit(connection: Connection, events: Iterable[Event], *, at: datetime) -> None:
    """Add rows to the outbox in this transaction; readers hear of them once it has committed."""
    events = list(events)
    if not events:
        return
    rows = [{"topic": e.topic, "subject": e.subject, "run_id": e.run_id, "at": at} for e in events]
    connection.execute(insert(outbox), rows)
    if connection.dialect.name == "postgresql":
        payloads = list(dict.fromkeys(event.encode() for event in events))
        connection.execute(_NOTIFY, {"payloads": payloads})


class Store:
    """One database, opened by URL; migrated to the newest schema when first used.

    Raises:
        StoreError: the URL is not one of ours, or the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.url = _with_driver(url)
        self.engine = _open_engine(self.url)
        self._read_engine = _for_reading(self.engine)
        self._closed = False
        self._writer = Writer(self.engine.execution_options(write=True))
        self._readers = ThreadPoolExecutor(4, thread_name_prefix="intermezzo-reader")
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

    async def add(self, handler: BulkWork[T], item: T) -> None:
        """Run `handler` for this item; items of concurrent callers with an equal handler are handled in one call.

        If the common call raises, each item is handled in a transaction of its own.
        """
        await self._writer.add(handler, item)

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
        return await asyncio.wrap_future(self._readers.submit(self.read_now, work))

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

    def close(self) -> None:
        """Finish what is queued and let go of every connection."""
        self._closed = True
        self._writer.close()
        self._readers.shutdown()
        with self._listener_lock:
            if self._listener:
                self._listener.stop()
        self.engine.dispose()


def _with_driver(url: str) -> URL:
    """The URL with the driver this store uses: any driver of the two databases may be named."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Without the URL: what cannot be parsed may still hold a password.
        raise StoreError(
            "the store's URL cannot be read; it looks like sqlite+aiosqlite:///PATH or "
            "postgresql+asyncpg://USER@HOST:PORT/DATABASE; check INTERMEZZO_DATABASE_URL"
        ) from None
    drivers = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise StoreError(f"the store is a sqlite or postgresql URL, got {backend!r}; check INTERMEZZO_DATABASE_URL")
    return parsed.set(drivername=drivers[backend])


def _open_engine(url: URL) -> Engine:
    """An engine on a database with the newest schema."""
    try:
        engine = _create_engine(url)
        with ExitStack() as undo:
            undo.callback(engine.dispose)
            upgrade(engine)
            undo.pop_all()
    except (DBAPIError, OSError, ImportError) as error:
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise StoreError(
            f"cannot open the store {url.render_as_string()}: {reason}; check INTERMEZZO_DATABASE_URL"
        ) from None
    return engine


def _create_engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=6, pool_pre_ping=True)
    if not url.database or url.database == ":memory:":
        raise StoreError("the store must be a file: several threads and processes share it")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=6, connect_args={"timeout": 60, "check_same_thread": False})
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _for_reading(engine: Engine) -> Engine:
    # A transaction sees one moment: always on SQLite, on PostgreSQL where it is asked for.
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy, not the driver, says when a transaction begins
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -16000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # The write lock is taken at once: a read that turns into a write later could find itself out of date.
    writes = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


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
