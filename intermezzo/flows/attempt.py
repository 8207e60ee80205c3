"""One attempt: one execution of a flow's body from the top, over the journal of all that earlier attempts did."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel
from sqlalchemy import Connection

from intermezzo import journal
from intermezzo.errors import AttemptSuperseded, StepError, StepFailed
from intermezzo.flows.reporting import Reporter
from intermezzo.flows.runtime import Runtime
from intermezzo.flows.task_runs import TaskRuns
from intermezzo.flows.work import perform
from intermezzo.human_steps import tasks
from intermezzo.human_steps.human_step import HumanStep
from intermezzo.human_steps.tasks import NewHumanTask
from intermezzo.journal import Claim, Closing, NewCall, RecordedCall, RecordedError
from intermezzo.settings import settings
from intermezzo.steps import Primitive, Step, StepCall, call_id, task_id
from intermezzo.store import Event, reach, utc_now

if TYPE_CHECKING:
    from prefect.logging.loggers import LoggingAdapter

AnyStep = Step[..., Any, Any]
Outcome = object
"""An output, or the StepError that the call ended with."""

_OPEN_AT_ONCE = 2000
"""Most calls one transaction opens: bounds how long it holds SQLite's write lock."""

_LEAST_QUIET_SECONDS = 0.05
"""So long must nothing move before a run suspends, however short `hot_wait_seconds` is:
concurrent calls that are about to be made must get their turn first."""


@dataclass(frozen=True, slots=True)
class _Call:
    """A call that has to be worked on in this attempt."""

    id: str
    key: str
    input: BaseModel
    generation: int
    is_open: bool
    """Its journal row and reserve are there from an earlier attempt."""


@dataclass(frozen=True, slots=True)
class _Opening:
    calls: Sequence[NewCall]
    tasks: Sequence[NewHumanTask] = ()


class Attempt:
    """Journals and charges the step calls of one attempt, and decides when the run can suspend.

    Human calls live in the event loop of the flow; primitives may be called from any thread of it.

    Args:
        claim: the run, its epoch and its journal.
        runtime: the process's executor.
        deployed: the run can be suspended, because Prefect can start it again.
        suspend: what to do when nothing is left that can move.
        task_runs: shows primitives in Prefect.
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
        task_runs: TaskRuns,
        reporter: Reporter,
        logger: "LoggingAdapter",
    ) -> None:
        self.claim = claim
        self.runtime = runtime
        self.store = runtime.store
        self.loop = asyncio.get_running_loop()
        self.visited: set[str] = set()
        self.opened: dict[str, list[str]] = {}
        """Human calls that this attempt opened, by step."""
        self.waits: dict[str, asyncio.Future[RecordedCall]] = {}
        self.waves: dict[str, str] = {}
        """Wave of each call in `waits`: a `.map` waits for all of its calls together."""
        self._left: Counter[str] = Counter()
        """Calls not yet answered, by wave."""
        self.signal: BaseException | None = None
        """Raised by every call from the moment the attempt has ended."""
        self.reporter = reporter
        self.logger = logger
        self._task_runs = task_runs
        self._deployed = deployed
        self._suspend = suspend
        self._suspending: asyncio.Task[None] | None = None
        self._leaving = False
        self._ended = asyncio.Event()
        self._moving = 0
        self._moving_lock = threading.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._in_flight: dict[str, Future[dict[str, Outcome]]] = {}
        self._closed_hints: set[str] = set()
        self._looking: asyncio.Task[None] | None = None
        runtime.keep(claim.run_id)

    # ------------------------------------------------------------------ calls

    async def run(self, step: AnyStep, inputs: Sequence[BaseModel], keys: Sequence[str]) -> list[Outcome]:
        """Outcomes of calls of one step, in order; equal keys are one call."""
        if self.signal is not None:
            raise self.signal
        ids = [call_id(self.claim.run_id, step.name, key) for key in keys]
        self.visited.update(ids)
        outcomes: dict[str, Outcome] = {}
        missing: dict[str, _Call] = {}
        for id, key, input in zip(ids, keys, inputs, strict=True):
            if id in outcomes or id in missing:
                continue
            recorded = self.claim.calls.get(id)
            if recorded is not None and recorded.state in ("completed", "failed"):
                outcomes[id] = _recorded_outcome(step, recorded)
            else:
                missing[id] = _to_do(id, key, input, recorded)
        if missing:
            outcomes.update(await self._do(step, missing))
        return [outcomes[id] for id in ids]

    async def _do(self, step: AnyStep, missing: dict[str, _Call]) -> Mapping[str, Outcome]:
        try:
            if isinstance(step, HumanStep):
                return await self._ask(step, missing)
            return await self._work(cast("Primitive[..., Any, Any]", step), missing)
        except AttemptSuperseded as superseded:
            if self._suspending is not None:
                await self._ended.wait()
            self.end(superseded)
            raise cast("BaseException", self.signal) from None

    # ------------------------------------------------------------------ primitives

    async def _work(self, step: Primitive[..., Any, Any], missing: dict[str, _Call]) -> dict[str, Outcome]:
        """Do what nobody does yet, and wait for what another coroutine is already doing."""
        elsewhere = {id: shared for id in missing if (shared := self._in_flight.get(id)) is not None}
        mine = [call for id, call in missing.items() if id not in elsewhere]
        promise: Future[dict[str, Outcome]] = Future()
        self._in_flight.update((call.id, promise) for call in mine)
        outcomes: dict[str, Outcome] = {}
        try:
            if mine:
                async with self._movement():
                    outcomes = await self._open_and_perform(step, mine)
            promise.set_result(outcomes)
        except BaseException as error:
            promise.set_exception(error)
            raise
        finally:
            for call in mine:
                del self._in_flight[call.id]
        found = {id: await asyncio.shield(asyncio.wrap_future(shared)) for id, shared in elsewhere.items()}
        return {**outcomes, **{id: shared[id] for id, shared in found.items()}}

    async def _open_and_perform(self, step: Primitive[..., Any, Any], calls: list[_Call]) -> dict[str, Outcome]:
        new = [
            NewCall(
                id=call.id,
                step=step.name,
                key=call.key,
                kind="primitive",
                price_credits=step.price(call.input),
                generation=call.generation,
            )
            for call in calls
            if not call.is_open
        ]
        reach("reserve.before")
        await self._open([_Opening(new[i : i + _OPEN_AT_ONCE]) for i in range(0, len(new), _OPEN_AT_ONCE)])
        reach("reserve.after")
        outcomes: dict[str, Outcome] = {}
        if len(calls) == 1:
            await self._task_runs.one(step, lambda: self._perform_one(step, calls[0], outcomes))
        else:
            await self._task_runs.many(step, calls, lambda chunk: self._perform_chunk(step, chunk, outcomes))
        return outcomes

    async def _open(self, openings: Sequence[_Opening]) -> None:
        for opening in openings:
            await self.store.add(self._open_all, opening)

    def _open_all(self, connection: Connection, openings: list[_Opening]) -> None:
        calls = [call for opening in openings for call in opening.calls]
        posted = [task for opening in openings for task in opening.tasks]
        at = utc_now()
        journal.hold(connection, self.claim, credits=sum(call.price_credits for call in calls))
        journal.open_calls(connection, self.claim.run_id, self.claim.payer, calls, at=at)
        if posted:
            tasks.post(connection, self.claim.payer, posted, at=at)

    async def _perform_one(
        self, step: Primitive[..., Any, Any], call: _Call, outcomes: dict[str, Outcome]
    ) -> StepError | None:
        closing = await self._perform(step, call, outcomes)
        reach("capture.before")
        await self.store.add(self._close_all, [closing])
        reach("capture.after")
        self._remember(step, call, closing)
        outcome = outcomes[call.id]
        return outcome if isinstance(outcome, StepError) else None

    async def _perform_chunk(
        self, step: Primitive[..., Any, Any], chunk: Sequence[_Call], outcomes: dict[str, Outcome]
    ) -> int:
        """Do many calls, a bounded number at a time, closing in the journal what is done as it gets done.

        Returns:
            How many failed.
        """
        todo = iter(chunk)
        closer = _Closer(self, step)

        async def work() -> None:
            for call in todo:
                closing = await self._perform(step, call, outcomes)
                if closer.add(call, closing):
                    await asyncio.sleep(0)

        workers = [asyncio.ensure_future(work()) for _ in range(min(settings().map_concurrency, len(chunk)))]
        try:
            await asyncio.gather(*workers)
            await closer.finish()
        finally:
            for worker in workers:
                worker.cancel()
        return sum(isinstance(outcomes[call.id], StepError) for call in chunk)

    async def _perform(
        self, step: Primitive[..., Any, Any], call: _Call, outcomes: dict[str, Outcome]
    ) -> Closing:
        described = StepCall(id=call.id, run_id=self.claim.run_id, step=step.name, key=call.key)
        outcome = await perform(step, call.input, described)
        output = None
        if not isinstance(outcome, StepError):
            try:
                # What the flow sees now must be what it will see at a replay.
                output = step.dump(outcome)
                outcome = step.load(output)
            except Exception as error:  # noqa: BLE001 (the author's own types, validators and serializers)
                outcome = StepFailed(step.name, type=type(error).__name__, message=f"its output is not JSON: {error}")
        outcomes[call.id] = outcome
        failed = isinstance(outcome, StepError)
        return Closing(
            id=call.id,
            generation=call.generation,
            price_credits=self._price(step, call),
            output=None if failed else output,
            error=RecordedError.of(outcome).encode() if failed else None,
        )

    def _price(self, step: AnyStep, call: _Call) -> int:
        recorded = self.claim.calls.get(call.id)
        return recorded.price_credits if recorded is not None and call.is_open else step.price(call.input)

    def _close_all(self, connection: Connection, items: list[list[Closing]]) -> None:
        journal.hold(connection, self.claim)
        closings = [closing for item in items for closing in item]
        released = journal.close_primitives(connection, self.claim.payer, closings, at=utc_now())
        journal.uncommit(connection, self.claim.run_id, released)

    def _remember(self, step: AnyStep, call: _Call, closing: Closing) -> None:
        self.claim.calls[call.id] = RecordedCall(
            id=call.id,
            step=step.name,
            key=call.key,
            kind=step.kind,
            state="completed" if closing.error is None else "failed",
            generation=closing.generation,
            price_credits=closing.price_credits,
            wave=None,
            output=closing.output,
            error=closing.error,
        )

    # ------------------------------------------------------------------ people

    async def _ask(self, step: HumanStep[..., Any, Any], missing: dict[str, _Call]) -> dict[str, Outcome]:
        """Post what is not posted yet, then wait until all of it is answered."""
        wave = next(iter(missing))
        self.runtime.listen(self.claim.run_id, self)
        new = [call for id, call in missing.items() if not call.is_open and id not in self.waits]
        known = [id for id in missing if missing[id].is_open]
        waits = {id: self._wait(id, wave) for id in missing}
        try:
            async with self._movement():
                await self._post(step, new, wave)
                self._look_for(known)
            await asyncio.wait(waits.values())
        finally:
            for id, future in waits.items():
                if future.done():
                    self.waits.pop(id, None)
        return {id: _recorded_outcome(step, future.result()) for id, future in waits.items()}

    def _wait(self, id: str, wave: str) -> "asyncio.Future[RecordedCall]":
        if id not in self.waits:
            self.waits[id] = self.loop.create_future()
            self.waves[id] = wave
            self._left[wave] += 1
        return self.waits[id]

    async def _post(self, step: HumanStep[..., Any, Any], new: Sequence[_Call], wave: str) -> None:
        reach("post.before")
        for start in range(0, len(new), _OPEN_AT_ONCE):
            part = new[start : start + _OPEN_AT_ONCE]
            posted = [
                step.new_task(
                    call.input,
                    id=task_id(call.id, call.generation),
                    call_id=call.id,
                    run_id=self.claim.run_id,
                    generation=call.generation,
                )
                for call in part
            ]
            calls = [
                NewCall(
                    id=call.id,
                    step=step.name,
                    key=call.key,
                    kind="human",
                    price_credits=step.price(call.input),
                    generation=call.generation,
                    wave=wave,
                    task_id=task.id,
                )
                for call, task in zip(part, posted, strict=True)
            ]
            try:
                await self._open([_Opening(calls, posted)])
            except BaseException as error:
                _fail_all([self.waits[call.id] for call in new[start:]], error)
                raise
            self.opened.setdefault(step.name, []).extend(call.id for call in part)
        reach("post.after")

    def heard(self, events: Sequence[Event]) -> None:
        """Events of this run, from any process; called in the flow's loop."""
        if any(event.topic in ("*", "call.closed") for event in events):
            missed = any(event.topic == "*" for event in events)
            self._look_for(list(self.waits) if missed else [e.subject for e in events if e.subject in self.waits])

    def _look_for(self, ids: Sequence[str]) -> None:
        """Read soon whether these calls are closed."""
        self._closed_hints.update(ids)
        if self._closed_hints and self._looking is None:
            self._looking = self.loop.create_task(self._look())

    async def _look(self) -> None:
        try:
            while self._closed_hints:
                ids = list(self._closed_hints)
                self._closed_hints.clear()
                run_id = self.claim.run_id
                for call in await self.store.read(lambda c, ids=ids: journal.read_calls(c, run_id, ids)):
                    self._answered(call)
        finally:
            self._looking = None

    def _answered(self, call: RecordedCall) -> None:
        future = self.waits.get(call.id)
        if self._leaving or future is None or future.done() or call.state not in ("completed", "failed"):
            return
        self.claim.calls[call.id] = call
        future.set_result(call)
        wave = self.waves[call.id]
        self._left[wave] -= 1
        if not self._left[wave]:
            self.changed()

    # ------------------------------------------------------------------ coming to rest

    @asynccontextmanager
    async def _movement(self) -> AsyncIterator[None]:
        """While inside, the run is not waiting for people only."""
        self._move(1)
        try:
            yield
        finally:
            self._move(-1)

    def _move(self, by: int) -> None:
        with self._moving_lock:
            self._moving += by
        self.loop.call_soon_threadsafe(self.changed)

    @property
    def quiet(self) -> bool:
        """Whether nothing is left that can move: every call of the attempt waits for people."""
        return self._moving == 0 and any(not future.done() for future in self.waits.values())

    def changed(self) -> None:
        """Something moved, or can: the time until the run may suspend starts anew."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._deployed and self.signal is None and self.quiet:
            delay = max(settings().hot_wait_seconds, _LEAST_QUIET_SECONDS)
            self._timer = self.loop.call_later(delay, self._start_suspending)

    def _start_suspending(self) -> None:
        if self.quiet and self._suspending is None:
            self._suspending = self.loop.create_task(self._run_suspension())

    async def _run_suspension(self) -> None:
        try:
            await self._suspend(self)
        except AttemptSuperseded as superseded:
            self.end(superseded)
        except Exception:
            self.logger.exception("The run could not be suspended; it goes on waiting in memory.")
            await self._stay()
        finally:
            self._suspending = None
            self.changed()

    def leave(self) -> bool:
        """Stop hearing answers, because the run is about to suspend; False if something has moved meanwhile.

        From here on an answer belongs to the next attempt.
        """
        self._leaving = self.quiet
        return self._leaving

    async def _stay(self) -> None:
        """Take back a suspension that did not work out."""
        try:
            await self.store.write(lambda c: journal.stay(c, self.claim, lease=self.runtime.lease, at=utc_now()))
        except AttemptSuperseded as superseded:
            self.end(superseded)
        self._leaving = False
        self._look_for(list(self.waits))

    def end(self, signal: BaseException) -> None:
        """Make every waiting and every later call of this attempt raise `signal`."""
        if self.signal is None:
            self.signal = signal
        self.runtime.ignore(self.claim.run_id, self)
        self.runtime.drop(self.claim.run_id)
        self._ended.set()
        self.fail_waits(self.signal)

    def fail_waits(self, error: BaseException) -> None:
        """Make every waiting call raise `error`."""
        _fail_all(self.waits.values(), error)


class _Closer:
    """Writes closings of a chunk in the background, as many at a time as have come together."""

    LARGE = 100

    def __init__(self, attempt: Attempt, step: AnyStep) -> None:
        self._attempt = attempt
        self._step = step
        self._waiting: list[tuple[_Call, Closing]] = []
        self._writing: asyncio.Task[None] | None = None

    def add(self, call: _Call, closing: Closing) -> bool:
        """Queue a closing; returns whether enough wait that the caller should let the writer begin."""
        self._waiting.append((call, closing))
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write())
        elif self._writing.done():
            self._writing.result()
        return len(self._waiting) >= self.LARGE

    async def finish(self) -> None:
        """Wait until everything is written."""
        while self._writing is not None:
            await self._writing

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            reach("capture.before")
            await self._attempt.store.add(self._attempt._close_all, [closing for _, closing in batch])  # noqa: SLF001
            reach("capture.after")
            for call, closing in batch:
                self._attempt._remember(self._step, call, closing)  # noqa: SLF001
        self._writing = None


def _fail_all(futures: Iterable[asyncio.Future[RecordedCall]], error: BaseException) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
            future.exception()  # some have nobody left who looks at them


def _to_do(id: str, key: str, input: BaseModel, recorded: RecordedCall | None) -> _Call:
    if recorded is None:
        return _Call(id, key, input, 1, is_open=False)
    if recorded.state == "open":
        return _Call(id, key, input, recorded.generation, is_open=True)
    return _Call(id, key, input, recorded.generation + 1, is_open=False)


def _recorded_outcome(step: AnyStep, recorded: RecordedCall) -> Outcome:
    if recorded.state == "completed":
        return step.load(recorded.output or "null")
    return RecordedError.decode(recorded.error or "{}").exception(step.name)
