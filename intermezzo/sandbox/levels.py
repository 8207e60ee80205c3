"""Which level of isolation this machine gives, found out by attacking it; called by whoever runs untrusted code."""

import asyncio
import json
import logging
import os
import sys
import sysconfig
import threading
from functools import cache
from pathlib import Path

from intermezzo.errors import SandboxError
from intermezzo.sandbox import baseline
from intermezzo.sandbox.jail import Jail
from intermezzo.sandbox.job import LEVELS, Level, Limits, Outcome
from intermezzo.sandbox.probe import ATTACKS, target

logger = logging.getLogger(__name__)

_PROBE_SECONDS = 10.0


class Sandbox:
    """Runs untrusted Python at the strongest level that holds here; for every thread and event loop.

    Args:
        limits: for every run; a run may have a shorter time.
        packages: directories of packages that runs may import.
        preload: modules to have ready before the first run.
        minimum: the weakest level to accept.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        packages: tuple[str, ...] = (),
        preload: tuple[str, ...] = (),
        minimum: Level | None = None,
    ) -> None:
        self._limits = limits
        self._packages = packages
        self._preload = preload
        self._minimum: Level = minimum or least_level()
        self._jail: Jail | None = None
        self._weakest = False
        self._lock = threading.Lock()
        self._pid = 0

    async def run(self, code: str, *, stdin: str | bytes = b"", timeout_seconds: float) -> Outcome:
        """Run a Python program to its end, or until its time is over.

        Args:
            code: source of the program.
            stdin: what it reads as standard input.
            timeout_seconds: wall clock.

        Returns:
            How it ended. A program that fails, floods its output or is killed is an outcome, not an error.

        Raises:
            SandboxError: no level that is demanded holds here, or no process could be had.
        """
        limits = self._limits.within(timeout_seconds)
        source, text = code.encode(), stdin.encode() if isinstance(stdin, str) else stdin
        jail = self._jail
        if jail is None or not jail.alive or self._pid != os.getpid():
            jail = await asyncio.to_thread(self._open)
        if jail is None:
            return await baseline.run(source, stdin=text, limits=limits)
        return await jail.run(source, stdin=text, limits=limits)

    def close(self) -> None:
        """End everything that runs in it."""
        with self._lock:
            if self._jail is not None and self._pid == os.getpid():
                self._jail.close()
            self._jail = None

    def _open(self) -> Jail | None:
        """The strongest level that holds, opened; None is the baseline."""
        with self._lock:
            if self._pid != os.getpid():  # also after a fork, whose child has none of the threads
                self._pid, self._jail, self._weakest = os.getpid(), None, False
            if self._weakest or (self._jail is not None and self._jail.alive):
                return self._jail
            reasons: list[str] = []
            for level in _candidates(self._minimum):
                reason = self._try(level)
                if reason is None:
                    self._weakest = self._jail is None
                    return self._jail
                reasons.append(f"{level}: {reason}")
        raise SandboxError(
            f"untrusted code is refused: no sandbox of level {self._minimum} or above works here "
            f"({'; '.join(reasons)}). On a machine you would let this code have, set INTERMEZZO_SANDBOX_MINIMUM=L1"
        )

    def _try(self, level: Level) -> str | None:
        """Open a level; returns why not."""
        if level == "L1":
            self._jail = None
            return None
        try:
            jail = Jail(level, self._limits, packages=self._packages, preload=self._preload)
        except (SandboxError, OSError) as error:
            return str(error)
        try:
            reason = asyncio.run(_attack(jail))
        except (SandboxError, OSError) as error:
            reason = str(error)
        if reason is None:
            self._jail = jail
        else:
            jail.close()
            logger.info("sandbox level %s is not used: %s", level, reason)
        return reason


def least_level() -> Level:
    """The weakest level that runs may have: what the operator says, else the weakest that protects the host."""
    from intermezzo.settings import settings  # slow to import, and most steps run without it

    return settings().sandbox_minimum or ("L2" if sys.platform == "linux" else "L1")


def _candidates(minimum: Level) -> list[Level]:
    possible: list[Level] = list(LEVELS) if sys.platform == "linux" else ["L1"]
    return [level for level in reversed(possible) if level >= minimum]


async def _attack(jail: Jail) -> str | None:
    with target() as things:
        stdin = json.dumps(things.as_dict()).encode()
        outcome = await jail.run(ATTACKS.encode(), stdin=stdin, limits=jail.limits.within(_PROBE_SECONDS))
    if outcome.exit_code:
        last = outcome.stderr.text.strip().rpartition("\n")[2]
        return f"a program could not run in it: exit code {outcome.exit_code} {last}"
    succeeded = json.loads(outcome.stdout.text)
    return f"a program in it could {', '.join(succeeded)}" if succeeded else None


@cache
def code_sandbox() -> Sandbox:
    """The sandbox for programs that somebody else wrote."""
    from intermezzo.settings import settings

    environment = settings().sandbox_environment
    return Sandbox(Limits(timeout_seconds=30.0), packages=_packages_of(environment) if environment else ())


def _packages_of(environment: Path) -> tuple[str, ...]:
    paths = {"base": str(environment), "platbase": str(environment)}
    found = {sysconfig.get_path(name, "venv", vars=paths) for name in ("purelib", "platlib")}
    present = tuple(sorted(path for path in found if Path(path).is_dir()))
    if not present:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SandboxError(
            f"INTERMEZZO_SANDBOX_ENVIRONMENT={environment} holds no packages for Python {version}; "
            f"make it with `python{version} -m venv {environment}`"
        )
    return present


async def run_python(code: str, *, stdin: str = "", timeout_seconds: float = 10.0) -> Outcome:
    """Run a program in `code_sandbox`; see `Sandbox.run`."""
    return await code_sandbox().run(code, stdin=stdin, timeout_seconds=timeout_seconds)
