"""Being told by Prefect when runs of this process end, so that they are settled at once."""

from typing import TYPE_CHECKING, Any

from prefect import Flow
from prefect.client.schemas.objects import FlowRun, State
from sqlalchemy import Connection

from intermezzo import journal
from intermezzo.errors import AttemptSuperseded
from intermezzo.flows.runtime import runtime
from intermezzo.flows.settling import in_words, settle, settle_unless_ended
from intermezzo.journal import RunState
from intermezzo.store import reach, utc_now

if TYPE_CHECKING:
    from intermezzo.flows.attempt import Attempt
    from intermezzo.flows.engine import Engine


async def finish(attempt: "Attempt", state: RunState) -> None:
    """End the run of an attempt of this process, and publish its final table."""
    from intermezzo.flows.suspension import unvisited

    claim = attempt.claim
    orphans = unvisited(attempt)
    reach("settle.before")
    attempt.end(AttemptSuperseded(f"run {claim.run_id} has {in_words(state)}"))

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
            await self._settle_without_calls(run_id)
            return
        self._engine.forget(run_id)
        if self._state == "crashed" and flow_run.deployment_id is not None:
            # Its process died under it; the reconciler starts it again once the lease has run out.
            attempt.end(AttemptSuperseded(f"run {run_id} has crashed"))
        else:
            await finish(attempt, self._state)

    async def _settle_without_calls(self, run_id: str) -> None:
        """End a run that has made no step call in this process; one that crashed is started again by the reconciler."""
        if self._state != "crashed":
            await runtime().store.write(lambda c: settle_unless_ended(c, run_id, self._state, at=utc_now()))
