"""Statements of the hot path, compiled once: SQLAlchemy's own execution takes ten times as long as the database's."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, cast

from sqlalchemy import ClauseElement, Connection, Dialect, Table, bindparam, insert
from sqlalchemy.exc import DBAPIError

Parameters = Mapping[str, object]
Convert = Callable[[Any], object]


class Prepared:
    """A statement with named parameters, executed by the driver itself inside SQLAlchemy's transaction.

    Results come as the driver gives them: select only columns that it returns as they are, such as numbers and texts.
    """

    def __init__(self, statement: ClauseElement, defaults: Parameters | None = None) -> None:
        self._statement = statement
        self._defaults = dict(defaults or {})
        self._compiled: dict[str, _Compiled] = {}

    @classmethod
    def insert(cls, table: Table) -> Self:
        """The statement that adds rows; a row may leave out what can be null, and generated numbers."""
        columns = [column for column in table.columns if column is not table.autoincrement_column]
        statement = insert(table).inline().values({column.name: bindparam(column.name) for column in columns})
        return cls(statement, {column.name: None for column in columns if column.nullable})

    def run(self, connection: Connection, rows: Sequence[Parameters]) -> int:
        """Execute it once per row of parameters; returns how many rows of the table that touched.

        Raises:
            DBAPIError: as SQLAlchemy would raise it; its text does not show the parameters.
        """
        compiled = self._for(connection.dialect)
        parameters = [compiled.bind(row) for row in rows]
        driver: Any = connection.connection.driver_connection
        cursor = driver.cursor()
        try:
            if len(parameters) == 1:
                cursor.execute(compiled.sql, parameters[0])
            else:
                cursor.executemany(compiled.sql, parameters)
        except compiled.error as error:
            raise _translated(connection, compiled, error) from error
        return cursor.rowcount

    def first(self, connection: Connection, parameters: Parameters) -> tuple[Any, ...] | None:
        """The first row of its result.

        Raises:
            DBAPIError: as SQLAlchemy would raise it; its text does not show the parameters.
        """
        compiled = self._for(connection.dialect)
        driver: Any = connection.connection.driver_connection
        try:
            return driver.execute(compiled.sql, compiled.bind(parameters)).fetchone()
        except compiled.error as error:
            raise _translated(connection, compiled, error) from error

    def _for(self, dialect: Dialect) -> "_Compiled":
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _Compiled.of(self._statement, self._defaults, dialect)
        return compiled


@dataclass(frozen=True, slots=True)
class _Compiled:
    """SQL text, and how to make the driver's parameters from ours."""

    sql: str
    names: tuple[str, ...]
    positional: bool
    defaults: dict[str, object]
    """Parameters that a row need not give; among them the constants of the statement, as in `state = 'active'`."""
    convert: dict[str, Convert]
    """For the types that the driver does not take as they are."""
    error: type[Exception]
    """What the driver raises."""

    @classmethod
    def of(cls, statement: ClauseElement, defaults: Parameters, dialect: Dialect) -> "_Compiled":
        compiled: Any = statement.compile(dialect=dialect)
        dbapi: Any = dialect.loaded_dbapi
        names = tuple(compiled.positiontup or compiled.params)
        types = {name: compiled.binds[name].type for name in names}
        processors = {name: type.dialect_impl(dialect).bind_processor(dialect) for name, type in types.items()}
        return cls(
            sql=str(compiled),
            names=names,
            positional=compiled.positional,
            defaults={**{name: value for name, value in compiled.params.items() if value is not None}, **defaults},
            # One moment stands in thousands of rows.
            convert={name: lru_cache(maxsize=16)(process) for name, process in processors.items() if process},
            error=dbapi.Error,
        )

    def bind(self, row: Parameters) -> "tuple[object, ...] | dict[str, object]":
        """Our parameters as the driver's."""
        given = {**self.defaults, **row}
        for name, convert in self.convert.items():
            given[name] = convert(given[name])
        values = [given[name] for name in self.names]
        return tuple(values) if self.positional else dict(zip(self.names, values, strict=True))


def _translated(connection: Connection, compiled: _Compiled, error: Exception) -> Exception:
    gone = connection.dialect.is_disconnect(cast("Any", error), connection.connection, None)
    if gone:
        connection.invalidate(error)
    return DBAPIError.instance(
        compiled.sql,
        None,
        error,
        compiled.error,
        hide_parameters=True,
        connection_invalidated=gone,
        dialect=connection.dialect,
    )
