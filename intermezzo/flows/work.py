"""Doing one call of a primitive: timeout, retries with growing pauses, errors told apart."""

import asyncio
import random
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel

from intermezzo.errors import IntermezzoError, StepError, StepFailed, StepTimedOut
from intermezzo.steps import Primitive, StepCall, begin_work, end_work
from intermezzo.store import reach

Out = TypeVar("Out")

_LONGEST_PAUSE_SECONDS = 60.0


async def perform(step: Primitive[..., Any, Out], input: BaseModel, call: StepCall) -> Out | StepError:
    """Do a call, trying again as often as the step's options say.

    Returns:
        The output, or the error of the last try. What it was raised from is its `__cause__`.
    """
    reach("work.before")
    outcome = await _try(step, input, call)
    for retry in range(step.options.retries):
        if not isinstance(outcome, StepError) or not _worth_retrying(outcome):
            break
        pause = min(step.options.retry_delay_seconds * 2**retry, _LONGEST_PAUSE_SECONDS)
        await asyncio.sleep(pause * random.uniform(1, 1.2))  # noqa: S311 (spreads retries, keeps no secret)
        outcome = await _try(step, input, replace(call, retry=retry + 1))
    reach("work.after")
    return outcome


async def _try(step: Primitive[..., Any, Out], input: BaseModel, call: StepCall) -> Out | StepError:
    limit = None if step.options.timeout_seconds is None else asyncio.timeout(step.options.timeout_seconds)
    token = begin_work(call)
    try:
        if limit is None:
            return await step.perform(input)
        async with limit:
            return await step.perform(input)
    except Exception as error:  # noqa: BLE001 (the boundary between the engine and a step's own code)
        return _as_step_error(step, error, timed_out=limit is not None and limit.expired())
    finally:
        end_work(token)


def _as_step_error(step: Primitive[..., Any, Any], error: Exception, *, timed_out: bool) -> StepError:
    if timed_out:
        failed: StepError = StepTimedOut(f"{step.name} took longer than {step.options.timeout_seconds:g} s")
    elif isinstance(error, StepError):
        return error
    else:
        failed = StepFailed(step.name, type=type(error).__name__, message=str(error))
    failed.__cause__ = error
    return failed


def _worth_retrying(error: StepError) -> bool:
    cause = error.__cause__
    return cause.retryable if isinstance(cause, IntermezzoError) else True
