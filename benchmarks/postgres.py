"""A new database on a PostgreSQL server, for scripts that measure on one."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.sql import SQL, Identifier

VARIABLE = "BENCHMARK_POSTGRES_URL"
"""`postgresql://USER@HOST:PORT/DATABASE`, of a role that may create databases."""

SHOWN = ("server_version", "fsync", "synchronous_commit", "shared_buffers", "autovacuum")


@contextmanager
def database() -> Iterator[str]:
    """The URL of a fresh and empty database, which is dropped afterwards."""
    server = os.environ.get(VARIABLE)
    if not server:
        raise SystemExit(f"{VARIABLE} is not set: postgresql://USER@HOST:PORT/DATABASE of a role that makes databases")
    name = f"benchmark_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    try:
        yield server.rpartition("/")[0] + f"/{name}"
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def settings(url: str) -> dict[str, object]:
    """What a fair reader must know of the server, as a connection to it has it."""
    with psycopg.connect(url) as connection:
        found = {name: connection.execute(f"SHOW {name}").fetchone() for name in SHOWN}  # type: ignore[arg-type]
    return {name: row[0] for name, row in found.items() if row}


def backends(url: str) -> list[int]:
    """The server's processes that serve the connections to a database; on this machine their CPU can be read."""
    with psycopg.connect(url) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        return [pid for (pid,) in connection.execute(query)]
