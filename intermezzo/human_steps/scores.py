"""Scores: how good the requester found an answer, 0 to 10, said within 48 hours or taken as 10 (spec: SA-54…57, K11).

A missing score is never written: whoever reads an answer after its time takes it as the default.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, case, literal

from intermezzo.store.tables import assignments

MAX_SCORE = 10
DEFAULT_SCORE = 10
"""Of an approved answer that nobody scored in time."""
SCORE_WINDOW = timedelta(hours=48)
"""How long after it was submitted an answer may be scored."""

ACCEPTED = (assignments.c.state == literal("approved", literal_execute=True)) & assignments.c.score_until.is_not(None)
"""Answers that were approved without a dispute: those that have scores, and make a worker's volume. As a literal, for
the planner to see that the index of reputations will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What an answer counts in a reputation."""

    points: int
    """0 to 10."""
    defaulted: bool
    """Nobody said so in time."""


def score_of(assignment: "Row[tuple[object, ...]]", *, at: datetime) -> Score | None:
    """The score of an answer; None: it has none, or none yet."""
    if assignment.state != "approved" or assignment.score_until is None:
        return None
    if assignment.score is not None:
        return Score(points=assignment.score, defaulted=False)
    return Score(points=DEFAULT_SCORE, defaulted=True) if at >= assignment.score_until else None


def points(at: datetime) -> ColumnElement[int | None]:
    """The same as SQL, of an answer that is `ACCEPTED`."""
    return case(
        (assignments.c.score.is_not(None), assignments.c.score),
        (assignments.c.score_until <= at, DEFAULT_SCORE),
    )


def check_score(score: int) -> None:
    """Refuse what is no score.

    Raises:
        ValueError: saying what was expected.
    """
    if isinstance(score, bool) or not 0 <= score <= MAX_SCORE:
        raise ValueError(f"a score is a whole number from 0 to {MAX_SCORE}, got {score!r}")
