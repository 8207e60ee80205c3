"""The machine and the versions the figures come from; nothing that tells whose machine it is."""

import json
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

PACKAGES = ("dbos", "langgraph", "langgraph-checkpoint-sqlite", "prefect", "presidio-analyzer", "sqlalchemy")
_FIND_VERSIONS = f"""
import json, platform, sqlite3
from importlib.metadata import PackageNotFoundError, version
found = {{"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}}
for name in {PACKAGES!r}:
    try:
        found[name] = version(name)
    except PackageNotFoundError:
        pass
print(json.dumps(found))
"""


def versions(python: Path) -> dict[str, str]:
    """Versions in an environment of what matters to the figures."""
    done = subprocess.run([str(python), "-c", _FIND_VERSIONS], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def sync_ms(folder: Path, *, repeats: int = 50) -> float:
    """Median milliseconds of forcing 4 KB to the disk: what every durable commit pays at least."""
    times: list[float] = []
    with (folder / "sync").open("wb") as file:
        for _ in range(repeats):
            file.write(bytes(4096))
            file.flush()
            began = time.perf_counter()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def describe(folder: Path, *, ours: Path, peers: Path) -> dict[str, object]:
    """What a reader needs to judge the figures.

    Args:
        folder: where the measured databases will be.
        ours: the interpreter of Intermezzo and Prefect.
        peers: the interpreter of the others.
    """
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "cpu_count": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "disk_sync_ms": round(sync_ms(folder), 3),
        "ours": versions(ours),
        "peers": versions(peers),
    }
