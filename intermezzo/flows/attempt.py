"""One attempt: one execution of a flow's body from the top, over the journal of all that earlier attempts did."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel

from intermezzo import journal
from intermezzo.errors import AttemptSuperseded
from intermezzo.flows.calls import AnyStep, Call, Outcome, recorded_outcome, to_do
from intermezzo.flows.human_calls import HumanCalls
from intermezzo.flows.primitive_calls import PrimitiveCalls
from intermezzo.flows.reporting import Reporter
from intermezzo.flows.runtime import Runtime
from intermezzo.flows.task_runs import TaskRuns
from intermezzo.human_steps.human_step import HumanStep
from intermezzo.journal import Claim
from intermezzo.settings import settings
from intermezzo.steps import Primitive, call_id
from intermezzo.store import Event, utc_now

if TYPE_CHECKING:
    from prefect.logging.loggers import LoggingAdapter

_LEAST_QUIET_SECONDS = 0.05
"""So long must nothing move before a run suspends, however short `hot_wait_seconds` is:
concurrent calls that are about to be made must get their turn first."""


class Attempt:
    """Journals and charges the step calls of one attempt, and decides when the run can suspend.

    Args:
        claim: the run, its epoch and its journal.
        runtime: the process's executor.
        deployed: the run can be suspended, because Prefect can start it again.
        suspend: what to do when nothing is left that can move.
        reporter: shows the run's progress and credits in Prefect.
        logger: writes to the run's log.
    """

    def __init__(
        self,
        claim: Claim,
        runtime: Runtime,
        *,
        deployed: bool,
        suspend: "Callable[[Attempt], Awaitable[None]]",
        reporter: Reporter,
        logger: "LoggingAdapter",
    ) -> None:
        self.claim = claim
        self.runtime = runtime
        self.store = runtime.store
        self.loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self.reporter = reporter
        self.logger = logger
        self.visited: set[str] = set()
        """Ids of the calls that the flow has made in this attempt."""
        self.signal: BaseException | None = None
        """Raised by every call from the moment the attempt has ended."""
        self.left = False
        """Whether it has ended, or is about to because the run suspends: the next attempt may begin any moment."""
        self.people = HumanCalls(self.store, claim, self._movement, self._listen, self.changed)
        self._primitives = PrimitiveCalls(self.store, claim, TaskRuns(reporter.map_progress), self._movement)
        self._deployed = deployed
        self._suspend = suspend
        self._suspending: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._moving = 0
        self._moving_lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._told_waiting = False
        runtime.keep(claim.run_id)

    async def run(self, step: AnyStep, inputs: Sequence[BaseModel], keys: Sequence[str]) -> list[Outcome]:
        """Outcomes of calls of one step, in order; equal keys are one call."""
        if self.signal is not None:
            raise self.signal
        ids = [call_id(self.claim.run_id, step.name, key) for key in keys]
        self.visited.update(ids)
        outcomes: dict[str, Outcome] = {}
        missing: dict[str, Call] = {}
        for id, key, input in zip(ids, keys, inputs, strict=True):
            if id in outcomes or id in missing:
                continue
            recorded = self.claim.calls.get(id)
            if recorded is not None and recorded.state in ("completed", "failed"):
                outcomes[id] = recorded_outcome(step, recorded, input)
            else:
                missing[id] = to_do(step, id, key, input, recorded)
        if missing:
            outcomes.update(await self._do(step, missing))
        return [outcomes[id] for id in ids]

    async def _do(self, step: AnyStep, missing: dict[str, Call]) -> Mapping[str, Outcome]:
        try:
            if isinstance(step, HumanStep):
                return await self.people.ask(step, missing)
            return await self._primitives.work(cast("Primitive[..., Any, Any]", step), missing)
        except AttemptSuperseded as superseded:
            if self._suspending is not None:
                await self._ended.wait()
            self.end(superseded)
            raise cast("BaseException", self.signal) from None

    def _listen(self) -> None:
        self.runtime.listen(self.claim.run_id, self)

    def heard(self, events: Sequence[Event]) -> None:
        """Events of this run, from any process; called in the flow's loop."""
        if any(event.topic == "run.cancel" for event in events):
            self.end(AttemptSuperseded(f"run {self.claim.run_id} is being cancelled"))
        self.people.heard(events)

    # ------------------------------------------------------------------ coming to rest

    @asynccontextmanager
    async def _movement(self) -> AsyncGenerator[None]:
        """While inside, the run is not waiting for people only."""
        self._move(1)
        try:
            yield
        finally:
            self._move(-1)

    def _move(self, by: int) -> None:
        with self._moving_lock:  # primitives may be called from other threads
            self._moving += by
        if threading.get_ident() == self._thread:
            self.changed()
        else:
            self.loop.call_soon_threadsafe(self.changed)

    @property
    def quiet(self) -> bool:
        """Whether nothing is left that can move: every call of the attempt waits for people."""
        return self._moving == 0 and self.people.waiting

    def changed(self) -> None:
        """Something moved, or can: the time until the run may suspend starts anew."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.signal is not None or not self.quiet:
            return
        if self._deployed:
            delay = max(settings().hot_wait_seconds, _LEAST_QUIET_SECONDS)
            self._timer = self.loop.call_later(delay, self._start_suspending)
        elif not self._told_waiting:
            self._told_waiting = True
            self.logger.info("Waiting for people: `intermezzo inbox list` shows what they are asked.")

    def _start_suspending(self) -> None:
        if self.quiet and self._suspending is None:
            self._suspending = self.loop.create_task(self._run_suspension())

    async def _run_suspension(self) -> None:
        try:
            await self._suspend(self)
        except AttemptSuperseded as superseded:
            self.end(superseded)
        except Exception:
            if self.signal is not None:
                return
            self.logger.exception("The run could not be suspended; it goes on waiting in memory.")
            await self._stay()
        finally:
            self._suspending = None
            self.changed()

    def leave(self) -> bool:
        """Stop hearing answers, because the run is about to suspend; False if something has moved meanwhile."""
        if self.quiet:
            self.left = True
            self.people.stop_hearing()
        return self.left

    async def _stay(self) -> None:
        """Take back a suspension that did not work out."""
        try:
            await self.store.write(lambda c: journal.stay(c, self.claim, lease=self.runtime.lease, at=utc_now()))
        except AttemptSuperseded as superseded:
            self.end(superseded)
            return
        self.left = False
        self.people.hear_again()

    def end(self, signal: BaseException) -> None:
        """Make every waiting and every later call of this attempt raise `signal`."""
        self.left = True
        if self.signal is None:
            self.signal = signal
            self.runtime.ignore(self.claim.run_id, self)
            self.runtime.drop(self.claim.run_id)
            self._ended.set()
        self.people.fail(self.signal)
