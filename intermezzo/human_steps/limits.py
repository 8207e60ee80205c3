"""How much one worker may do: answers in the last hour or day, and claims they hold. Called by admission."""

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from intermezzo.errors import NotClaimable
from intermezzo.human_steps.terms import Terms
from intermezzo.human_steps.workers import Profile
from intermezzo.store.tables import assignments, human_tasks, responses

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def check_limits(connection: Connection, worker: Profile, terms: Terms, *, at: datetime) -> None:
    """Refuse a worker who has answered as many live tasks as they may.

    Raises:
        NotClaimable: saying when they may come back.
    """
    quality = terms.quality
    asked = (
        (quality.hourly_limit if quality else None, HOUR, terms.type),
        (quality.daily_limit if quality else None, DAY, terms.type),
        (worker.daily_limit, DAY, None),
    )
    for limit, window, type in asked:
        if limit is not None:
            _check(connection, worker.id, limit, window, type, at=at)


def _check(
    connection: Connection, worker_id: str, limit: int, window: timedelta, type: str | None, *, at: datetime
) -> None:
    of_type = () if type is None else (human_tasks.c.type == type,)
    what = f"answers to tasks of type {type}" if type else "answers"
    per = "an hour" if window == HOUR else "a day"
    held = connection.scalar(
        select(func.count())
        .join_from(assignments, human_tasks, human_tasks.c.id == assignments.c.task_id)
        .where(assignments.c.worker_id == worker_id, assignments.c.state == "claimed", ~human_tasks.c.test, *of_type)
    )
    free = limit - (held or 0)
    if free <= 0:
        raise NotClaimable(f"at most {limit} {what} in {per}: answer the {held} tasks that you hold first")
    # With the oldest of as many answers as are free, one becomes free when it is older than the window.
    oldest = connection.scalar(
        select(responses.c.submitted_at)
        .join(human_tasks, human_tasks.c.id == responses.c.task_id)
        .where(
            responses.c.worker_id == worker_id, responses.c.submitted_at > at - window, ~human_tasks.c.test, *of_type
        )
        .order_by(responses.c.submitted_at.desc())
        .offset(free - 1)
        .limit(1)
    )
    if oldest is not None:
        again_at = oldest + window
        raise NotClaimable(
            f"at most {limit} {what} in {per}: come back at {again_at:%Y-%m-%d %H:%M} UTC", again_at=again_at
        )
