"""How primitives appear in Prefect: a task run per call, or per chunk of a `.map`, within what Prefect can record."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, TypeVar

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.context import TaskRunContext
from prefect.states import Completed, Failed
from prefect.tasks import Task

from intermezzo.errors import StepError
from intermezzo.settings import settings
from intermezzo.steps import Primitive

T = TypeVar("T")
Job = Callable[[], Awaitable[State[None]]]

BURST = 20
"""Task runs of single calls that a run may have at once before the rate limit counts."""

_job: ContextVar[Job] = ContextVar("intermezzo_job")
_run_name: ContextVar[str] = ContextVar("intermezzo_run_name")


class TaskRuns:
    """The Prefect task runs of one attempt."""

    def __init__(self, progress: Callable[[str, int, int], None]) -> None:
        self._progress = progress
        self._tokens = float(BURST)
        self._refilled_at = time.monotonic()
        self._counts: dict[str, int] = {}

    async def one(self, step: Primitive[..., Any, Any], work: Callable[[], Awaitable[StepError | None]]) -> None:
        """Do a single call in a task run of its own, unless there have been too many lately."""
        if TaskRunContext.get() is not None or not self._take_token():
            await work()
            return
        number = self._counts[step.name] = self._counts.get(step.name, 0) + 1

        async def job() -> State[None]:
            error = await work()
            return Completed() if error is None else Failed(message=str(error))

        await _run(step, f"{step.name} #{number}", job)

    async def many(
        self,
        step: Primitive[..., Any, Any],
        calls: Sequence[T],
        work: Callable[[Sequence[T]], Awaitable[int]],
    ) -> None:
        """Do the calls of a `.map` in chunks, each chunk one task run."""
        size = settings().map_chunk_size
        self._progress(step.name, 0, len(calls))
        for start in range(0, len(calls), size):
            chunk = calls[start : start + size]

            async def job(chunk: Sequence[T] = chunk) -> State[None]:
                failed = await work(chunk)
                if failed:
                    return Failed(message=f"{failed} of {len(chunk)} calls failed")
                return Completed(message=f"{len(chunk)} calls")

            await _run(step, f"{step.name} {start + 1}-{start + len(chunk)} of {len(calls)}", job)
            self._progress(step.name, start + len(chunk), len(calls))

    def _take_token(self) -> bool:
        now = time.monotonic()
        refill = (now - self._refilled_at) * settings().task_runs_per_second
        self._tokens = min(BURST, self._tokens + refill)
        self._refilled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


async def _run(step: Primitive[..., Any, Any], run_name: str, job: Job) -> None:
    raised: list[BaseException] = []

    async def guarded() -> State[None]:
        try:
            return await job()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 (raised again below, outside of the task run)
            # Money and fencing errors are the engine's to raise in the flow; the task run only shows them.
            raised.append(error)
            return Failed(message=f"{type(error).__name__}: {error}")

    tokens = _job.set(guarded), _run_name.set(run_name)
    try:
        running: Any = _task_of(step)(return_state=True)  # Prefect types it as if it were synchronous
        await running
    finally:
        _job.reset(tokens[0])
        _run_name.reset(tokens[1])
    if raised:
        raise raised[0]


def _current_run_name() -> str:
    return _run_name.get()


@lru_cache(maxsize=128)
def _task_of(step: Primitive[..., Any, Any]) -> Task[[], Any]:
    # No tags: for them Prefect asks its server for concurrency slots, and a busy server on SQLite refuses for two
    # seconds. Such a limit would not hold either, because not every call has a task run.
    return Task(
        _work,
        name=step.name,
        task_run_name=_current_run_name,
        description=(step.__doc__ or "").partition("\n")[0] or None,
        persist_result=False,
        cache_policy=NO_CACHE,
        retries=0,
    )


async def _work() -> State[None]:
    return await _job.get()()
