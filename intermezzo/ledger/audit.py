"""Proof that the books balance, from the transfers alone, and that they agree with the work they paid for."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select

from intermezzo.errors import AuditFailed
from intermezzo.store.tables import accounts, assignments, human_tasks, step_calls, transfers

_ROUTES = {
    "grant": ("world", "org:%:available"),
    "reserve": ("org:%:available", "org:%:reserved"),
    "capture": ("org:%:reserved", "platform:ai"),
    "reward": ("org:%:reserved", "worker:%"),
    "fee": ("org:%:reserved", "platform:fee"),
    "release": ("org:%:reserved", "org:%:available"),
}
"""From where to where each move goes; in test credits every account has the prefix `test:`."""

_WORLDS = ("world", "test:world")


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found.

    Attributes:
        transfers: how many were checked.
        balances: account → credits, re-derived from the transfers.
        problems: one sentence per contradiction; empty when the books balance.
    """

    transfers: int
    balances: dict[str, int] = field(default_factory=dict[str, int])
    problems: list[str] = field(default_factory=list[str])

    @property
    def clean(self) -> bool:
        """Whether the books balance."""
        return not self.problems

    def require_clean(self) -> None:
        """Raise AuditFailed, naming the problems, unless the books balance."""
        if self.problems:
            shown = "; ".join(self.problems[:5])
            raise AuditFailed(f"the books do not balance, {len(self.problems)} problems: {shown}")


def audit(connection: Connection) -> AuditReport:
    """Check every account, every step call and every human task against the transfers."""
    balances = _balances(connection)
    problems = [
        *_wrong_balances(connection, balances),
        *_wrong_accounts(connection),
        *_wrong_calls(connection),
        *_wrong_tasks(connection),
        *_wrong_rewards(connection),
        *_unknown_subjects(connection),
    ]
    count = connection.scalar(select(func.count()).select_from(transfers)) or 0
    return AuditReport(count, balances, problems)


def _balances(connection: Connection) -> dict[str, int]:
    totals: dict[str, int] = {}
    for column, sign in ((transfers.c.target, 1), (transfers.c.source, -1)):
        for account, credits in connection.execute(select(column, func.sum(transfers.c.credits)).group_by(column)):
            totals[account] = totals.get(account, 0) + sign * int(credits)
    return dict(sorted(totals.items()))


def _wrong_balances(connection: Connection, balances: dict[str, int]) -> Iterator[str]:
    if sum(balances.values()) != 0:
        yield f"all accounts together hold {sum(balances.values())}, not 0"
    for account, credits in balances.items():
        if credits < 0 and account not in _WORLDS:
            yield f"{account} is at {credits}"
    kept = {row.name: row.balance for row in connection.execute(select(accounts))}
    for account, credits in kept.items():
        if balances.get(account, 0) != credits:
            yield f"{account} keeps {credits}, its transfers sum to {balances.get(account, 0)}"
    for account in balances:
        of_org = account.removeprefix("test:").startswith("org:")
        if of_org and account.endswith(":available") and account not in kept:
            yield f"{account} has transfers but no running balance"


def _wrong_accounts(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_moves_astray()):
        yield f"{row.move} of {row.subject} went from {row.source} to {row.target}"


# The queries are built once: putting one together costs more than running it.


@cache
def _moves_astray() -> "Select[*tuple[Any, ...]]":
    """Every move goes its own way, and test credits never become live ones."""
    legal = [
        and_(
            transfers.c.move == move,
            transfers.c.source.like(prefix + source),
            transfers.c.target.like(prefix + target),
        )
        for move, (source, target) in _ROUTES.items()
        for prefix in ("", "test:")
    ]
    return select(transfers).where(~or_(*legal))


def _sum_of(*moves: str) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((transfers.c.move.in_(moves), transfers.c.credits), else_=0)), 0)


def _wrong_calls(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_calls_in_contradiction()):
        yield (
            f"call {row.id} of {row.step} is {row.state} at a price of {row.price_credits}, "
            f"but spent {row.spent} and holds {row.held}"
        )


@cache
def _calls_in_contradiction() -> "Select[*tuple[Any, ...]]":
    """Primitives: what is open holds its price, what is done paid it once, what failed paid nothing."""
    spent, held = _sum_of("capture"), _sum_of("reserve") - _sum_of("capture", "release")
    price, state = step_calls.c.price_credits, step_calls.c.state
    expected_spent = case((state == "completed", price), else_=0)
    expected_held = case((state == "open", price), else_=0)
    return (
        select(step_calls.c.id, step_calls.c.step, state, price, spent.label("spent"), held.label("held"))
        .outerjoin(transfers, transfers.c.subject == step_calls.c.reservation_id)
        .where(step_calls.c.kind == "primitive")
        .group_by(step_calls.c.id)
        .having(or_(spent != expected_spent, held != expected_held))
    )


def _wrong_tasks(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_tasks_in_contradiction()):
        yield (
            f"human task {row.id} is {row.state} with {row.approved} approved assignments, "
            f"but paid {row.rewards} in rewards and holds {row.held}"
        )


@cache
def _tasks_in_contradiction() -> "Select[*tuple[Any, ...]]":
    """Human tasks: every approved assignment's reward, nothing held once closed and reviewed."""
    approved, waiting = assignments.c.state == "approved", assignments.c.state.in_(("submitted", "disputed"))
    answered = (
        select(
            assignments.c.task_id,
            func.count(case((approved, 1))).label("approved"),
            func.count(case((waiting, 1))).label("waiting"),
            func.sum(case((approved, assignments.c.reward_credits), else_=0)).label("credits"),
        )
        .where(or_(approved, waiting))
        .group_by(assignments.c.task_id)
        .subquery()
    )
    rewards, held = _sum_of("reward"), _sum_of("reserve") - _sum_of("reward", "fee", "release")
    count = func.coalesce(func.max(answered.c.approved), 0)
    is_open = human_tasks.c.state.in_(("open", "claimed", "submitted"))
    needs_credits = or_(is_open, func.coalesce(func.max(answered.c.waiting), 0) > 0)
    return (
        select(
            human_tasks.c.id,
            human_tasks.c.state,
            count.label("approved"),
            rewards.label("rewards"),
            held.label("held"),
        )
        .outerjoin(transfers, transfers.c.subject == human_tasks.c.id)
        .outerjoin(answered, answered.c.task_id == human_tasks.c.id)
        .group_by(human_tasks.c.id)
        .having(
            or_(
                rewards != func.coalesce(func.max(answered.c.credits), 0),
                and_(~needs_credits, held != 0),
                and_(needs_credits, human_tasks.c.reserved_credits > 0, held <= 0),
            )
        )
    )


def _wrong_rewards(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_unpaid_answers()):
        yield (
            f"worker {row.worker_id} is owed {row.reward_credits} for human task {row.task_id}, but was paid {row.paid}"
        )


@cache
def _unpaid_answers() -> "Select[*tuple[Any, ...]]":
    """Every approved answer was paid, once, to whoever gave it."""
    worker = case((human_tasks.c.test, literal("test:worker:")), else_=literal("worker:")) + assignments.c.worker_id
    paid = func.coalesce(func.sum(transfers.c.credits), 0)
    return (
        select(assignments.c.task_id, assignments.c.worker_id, assignments.c.reward_credits, paid.label("paid"))
        .join(human_tasks, human_tasks.c.id == assignments.c.task_id)
        .outerjoin(
            transfers,
            and_(
                transfers.c.subject == assignments.c.task_id,
                transfers.c.move == "reward",
                transfers.c.target == worker,
            ),
        )
        .where(assignments.c.state == "approved")
        .group_by(assignments.c.id, human_tasks.c.id)
        .having(paid != assignments.c.reward_credits)
    )


def _unknown_subjects(connection: Connection) -> Iterator[str]:
    for row in connection.execute(_moves_of_nothing()):
        yield f"{row.move} of {row.subject} belongs to no step call and no human task"


@cache
def _moves_of_nothing() -> "Select[*tuple[Any, ...]]":
    return (
        select(transfers.c.subject, transfers.c.move)
        .outerjoin(step_calls, step_calls.c.reservation_id == transfers.c.subject)
        .outerjoin(human_tasks, human_tasks.c.id == transfers.c.subject)
        .where(transfers.c.move != "grant", step_calls.c.id.is_(None), human_tasks.c.id.is_(None))
    )
