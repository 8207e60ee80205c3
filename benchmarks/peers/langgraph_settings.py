"""How durable LangGraph is as measured, read from its own connection."""

from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver


async def describe(saver: AsyncSqliteSaver, durability: str) -> dict[str, object]:
    """Its durability mode and the pragmas of the saver's connection."""
    found: dict[str, object] = {"durability": durability, "durability_default": "async"}
    for pragma in ("journal_mode", "synchronous"):
        async with saver.conn.execute(f"PRAGMA {pragma}") as cursor:
            row = await cursor.fetchone()
        found[pragma] = row[0] if row else None
    return found
