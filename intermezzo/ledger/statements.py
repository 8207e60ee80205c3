"""What an organisation has, and where it went; for shell and HTTP."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from intermezzo.ledger.accounts import Payer
from intermezzo.store.tables import human_tasks, step_calls, transfers

_SPENT = ("capture", "reward", "fee")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """An organisation's credits."""

    available: int
    """What it may spend."""
    reserved: int
    """What open calls and tasks hold."""
    used: int
    """Spent on AI steps, rewards and fees, ever."""
    granted: int
    """Received, ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A transfer from or to an organisation."""

    seq: int
    at: datetime
    move: str
    source: str
    target: str
    credits: int
    subject: str
    """A step call's reservation, a human task or a grant."""
    n: int
    """Tells moves of one kind and subject apart."""
    step: str | None
    """Name of the step, or of the human task's."""
    run_id: str | None


def summary(connection: Connection, payer: Payer) -> Summary:
    """What an organisation has, summed over its transfers."""
    out_of, into, move = transfers.c.source, transfers.c.target, transfers.c.move
    row = connection.execute(
        select(
            (_sum(into == payer.available) - _sum(out_of == payer.available)).label("available"),
            (_sum(into == payer.reserved) - _sum(out_of == payer.reserved)).label("reserved"),
            _sum(and_(out_of == payer.reserved, move.in_(_SPENT))).label("used"),
            _sum(and_(into == payer.available, move == "grant")).label("granted"),
        ).where(_of(payer))
    ).one()
    return Summary(
        available=int(row.available), reserved=int(row.reserved), used=int(row.used), granted=int(row.granted)
    )


def entries(
    connection: Connection, payer: Payer, *, run_id: str | None = None, before: int | None = None, limit: int = 50
) -> list[Entry]:
    """Transfers of an organisation, or of a run, the newest first.

    Args:
        payer: the organisation.
        run_id: those of this run, whoever paid.
        before: `seq` of the last entry of the page before.
        limit: most to return.
    """
    run = func.coalesce(step_calls.c.run_id, human_tasks.c.run_id)
    query = (
        select(
            transfers,
            func.coalesce(step_calls.c.step, human_tasks.c.name).label("step"),
            run.label("run_id"),
        )
        .outerjoin(human_tasks, human_tasks.c.id == transfers.c.subject)
        .outerjoin(step_calls, step_calls.c.reservation_id == transfers.c.subject)
        .where(_of(payer) if run_id is None else run == run_id)
        .order_by(transfers.c.seq.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(transfers.c.seq < before)
    return [Entry(**row) for row in connection.execute(query).mappings()]


def _of(payer: Payer) -> ColumnElement[bool]:
    own = (payer.available, payer.reserved)
    return or_(transfers.c.source.in_(own), transfers.c.target.in_(own))


def _sum(where: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((where, transfers.c.credits), else_=0)), 0)
