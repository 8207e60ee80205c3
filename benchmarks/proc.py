"""What process trees cost, read from Linux's /proc; only the standard library."""

import os
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def tree(pid: int) -> list[int]:
    """A process and all its descendants that live now."""
    parents = {int(entry.name): parent(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    found = [pid]
    for known in found:
        found += [child for child, its_parent in parents.items() if its_parent == known]
    return found


def parent(pid: int) -> int | None:
    """The parent of a process, or None if it has ended."""
    fields = stat(pid)
    return int(fields[1]) if fields else None


def cpu_seconds(pid: int) -> float:
    """CPU time of a process in user and system mode; 0 if it has ended."""
    fields = stat(pid)
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND if fields else 0.0


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in RAM; 0 if it has ended."""
    fields = stat(pid)
    return int(fields[21]) * PAGE_BYTES if fields else 0


def cpu_percent(pid: int, *, seconds: float) -> float:
    """Share of one core, in percent, that a process tree uses during the next `seconds`."""
    began, before = time.monotonic(), sum(map(cpu_seconds, tree(pid)))
    time.sleep(seconds)
    used = sum(map(cpu_seconds, tree(pid))) - before
    return used / (time.monotonic() - began) * 100
