"""The moves of money. Each is part of the caller's transaction and happens at most once.

A transfer is one row with a source and a target, so every transaction sums to zero by construction, and the unique
operation key (subject, move, n) refuses the same move a second time. Only `available` has a running balance, because
only there a decision depends on it; every other balance is a sum over transfers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, bindparam, case, func, literal, select, update

from intermezzo.errors import InsufficientCredits
from intermezzo.ledger.accounts import Payer
from intermezzo.store import Prepared, insert_into
from intermezzo.store.tables import accounts, transfers

Move = Literal["grant", "reserve", "capture", "reward", "fee", "release"]


_INSERT = Prepared.insert(transfers)
_TAKE = Prepared(
    update(accounts)
    .where(accounts.c.name == bindparam("account"), accounts.c.balance >= bindparam("needed"))
    .values(balance=accounts.c.balance - bindparam("needed"))
)


_signed = case((transfers.c.move == "reserve", transfers.c.credits), else_=-transfers.c.credits)
_HELD = Prepared(select(func.coalesce(func.sum(_signed), 0)).where(transfers.c.subject == bindparam("for")))


@dataclass(frozen=True, slots=True)
class Reservation:
    """Credits held for one subject: the n-th opening of a step call, or a human task."""

    subject: str
    n: int
    credits: int


def grant(connection: Connection, payer: Payer, credits: int, *, subject: str, at: datetime) -> None:
    """Give an organisation credits to spend.

    Args:
        credits: how many, above 0.
        subject: unique name of this grant; the same name grants once.

    Raises:
        ValueError: `credits` is not above 0.
    """
    if credits <= 0:
        raise ValueError(f"a grant is 1 credit or more, got {credits!r}")
    _post(connection, [_row(subject, "grant", 1, payer.world, payer.available, credits, at)])
    _credit_available(connection, payer, credits)


def reserve(connection: Connection, payer: Payer, reservations: Sequence[Reservation], *, at: datetime) -> None:
    """Hold credits for step calls before any work: all of them or none.

    Raises:
        InsufficientCredits: fewer are available than all of them need.
    """
    needed = sum(r.credits for r in reservations)
    if needed == 0:
        return
    if not _TAKE.run(connection, [{"account": payer.available, "needed": needed}]):
        available = connection.scalar(select(accounts.c.balance).where(accounts.c.name == payer.available)) or 0
        raise InsufficientCredits(payer.available, needed_credits=needed, available_credits=available)
    _post(
        connection,
        [_row(r.subject, "reserve", r.n, payer.available, payer.reserved, r.credits, at) for r in reservations],
    )


def capture(connection: Connection, payer: Payer, reservations: Sequence[Reservation], *, at: datetime) -> None:
    """Spend what was reserved for primitives that are done."""
    _post(connection, [_row(r.subject, "capture", r.n, payer.reserved, payer.ai, r.credits, at) for r in reservations])


def release(connection: Connection, payer: Payer, reservations: Sequence[Reservation], *, at: datetime) -> None:
    """Give back what was reserved for calls that failed."""
    _post(
        connection,
        [_row(r.subject, "release", r.n, payer.reserved, payer.available, r.credits, at) for r in reservations],
    )
    _credit_available(connection, payer, sum(r.credits for r in reservations))


def reward(
    connection: Connection, payer: Payer, task_id: str, worker_id: str, credits: int, *, n: int, at: datetime
) -> None:
    """Pay a worker for the n-th approved assignment of a human task (spec: CS-27)."""
    _post(connection, [_row(task_id, "reward", n, payer.reserved, payer.worker(worker_id), credits, at)])


def free(connection: Connection, payer: Payer, task_id: str, credits: int, *, n: int, at: datetime) -> None:
    """Give back what a closed human task will not need, while some of its answers wait for their review.

    Args:
        n: tells one time from another; 0 or more.
    """
    release(connection, payer, [Reservation(task_id, 2 + n, credits)], at=at)


def settle(connection: Connection, payer: Payer, task_id: str, *, fee_credits: int, at: datetime) -> int:
    """Close a human task's money: the fee on what was approved, everything that is left back (spec: CS-28).

    Returns:
        Credits given back.
    """
    left = held(connection, task_id) - fee_credits
    _post(connection, [_row(task_id, "fee", 1, payer.reserved, payer.fee, fee_credits, at)])
    release(connection, payer, [Reservation(task_id, 1, left)], at=at)
    return left


def held(connection: Connection, subject: str) -> int:
    """Credits still held for a human task."""
    return int(_HELD.scalar(connection, {"for": subject}))


def balance(connection: Connection, account: str) -> int:
    """Credits of an account, summed over its transfers."""
    incoming = select(func.coalesce(func.sum(transfers.c.credits), 0)).where(transfers.c.target == account)
    outgoing = select(func.coalesce(func.sum(transfers.c.credits), 0)).where(transfers.c.source == account)
    return int(connection.scalar(incoming) or 0) - int(connection.scalar(outgoing) or 0)


def earned(connection: Connection, worker: str) -> int:
    """Credits that a worker was paid, by the name of their account."""
    rewards = transfers.c.move == literal("reward", literal_execute=True)  # as in the index
    query = select(func.coalesce(func.sum(transfers.c.credits), 0)).where(transfers.c.target == worker, rewards)
    return int(connection.scalar(query) or 0)


def _credit_available(connection: Connection, payer: Payer, credits: int) -> None:
    if credits == 0:
        return
    upsert = insert_into(connection, accounts).values(name=payer.available, balance=credits)
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=[accounts.c.name], set_={"balance": accounts.c.balance + upsert.excluded.balance}
        )
    )


def _row(  # noqa: PLR0917 (one argument per column)
    subject: str, move: Move, n: int, source: str, target: str, credits: int, at: datetime
) -> dict[str, object]:
    return {
        "subject": subject,
        "move": move,
        "n": n,
        "source": source,
        "target": target,
        "credits": credits,
        "at": at,
    }


def _post(connection: Connection, rows: Sequence[dict[str, object]]) -> None:
    moving = [row for row in rows if row["credits"]]
    if moving:
        _INSERT.run(connection, moving)
