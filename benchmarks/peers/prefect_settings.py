"""How durable Prefect's server is as measured."""

from importlib.metadata import version

import sqlalchemy
from prefect.server.database import provide_database_interface


async def describe() -> dict[str, object]:
    """The pragmas that the server's engine sets on its connections, read from an engine made the same way."""
    engine = await provide_database_interface().engine()
    found: dict[str, object] = {"prefect": version("prefect")}
    async with engine.connect() as connection:
        for pragma in ("journal_mode", "synchronous"):
            found[pragma] = (await connection.execute(sqlalchemy.text(f"PRAGMA {pragma}"))).scalar()
    await engine.dispose()
    return found
