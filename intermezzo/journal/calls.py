"""Step calls: opened together with the reserve that pays for them, closed together with what became of it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Self

from sqlalchemy import Connection, bindparam, exists, null, select, update

from intermezzo import ledger
from intermezzo.errors import (
    AttemptSuperseded,
    HumanTaskCancelled,
    HumanTaskExpired,
    HumanTaskReported,
    NoConsensus,
    StepError,
    StepFailed,
    StepTimedOut,
)
from intermezzo.ledger import Payer, Reservation
from intermezzo.store import Event, Prepared, emit
from intermezzo.store.tables import runs, step_calls

CallState = Literal["open", "completed", "failed", "void"]

_MADE_FROM_TEXT = {
    error.__name__: error
    for error in (StepError, StepTimedOut, HumanTaskExpired, HumanTaskCancelled, HumanTaskReported, NoConsensus)
}
"""Errors that come back at a replay as what they were; every other one comes back as `StepFailed`."""


@dataclass(frozen=True, slots=True)
class RecordedError:
    """Why a call ended without an output, as the journal keeps it."""

    kind: str
    """Name of one of our own `StepError` classes."""
    type: str
    """Name of the class of what a primitive raised."""
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Describe what was raised."""
        kind = type(error).__name__ if type(error) in _MADE_FROM_TEXT.values() else "StepFailed"
        if isinstance(error, StepFailed):
            return cls(kind, error.type, error.message)
        return cls(kind, type(error).__name__, str(error))

    def encode(self) -> str:
        """As JSON, for the journal."""
        return json.dumps({"kind": self.kind, "type": self.type, "message": self.message})

    @classmethod
    def decode(cls, text: str) -> Self:
        """From the journal."""
        return cls(**json.loads(text))

    def exception(self, step: str) -> StepError:
        """The error to raise in the flow, the same at every replay."""
        if self.kind in _MADE_FROM_TEXT:
            return _MADE_FROM_TEXT[self.kind](self.message)
        return StepFailed(step, type=self.type, message=self.message)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A step call as the journal knows it."""

    id: str
    reservation_id: str
    step: str
    key: str
    kind: str
    state: CallState
    generation: int
    price_credits: int
    wave: str | None
    output: str | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCall:
    """A call to open, or to open again after it failed in an earlier attempt of the run."""

    id: str
    reservation_id: str
    """The same at every opening of a primitive's call; of a human one, the id of the human task that it posts."""
    step: str
    key: str
    kind: str
    price_credits: int
    generation: int = 1
    wave: str | None = None

    @property
    def reservation(self) -> Reservation:
        """What it holds while it is open."""
        return Reservation(self.reservation_id, self.generation, self.price_credits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What became of a primitive's call: an output, or an error."""

    id: str
    reservation_id: str
    generation: int
    price_credits: int
    output: str | None = None
    error: str | None = None

    @property
    def reservation(self) -> Reservation:
        """What the call held while it was open."""
        return Reservation(self.reservation_id, self.generation, self.price_credits)


_COLUMNS = (
    step_calls.c.id,
    step_calls.c.reservation_id,
    step_calls.c.step,
    step_calls.c.key,
    step_calls.c.kind,
    step_calls.c.state,
    step_calls.c.generation,
    step_calls.c.price_credits,
    step_calls.c.wave,
    step_calls.c.output,
    step_calls.c.error,
)


_BY_ID = update(step_calls).where(step_calls.c.id == bindparam("call_id"))
_INSERT = Prepared.insert(step_calls)
_REOPEN = Prepared(
    _BY_ID.values(
        state="open",
        reservation_id=bindparam("reservation"),
        generation=bindparam("n"),
        price_credits=bindparam("price"),
        wave=bindparam("in_wave"),
        error=null(),
        opened_at=bindparam("now"),
        closed_at=null(),
    )
)
_CLOSE = Prepared(
    _BY_ID.where(step_calls.c.state == "open", step_calls.c.generation == bindparam("n")).values(
        state=bindparam("became"), output=bindparam("result"), error=bindparam("failure"), closed_at=bindparam("now")
    )
)
_SET_WAVE = Prepared(_BY_ID.values(wave=bindparam("in_wave")))


def read_calls(connection: Connection, run_id: str, ids: Sequence[str] | None = None) -> list[RecordedCall]:
    """The journal of a run, or those calls of it."""
    query = select(*_COLUMNS).where(step_calls.c.run_id == run_id)
    if ids is None:
        return [RecordedCall(*row) for row in connection.execute(query)]
    found: list[RecordedCall] = []
    for start in range(0, len(ids), 500):  # SQLite limits the parameters of one statement
        part = query.where(step_calls.c.id.in_(ids[start : start + 500]))
        found.extend(RecordedCall(*row) for row in connection.execute(part))
    return found


def open_calls(connection: Connection, run_id: str, payer: Payer, calls: Sequence[NewCall], *, at: datetime) -> None:
    """Open calls and reserve their prices; the caller has called `hold` for the sum.

    Raises:
        InsufficientCredits: not enough for all of them; none was opened.
    """
    ledger.reserve(connection, payer, [c.reservation for c in calls], at=at)
    first = [call for call in calls if call.generation == 1]
    again = [call for call in calls if call.generation > 1]
    if first:
        _INSERT.run(
            connection,
            [
                {
                    "id": c.id,
                    "reservation_id": c.reservation_id,
                    "run_id": run_id,
                    "step": c.step,
                    "key": c.key,
                    "kind": c.kind,
                    "state": "open",
                    "generation": 1,
                    "price_credits": c.price_credits,
                    "wave": c.wave,
                    "opened_at": at,
                }
                for c in first
            ],
        )
    if again:
        _REOPEN.run(
            connection,
            [
                {
                    "call_id": c.id,
                    "reservation": c.reservation_id,
                    "n": c.generation,
                    "price": c.price_credits,
                    "in_wave": c.wave,
                    "now": at,
                }
                for c in again
            ],
        )


def close_primitives(connection: Connection, payer: Payer, closings: Sequence[Closing], *, at: datetime) -> int:
    """Record outputs and capture their prices; record errors and release theirs.

    Returns:
        Credits released.

    Raises:
        AttemptSuperseded: one of the calls is no longer open, so somebody else has closed it.
    """
    closed = _CLOSE.run(
        connection,
        [
            {
                "call_id": c.id,
                "n": c.generation,
                "now": at,
                "became": "completed" if c.error is None else "failed",
                "result": c.output,
                "failure": c.error,
            }
            for c in closings
        ],
    )
    if closed != len(closings):
        raise AttemptSuperseded(f"{len(closings) - closed} calls were closed by somebody else")
    ledger.capture(connection, payer, [c.reservation for c in closings if c.error is None], at=at)
    failed = [c.reservation for c in closings if c.error is not None]
    if failed:
        ledger.release(connection, payer, failed, at=at)
    return sum(r.credits for r in failed)


def close_human_call(
    connection: Connection,
    call_id: str,
    run_id: str | None,
    generation: int,
    *,
    output: str | None = None,
    error: RecordedError | None = None,
    void: bool = False,
    at: datetime,
) -> None:
    """Record what became of a human call; its money is the human task's to settle.

    Args:
        void: nobody waits for it any more; if the flow makes the call again, it is posted anew.
    """
    state: CallState = "void" if void else "completed" if error is None else "failed"
    failure = error.encode() if error else None
    closing = {"call_id": call_id, "n": generation, "became": state, "result": output, "failure": failure, "now": at}
    if _CLOSE.run(connection, [closing]) and void:
        _SET_WAVE.run(connection, [{"call_id": call_id, "in_wave": None}])
    emit(connection, [Event("call.closed", call_id, run_id)], at=at)


def void_failures(connection: Connection, run_id: str) -> None:
    """Let the failed calls of a run be made again: somebody retries it."""
    connection.execute(
        update(step_calls).where(step_calls.c.run_id == run_id, step_calls.c.state == "failed").values(state="void")
    )


def end_waves(connection: Connection, run_id: str) -> None:
    """Forget the waves of calls that are closed: a new attempt is about to see them."""
    connection.execute(
        update(step_calls)
        .where(step_calls.c.run_id == run_id, step_calls.c.wave.is_not(None), step_calls.c.state != "open")
        .values(wave=None)
    )


def ready_runs(connection: Connection, run_ids: Sequence[str] | None = None) -> dict[str, int]:
    """Suspended runs that can go on, because all calls of one of their waves are closed: run id → its last epoch."""
    other = step_calls.alias()
    still_open = exists().where(other.c.wave == step_calls.c.wave, other.c.state == "open")
    query = (
        select(runs.c.id, runs.c.epoch)
        .distinct()
        .join(step_calls, runs.c.id == step_calls.c.run_id)
        .where(step_calls.c.wave.is_not(None), step_calls.c.state != "open", runs.c.state == "suspended", ~still_open)
    )
    if run_ids is not None:
        query = query.where(step_calls.c.run_id.in_(run_ids))
    return {row.id: row.epoch for row in connection.execute(query)}


def set_waves(connection: Connection, waves: dict[str, str]) -> None:
    """Say which open calls the flow waits for together: call id → wave."""
    if waves:
        _SET_WAVE.run(connection, [{"call_id": call_id, "in_wave": wave} for call_id, wave in waves.items()])
