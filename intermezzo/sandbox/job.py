"""What a sandboxed run is given and what it gives back; shared by every level of isolation."""

import codecs
from dataclasses import dataclass, fields, replace
from typing import Literal

MEBIBYTE = 1024 * 1024

Level = Literal["L1", "L2", "L3"]
LEVELS: tuple[Level, ...] = ("L1", "L2", "L3")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one run may use; going past a limit ends or cuts the run, never the orchestrator."""

    timeout_seconds: float = 10.0
    """Wall clock. Ten seconds are plenty for glue code (spec: CS-59)."""
    memory_bytes: int = 512 * MEBIBYTE
    """Address space of each process: room for a data frame, not for exhausting a small machine."""
    file_bytes: int = 32 * MEBIBYTE
    """Largest file a run may write."""
    disk_bytes: int = 64 * MEBIBYTE
    """All files of a run together."""
    files: int = 4096
    """How many files and directories a run may make."""
    threads: int = 64
    """How many a run may start."""
    open_files: int = 256
    """Open descriptors of each process."""
    output_bytes: int = MEBIBYTE
    """How much of stdout and of stderr is kept, each; the rest is read and dropped."""

    flood_bytes: int = 64 * MEBIBYTE
    """Output past which a run is killed: reading it keeps the orchestrator from its work."""

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value!r}")

    def within(self, seconds: float) -> "Limits":
        """The same, with less time."""
        return replace(self, timeout_seconds=min(seconds, self.timeout_seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Isolation:
    """Which protections a run had, and which it had not."""

    level: Level
    """`L1` baseline, `L2` kernel filters, `L3` full."""
    layers: list[str]
    """Protections that were on."""
    missing: list[str]
    """What the run could still reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Captured:
    """The first bytes of an output stream, and how many there were."""

    data: bytes
    total_bytes: int

    @property
    def truncated(self) -> bool:
        """Whether some of the stream was dropped."""
        return self.total_bytes > len(self.data)

    @property
    def text(self) -> str:
        """The stream as text: UTF-8, with U+FFFD for what is not; a last line says if it was cut."""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(self.data, final=not self.truncated)
        if not self.truncated:
            return text
        return f"{text}\n[truncated: the first {len(self.data):,} of {self.total_bytes:,} bytes]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a run ended."""

    stdout: Captured
    stderr: Captured
    exit_code: int
    """What the program exited with; negative: the number of the signal that ended it."""
    runtime_seconds: float
    timed_out: bool
    """Whether it was killed because its time was over."""
    memory_peak_bytes: int = 0
    """Most memory it had at a time; 0 where nobody measures it."""
    killed_for: str = ""
    """What it had taken too much of, if it was killed for that."""
    isolation: Isolation
