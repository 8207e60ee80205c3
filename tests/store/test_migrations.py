"""The schema that migrations make is the schema the code speaks of, on both engines."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.engine import make_url

from intermezzo.errors import StoreError
from intermezzo.store import Store, migrations
from intermezzo.store.engine import connect_to, with_driver
from intermezzo.store.tables import metadata


def test_the_migrations_make_exactly_the_tables_of_the_code(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))

    assert store.read_now(differences) == []


def shape(connection: Connection) -> dict[str, object]:
    """Everything of the schema, also what Alembic does not compare."""
    seen = inspect(connection)
    return {
        table: {
            "columns": [{**column, "type": str(column["type"])} for column in seen.get_columns(table)],
            "primary key": seen.get_pk_constraint(table),
            "foreign keys": seen.get_foreign_keys(table),
            "unique": sorted(seen.get_unique_constraints(table), key=lambda u: str(u["name"])),
            "checks": sorted(seen.get_check_constraints(table), key=lambda c: str(c["name"])),
            "indexes": [
                {**index, "dialect_options": {k: str(v) for k, v in index.get("dialect_options", {}).items()}}
                for index in sorted(seen.get_indexes(table), key=lambda i: str(i["name"]))
            ],
        }
        for table in metadata.tables
    }


def test_a_migrated_store_has_the_same_constraints_as_a_created_one(store: Store) -> None:
    migrated = store.read_now(shape)

    def recreate(connection: Connection) -> dict[str, object]:
        metadata.drop_all(connection)
        metadata.create_all(connection)
        return shape(connection)

    recreated = store.write_now(recreate)
    assert recreated == migrated


def test_the_head_that_is_known_without_alembic_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


OPEN = """
import sys
from intermezzo.store import Store

sys.stdin.readline()
Store(sys.argv[1]).close()
print("alembic" in sys.modules)
"""


def test_two_processes_that_open_a_new_store_at_once_both_succeed(bare_url: str) -> None:
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", OPEN, bare_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for opener in openers:
        assert opener.stdin is not None
        opener.stdin.write("go\n")
        opener.stdin.flush()
    for opener in openers:
        _, errors = opener.communicate(timeout=60)
        assert opener.returncode == 0, errors


def test_connections_that_race_for_a_new_sqlite_file_all_get_it(tmp_path: Path) -> None:
    # SQLite's busy timeout does not cover the switch to WAL; without a wait of our own about one round in four fails.
    for turn in range(30):
        start = threading.Barrier(3)

        def connect(path: Path, start: threading.Barrier = start) -> None:
            engine = connect_to(with_driver(f"sqlite+aiosqlite:///{path}"))
            start.wait()
            engine.connect().close()
            engine.dispose()

        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(connect, tmp_path / f"{turn}.db") for _ in range(3)]:
                done.result()


def test_opening_a_store_that_is_up_to_date_does_not_import_alembic(store: Store, store_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPEN, store_url], input="go\n", capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_a_store_of_a_newer_version_is_refused_in_one_clear_line(store: Store, store_url: str) -> None:
    store.write_now(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreError) as caught:
        Store(store_url)
    assert "9999" in str(caught.value)
    assert "newer" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_migration_that_fails_leaves_nothing_behind(bare_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill half way is the same to the database."""

    class Killed(BaseException):
        pass

    migrate = migrations._migrate  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - the only way in between

    def die(connection: Connection) -> None:
        migrate(connection)
        raise Killed

    monkeypatch.setattr(migrations, "_migrate", die)
    with pytest.raises(Killed):
        Store(bare_url)
    monkeypatch.undo()
    drivers = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}
    url = make_url(bare_url)
    engine = create_engine(url.set(drivername=drivers[url.get_backend_name()]))
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
    Store(bare_url).close()
