"""Transactions over the store, grouped into few commits, and signals of what other processes changed.

A transaction is a plain function of a SQLAlchemy `Connection`; everybody above writes those. One writer thread per
process runs whatever has queued up in one commit, so a hundred concurrent step calls cost one disk sync. Threads,
not an event loop, own the connections: a store serves any number of loops, and synchronous callers too.
"""

import asyncio
import atexit
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, make_url, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError

from intermezzo.errors import StoreError
from intermezzo.settings import settings
from intermezzo.store.migrations import upgrade
from intermezzo.store.signals import Event, Listener, postgres_listener, sqlite_listener
from intermezzo.store.tables import outbox

T = TypeVar("T")
Work = Callable[[Connection], T]

MAX_GROUP = 512
"""Most transactions in one commit: bounds how long one commit holds SQLite's only write lock."""

_RETRIES = 5


def utc_now() -> datetime:
    """The current time, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    work: Work[T]
    future: "Future[T]"


BulkWork = Callable[[Connection, list[T]], None]


@dataclass(frozen=True, slots=True)
class _Item(Generic[T]):
    """Work that is done for many at once: `handler` gets the items of everybody in the same commit."""

    handler: BulkWork[T]
    item: T
    future: "Future[None]"

    def work(self, connection: Connection) -> None:
        """Do it for this item alone."""
        self.handler(connection, [self.item])


def emit(connection: Connection, events: Iterable[Event], *, at: datetime) -> None:
    """Add rows to the outbox in this transaction; readers hear of them once it has committed."""
    rows = [{"topic": e.topic, "subject": e.subject, "run_id": e.run_id, "at": at} for e in events]
    if not rows:
        return
    connection.execute(insert(outbox), rows)
    if connection.dialect.name == "postgresql":
        for payload in dict.fromkeys(Event(r["topic"], r["subject"], r["run_id"]).encode() for r in rows):
            connection.execute(select(func.pg_notify("intermezzo", payload)))


class Store:
    """One database, opened by URL; migrated to the newest schema when first used.

    Raises:
        StoreError: the URL is not one of ours, or the database cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self.url = _with_driver(url)
        self.engine = _create_engine(self.url)
        try:
            upgrade(self.engine)
        except DBAPIError as error:
            self.engine.dispose()
            raise StoreError(
                f"cannot open the store {self.url.render_as_string()}: {error.orig}; check INTERMEZZO_DATABASE_URL"
            ) from None
        self._write_engine = self.engine.execution_options(write=True)
        self._jobs: queue.SimpleQueue[_Job[Any] | _Item[Any] | None] = queue.SimpleQueue()
        self._closed = False
        self._writer = threading.Thread(target=self._write_forever, name="intermezzo-writer", daemon=True)
        self._writer.start()
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
        return await asyncio.wrap_future(self.submit(work))

    def write_now(self, work: Work[T]) -> T:
        """Run a transaction from synchronous code."""
        return self.submit(work).result()

    def submit(self, work: Work[T]) -> "Future[T]":
        """Queue a transaction for the next commit."""
        if self._closed:
            raise StoreError("the store is closed")
        future: Future[T] = Future()
        self._jobs.put(_Job(work, future))
        return future

    async def add(self, handler: BulkWork[T], item: T) -> None:
        """Run `handler` for this item; items of concurrent callers with an equal handler are handled in one call.

        If the common call raises, each item is handled in a transaction of its own.
        """
        if self._closed:
            raise StoreError("the store is closed")
        future: Future[None] = Future()
        self._jobs.put(_Item(handler, item, future))
        await asyncio.wrap_future(future)

    async def read(self, work: Work[T]) -> T:
        """Run a function that only reads, on a consistent snapshot."""
        return await asyncio.wrap_future(self._readers.submit(self.read_now, work))

    def read_now(self, work: Work[T]) -> T:
        """Run a function that only reads, from synchronous code."""
        with self.engine.connect() as connection:
            return work(connection)

    def subscribe(self, callback: Callable[[Sequence[Event]], None]) -> Callable[[], None]:
        """Hear of committed events of every process, within milliseconds; returns what ends it.

        `callback` runs in a thread and must be quick. Events are hints: some may come twice, and after a lost
        connection one event with the topic `*` says that any may have been missed.
        """
        with self._listener_lock:
            if self._listener is None:
                self._listener = (sqlite_listener if self.dialect == "sqlite" else postgres_listener)(self.engine)
            return self._listener.add(callback)

    def close(self) -> None:
        """Finish what is queued and let go of every connection."""
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        self._writer.join()
        self._readers.shutdown()
        if self._listener:
            self._listener.stop()
        self.engine.dispose()

    def _write_forever(self) -> None:
        while job := self._jobs.get():
            jobs = [job]
            stop = False
            while len(jobs) < MAX_GROUP:
                try:
                    more = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                jobs.append(more)
            self._commit([job for job in jobs if job.future.set_running_or_notify_cancel()])
            if stop:
                return

    def _commit(self, jobs: "list[_Job[Any] | _Item[Any]]") -> None:
        if not jobs:
            return
        try:
            with self._write_engine.begin() as connection:
                _handle_items(connection, [job for job in jobs if isinstance(job, _Item)])
                results = [job.work(connection) if isinstance(job, _Job) else None for job in jobs]
        except BaseException as error:  # delivered to whoever asked for the transaction
            if len(jobs) == 1:
                self._commit_alone(jobs[0], error)
            else:
                for job in jobs:
                    self._commit_alone(job)
            return
        for job, result in zip(jobs, results, strict=True):
            job.future.set_result(result)

    def _commit_alone(self, job: _Job[Any] | _Item[Any], error: BaseException | None = None) -> None:
        for _ in range(_RETRIES):
            if error is not None and not _passing(error):
                break
            try:
                with self._write_engine.begin() as connection:
                    result = job.work(connection)
            except BaseException as raised:  # delivered to whoever asked for the transaction
                error = raised
            else:
                job.future.set_result(result)
                return
        assert error is not None
        job.future.set_exception(error)


def _handle_items(connection: Connection, items: list[_Item[Any]]) -> None:
    groups: dict[BulkWork[Any], list[Any]] = {}
    for item in items:
        groups.setdefault(item.handler, []).append(item.item)
    for handler, group in groups.items():
        handler(connection, group)


def _passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed when run again: a deadlock, a lock, a lost connection."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state in ("40001", "40P01") or _is_locked(error)


def _is_locked(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)


def _with_driver(url: str) -> URL:
    """The URL with the driver this store uses: any driver of the two databases may be named."""
    try:
        parsed = make_url(url)
    except Exception as error:  # SQLAlchemy raises its own and plain ValueErrors
        raise StoreError(f"{url!r} is not a database URL: {error}") from None
    drivers = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
    backend = parsed.get_backend_name()
    if backend not in drivers:
        raise StoreError(f"the store is a sqlite or postgresql URL, got {backend!r}")
    return parsed.set(drivername=drivers[backend])


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


def _configure_sqlite(connection: Any, _record: object) -> None:
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
        if store is None or store._closed:  # noqa: SLF001 (same module)
            store = _stores[url] = Store(url)
        return store


@atexit.register
def close_stores() -> None:
    """Close every store of the process."""
    with _stores_lock:
        for store in _stores.values():
            store.close()
        _stores.clear()
