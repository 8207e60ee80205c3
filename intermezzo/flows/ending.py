"""What happens to a run's open calls and money when it ends, however it ends."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from sqlalchemy import Connection, select, update

from intermezzo import journal
from intermezzo.errors import AttemptSuperseded
from intermezzo.human_steps import tasks
from intermezzo.journal import Closing, RecordedError, RunState
from intermezzo.journal.runs import ENDED
from intermezzo.ledger import Payer
from intermezzo.store import Event, emit, reach, utc_now
from intermezzo.store.tables import runs, step_calls

if TYPE_CHECKING:
    from intermezzo.flows.attempt import Attempt
    from intermezzo.flows.engine import Engine


def settle(connection: Connection, run_id: str, state: RunState, *, at: datetime) -> None:
    """End a run: close what is still open, give back what it held, refuse every later write of its attempts."""
    doomed = tasks.open_tasks_of(connection, run_id)
    tasks.cancel(connection, doomed, reason=f"its run has {_word(state)}", void=True, at=at)
    row = connection.execute(select(runs).where(runs.c.id == run_id).with_for_update()).one()
    open_primitives = connection.execute(
        select(step_calls.c.id, step_calls.c.reservation_id, step_calls.c.generation, step_calls.c.price_credits).where(
            step_calls.c.run_id == run_id, step_calls.c.kind == "primitive", step_calls.c.state == "open"
        )
    ).all()
    if open_primitives:
        error = RecordedError("StepFailed", "RunEnded", f"its run has {_word(state)}").encode()
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
        .values(state=state, epoch=row.epoch + 1, holder=None, lease_expires_at=None, checked_at=at)
    )
    if row.state not in ENDED:
        emit(connection, [Event("run.closed", run_id, run_id, detail=json.dumps({"state": state}), tell=True)], at=at)


def _word(state: RunState) -> str:
    return "been cancelled" if state == "cancelled" else state


async def finish(attempt: "Attempt", state: RunState) -> None:
    """End the run of an attempt of this process, and publish its final table."""
    from intermezzo.flows.suspension import unvisited

    claim = attempt.claim
    orphans = unvisited(attempt)
    reach("settle.before")
    attempt.end(AttemptSuperseded(f"run {claim.run_id} has {_word(state)}"))

    def close(connection: Connection) -> None:
        journal.hold(connection, claim)
        settle(connection, claim.run_id, state, at=utc_now())

    try:
        await attempt.store.write(close)
    except AttemptSuperseded:
        return
    reach("settle.after")
    if orphans and state == "completed":
        steps = ", ".join(sorted({call.step for call in orphans}))
        attempt.logger.warning(
            "the flow ended without making %d of its human calls (%s): they were closed and refunded",
            len(orphans),
            steps,
        )
    await attempt.reporter.try_to_publish()


def attach_hooks(flow: Flow[..., Any], engine: "Engine") -> None:
    """Be told by Prefect when runs of this flow end, in whatever process they run."""
    ends: list[tuple[list[Any], RunState]] = [
        (flow.on_completion_hooks, "completed"),
        (flow.on_failure_hooks, "failed"),
        (flow.on_crashed_hooks, "crashed"),
        (flow.on_cancellation_hooks, "cancelled"),
    ]
    for hooks, state in ends:
        if not any(isinstance(hook, _Settle) for hook in hooks):
            hooks.append(_Settle(engine, state))


class _Settle:
    """A Prefect state hook that settles the run."""

    def __init__(self, engine: "Engine", state: RunState) -> None:
        self.__name__ = "settle credits and human tasks"
        self._engine = engine
        self._state: RunState = state

    async def __call__(self, _flow: Flow[..., Any], flow_run: FlowRun, _state: State[Any]) -> None:
        """Settle, unless the run will be started again."""
        run_id = str(flow_run.id)
        attempt = self._engine.attempt_of(run_id)
        if attempt is None:
            return
        self._engine.forget(run_id)
        if self._state == "crashed" and flow_run.deployment_id is not None:
            # Its process died under it; the reconciler starts it again once the lease has run out.
            attempt.end(AttemptSuperseded(f"run {run_id} has crashed"))
        else:
            await finish(attempt, self._state)
