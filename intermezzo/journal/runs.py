"""Runs and who works on them: leases, epochs, budgets.

Every attempt of a run takes the next epoch. Each write of an attempt goes through `hold`, which refuses an old epoch:
two attempts may overlap, but only the newest one leaves a trace.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection, bindparam, select, update

from intermezzo.errors import AttemptSuperseded, BudgetExceeded
from intermezzo.journal.calls import RecordedCall, end_waves, read_calls, void_failures
from intermezzo.ledger import Payer
from intermezzo.store import Event, Prepared, emit, insert_into
from intermezzo.store.tables import runs

RunState = Literal["scheduled", "active", "suspended", "completed", "failed", "crashed", "cancelled"]

ENDED: tuple[RunState, ...] = ("completed", "failed", "crashed", "cancelled")
"""States of runs that nobody works on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What is known of a run when it is first seen."""

    id: str
    flow_name: str
    deployed: bool
    payer: Payer
    budget_credits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an attempt gets when it takes a run: its epoch and all that was done before."""

    run_id: str
    epoch: int
    holder: str
    payer: Payer
    cancel_requested: bool
    calls: dict[str, RecordedCall] = field(default_factory=dict[str, RecordedCall])


def create_run(connection: Connection, facts: RunFacts, *, state: RunState, lease: timedelta, at: datetime) -> None:
    """Record a run before its first attempt, unless it is known: for example when somebody schedules it.

    Args:
        lease: how long it may take until somebody works on it, or Prefect says that it waits.
    """
    connection.execute(
        insert_into(connection, runs)
        .values(
            id=facts.id,
            org=facts.payer.org,
            test=facts.payer.test,
            flow_name=facts.flow_name,
            deployed=facts.deployed,
            state=state,
            epoch=0,
            lease_expires_at=at + lease,
            budget_credits=facts.budget_credits,
            committed_credits=0,
            recoveries=0,
            cancel_requested=False,
            created_at=at,
            checked_at=at,
        )
        .on_conflict_do_nothing(index_elements=[runs.c.id])
    )


def claim_run(
    connection: Connection, facts: RunFacts, *, holder: str, lease: timedelta, again: bool = False, at: datetime
) -> Claim:
    """Take a run for a new attempt and read its journal; any older attempt is superseded.

    Args:
        holder: the process that will work on it.
        lease: how long it may be silent.
        again: the flow's body failed and is run again, so failed calls are made again too.
    """
    row = connection.execute(select(runs).where(runs.c.id == facts.id).with_for_update()).one_or_none()
    if row is None:
        create_run(connection, facts, state="scheduled", lease=lease, at=at)
        row = connection.execute(select(runs).where(runs.c.id == facts.id).with_for_update()).one()
    ended = row.state in ENDED
    if again or ended:
        void_failures(connection, facts.id)
    # Whoever starts a cancelled run again does not want it cancelled at once.
    cancel_requested = row.cancel_requested and not ended
    end_waves(connection, facts.id)
    connection.execute(
        update(runs)
        .where(runs.c.id == facts.id)
        .values(
            epoch=row.epoch + 1,
            state="active",
            holder=holder,
            lease_expires_at=at + lease,
            cancel_requested=cancel_requested,
            closed_at=None,
        )
    )
    emit(connection, [Event("run.started", facts.id, facts.id)], wake=False, at=at)
    return Claim(
        run_id=facts.id,
        epoch=row.epoch + 1,
        holder=holder,
        payer=Payer(row.org, test=row.test),
        cancel_requested=cancel_requested,
        calls={call.id: call for call in read_calls(connection, facts.id)},
    )


def enter_run(connection: Connection, facts: RunFacts, *, holder: str, lease: timedelta, at: datetime) -> None:
    """Say that a process is about to start an attempt, so that its death is noticed from now on."""
    known = connection.execute(
        update(runs).where(runs.c.id == facts.id).values(holder=holder, lease_expires_at=at + lease)
    )
    if known.rowcount == 0:
        create_run(connection, facts, state="scheduled", lease=lease, at=at)
        enter_run(connection, facts, holder=holder, lease=lease, at=at)


def is_held(connection: Connection, run_id: str, *, at: datetime) -> bool:
    """Whether a process works on a run that has not ended."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one()
    return row.state not in ENDED and row.holder is not None and row.lease_expires_at > at


def request_cancel(connection: Connection, run_id: str, *, at: datetime) -> bool:
    """Ask whoever works on a run to stop it; returns whether it had not ended yet."""
    asked = connection.execute(
        update(runs).where(runs.c.id == run_id, runs.c.state.not_in(ENDED)).values(cancel_requested=True)
    )
    emit(connection, [Event("run.cancel", run_id, run_id)], at=at)
    return bool(asked.rowcount)


_MINE = Prepared(
    select(runs.c.budget_credits, runs.c.committed_credits)
    .where(runs.c.id == bindparam("run"), runs.c.epoch == bindparam("attempt"), runs.c.state == "active")
    .with_for_update(key_share=True)
)
_COMMIT = Prepared(
    update(runs)
    .where(runs.c.id == bindparam("run"), runs.c.budget_credits.is_not(None))
    .values(committed_credits=runs.c.committed_credits + bindparam("credits"))
)


def hold(connection: Connection, claim: Claim, *, credits: int = 0) -> None:
    """Prove that the attempt still owns its run, and count credits against the run's budget, if it has one.

    Raises:
        AttemptSuperseded: a newer attempt, or the reconciler, has taken the run.
        BudgetExceeded: the budget does not cover `credits` more.
    """
    mine = _MINE.first(connection, {"run": claim.run_id, "attempt": claim.epoch})
    if mine is None:
        raise AttemptSuperseded(f"run {claim.run_id}: attempt {claim.epoch} was superseded")
    if not credits or mine.budget_credits is None:
        return
    left = mine.budget_credits - mine.committed_credits
    if credits > left:
        raise BudgetExceeded(claim.run_id, needed_credits=credits, left_credits=left)
    _COMMIT.run(connection, [{"run": claim.run_id, "credits": credits}])


def start_again(connection: Connection, run_id: str, *, lease: timedelta, at: datetime) -> bool:
    """Let a run that has ended without success be made again from its failed calls on.

    Args:
        lease: how long Prefect may take to hear of it.

    Returns:
        Whether it had ended so; of two who ask at once, one gets a True.
    """
    again = connection.execute(
        update(runs)
        .where(runs.c.id == run_id, runs.c.deployed, runs.c.state.in_(("failed", "crashed", "cancelled")))
        .values(
            state="scheduled",
            cancel_requested=False,
            recoveries=0,
            lease_expires_at=at + lease,
            checked_at=at,
            closed_at=None,
        )
    )
    if again.rowcount:
        void_failures(connection, run_id)
        emit(connection, [Event("run.retried", run_id, run_id)], wake=False, at=at)
    return bool(again.rowcount)


def uncommit(connection: Connection, run_id: str, credits: int) -> None:
    """Give released credits back to the run's budget, if it has one."""
    if credits:
        _COMMIT.run(connection, [{"run": run_id, "credits": -credits}])


def suspend_run(connection: Connection, claim: Claim, *, lease: timedelta, at: datetime) -> None:
    """Leave the run until people have answered.

    Args:
        lease: how long Prefect may take to hear of it before somebody else looks after the run.

    Raises:
        AttemptSuperseded: a newer attempt has taken the run.
    """
    hold(connection, claim)
    connection.execute(
        update(runs)
        .where(runs.c.id == claim.run_id)
        .values(state="suspended", holder=None, lease_expires_at=at + lease, checked_at=at)
    )
    emit(connection, [Event("run.suspended", claim.run_id, claim.run_id)], wake=False, at=at)


def release_runs(connection: Connection, holder: str, run_ids: Sequence[str], *, at: datetime) -> None:
    """End this process's leases: it stops in good order, and the runs are free for the next one."""
    connection.execute(
        update(runs)
        .where(runs.c.id.in_(run_ids), runs.c.holder == holder, runs.c.state.in_(("scheduled", "active")))
        .values(holder=None, lease_expires_at=at)
    )


def stay(connection: Connection, claim: Claim, *, lease: timedelta, at: datetime) -> None:
    """Take back a suspension that Prefect did not hear of.

    Raises:
        AttemptSuperseded: a newer attempt has taken the run.
    """
    stayed = connection.execute(
        update(runs)
        .where(runs.c.id == claim.run_id, runs.c.epoch == claim.epoch, runs.c.state.in_(("active", "suspended")))
        .values(state="active", holder=claim.holder, lease_expires_at=at + lease)
    )
    if stayed.rowcount == 0:
        raise AttemptSuperseded(f"run {claim.run_id}: attempt {claim.epoch} was superseded")


def renew_leases(connection: Connection, holder: str, run_ids: Sequence[str], *, until: datetime) -> None:
    """Say that this process is alive and still works on these runs."""
    connection.execute(
        update(runs).where(runs.c.id.in_(run_ids), runs.c.holder == holder).values(lease_expires_at=until)
    )
