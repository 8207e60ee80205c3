"""One thread that writes: whatever has queued up while it was busy becomes one commit.

A hundred concurrent step calls cost one disk sync. The thread, not an event loop, owns the connection: a store serves
any number of loops, and synchronous callers too.
"""

import asyncio
import queue
import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError

from intermezzo.errors import StoreError
from intermezzo.store.engine import begin

T = TypeVar("T")
Work = Callable[[Connection], T]
BulkWork = Callable[[Connection, list[T]], None]

MAX_GROUP = 512
"""Most transactions in one commit: bounds how long one commit holds SQLite's only write lock."""

_TRIES = 5


@dataclass(frozen=True, slots=True)
class _Job:
    """A transaction somebody waits for: `work`, or `handler` for `item` together with others of the same handler."""

    future: "Future[Any] | asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop | None
    work: Work[Any] | None = None
    handler: BulkWork[Any] | None = None
    item: Any = None
    synced: bool = True

    def run_alone(self, connection: Connection) -> object:
        """Do it in a transaction of its own."""
        if self.handler is not None:
            return self.handler(connection, [self.item])
        assert self.work is not None
        return self.work(connection)


_Outcome = tuple[_Job, object, BaseException | None]


class Writer:
    """The only writer of a process to its store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="intermezzo-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T]) -> "Future[T]":
        """Queue a transaction; the future is done once it is committed and synced."""
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # from now on it cannot be taken back
        self._queue(_Job(future, None, work=work))
        return future

    async def write(self, work: Work[T]) -> T:
        """Run a transaction; if the caller is cancelled meanwhile, it may be committed all the same."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue(_Job(future, loop, work=work))
        return await future

    async def add(self, handler: BulkWork[T], item: T, *, synced: bool) -> None:
        """Run `handler` with this item and those of everybody else in the same commit."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._queue(_Job(future, loop, handler=handler, item=item, synced=synced))
        await future

    def close(self) -> None:
        """Finish what is queued; every later write is refused."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join()

    def _queue(self, job: _Job) -> None:
        with self._lock:  # or a job could come to lie behind the mark that ends the queue
            if self._closed:
                raise StoreError("the store is closed")
            self._jobs.put(job)

    def _run(self) -> None:
        stop = False
        while not stop and (job := self._jobs.get()) is not None:
            jobs = [job]
            while len(jobs) < MAX_GROUP and not self._jobs.empty():
                more = self._jobs.get()
                if more is None:
                    stop = True
                    break
                jobs.append(more)
            _deliver(self._commit(jobs))
        self._disconnect()

    def _commit(self, jobs: list[_Job]) -> list[_Outcome]:
        try:
            with self._transaction(synced=any(job.synced for job in jobs)) as connection:
                _handle_items(connection, jobs)
                results = [None if job.work is None else job.work(connection) for job in jobs]
        except BaseException as error:  # noqa: BLE001 (delivered to whoever asked for the transaction)
            if len(jobs) == 1 and not _passing(error):
                return [(jobs[0], None, error)]
            return [self._commit_alone(job) for job in jobs]
        return [(job, result, None) for job, result in zip(jobs, results, strict=True)]

    def _commit_alone(self, job: _Job) -> _Outcome:
        error: BaseException | None = None
        for _ in range(_TRIES):
            try:
                with self._transaction(synced=job.synced) as connection:
                    return job, job.run_alone(connection), None
            except BaseException as raised:  # noqa: BLE001 (delivered to whoever asked for the transaction)
                error = raised
                if not _passing(raised):
                    break
        return job, None, error

    @contextmanager
    def _transaction(self, *, synced: bool) -> Generator[Connection]:
        """A transaction on the connection that this thread keeps; after a database error it takes a new one."""
        if self._connection is None:
            self._connection = self._engine.connect()
        try:
            with begin(self._connection, synced=synced):
                yield self._connection
        except DBAPIError:
            self._disconnect()
            raise

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _handle_items(connection: Connection, jobs: list[_Job]) -> None:
    groups: dict[BulkWork[Any], list[Any]] = {}
    for job in jobs:
        if job.handler is not None:
            groups.setdefault(job.handler, []).append(job.item)
    for handler, items in groups.items():
        handler(connection, items)


def _deliver(outcomes: Iterable[_Outcome]) -> None:
    """Tell everybody, waking each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
    for outcome in outcomes:
        loop = outcome[0].loop
        if loop is None:
            _resolve([outcome])
        else:
            by_loop.setdefault(loop, []).append(outcome)
    for loop, those in by_loop.items():
        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(_resolve, those)


def _resolve(outcomes: list[_Outcome]) -> None:
    for job, result, error in outcomes:
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)


def _passing(error: BaseException) -> bool:
    """Whether the same transaction may succeed when run again: a deadlock, a lock, a lost connection."""
    if not isinstance(error, DBAPIError):
        return False
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state in ("40001", "40P01") or _is_locked(error)


def _is_locked(error: DBAPIError) -> bool:
    return isinstance(error, OperationalError) and "database is locked" in str(error.orig)
