"""Simulated workers: they answer test tasks through the ordinary claims and submissions, and never see a live one."""

import asyncio
import logging
import random
from collections.abc import Callable

from pydantic import JsonValue

from intermezzo.errors import ClaimLost, DefinitionError, InvalidResponse
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.gold_tasks import expected_answer, is_right
from intermezzo.human_steps.inbox import Inbox, InboxItem
from intermezzo.human_steps.simulated_answers import simulated_answer
from intermezzo.store import Store

Opinion = Callable[[InboxItem, str], dict[str, JsonValue] | None]
"""What a worker answers to a task; None leaves it to the default."""

_LOOK_SECONDS = 1.0
_SLIPS = 20
"""Answers that are tried until one is wrong."""

logger = logging.getLogger("intermezzo.simulated_workers")


class SimulatedCrowd:
    """A number of simulated workers.

    Args:
        store: where the tasks are.
        workers: how many there are.
        accuracy: share of answers that are a task's truth, 0 to 1; what is true is derived from the task.
        delay_seconds: mean time one worker takes for one answer.
        opinion: answers instead of the default, for demos and tests that know what is right.
        seed: makes the crowd answer the same every time.
    """

    def __init__(
        self,
        store: Store,
        *,
        workers: int = 20,
        accuracy: float = 1.0,
        delay_seconds: float = 0.0,
        opinion: Opinion | None = None,
        seed: int = 0,
    ) -> None:
        self.store = store
        self.inbox = Inbox(store, test=True)
        self.names = [f"simulated-{number}" for number in range(1, workers + 1)]
        self.accuracy = accuracy
        self.delay_seconds = delay_seconds
        self.opinion = opinion
        self.seed = seed
        self._work = asyncio.Event()

    async def serve(self) -> None:
        """Answer until cancelled."""
        unsubscribe = self.store.subscribe_here(lambda _: self._work.set(), topics=("task.opened",))
        try:
            await asyncio.gather(*(self._finish_claims(name) for name in self.names))
            while True:
                self._work.clear()
                await asyncio.gather(*(self._answer_all(name) for name in self.names))
                try:
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await self._work.wait()
                except TimeoutError:
                    continue
        finally:
            unsubscribe()

    async def _finish_claims(self, name: str) -> None:
        """Answer what this worker had claimed when its process was stopped."""
        for item in await self.inbox.list(worker_id=name, limit=1000):
            await self._answer(name, item.id)

    async def _answer_all(self, name: str) -> None:
        pace = random.Random(f"{self.seed} {name}")  # noqa: S311 (a worker's pace, not a secret)
        while claim := await self._claim(name):
            if self.delay_seconds:
                await asyncio.sleep(pace.uniform(0.5, 1.5) * self.delay_seconds)
            await self._answer(name, claim)

    async def _answer(self, name: str, task_id: str) -> None:
        item = await self.inbox.get(task_id)
        try:
            await self.inbox.submit(name, task_id, self.answer(item, name, truth=await self._truth(task_id)))
        except ClaimLost:
            return  # closed meanwhile: others were enough
        except (DefinitionError, InvalidResponse):
            # The claim is kept until it lapses: whoever claims it next would find no answer either.
            logger.warning("simulated workers have no valid answer to %s (human task %s)", item.name, item.id)

    async def _claim(self, name: str) -> str | None:
        claimed = await self.inbox.claim_next(name)
        return None if claimed is None else claimed.task_id

    async def _truth(self, task_id: str) -> dict[str, JsonValue] | None:
        return None if self.opinion else await self.store.read(lambda c: expected_answer(c, task_id))

    def answer(self, item: InboxItem, name: str, *, truth: dict[str, JsonValue] | None = None) -> dict[str, JsonValue]:
        """What one of the workers answers to one task.

        Args:
            truth: the right answer, where it is known.
        """
        if self.opinion and (given := self.opinion(item, name)) is not None:
            return given
        schema, worker_seed = AnswerSchema.of(item.answer_schema), f"{self.seed} {name}"
        if truth is None:
            return simulated_answer(schema, item.id, worker_seed, self.accuracy)
        chance = random.Random(f"{worker_seed} {item.id}")  # noqa: S311 (a worker's luck, not a secret)
        if chance.random() < self.accuracy:
            return truth
        slips = (simulated_answer(schema, f"{item.id} {number}", worker_seed, 1.0) for number in range(_SLIPS))
        return next((slip for slip in slips if not is_right(schema, truth, slip)), truth)
