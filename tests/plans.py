"""How a database goes about the queries that something makes."""

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event

from tests.desk import Desk

TABLES = "human_tasks|assignments|outbox"


def plans(desk: Desk, work: Callable[[Connection], object], *, tables: str = TABLES) -> list[str]:
    """The plan of each query on some tables that something makes, in order."""
    return desk.do(lambda connection: _explained(connection, work, tables))


def _explained(connection: Connection, work: Callable[[Connection], object], tables: str) -> list[str]:
    sqlite = connection.dialect.name == "sqlite"
    if not sqlite:
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # of few rows it reads all
        # As for a connection that has asked the same often, with whatever parameters.
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    how = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
    return [
        "\n".join(str(row[-1]) for row in connection.exec_driver_sql(how + statement, parameters))
        for statement, parameters in _asked(connection, work, tables)
    ]


def _asked(connection: Connection, work: Callable[[Connection], object], tables: str) -> list[tuple[str, Any]]:
    asked: list[tuple[str, Any]] = []

    def remember(asking: Connection, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        # Others, such as a listener of an earlier test, ask the same database.
        ours = asking.connection.driver_connection is connection.connection.driver_connection
        if ours and re.match(rf"(SELECT|WITH)\b.*\b(FROM|JOIN) ({tables})\b", statement, re.DOTALL):
            asked.append((statement, parameters))

    event.listen(connection.engine, "before_cursor_execute", remember)
    try:
        work(connection)
    finally:
        event.remove(connection.engine, "before_cursor_execute", remember)
    return asked
