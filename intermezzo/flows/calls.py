"""What an attempt has to do for a call: a look into the journal, and the transaction that opens what is new."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Connection

from intermezzo import journal
from intermezzo.human_steps import tasks
from intermezzo.human_steps.tasks import NewHumanTask
from intermezzo.journal import Claim, NewCall, RecordedCall, RecordedError
from intermezzo.steps import Step
from intermezzo.store import Store, new_id, utc_now

AnyStep = Step[..., Any, Any]

Outcome = object
"""An output, or the StepError that the call ended with."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that has to be worked on in this attempt."""

    id: str
    reservation_id: str
    key: str
    input: BaseModel
    generation: int
    price_credits: int
    is_open: bool
    """Its journal row and reserve are there from an earlier attempt."""

    def opening(self, step: AnyStep, *, wave: str | None = None) -> NewCall:
        """What the journal has to write when the call is opened."""
        return NewCall(
            id=self.id,
            reservation_id=self.reservation_id,
            step=step.name,
            key=self.key,
            kind=step.kind,
            price_credits=self.price_credits,
            generation=self.generation,
            wave=wave,
        )


def to_do(step: AnyStep, id: str, key: str, input: BaseModel, recorded: RecordedCall | None) -> Call:
    """What is left to do for a call that has no outcome yet."""
    if recorded is not None and recorded.state == "open":
        return Call(id, recorded.reservation_id, key, input, recorded.generation, recorded.price_credits, is_open=True)
    generation = 1 if recorded is None else recorded.generation + 1
    # Every opening of a human call posts a human task of its own.
    reservation_id = new_id() if recorded is None or step.kind == "human" else recorded.reservation_id
    return Call(id, reservation_id, key, input, generation, step.price(input), is_open=False)


def recorded_outcome(step: AnyStep, recorded: RecordedCall, input: BaseModel) -> Outcome:
    """The outcome of a call that has one."""
    if recorded.state == "completed":
        return step.load(recorded.output or "null", input)
    return RecordedError.decode(recorded.error or "{}").exception(step.name)


@dataclass(frozen=True, slots=True)
class _Opening:
    calls: Sequence[NewCall]
    tasks: Sequence[NewHumanTask]


class Opener:
    """Opens calls: journal row, reserve and human task in one transaction, together with everybody's in that moment."""

    def __init__(self, store: Store, claim: Claim) -> None:
        self._store = store
        self._claim = claim

    async def open(self, calls: Sequence[NewCall], posted: Sequence[NewHumanTask] = ()) -> None:
        """Open all of these calls, or none.

        Raises:
            InsufficientCredits: the organisation cannot pay for all of them.
            BudgetExceeded: the run's budget does not cover all of them.
            AttemptSuperseded: a newer attempt has taken the run.
        """
        if calls:
            # A reserve need not reach the disk before the work begins: the capture takes it along, and without
            # either the call is simply made anew. What people may see has to last.
            await self._store.add(self._open, _Opening(calls, posted), synced=bool(posted))

    def _open(self, connection: Connection, openings: list[_Opening]) -> None:
        calls = [call for opening in openings for call in opening.calls]
        posted = [task for opening in openings for task in opening.tasks]
        at = utc_now()
        journal.hold(connection, self._claim, credits=sum(call.price_credits for call in calls))
        journal.open_calls(connection, self._claim.run_id, self._claim.payer, calls, at=at)
        if posted:
            tasks.post(connection, self._claim.payer, posted, at=at)
