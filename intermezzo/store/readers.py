"""Threads that read, each on a connection that it keeps: a new one for every read would cost more than most reads."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from intermezzo.store.writer import Work

T = TypeVar("T")

THREADS = 4


class Readers:
    """Those who read from a store for the event loops of a process.

    Args:
        engine: whose transactions only read and see one moment.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="intermezzo-reader")
        self._own = threading.local()
        self._connections: list[Connection] = []

    async def read(self, work: Work[T]) -> T:
        """Run a function that only reads, on a consistent snapshot."""
        return await asyncio.wrap_future(self._threads.submit(self._run, work))

    def _run(self, work: Work[T]) -> T:
        known: Connection | None = getattr(self._own, "connection", None)
        try:
            return self._read(known or self._connect(), work)
        except DBAPIError as error:
            self._disconnect()
            # The database was restarted, say, since this thread has read last.
            if known is None or not error.connection_invalidated:
                raise
            return self._read(self._connect(), work)

    @staticmethod
    def _read(connection: Connection, work: Work[T]) -> T:
        with connection.begin():
            return work(connection)

    def _connect(self) -> Connection:
        connection = self._own.connection = self._engine.connect()
        self._connections.append(connection)
        return connection

    def _disconnect(self) -> None:
        connection = self._own.connection
        self._own.connection = None
        self._connections.remove(connection)
        connection.close()

    def close(self) -> None:
        """Finish what is being read."""
        self._threads.shutdown()
        for connection in self._connections:
            connection.close()
