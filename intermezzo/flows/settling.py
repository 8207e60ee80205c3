"""What happens to a run's open calls and money when it ends, however it ends."""

import json
from datetime import datetime

from sqlalchemy import Connection, select, update

from intermezzo import journal
from intermezzo.human_steps import tasks
from intermezzo.journal import Closing, RecordedError, RunState
from intermezzo.journal.runs import ENDED
from intermezzo.ledger import Payer
from intermezzo.store import Event, emit
from intermezzo.store.tables import runs, step_calls


def settle(connection: Connection, run_id: str, state: RunState, *, at: datetime) -> None:
    """End a run: close what is still open, give back what it held, refuse every later write of its attempts."""
    doomed = tasks.open_tasks_of(connection, run_id)
    tasks.cancel(connection, doomed, reason=f"its run has {in_words(state)}", void=True, at=at)
    row = connection.execute(select(runs).where(runs.c.id == run_id).with_for_update()).one()
    open_primitives = connection.execute(
        select(step_calls.c.id, step_calls.c.reservation_id, step_calls.c.generation, step_calls.c.price_credits).where(
            step_calls.c.run_id == run_id, step_calls.c.kind == "primitive", step_calls.c.state == "open"
        )
    ).all()
    if open_primitives:
        error = RecordedError("StepFailed", "RunEnded", f"its run has {in_words(state)}").encode()
        closings = [
            Closing(
                id=c.id,
                reservation_id=c.reservation_id,
                generation=c.generation,
                price_credits=c.price_credits,
                error=error,
            )
            for c in open_primitives
        ]
        released = journal.close_primitives(connection, Payer(row.org, test=row.test), closings, at=at)
        journal.uncommit(connection, run_id, released)
    connection.execute(
        update(runs)
        .where(runs.c.id == run_id)
        .values(state=state, epoch=row.epoch + 1, holder=None, lease_expires_at=None, checked_at=at, closed_at=at)
    )
    if row.state not in ENDED:
        emit(connection, [Event("run.closed", run_id, run_id, detail=json.dumps({"state": state}), tell=True)], at=at)


def in_words(state: RunState) -> str:
    """How a run that has ended, as in `its run has …`."""
    return "been cancelled" if state == "cancelled" else state


def settle_unless_ended(connection: Connection, run_id: str, state: RunState, *, at: datetime) -> None:
    """End a run in the books, unless it has ended."""
    found = connection.scalar(select(runs.c.state).where(runs.c.id == run_id).with_for_update())
    if found is not None and found not in ENDED:
        settle(connection, run_id, state, at=at)
