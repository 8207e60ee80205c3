"""Nobody gets out: the corpus of attacks, at every level that is meant to hold."""

import asyncio
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from intermezzo.sandbox.jail import Jail
from intermezzo.sandbox.job import Level, Limits, Outcome
from tests.sandbox import attacks
from tests.sandbox.attacks import Attack

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="these levels are made of Linux's kernel")

LIMITS = Limits(timeout_seconds=30.0)
LEVELS: tuple[Level, ...] = ("L3", "L2")


class Host:
    """What there is to get."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.secret = secrets.token_hex(16)
        self.file = folder / "secret"
        self.file.write_text(self.secret)
        self.file.chmod(0o600)
        self.victim = subprocess.Popen(["sleep", "600"])
        self.port = socket.create_server(("127.0.0.1", 0))
        self.abstract_name = f"intermezzo-{self.secret}"
        self.sockets = [
            self.listen(kind, address)
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)
            for address in (f"\0{self.abstract_name}-{kind:d}", f"{folder}/socket-{kind:d}")
        ]
        self.before = self.state()

    def listen(self, kind: socket.SocketKind, address: str) -> socket.socket:
        """A Unix socket that everybody may reach."""
        made = socket.socket(socket.AF_UNIX, kind)
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen()
        if address.startswith("/"):
            Path(address).chmod(0o777)
        return made

    def state(self) -> object:
        """What must be the same afterwards."""
        about = self.file.stat()
        return (
            self.file.read_text(),
            (about.st_mode, about.st_uid, about.st_mtime_ns, about.st_nlink),
            sorted(entry.name for entry in self.folder.iterdir()),
            self.victim.poll(),
            os.getpriority(os.PRIO_PROCESS, self.victim.pid),
        )

    def close(self) -> None:
        """Give it all back."""
        self.victim.kill()
        self.victim.wait()
        for listener in (self.port, *self.sockets):
            listener.close()

    @property
    def stdin(self) -> bytes:
        """For the attacks."""
        return json.dumps(
            {
                "file": str(self.file),
                "folder": str(self.folder),
                "secret": self.secret,
                "pid": os.getpid(),
                "uid": os.getuid(),
                "victim": self.victim.pid,
                "port": self.port.getsockname()[1],
                "abstract": f"{self.abstract_name}-1",
                "abstract_datagrams": f"{self.abstract_name}-2",
                "named": f"{self.folder}/socket-1",
                "datagrams": f"{self.folder}/socket-2",
            }
        ).encode()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("host"))
    yield made
    made.close()


class Corpus:
    """What became of all attacks at one level, run side by side as users would run them."""

    AT_ONCE = 6

    def __init__(self, level: Level, host: Host) -> None:
        self.host = host
        self.jail = Jail(level, LIMITS)
        self.outcomes = asyncio.run(self._run())
        self.alive = self.jail.alive
        self.jail.close()

    async def _run(self) -> dict[str, Outcome]:
        places = asyncio.Semaphore(self.AT_ONCE)

        async def run(attack: Attack) -> tuple[str, Outcome]:
            async with places:
                limits = LIMITS.within(attack.seconds)
                return attack.name, await self.jail.run(attack.program.encode(), stdin=self.host.stdin, limits=limits)

        return dict(await asyncio.gather(*map(run, attacks.ALL)))


@pytest.fixture(scope="module", params=LEVELS)
def corpus(request: pytest.FixtureRequest, host: Host) -> Corpus:
    return Corpus(request.param, host)


@pytest.mark.parametrize("attack", attacks.ALL, ids=lambda attack: attack.name)
def test_no_attack_gets_what_it_wants(corpus: Corpus, attack: Attack) -> None:
    outcome = corpus.outcomes[attack.name]
    assert b"ESCAPED" not in outcome.stdout.data, outcome.stdout.text[-500:] + outcome.stderr.text[-500:]
    assert b"SyntaxError" not in outcome.stderr.data
    assert len(outcome.stdout.data) <= LIMITS.output_bytes
    assert outcome.memory_peak_bytes < LIMITS.memory_bytes


def test_the_host_is_as_it_was(corpus: Corpus) -> None:
    assert corpus.host.state() == corpus.host.before
    assert corpus.alive


_SYSTEM_PYTHON = Path(f"/usr/bin/python3.{sys.version_info.minor}")
_NOBODY = 65534


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """A folder of an ordinary user, where they can reach it: pytest's own are root's alone."""
    with tempfile.TemporaryDirectory() as folder:
        os.chown(folder, _NOBODY, _NOBODY)
        yield Path(folder)


@pytest.mark.skipif(os.getuid() != 0, reason="every attack above was an ordinary user's already")
@pytest.mark.skipif(not _SYSTEM_PYTHON.exists(), reason=f"{_SYSTEM_PYTHON} is missing: one that everybody may run")
@pytest.mark.timeout(400)
def test_all_of_it_holds_for_an_ordinary_user_too(own_folder: Path) -> None:
    here = Path(__file__).parents[2]
    packages = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [_SYSTEM_PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={own_folder}/pytest", __file__],
        cwd=here,
        env={"PYTHONPATH": os.pathsep.join([str(here), *packages]), "HOME": str(own_folder), "TMPDIR": str(own_folder)},
        user=_NOBODY,
        group=_NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    summary = done.stdout.strip().rpartition("\n")[2]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert f"{(len(attacks.ALL) + 1) * len(LEVELS)} passed" in summary
