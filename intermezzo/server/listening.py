"""Serving HTTP in a process that does other things too: `intermezzo serve` and tests."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from fastapi import FastAPI

from intermezzo.errors import ServerError
from intermezzo.flows.launching import Launcher
from intermezzo.server.app import create_app
from intermezzo.server.context import Context
from intermezzo.steps import registered_types
from intermezzo.store import Store

GRACE_SECONDS = 5
"""How long requests may go on after the end was asked for; streams end at once."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals to the process."""
        yield


@asynccontextmanager
async def listening(
    store: Store, *, host: str = "127.0.0.1", port: int = 0, launcher: Launcher | None = None
) -> AsyncGenerator[str]:
    """Serve HTTP until the context is left, then finish what was asked.

    Args:
        store: what is served; whoever opened it closes it.
        host: address or name of this machine to listen at.
        port: 0 takes a free one.
        launcher: where runs of pipelines are executed; None: this server starts none.

    Yields:
        The address: `http://127.0.0.1:8470`.

    Raises:
        ServerError: somebody else listens there, or that is no address of this machine.
    """
    registered_types()  # or the first to post a task waits for their modules, and everybody else meanwhile
    app = create_app(store, launcher=launcher)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_SECONDS, server_header=False
    )
    server = _Server(config)
    with _bound(host, port) as listener:
        serving = asyncio.create_task(server.serve([listener]), name="http")
        try:
            while not server.started and not serving.done():  # noqa: ASYNC110 (uvicorn tells nobody)
                await asyncio.sleep(0.01)
            shown = f"[{host}]" if ":" in host else host
            yield f"http://{shown}:{listener.getsockname()[1]}"
        finally:
            _context(app).changes.close()
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await serving


def _context(app: FastAPI) -> Context:
    context: Context = app.state.context
    return context


@contextmanager
def _bound(host: str, port: int) -> Generator[socket.socket]:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServerError(f"cannot listen at {host}: {error}") from None
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise ServerError(
                f"cannot listen at {host}:{port}: {error.strerror}; choose another with --port, or --no-http"
            ) from None
        yield listener
