"""Ways to run the command line: in this process where that is enough, else as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from intermezzo.cli.app import cli
from intermezzo.flows.prefect_server import embedded_server, free_port
from intermezzo.store import open_store
from tests.desk import Desk

COMMAND = [sys.executable, "-m", "intermezzo"]
FLOWS = Path(__file__).parent / "pipelines.py"
EXAMPLES = Path(__file__).parents[2] / "examples"


class Terminal:
    """Runs commands in this process."""

    def __call__(self, *args: str, input: str | bytes | None = None) -> Result:
        """Run one command line, whatever becomes of it."""
        return CliRunner(env={"COLUMNS": "200"}).invoke(cli, args, input=input, prog_name="intermezzo")

    def json(self, *args: str, input: str | bytes | None = None) -> Any:
        """What a command that succeeds says to programs, on one line."""
        result = self(*args, "--json", input=input)
        assert result.exit_code == 0, result.stderr
        [line] = result.stdout.splitlines()
        return json.loads(line)

    def error(self, *args: str, code: int, input: str | bytes | None = None) -> str:
        """The one line that a command which fails says, the same to people and to programs."""
        result = self(*args, input=input)
        assert (result.exit_code, result.stdout) == (code, ""), result.output
        [line] = result.stderr.splitlines()
        assert line.startswith("error: ")
        said = self(*args, "--json", input=input)
        assert said.exit_code == code
        message = json.loads(said.stderr)["error"]["message"]
        assert line == f"error: {message}"
        return line


@pytest.fixture
def terminal() -> Terminal:
    """A terminal with an empty home."""
    return Terminal()


@pytest.fixture
def desk(isolated_home: Path) -> Desk:
    """A run with credits in the store that commands open by default."""
    return Desk(open_store())


@pytest.fixture
def environment(isolated_home: Path) -> dict[str, str]:
    """Environment of a command in a process of its own."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "COLUMNS": "200",
        "INTERMEZZO_SERVER_PORT": "0",
    }


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API address of a Prefect server."""
    port = free_port(0)
    with embedded_server(tmp_path_factory.mktemp("prefect"), port):
        yield f"http://127.0.0.1:{port}/api"


@pytest.fixture
def online(environment: dict[str, str], prefect_server: str, tmp_path: Path) -> dict[str, str]:
    """Environment of a command that has a Prefect server, and a work pool of the test's own."""
    pool = f"pool-{tmp_path.name}"
    return {**environment, "PREFECT_API_URL": prefect_server, "INTERMEZZO_WORK_POOL": pool}


def run(environment: dict[str, str], *args: str, input: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Run one command in a process of its own."""
    return subprocess.run(
        [*COMMAND, *args], env=environment, input=input, capture_output=True, check=False, timeout=110
    )
