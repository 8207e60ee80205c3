"""How the store reaches its database: drivers, connections, the schema. Called by `Store`."""

import sqlite3
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError

from intermezzo.errors import StoreError
from intermezzo.store.migrations import upgrade
from intermezzo.store.prepared import Prepared

_BEGIN_TO_READ, _BEGIN_TO_WRITE = Prepared(text("BEGIN")), Prepared(text("BEGIN IMMEDIATE"))
_DO_NOT_SYNC = Prepared(text("SET LOCAL synchronous_commit = off"))

_SQLITE_PRAGMAS = ("synchronous = FULL", "foreign_keys = ON", "cache_size = -16000", "wal_autocheckpoint = 4000")
"""A cache of 16 MB; a checkpoint every 16 MB of log, because each one syncs the whole file and stops the writer."""

_SQLITE_TIMEOUT_SECONDS = 60
"""Longest wait for SQLite's lock; commits take milliseconds, so whoever waits longer is stuck."""


def with_driver(url: str) -> URL:
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


def open_engine(url: URL) -> Engine:
    """An engine on a database with the newest schema."""
    try:
        engine = connect_to(url)
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


def connect_to(url: URL) -> Engine:
    """An engine on a database as it is, each connection set up as the store needs it."""
    if url.get_backend_name() != "sqlite":
        return create_engine(url, pool_size=6, pool_pre_ping=True)
    if not url.database or url.database == ":memory:":
        raise StoreError("the store must be a file: several threads and processes share it")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, pool_size=6, connect_args={"timeout": _SQLITE_TIMEOUT_SECONDS, "check_same_thread": False}
    )
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def for_reading(engine: Engine) -> Engine:
    """An engine whose transactions only read and see one moment."""
    if engine.dialect.name == "sqlite":  # where every transaction does
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy, not the driver, says when a transaction begins
    _enter_wal(connection)
    for pragma in _SQLITE_PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _enter_wal(connection: sqlite3.Connection) -> None:
    # The busy timeout does not cover this statement: of two processes with a new file, one is refused at once.
    give_up_at = time.monotonic() + _SQLITE_TIMEOUT_SECONDS
    while connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.005)


def _begin_sqlite(connection: Connection) -> None:
    # The write lock is taken at once: a read that turns into a write later could find itself out of date.
    writes = connection.get_execution_options().get("write", False)
    (_BEGIN_TO_WRITE if writes else _BEGIN_TO_READ).run(connection, [{}])


@contextmanager
def begin(connection: Connection, *, synced: bool) -> Generator[None]:
    """A transaction; one that is not synced may be lost in a power cut, together with all that came after it."""
    if connection.dialect.name == "sqlite":
        _sync_sqlite(connection, synced=synced)
    with connection.begin():
        if connection.dialect.name == "postgresql" and not synced:
            _DO_NOT_SYNC.run(connection, [{}])
        yield


def _sync_sqlite(connection: Connection, *, synced: bool) -> None:
    # Past SQLAlchemy, which would begin a transaction, and inside of one this cannot be said.
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA synchronous = {'FULL' if synced else 'NORMAL'}")
