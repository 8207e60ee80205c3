"""Calls whose worker is a function: opened, performed, and closed in the journal as they get done."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager
from typing import Any

from sqlalchemy import Connection

from intermezzo import journal
from intermezzo.errors import StepError, StepFailed
from intermezzo.flows.calls import AnyStep, Call, Opener, Outcome
from intermezzo.flows.task_runs import TaskRuns
from intermezzo.flows.work import perform
from intermezzo.journal import Claim, Closing, RecordedCall, RecordedError
from intermezzo.settings import settings
from intermezzo.steps import Primitive, StepCall
from intermezzo.store import Store, reach, utc_now

AnyPrimitive = Primitive[..., Any, Any]


class PrimitiveCalls:
    """The primitives of one attempt; they may be called from any thread of the flow.

    Args:
        store: where they are journaled.
        claim: the run, its epoch and its journal.
        task_runs: shows them in Prefect.
        movement: entered while a call is under way, so that the run does not suspend meanwhile.
    """

    def __init__(
        self,
        store: Store,
        claim: Claim,
        task_runs: TaskRuns,
        movement: Callable[[], AbstractAsyncContextManager[None]],
    ) -> None:
        self._store = store
        self._claim = claim
        self._task_runs = task_runs
        self._movement = movement
        self._opener = Opener(store, claim)
        self._in_flight: dict[str, Future[dict[str, Outcome]]] = {}

    async def work(self, step: AnyPrimitive, missing: dict[str, Call]) -> dict[str, Outcome]:
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

    async def _open_and_perform(self, step: AnyPrimitive, calls: list[Call]) -> dict[str, Outcome]:
        new = [call.opening(step) for call in calls if not call.is_open]
        reach("reserve.before")
        await self._opener.open(new)
        reach("reserve.after")
        outcomes: dict[str, Outcome] = {}
        if len(calls) == 1:
            await self._task_runs.one(step, lambda: self._perform_one(step, calls[0], outcomes))
        else:
            await self._task_runs.many(step, calls, lambda chunk: self._perform_chunk(step, chunk, outcomes))
        return outcomes

    async def _perform_one(self, step: AnyPrimitive, call: Call, outcomes: dict[str, Outcome]) -> StepError | None:
        closing = await self._perform(step, call, outcomes)
        await self.close(step, [(call, closing)])
        outcome = outcomes[call.id]
        return outcome if isinstance(outcome, StepError) else None

    async def _perform_chunk(self, step: AnyPrimitive, chunk: Sequence[Call], outcomes: dict[str, Outcome]) -> int:
        """Do many calls, a bounded number at a time, closing them while others are still under way.

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

    async def _perform(self, step: AnyPrimitive, call: Call, outcomes: dict[str, Outcome]) -> Closing:
        described = StepCall(id=call.id, run_id=self._claim.run_id, step=step.name, key=call.key)
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
            reservation_id=call.reservation_id,
            generation=call.generation,
            price_credits=call.price_credits,
            output=None if failed else output,
            error=RecordedError.of(outcome).encode() if failed else None,
        )

    async def close(self, step: AnyStep, done: Sequence[tuple[Call, Closing]]) -> None:
        """Write outcomes to the journal and settle their prices, in one transaction.

        Raises:
            AttemptSuperseded: a newer attempt has taken the run.
        """
        reach("capture.before")
        await self._store.add(self._close, [closing for _, closing in done])
        reach("capture.after")
        for call, closing in done:
            self._claim.calls[call.id] = RecordedCall(
                id=call.id,
                reservation_id=call.reservation_id,
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

    def _close(self, connection: Connection, items: list[list[Closing]]) -> None:
        journal.hold(connection, self._claim)
        closings = [closing for item in items for closing in item]
        released = journal.close_primitives(connection, self._claim.payer, closings, at=utc_now())
        journal.uncommit(connection, self._claim.run_id, released)


class _Closer:
    """Closes calls of a chunk in the background, as many at a time as have come together."""

    LARGE = 100

    def __init__(self, calls: PrimitiveCalls, step: AnyPrimitive) -> None:
        self._calls = calls
        self._step = step
        self._waiting: list[tuple[Call, Closing]] = []
        self._writing: asyncio.Task[None] | None = None

    def add(self, call: Call, closing: Closing) -> bool:
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
            await self._calls.close(self._step, batch)
        self._writing = None
