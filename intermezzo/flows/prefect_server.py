"""The embedded Prefect server: a child process with its files in `INTERMEZZO_HOME`, gone when its parent is.

Started as `python -m intermezzo.flows.prefect_server PORT`; the parent holds the other end of its standard input.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path

import httpx

from intermezzo.errors import IntermezzoError
from intermezzo.flows.prefect_address import is_reachable, running_api
from intermezzo.settings import settings

_START_SECONDS = 120.0
_SEND_SECONDS = 5.0


def server_environment(home: Path) -> dict[str, str]:
    """Settings of a Prefect server that holds thousands of suspended runs and keeps to itself."""
    return {
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        # Deadlines are ours; with it on, 30,000 paused runs cost most of a core.
        "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
        "PREFECT_LOGGING_SERVER_LEVEL": "WARNING",
        # The server asks for no CSRF tokens; without this every new client asks for one in vain.
        "PREFECT_CLIENT_CSRF_SUPPORT_ENABLED": "false",
    }


@contextlib.contextmanager
def prefect_api() -> Generator[str]:
    """The API address of the configured Prefect server, of a running `intermezzo serve`, or of an embedded one.

    An embedded server lives as long as the context.

    Sets `PREFECT_API_URL` and what belongs to it; so it comes before the first import of Prefect.

    Raises:
        IntermezzoError: the embedded server did not start; the message says where its log is.
    """
    if running := use_running_api():
        yield running
        return
    home = settings().home_path
    port = free_port(settings().prefect_port)
    os.environ.update(server_environment(home))
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{port}/api"
    try:
        with embedded_server(home, port):
            try:
                yield os.environ["PREFECT_API_URL"]
            finally:
                _send_what_is_left()
    finally:
        del os.environ["PREFECT_API_URL"]


def _send_what_is_left() -> None:
    """Have Prefect's client send the logs and events it holds: without their server it would try for a minute."""
    if "prefect.main" not in sys.modules:  # nothing has used it
        return
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for service in (APILogWorker, EventsWorker):
        service.drain_all(timeout=_SEND_SECONDS)


def use_running_api() -> str | None:
    """The API address of a Prefect server that runs already, made the one of this process; else None.

    Raises:
        IntermezzoError: one is configured, and nothing answers there.
    """
    configured = os.environ.get("PREFECT_API_URL")
    if configured and not is_reachable(configured):
        raise IntermezzoError(f"no Prefect server answers at PREFECT_API_URL={configured}; start it or unset that")
    api = running_api()
    if api and not configured:
        os.environ.update(server_environment(settings().home_path))
        os.environ["PREFECT_API_URL"] = api
    return api


def free_port(preferred: int) -> int:
    """The preferred port of 127.0.0.1, or another if it is taken."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise IntermezzoError("no free port on 127.0.0.1")


@contextlib.contextmanager
def embedded_server(home: Path, port: int) -> Generator[None]:
    """A Prefect server on that port of 127.0.0.1, with its files in `home`, while the context lasts.

    Raises:
        IntermezzoError: it did not start; the message says where its log is.
    """
    home.mkdir(parents=True, exist_ok=True)
    log_path = home / "prefect-server.log"
    with log_path.open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "intermezzo.flows.prefect_server", str(port)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the parent, which then ends the child in order
        )
    try:
        _wait_until_healthy(child, port, log_path)
        yield
    finally:
        assert child.stdin is not None
        child.stdin.close()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_until_healthy(child: "subprocess.Popen[bytes]", port: int, log_path: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    with httpx.Client(trust_env=False) as client:
        while time.monotonic() < deadline:
            if child.poll() is not None:
                break
            with contextlib.suppress(httpx.TransportError):
                if client.get(f"http://127.0.0.1:{port}/api/health", timeout=5).is_success:
                    return
            time.sleep(0.1)
    raise IntermezzoError(f"the embedded Prefect server did not start on port {port}; its log is {log_path}")


def _end_with_parent() -> None:
    """End this process when the parent has closed its end of standard input, however the parent ended."""

    def watch() -> None:
        sys.stdin.buffer.read()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main(port: int) -> None:
    """Run the server in this process."""
    _end_with_parent()
    os.environ["PREFECT_SERVER_API_PORT"] = str(port)
    os.environ["PREFECT_SERVER_UI_API_URL"] = f"http://127.0.0.1:{port}/api"
    import uvicorn
    from prefect.server.api.server import create_app

    uvicorn.run(create_app(), host="127.0.0.1", port=port, log_level="warning", timeout_keep_alive=30)


if __name__ == "__main__":
    main(int(sys.argv[1]))
