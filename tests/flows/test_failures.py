"""Calls that fail: refunded, remembered, and made again only when somebody retries."""

import asyncio
from typing import Any

import pytest
from prefect import flow

from intermezzo import (
    InsufficientCredits,
    MapFailed,
    StepFailed,
    StepTimedOut,
    step,
)
from tests.flows.steps import double, fail, fine, work
from tests.rig import Rig, Suspended

pytestmark = pytest.mark.prefect


async def test_a_failed_step_is_refunded_and_fails_the_same_way_at_a_replay(rig: Rig) -> None:
    @flow
    async def careful() -> str:
        reason = ""
        try:
            await fail(1)
        except StepFailed as failed:
            reason = f"{failed.type}: {failed.message}"
        await fine(question="go on?")
        return reason

    run = await rig.deploy(careful)
    assert isinstance(await rig.attempt(careful, run), Suspended)
    await rig.answer_all(ok=True)
    assert await rig.attempt(careful, run) == "ValueError: no 1"
    assert work == ["fail 1"]
    assert await rig.spent() == 3


async def test_a_failed_run_that_is_started_again_makes_only_its_failed_calls_again(rig: Rig) -> None:
    broken = [True]

    @step(credits=7)
    async def shaky(x: int) -> int:
        work.append(f"shaky {x}")
        if broken[0]:
            raise RuntimeError("down")
        return x

    @flow
    async def brittle() -> int:
        return await double(1) + await shaky(2)

    run = await rig.deploy(brittle)
    with pytest.raises(StepFailed):
        await rig.attempt(brittle, run)
    assert await rig.run_state(run) == "failed"
    broken[0] = False
    assert await rig.attempt(brittle, run) == 4
    assert work == ["double 1", "shaky 2", "shaky 2"]
    assert await rig.spent() == 3 + 7


async def test_prefects_own_flow_retries_make_failed_calls_again(sqlite_rig: Rig) -> None:
    @step(credits=7)
    async def second_time_lucky(x: int) -> int:
        work.append("try")
        if len(work) < 3:
            raise RuntimeError("down")
        return x

    @flow(retries=1)
    async def stubborn() -> int:
        return await double(1) + await second_time_lucky(2)

    assert await stubborn() == 4
    assert work == ["double 1", "try", "try"]
    assert await sqlite_rig.spent() == 3 + 7


async def test_a_step_is_tried_as_often_as_its_options_say(sqlite_rig: Rig) -> None:
    stubborn = fail.with_options(retries=2, retry_delay_seconds=0)

    @step(credits=1, timeout_seconds=0.05)
    async def slow() -> None:
        await asyncio.sleep(30)

    @flow
    async def trying() -> None:
        with pytest.raises(StepFailed):
            await stubborn(1)
        with pytest.raises(StepTimedOut, match=r"0\.05 s"):
            await slow()

    await trying()
    assert work == ["fail 1"] * 3
    assert await sqlite_rig.spent() == 0


async def test_a_map_with_failures_keeps_what_worked(sqlite_rig: Rig) -> None:
    @step(credits=2)
    async def even(x: int) -> int:
        if x % 2:
            raise ValueError(f"{x} is odd")
        return x

    items = [{"x": i} for i in range(6)]

    @flow
    async def mixed() -> list[Any]:
        with pytest.raises(MapFailed) as caught:
            await even.map(items)
        assert sorted(caught.value.failures) == [1, 3, 5]
        return await even.map(items, return_exceptions=True)

    results = await mixed()
    assert [r for r in results if isinstance(r, int)] == [0, 2, 4]
    assert [str(r) for r in results if isinstance(r, StepFailed)] == [
        f"even: ValueError: {x} is odd" for x in (1, 3, 5)
    ]
    assert await sqlite_rig.spent() == 6


async def test_too_few_credits_stop_a_step_before_any_work(rig: Rig) -> None:
    @step(credits=600_000)
    async def dear(x: int) -> int:
        work.append("dear")
        return x

    @flow
    async def spendthrift() -> None:
        await dear.map([{"x": 1}, {"x": 2}])

    with pytest.raises(InsufficientCredits, match="needs 1200000 credits and has 1000000"):
        await spendthrift()
    assert work == []
    assert await rig.reserved() == 0


async def test_a_cancelled_task_raises_in_the_flow(rig: Rig) -> None:
    from intermezzo import HumanTaskCancelled
    from intermezzo.human_steps import tasks
    from intermezzo.store import utc_now

    @flow
    async def ask() -> str:
        try:
            await fine(question="?")
        except HumanTaskCancelled as cancelled:
            return str(cancelled)
        return "answered"

    run = await rig.deploy(ask)
    assert isinstance(await rig.attempt(ask, run), Suspended)
    open_tasks = await rig.tasks()
    await rig.store.write(lambda c: tasks.cancel(c, open_tasks, reason="not needed", at=utc_now()))
    assert await rig.attempt(ask, run) == "fine: not needed"
    assert await rig.spent() == 0
