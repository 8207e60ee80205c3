"""Whether a worker gets the task that is next for them, a gold task instead, or none yet. Called by claims.

Everything here is part of the caller's transaction. It costs nothing where terms ask nothing of quality.
"""

from datetime import datetime

from sqlalchemy import Connection, Row

from intermezzo.errors import NotClaimable
from intermezzo.human_steps.gold_record import record_of, refusal, standing
from intermezzo.human_steps.gold_tasks import give, is_drawn
from intermezzo.human_steps.limits import check_limits
from intermezzo.human_steps.quality import Quality
from intermezzo.human_steps.terms import Terms, terms_of
from intermezzo.human_steps.workers import Profile, one_claim_at_a_time
from intermezzo.ledger import Payer

Task = Row[tuple[object, ...]]


def admit(connection: Connection, worker: Profile, head: Task, *, at: datetime) -> Task | None:
    """What a worker gets who takes the next task.

    Test tasks ask nothing of simulated workers: they need not qualify, but gold tasks are mixed in.

    Args:
        head: the task that is next for them.

    Returns:
        None: that task. Otherwise a gold task, locked, to be claimed instead.

    Raises:
        NotClaimable: they have done enough for now, or their answers were not good enough.
    """
    terms = terms_of(connection, head.terms_id)
    if terms.quality is None and worker.daily_limit is None:
        return None
    one_claim_at_a_time(connection, worker.id)
    if not head.test:
        check_limits(connection, worker, terms, at=at)
    if terms.quality is None or terms.quality.gold_set is None:
        return None
    return _gold(connection, worker, head, terms, terms.quality, at=at)


def _gold(
    connection: Connection, worker: Profile, head: Task, terms: Terms, quality: Quality, *, at: datetime
) -> Task | None:
    record = record_of(connection, worker.id, Payer(head.org, test=head.test), quality.gold_set or "")
    asked = not head.test
    if asked and (why := refusal(quality, record)) is not None:
        raise NotClaimable(f"tasks of {head.name!r} are not for worker {worker.id!r}: {why}")
    if head.gold_id is not None:
        return None  # it was given back
    if asked and standing(quality, record) == "new":
        if len(record.answered) + record.held >= quality.qualification_tasks:
            raise NotClaimable(
                f"the first {quality.qualification_tasks} answers decide whether worker {worker.id!r} gets more tasks "
                f"of {head.name!r}: answer the {record.held} you hold first"
            )
        gold = give(connection, head, terms, worker.id, record, at=at)
        if gold is None:
            raise NotClaimable(
                f"worker {worker.id!r} must qualify for tasks of {head.name!r}, and no qualification task is left"
            )
        return gold
    if is_drawn(quality.gold_share, worker.id, head.id, record.taken):
        return give(connection, head, terms, worker.id, record, at=at)
    return None


def check_explicit(connection: Connection, worker: Profile, task: Task, *, at: datetime) -> None:
    """Refuse a worker who may not claim a live task by its id.

    Raises:
        NotClaimable: they must qualify first, have done enough for now, or were not good enough.
    """
    terms = terms_of(connection, task.terms_id)
    if terms.quality is None and worker.daily_limit is None:
        return
    one_claim_at_a_time(connection, worker.id)
    check_limits(connection, worker, terms, at=at)
    quality = terms.quality
    if quality is None or quality.gold_set is None:
        return
    record = record_of(connection, worker.id, Payer(task.org, test=task.test), quality.gold_set)
    if (why := refusal(quality, record)) is not None:
        raise NotClaimable(f"human task {task.id} is not for worker {worker.id!r}: {why}")
    if standing(quality, record) == "new":
        raise NotClaimable(
            f"worker {worker.id!r} must qualify before they may choose a task of {task.name!r}: take the next task"
        )
