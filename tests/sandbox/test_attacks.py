"""Nobody gets out: the corpus of attacks, at every level that is meant to hold."""

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from intermezzo.sandbox.jail import Jail
from intermezzo.sandbox.job import Level, Limits
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
        self.abstract, self.named = (socket.socket(socket.AF_UNIX) for _ in range(2))
        self.abstract_name = f"intermezzo-{self.secret}"
        self.abstract.bind(f"\0{self.abstract_name}")
        self.named.bind(str(folder / "socket"))
        for listener in (self.abstract, self.named):
            listener.listen()
        self.before = self.state()

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
        for listener in (self.port, self.abstract, self.named):
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
                "abstract": self.abstract_name,
                "named": str(self.folder / "socket"),
            }
        ).encode()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    made = Host(tmp_path_factory.mktemp("host"))
    yield made
    made.close()


@pytest.fixture(scope="module", params=LEVELS)
def jail(request: pytest.FixtureRequest) -> Iterator[Jail]:
    made = Jail(request.param, LIMITS)
    yield made
    made.close()


@pytest.mark.parametrize("attack", attacks.ALL, ids=lambda attack: attack.name)
async def test_no_attack_gets_what_it_wants(jail: Jail, host: Host, attack: Attack) -> None:
    outcome = await jail.run(attack.program.encode(), stdin=host.stdin, limits=LIMITS.within(attack.seconds))
    assert b"ESCAPED" not in outcome.stdout.data, outcome.stdout.text[-500:] + outcome.stderr.text[-500:]
    assert host.state() == host.before
    assert b"SyntaxError" not in outcome.stderr.data
    assert len(outcome.stdout.data) <= LIMITS.output_bytes
    assert jail.alive


_SYSTEM_PYTHON = Path(f"/usr/bin/python3.{sys.version_info.minor}")
_NOBODY = 65534


@pytest.mark.skipif(os.getuid() != 0, reason="every attack above was an ordinary user's already")
@pytest.mark.skipif(not _SYSTEM_PYTHON.exists(), reason=f"{_SYSTEM_PYTHON} is missing: one that everybody may run")
@pytest.mark.timeout(400)
def test_all_of_it_holds_for_an_ordinary_user_too(tmp_path: Path) -> None:
    tmp_path.chmod(0o711)
    own = tmp_path / "own"
    own.mkdir()
    os.chown(own, _NOBODY, _NOBODY)
    here = Path(__file__).parents[2]
    packages = [path for path in sys.path if path.endswith("site-packages")]
    done = subprocess.run(
        [_SYSTEM_PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={own}/pytest", __file__],
        cwd=here,
        env={"PYTHONPATH": os.pathsep.join([str(here), *packages]), "HOME": str(own), "TMPDIR": str(own)},
        user=_NOBODY,
        group=_NOBODY,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    summary = done.stdout.strip().rpartition("\n")[2]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    assert f"{len(attacks.ALL) * len(LEVELS)} passed" in summary
