"""The DBOS application of the DBOS scripts: its configuration, and how durable it is as measured."""

import sqlite3
from pathlib import Path

import sqlalchemy
from dbos import DBOS, DBOSConfig
from dbos._dbos import (
    _get_dbos_instance,
)  # its engine has no public name, and synchronous is set per connection

NAME = "benchmark"


def url(folder: Path) -> str:
    """The system database in that folder."""
    return f"sqlite:///{folder / 'dbos.db'}"


def configure(folder: Path, *, wal: bool = False, polling_seconds: float = 1.0) -> None:
    """Make the application.

    Args:
        folder: where its system database is.
        wal: give it a database in WAL mode; DBOS's own default is SQLite's, a rollback journal.
        polling_seconds: pause between two looks for messages; DBOS's default is 1.
    """
    if wal:
        with sqlite3.connect(folder / "dbos.db") as connection:
            connection.execute("PRAGMA journal_mode=WAL")
    config: DBOSConfig = {
        "name": NAME,
        "system_database_url": url(folder),
        "log_level": "WARNING",
        "application_version": "1",
        "notification_listener_polling_interval_sec": polling_seconds,
    }
    DBOS(config=config)


def describe() -> dict[str, object]:
    """The pragmas of its connections and the pause between two polls; call it when launched."""
    system_database = _get_dbos_instance()._sys_db
    found: dict[str, object] = {
        "polling_seconds": system_database._notification_listener_polling_interval_sec,
        "polling_seconds_default": 1.0,
    }
    with system_database.engine.connect() as connection:
        for pragma in ("journal_mode", "synchronous"):
            found[pragma] = connection.execute(sqlalchemy.text(f"PRAGMA {pragma}")).scalar()
    return found
