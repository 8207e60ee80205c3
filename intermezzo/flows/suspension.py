"""Suspending a run that only waits for people, and resuming it. The store is the truth, Prefect follows.

The order of writes makes a wake-up impossible to lose: the store says `suspended` first, then Prefect does, then the
store is looked at once more. Whoever closes the last call in between sees `suspended` and resumes, and if that comes
before the suspension has landed in Prefect, the look afterwards resumes again.
"""

import json
import logging
import textwrap
import uuid
from typing import TYPE_CHECKING

from prefect.client.orchestration import get_client
from prefect.exceptions import Abort, ObjectNotFound, Pause
from prefect.states import Suspended
from prefect.utilities.engine import propose_state
from sqlalchemy import Connection

from intermezzo import journal
from intermezzo.errors import AttemptSuperseded, UnstableInput
from intermezzo.human_steps import tasks
from intermezzo.store import Event, emit, reach, utc_now

if TYPE_CHECKING:
    from intermezzo.flows.attempt import Attempt

STATE_NAME = "Awaiting workers"
"""Name of the state of suspended runs in Prefect."""


_flow_run_logger = logging.getLogger("prefect.flow_runs")


def _suspending_is_no_error(record: logging.LogRecord) -> bool:
    """Prefect logs every end of an execution that is not a success as an error."""
    if record.levelno == logging.ERROR and record.getMessage().startswith(f"Finished in state {STATE_NAME}("):
        record.levelno, record.levelname = logging.INFO, "INFO"
    return _flow_run_logger.isEnabledFor(record.levelno)


_flow_run_logger.addFilter(_suspending_is_no_error)


async def suspend(attempt: "Attempt") -> None:
    """Suspend the run of an attempt in which nothing can move any more.

    Raises:
        AttemptSuperseded: a newer attempt has taken the run.
    """
    run_id = attempt.claim.run_id
    orphans = unvisited(attempt)
    if unstable := await _unstable_input(attempt, orphans):
        attempt.people.fail(unstable)
        return
    if not attempt.leave():
        return
    reach("suspend.before")
    await attempt.store.write(lambda c: _mark(c, attempt, orphans))
    reach("suspend.marked")
    if orphans:
        attempt.logger.warning("%s", _orphan_text(orphans))
    answered, asked = await attempt.store.read(lambda c: tasks.progress_of(c, run_id))
    state = Suspended(pause_key=str(uuid.uuid4())).model_copy(
        update={"name": STATE_NAME, "message": f"{answered} of {asked} answered"}
    )
    async with get_client() as client:
        try:
            landed = await propose_state(client, state, flow_run_id=uuid.UUID(run_id))
        except (Pause, Abort) as refused:
            # Cancelled or started again meanwhile: Prefect's state stands, and the reconciler sees to the run.
            raise AttemptSuperseded(f"run {run_id} could not suspend: {refused}") from None
    reach("suspend.proposed")
    if not landed.is_paused():
        raise AttemptSuperseded(f"run {run_id} became {landed.name} while it was suspending")
    if await attempt.store.read(lambda c: journal.ready_runs(c, [run_id])):
        await resume(run_id)
        await attempt.store.write(lambda c: emit(c, [Event("run.scheduled", run_id, run_id)], at=utc_now()))
    attempt.end(Pause(state=landed))
    await attempt.reporter.try_to_publish()


def _mark(connection: Connection, attempt: "Attempt", orphans: "list[journal.RecordedCall]") -> None:
    at = utc_now()
    claim = attempt.claim
    doomed = tasks.open_tasks_of(connection, claim.run_id, [call.id for call in orphans])
    tasks.cancel(connection, doomed, reason="the flow no longer asks for it", void=True, at=at)
    journal.set_waves(connection, attempt.people.waves)
    journal.suspend_run(connection, claim, lease=attempt.runtime.lease, at=at)


async def resume(run_id: str) -> bool:
    """Make Prefect start the next attempt of a suspended run; returns whether it was suspended."""
    reach("resume.before")
    async with get_client() as client:
        try:
            result = await client.resume_flow_run(uuid.UUID(run_id))
        except ObjectNotFound:
            return False
    reach("resume.after")
    return result.status.value == "ACCEPT"


def unvisited(attempt: "Attempt") -> "list[journal.RecordedCall]":
    """Human calls of earlier attempts that people still work on, but the flow did not make this time."""
    return [
        call
        for call in attempt.claim.calls.values()
        if call.kind == "human" and call.state == "open" and call.id not in attempt.visited
    ]


def _orphan_text(orphans: "list[journal.RecordedCall]") -> str:
    steps = ", ".join(sorted({call.step for call in orphans}))
    return f"the flow no longer makes {len(orphans)} of its human calls ({steps}): they were closed and refunded"


async def _unstable_input(attempt: "Attempt", orphans: "list[journal.RecordedCall]") -> UnstableInput | None:
    """The error for a step that this attempt asked anew while its earlier calls were left behind."""
    for orphan in orphans:
        anew = attempt.people.opened.get(orphan.step)
        if anew:
            inputs = await attempt.store.read(lambda c, ids=(orphan.id, anew[0]): tasks.input_of_calls(c, ids))
            difference = _difference(json.loads(inputs[orphan.id]), json.loads(inputs[anew[0]]))
            return UnstableInput(
                f"{orphan.step}: this attempt asks with another input than the one before, although people are "
                f"still answering that one; {difference}. If the input holds a time or a random number, give the "
                "call a `key=` that stays the same; if you changed the flow on purpose, give the step a new name"
            )
    return None


def _difference(before: dict[str, object], now: dict[str, object]) -> str:
    fields = [name for name in {**before, **now} if before.get(name) != now.get(name)]
    if not fields:
        return "the inputs are equal, but their keys differ"
    shown = [f"{name} was {_short(before.get(name))}, is {_short(now.get(name))}" for name in sorted(fields)[:3]]
    return "; ".join(shown)


def _short(value: object) -> str:
    return textwrap.shorten(json.dumps(value, ensure_ascii=False), 60, placeholder=" …")
