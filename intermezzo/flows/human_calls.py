"""Calls whose workers are people: posted, then waited for until the store says that they are closed."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from sqlalchemy import Connection

from intermezzo import journal
from intermezzo.flows.calls import Call, Opener, Outcome, recorded_outcome
from intermezzo.human_steps.human_step import HumanStep
from intermezzo.journal import Claim, RecordedCall
from intermezzo.store import Event, Store, reach

AnyHumanStep = HumanStep[..., Any, Any]


class HumanCalls:
    """The human calls of one attempt; they live in the event loop of the flow.

    Args:
        store: where they are journaled.
        claim: the run, its epoch and its journal.
        movement: entered while calls are being posted.
        listen: called before anything is waited for, to hear of the run's events.
        changed: called when a wave is complete, so that a coroutine of the flow can go on.
    """

    def __init__(
        self,
        store: Store,
        claim: Claim,
        movement: Callable[[], AbstractAsyncContextManager[None]],
        listen: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self.opened: dict[str, list[str]] = {}
        """Calls that this attempt opened, by step."""
        self._store = store
        self._claim = claim
        self._movement = movement
        self._listen = listen
        self._changed = changed
        self._opener = Opener(store, claim)
        self._loop = asyncio.get_running_loop()
        self._waits: dict[str, asyncio.Future[RecordedCall]] = {}
        self._waves: dict[str, str] = {}
        self._left: Counter[str] = Counter()
        """Calls not yet answered, by wave."""
        self._deaf = False
        self._hints: set[str] = set()
        self._looking: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> bool:
        """Whether an answer is missing."""
        return any(not future.done() for future in self._waits.values())

    @property
    def waves(self) -> dict[str, str]:
        """The waves of the calls that are waited for: a `.map` waits for all of its calls together."""
        return {id: self._waves[id] for id in self._waits}

    async def ask(self, step: AnyHumanStep, missing: dict[str, Call]) -> dict[str, Outcome]:
        """Post what is not posted yet, then wait until all of it is answered."""
        self._listen()
        wave = next(iter(missing))
        new = [call for id, call in missing.items() if not call.is_open and id not in self._waits]
        known = [id for id, call in missing.items() if call.is_open]
        waits = {id: self._wait(id, wave) for id in missing}
        try:
            async with self._movement():
                await self._post(step, new, wave)
                self._look_for(known)
            await asyncio.wait(waits.values())
        finally:
            for id, future in waits.items():
                if future.done():
                    self._waits.pop(id, None)
        return {id: recorded_outcome(step, future.result(), missing[id].input) for id, future in waits.items()}

    def _wait(self, id: str, wave: str) -> "asyncio.Future[RecordedCall]":
        if id not in self._waits:
            self._waits[id] = self._loop.create_future()
            self._waves[id] = wave
            self._left[wave] += 1
        return self._waits[id]

    async def _post(self, step: AnyHumanStep, new: Sequence[Call], wave: str) -> None:
        run_id = self._claim.run_id
        posted = [
            step.new_task(
                call.input,
                id=call.reservation_id,
                call_id=call.id,
                run_id=run_id,
                generation=call.generation,
            )
            for call in new
        ]
        opening = [call.opening(step, wave=wave) for call in new]
        reach("post.before")
        try:
            await self._opener.open(opening, posted)
        except BaseException as error:
            _fail([self._waits[call.id] for call in new], error)
            raise
        self.opened.setdefault(step.name, []).extend(call.id for call in new)
        reach("post.after")

    def heard(self, events: Sequence[Event]) -> None:
        """Events of this run, from any process."""
        if any(event.topic == "*" for event in events):
            self._look_for(list(self._waits))
        else:
            self._look_for([e.subject for e in events if e.topic == "call.closed" and e.subject in self._waits])

    def _look_for(self, ids: Sequence[str]) -> None:
        """Read soon whether these calls are closed."""
        self._hints.update(ids)
        if self._hints and self._looking is None:
            self._looking = self._loop.create_task(self._look())

    async def _look(self) -> None:
        try:
            while self._hints:
                ids = list(self._hints)
                self._hints.clear()
                for call in await self._store.read(partial(_read, self._claim.run_id, ids)):
                    self._answered(call)
        finally:
            self._looking = None

    def _answered(self, call: RecordedCall) -> None:
        future = self._waits.get(call.id)
        if self._deaf or future is None or future.done() or call.state not in ("completed", "failed"):
            return
        self._claim.calls[call.id] = call
        future.set_result(call)
        wave = self._waves[call.id]
        self._left[wave] -= 1
        if not self._left[wave]:
            self._changed()

    def stop_hearing(self) -> None:
        """From here on an answer belongs to the next attempt."""
        self._deaf = True

    def hear_again(self) -> None:
        """The run goes on in this attempt; look for what has been answered meanwhile."""
        self._deaf = False
        self._look_for(list(self._waits))

    def fail(self, error: BaseException) -> None:
        """Make every waiting call raise `error`."""
        _fail(self._waits.values(), error)


def _read(run_id: str, ids: list[str], connection: Connection) -> list[RecordedCall]:
    return journal.read_calls(connection, run_id, ids)


def _fail(futures: "Iterable[asyncio.Future[RecordedCall]]", error: BaseException) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
            future.exception()  # some have nobody left who looks at them
