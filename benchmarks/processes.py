"""Starting what is measured, and reading what processes cost; the rest of the harness calls this."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository: scripts run there, so that `-m benchmarks.…` and `intermezzo` are found."""

FOREIGN_PREFIXES = ("PREFECT_", "INTERMEZZO_", "DBOS_", "LANGSMITH_", "LANGCHAIN_", "LANGGRAPH_")
"""Settings of the person's shell that would change what is measured."""


class ScriptError(RuntimeError):
    """A measured script did not print a result."""


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """The environment of everything that is measured: nobody's settings, no telemetry, files in `folder`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN_PREFIXES)}
    return kept | {
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_ENABLED": "false",
        "INTERMEZZO_HOME": str(folder / "intermezzo"),
        "INTERMEZZO_SERVER_PORT": str(free_port()),
        "DO_NOT_TRACK": "1",
        "LANGSMITH_TRACING": "false",
        **changes,
    }


def run_script(
    python: Path,
    module: str,
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    timeout_seconds: float,
) -> dict[str, object]:
    """Run one measured script and return the JSON object of its last line.

    Raises:
        ScriptError: it failed, took too long or printed no result.
    """
    process = subprocess.Popen(
        [str(python), "-m", module, *arguments],
        cwd=ROOT,
        env=dict(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, err = process.communicate(timeout=timeout_seconds)
    except subprocess.TimeoutExpired:
        raise ScriptError(f"{module} took more than {timeout_seconds:.0f} s") from None
    finally:
        end_group(process)
    if process.returncode:
        raise ScriptError(f"{module} exited with {process.returncode}:\n{err.strip()[-2000:]}")
    try:
        return json.loads(out.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        raise ScriptError(f"{module} printed no JSON object on its last line, got {out[-200:]!r}") from None


def end_group(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a process that we started as leader of its own session, and whatever it left behind there."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue
        time.sleep(0.5)
    process.wait()


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def prefect_server(folder: Path) -> Iterator[dict[str, str]]:
    """A Prefect server of its own, with its files in `folder`; gives the environment that finds it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/api"
    settings = environment(folder)
    with (folder / "prefect-server.log").open("wb") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "prefect",
                "server",
                "start",
                "--host",
                "127.0.0.1",
                "--port",
                str(port),
                "--no-ui",
            ],
            env=settings,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until_healthy(url, server)
        yield settings | {"PREFECT_API_URL": url, "BENCHMARK_SERVER_PID": str(server.pid)}
    finally:
        end_group(server)


def wait_until_healthy(url: str, server: subprocess.Popen[bytes], *, seconds: float = 120) -> None:
    """Wait until a Prefect server answers.

    Raises:
        ScriptError: it ended or did not answer in time.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=2):  # noqa: S310 (our own http URL)
                return
        except OSError:
            time.sleep(0.3)
    raise ScriptError(f"the Prefect server did not answer within {seconds:.0f} s; its log is prefect-server.log")
