"""Brings a database to the newest schema; called whenever a store is opened."""

from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from intermezzo.errors import StoreError

HEAD = "0001"
"""The newest revision, known without importing Alembic: a store that is up to date opens in milliseconds."""

_LOCK = 0x1A7E12E220


def upgrade(engine: Engine) -> None:
    """Create or migrate the schema, once however many processes try at the same time.

    Raises:
        StoreError: a newer version of Intermezzo has migrated it further.
    """
    with engine.connect() as connection:
        if _revision(connection) == HEAD:
            return
    with engine.connect().execution_options(write=True) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        _migrate(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("SELECT version_num FROM alembic_version"))


def _migrate(connection: Connection) -> None:
    if _revision(connection) == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the store was migrated by a newer version of Intermezzo, upgrade this one: {error}"
        ) from None
