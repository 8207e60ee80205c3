"""Statements of the hot path, compiled once: SQLAlchemy's own execution takes ten times as long as the database's."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, cast

from sqlalchemy import (
    BindParameter,
    ClauseElement,
    ColumnElement,
    Connection,
    Dialect,
    Row,
    Table,
    bindparam,
    insert,
    literal,
)
from sqlalchemy.engine import result_tuple
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.visitors import iterate

Parameters = Mapping[str, object]
Convert = Callable[[Any], object]


def one_of(column: ColumnElement[str], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column has one of a few values, which are written into the statement.

    A statement may then be planned once for all of its parameters, and still take an index of just these.
    """
    return column.in_([literal(value, literal_execute=True) for value in values])


class Prepared:
    """A statement with named parameters, executed by the driver itself inside SQLAlchemy's transaction.

    Rows are as SQLAlchemy would give them.
    """

    def __init__(self, statement: ClauseElement, defaults: Parameters | None = None) -> None:
        self._statement = statement
        self._defaults = dict(defaults or {})
        self._compiled: dict[str, _Compiled] = {}
        self._readers: dict[str, _Reader] = {}

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
        _tell(connection, cursor, compiled.sql, parameters)
        try:
            if len(parameters) == 1:
                cursor.execute(compiled.sql, parameters[0])
            else:
                cursor.executemany(compiled.sql, parameters)
        except compiled.error as error:
            raise _translated(connection, compiled, error) from error
        return cursor.rowcount

    def first(self, connection: Connection, parameters: Parameters) -> Row[Any] | None:
        """The first row of its result.

        Raises:
            DBAPIError: as SQLAlchemy would raise it; its text does not show the parameters.
        """
        cursor = self._execute(connection, parameters)
        row = cursor.fetchone()
        return None if row is None else self._reader(connection.dialect, cursor)(row)

    def all(self, connection: Connection, parameters: Parameters) -> list[Row[Any]]:
        """Every row of its result.

        Raises:
            DBAPIError: as SQLAlchemy would raise it; its text does not show the parameters.
        """
        cursor = self._execute(connection, parameters)
        return list(map(self._reader(connection.dialect, cursor), cursor.fetchall()))

    def scalar(self, connection: Connection, parameters: Parameters) -> Any:  # noqa: ANN401 (as SQLAlchemy's own)
        """The first value of the first row of its result; None: there is no row.

        Raises:
            DBAPIError: as SQLAlchemy would raise it; its text does not show the parameters.
        """
        row = self.first(connection, parameters)
        return None if row is None else row[0]

    def _execute(self, connection: Connection, parameters: Parameters) -> Any:  # noqa: ANN401 (the driver's cursor)
        compiled = self._for(connection.dialect)
        driver: Any = connection.connection.driver_connection
        bound, cursor = compiled.bind(parameters), driver.cursor()
        _tell(connection, cursor, compiled.sql, [bound])
        try:
            return cursor.execute(compiled.sql, bound)
        except compiled.error as error:
            raise _translated(connection, compiled, error) from error

    def _reader(self, dialect: Dialect, cursor: Any) -> "_Reader":  # noqa: ANN401 (the driver's)
        reader = self._readers.get(dialect.name)
        if reader is None:
            reader = self._readers[dialect.name] = _Reader.of(self._statement, dialect, cursor)
        return reader

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
        for element in iterate(statement):
            if isinstance(element, BindParameter):
                element.required = False  # a value comes with each execution
        compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
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


@dataclass(frozen=True, slots=True)
class _Reader:
    """How to make rows from the driver's."""

    make: Callable[[Iterable[object]], Row[Any]]
    convert: tuple[tuple[int, Convert], ...]
    """For the columns that the driver does not give as they are."""

    @classmethod
    def of(cls, statement: ClauseElement, dialect: Dialect, cursor: Any) -> "_Reader":  # noqa: ANN401 (the driver's)
        columns: list[Any] = list(cast("Any", statement).exported_columns)
        given = [
            column.type.dialect_impl(dialect).result_processor(dialect, described[1])
            for column, described in zip(columns, cursor.description, strict=True)
        ]
        make = result_tuple([column.name for column in columns])
        return cls(make, tuple((index, convert) for index, convert in enumerate(given) if convert))

    def __call__(self, row: Sequence[object]) -> Row[Any]:
        """One row."""
        values = list(row)
        for index, convert in self.convert:
            values[index] = convert(values[index])
        return self.make(values)


def _tell(connection: Connection, cursor: object, sql: str, parameters: list[Any]) -> None:
    """Tell whoever listens to SQLAlchemy's statements: whoever measures, and tests."""
    told: Any = connection.dispatch.before_cursor_execute
    if told:
        many = len(parameters) > 1
        told(connection, cursor, sql, parameters if many else parameters[0], None, many)


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
