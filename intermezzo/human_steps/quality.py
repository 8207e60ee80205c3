"""What a step asks of the quality of answers: gold tasks, qualification, time, limits. Part of a task's `terms`."""

import re
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from intermezzo.errors import DefinitionError

GOLD_SET = re.compile(r"[A-Za-z0-9._-]{1,64}")
"""What the name of a gold set is made of."""

DECIDES_WHO_CLAIMS = {
    "gold_set",
    "min_gold_accuracy",
    "qualification_tasks",
    "qualification_accuracy",
    "hourly_limit",
    "daily_limit",
}
"""Fields that decide who may claim."""

_RANGES: dict[str, tuple[float, float]] = {
    "gold_share": (0, 1),
    "min_gold_accuracy": (0, 1),
    "qualification_tasks": (0, 100),
    "qualification_accuracy": (0, 1),
    "min_seconds": (0, 86_400),
    "hourly_limit": (1, 100_000),
    "daily_limit": (1, 100_000),
    "max_reports": (1, 100),
}
_SHARES = ("gold_share", "min_gold_accuracy", "qualification_accuracy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """How the quality of answers is kept; `with_options(quality=Quality(...))`.

    Raises:
        DefinitionError: a number is out of range, or something is asked for that needs a gold set.
    """

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid", strict=True)

    gold_set: str | None = None
    """Tasks whose answer is known, made with `intermezzo gold add`, to be mixed in."""
    gold_share: float = 0.1
    """How often a worker gets one of them instead of a real task, 0 to 1."""
    min_gold_accuracy: float | None = None
    """Whoever was right less often in their last 20 answers to them, of at least 5, gets no more tasks: 0 to 1."""
    qualification_tasks: int = 0
    """How many of them a worker answers before the first real task, 0 to 100."""
    qualification_accuracy: float = 0.8
    """How often they must have been right in these, 0 to 1."""
    min_seconds: int = 0
    """Shortest time between claim and answer."""
    hourly_limit: int | None = None
    """Answers of one worker to tasks of this type in any 60 minutes."""
    daily_limit: int | None = None
    """The same in any 24 hours."""
    max_reports: int = 3
    """So many workers report a problem: the task fails."""

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            _check_number(name, getattr(self, name), least, most)
        if self.gold_set is None:
            if self.qualification_tasks or self.min_gold_accuracy is not None:
                raise DefinitionError(
                    "qualification_tasks and min_gold_accuracy need a gold_set, whose answers are known"
                )
        elif GOLD_SET.fullmatch(self.gold_set) is None:
            raise DefinitionError(
                "gold_set is a name of 1 to 64 letters, digits, dots, dashes or underscores, "
                f"got {self.gold_set[:100]!r}"
            )


def _check_number(name: str, value: object, least: float, most: float) -> None:
    if value is None and name in ("min_gold_accuracy", "hourly_limit", "daily_limit"):
        return
    kinds = (int, float) if name in _SHARES else int
    if not isinstance(value, kinds) or isinstance(value, bool) or not least <= value <= most:
        what = "a number" if name in _SHARES else "a whole number"
        raise DefinitionError(f"{name} is {what} from {least:g} to {most:g}, got {value!r}")
