"""What is said differently on SQLite and PostgreSQL."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_into(connection: Connection, table: Table) -> "postgresql.Insert | sqlite.Insert":
    """An insert that can go on with `on_conflict_do_nothing` or `on_conflict_do_update`."""
    return (sqlite if connection.dialect.name == "sqlite" else postgresql).insert(table)


def follow_indexes(connection: Connection) -> None:
    """Until the end of this transaction, rows are read in the order of an index where there is one that has it.

    For the first rows of many. PostgreSQL takes a table for short that was filled since it was last analyzed, and would
    rather read all of it and sort.
    """
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET LOCAL enable_sort = off")
