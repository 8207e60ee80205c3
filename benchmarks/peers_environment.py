"""The interpreter with the peers: this one if it has them, else one in an environment of its own."""

import hashlib
import importlib.util
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import ROOT

FOLDER = ROOT / ".venv-bench"
LOCK = ROOT / "requirements" / "bench.txt"


def peers_python() -> Path:
    """The interpreter to run the peers' scripts with; installs what is missing.

    Raises:
        FileNotFoundError: there is no lock to install from.
        subprocess.CalledProcessError: pip failed; its output says why.
    """
    if all(importlib.util.find_spec(name) for name in ("dbos", "langgraph", "presidio_analyzer")):
        return Path(sys.executable)
    python, stamp = FOLDER / "bin" / "python", FOLDER / "lock.sha256"
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", str(FOLDER)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*pip, "-r", str(LOCK)], check=True)
    stamp.write_text(wanted)
    return python
