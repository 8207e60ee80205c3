"""What the expressions of one document, one estimate or one attempt of a run may take, all together."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from intermezzo.errors import AuthorError


class ExpressionFailed(AuthorError, ValueError):
    """An expression has no value for what it was given."""


class ExpressionTooCostly(ExpressionFailed):
    """An expression takes more time or memory than it may, or gives too much."""


@dataclass(slots=True)
class Allowance:
    """What is left; taking more is refused.

    The defaults are of one attempt of a run: a few hundred thousand honest evaluations.
    """

    seconds: float = 60.0
    """Computing time."""
    bytes: int = 256 * 1024 * 1024
    """Size of the values that expressions become, together."""

    @contextmanager
    def spent_on_failure(self, seconds: float) -> Generator[None]:
        """What is done in here takes so much if it is ended for being too costly; not begun if nothing is left."""
        self.take_seconds(0)
        try:
            yield
        except ExpressionTooCostly:
            self.seconds -= seconds
            raise

    def take_seconds(self, seconds: float) -> None:
        """Take computing time.

        Raises:
            ExpressionTooCostly: there is none left.
        """
        self.seconds -= seconds
        if self.seconds <= 0:
            raise ExpressionTooCostly("the expressions take too much computing time together; make them simpler")

    def take_bytes(self, size: int) -> None:
        """Take room for values.

        Raises:
            ExpressionTooCostly: there is none left.
        """
        self.bytes -= size
        if self.bytes < 0:
            raise ExpressionTooCostly("the expressions give too much together; pass on less, or fewer copies of it")


def measured(value: object, *, most_bytes: int, most_values: int) -> tuple[int, int]:
    """Characters and values of something that came as JSON; stops counting once it is beyond either limit."""
    size = count = 0
    left: list[object] = [value]
    while left and size <= most_bytes and count <= most_values:
        one = left.pop()
        count += 1
        size += 8
        if isinstance(one, str):
            size += len(one)
        elif isinstance(one, dict):
            fields = cast("dict[str, object]", one)
            size += sum(map(len, fields))
            left.extend(fields.values())
        elif isinstance(one, list):
            left.extend(cast("list[object]", one))
    return size, count
