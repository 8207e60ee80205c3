"""What the engine promises of calls in a flow: done once, charged once, replayed from the journal."""

import asyncio
import logging
from typing import Any

import pytest
from prefect import flow, task

from intermezzo import (
    MisplacedStep,
    StepFailed,
    step,
)
from intermezzo.flows.suspension import STATE_NAME, resume
from intermezzo.flows.worker import ungrouped
from intermezzo.human_steps.scale_types import categorization
from tests.flows.steps import CHOICES, double, fine, verify, work
from tests.rig import Rig, Suspended

pytestmark = pytest.mark.prefect


async def test_a_run_suspends_for_people_and_goes_on_without_doing_anything_twice(rig: Rig) -> None:
    @flow
    async def review(text: str) -> tuple[int, str, int]:
        doubled = await double(1)
        label = await verify(text=text, categories=CHOICES)
        return doubled, label.category, await double(10)

    run = await rig.deploy(review, text="hello")
    suspended = await rig.attempt(review, run)
    assert isinstance(suspended, Suspended)
    assert suspended.message == "0 of 1 answered"
    assert await rig.state(run) == STATE_NAME
    assert await rig.reserved() == 5  # two rewards of 2 and the least fee
    assert await rig.answer_all(category="a") == 1
    assert await rig.answer_all(category="a") == 1
    assert await resume(str(run))
    assert await rig.attempt(review, run) == (2, "a", 20)
    assert work == ["double 1", "double 10"]
    assert await rig.spent() == 3 + 5 + 3
    assert await rig.run_state(run) == "completed"


async def test_a_suspension_is_not_logged_as_an_error(sqlite_rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    @flow
    async def review(text: str) -> str:
        return (await verify(text=text, categories=CHOICES)).category

    flow_runs = logging.getLogger("prefect.flow_runs")
    run = await sqlite_rig.deploy(review, text="t")
    with caplog.at_level(logging.INFO, flow_runs.name):
        flow_runs.addHandler(caplog.handler)
        assert isinstance(await sqlite_rig.attempt(review, run), Suspended)
        flow_runs.removeHandler(caplog.handler)
    said = [record.levelname for record in caplog.records if f"Finished in state {STATE_NAME}" in record.getMessage()]
    assert set(said) == {"INFO"}


async def test_an_attempt_too_early_suspends_again(sqlite_rig: Rig) -> None:
    @flow
    async def ask() -> bool:
        return bool((await fine(question="ready?"))["ok"])

    run = await sqlite_rig.deploy(ask)
    for _ in range(3):
        assert isinstance(await sqlite_rig.attempt(ask, run), Suspended)
    assert len(await sqlite_rig.tasks()) == 1
    await sqlite_rig.answer_all(ok=True)
    assert await sqlite_rig.attempt(ask, run) is True


async def test_an_answer_that_comes_before_the_suspension_has_landed_is_not_lost(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    from intermezzo.flows import suspension

    @flow
    async def ask() -> bool:
        return bool((await fine(question="ready?"))["ok"])

    propose = suspension.propose_state

    async def answered_meanwhile(*args: Any, **kwargs: Any) -> Any:
        await rig.answer_all(ok=True)
        assert not await resume(str(kwargs["flow_run_id"]))  # what the reconciler tries: too early for Prefect
        return await propose(*args, **kwargs)

    monkeypatch.setattr(suspension, "propose_state", answered_meanwhile)
    run = await rig.deploy(ask)
    assert isinstance(await rig.attempt(ask, run), Suspended)
    assert await rig.state(run) == "Resuming"
    assert await rig.attempt(ask, run) is True


async def test_a_quick_answer_continues_the_run_without_suspending(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    from intermezzo.settings import settings

    monkeypatch.setenv("INTERMEZZO_HOT_WAIT_SECONDS", "30")
    settings.cache_clear()

    @flow
    async def ask() -> bool:
        return bool((await fine(question="ready?"))["ok"])

    run = await rig.deploy(ask)
    attempt = asyncio.create_task(rig.attempt(ask, run))
    while not await rig.answer_all(ok=True):
        await asyncio.sleep(0.01)
    assert await attempt is True


async def test_a_script_without_a_deployment_waits_in_memory_and_says_so(
    rig: Rig, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    @flow
    async def ask() -> bool:
        return bool((await fine(question="ready?"))["ok"])

    monkeypatch.setattr(logging.getLogger("prefect"), "propagate", True)
    caplog.set_level(logging.INFO, "prefect.flow_runs")
    script = asyncio.create_task(ask())
    while not await rig.answer_all(ok=True):
        await asyncio.sleep(0.01)
    assert await script is True
    assert [text for text in caplog.messages if "`intermezzo inbox list`" in text]
    assert await rig.spent() == 3


async def test_a_map_of_people_is_one_suspension_and_one_wave(rig: Rig) -> None:
    @flow
    async def survey(n: int) -> list[str]:
        labels = await verify.map([{"text": f"text {i}", "categories": CHOICES} for i in range(n)])
        return [label.category for label in labels]

    run = await rig.deploy(survey, n=30)
    first = await rig.attempt(survey, run)
    assert isinstance(first, Suspended)
    assert first.message == "0 of 30 answered"
    await rig.answer_all(category="b")
    assert isinstance(await rig.attempt(survey, run), Suspended)
    await rig.answer_all(category="b")
    assert await rig.attempt(survey, run) == ["b"] * 30
    assert await rig.spent() == 30 * 5


@pytest.mark.parametrize("with_group", [False, True])
async def test_concurrent_calls_are_all_posted_before_the_run_suspends(with_group: bool, sqlite_rig: Rig) -> None:
    async def one(number: int) -> bool:
        await asyncio.sleep(0.001 * number)
        await double(number)
        return bool((await fine(question=f"{number}?"))["ok"])

    @flow
    async def gathered() -> list[bool]:
        if not with_group:
            return list(await asyncio.gather(*(one(i) for i in range(5))))
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(one(i)) for i in range(5)]
        return [question.result() for question in asked]

    body = ungrouped(gathered)
    run = await sqlite_rig.deploy(body)
    assert isinstance(await sqlite_rig.attempt(body, run), Suspended)
    assert len(await sqlite_rig.tasks()) == 5
    await sqlite_rig.answer_all(ok=True)
    assert await sqlite_rig.attempt(body, run) == [True] * 5
    assert len(work) == 5


async def test_equal_inputs_are_one_call_and_a_key_asks_twice(sqlite_rig: Rig) -> None:
    @flow
    async def twice() -> list[int]:
        same = [await double(1), await double(1), *await double.map([{"x": 1}, {"x": 1}])]
        both = await asyncio.gather(double(2), double(2))
        return [*same, *both, await double.with_options(key="again")(1)]

    assert await twice() == [2, 2, 2, 2, 4, 4, 2]
    assert sorted(work) == ["double 1", "double 1", "double 2"]
    assert await sqlite_rig.spent() == 9


async def test_of_two_attempts_at_once_only_the_newer_leaves_a_trace(rig: Rig) -> None:
    from prefect.exceptions import Abort

    from intermezzo.flows.engine import engine

    started, go_on = asyncio.Event(), asyncio.Event()

    @step(credits=4)
    async def gated(x: int) -> int:
        work.append(f"gated {x}")
        if len(work) == 1:
            started.set()
            await go_on.wait()
        return len(work)

    @flow
    async def raced() -> int:
        return await gated(1)

    run = await rig.deploy(raced)
    first = asyncio.create_task(rig.attempt(raced, run))
    await started.wait()
    engine.forget(str(run))  # as if the second attempt were in another process
    assert await rig.attempt(raced, run) == 2
    go_on.set()
    with pytest.raises(Abort):
        await first
    assert await rig.state(run) == "Completed"
    assert await rig.spent() == 4


async def test_human_steps_are_refused_where_a_run_cannot_suspend(sqlite_rig: Rig) -> None:
    @task
    async def in_task() -> None:
        with pytest.raises(MisplacedStep, match="a Prefect task"):
            await fine(question="?")

    @flow
    async def subflow() -> int:
        with pytest.raises(MisplacedStep, match="a subflow"):
            await fine(question="?")
        return await double(4)

    @flow
    async def parent() -> tuple[int, int]:
        await in_task()
        return await subflow(), await double(4)

    with pytest.raises(MisplacedStep, match=r"outside of a flow.*`double\.fn"):
        await double(1)
    with pytest.raises(MisplacedStep, match=r"in an async @flow$"):
        await fine(question="?")
    assert await parent() == (8, 8)
    assert work == ["double 4"]  # one run, one journal


async def test_what_the_flow_sees_is_what_a_replay_will_see(sqlite_rig: Rig) -> None:
    @step()
    async def pair(x: int):  # noqa: ANN202 (no annotation: the output is plain JSON)
        return (x, {"at": x})

    @step()
    async def hopeless() -> Any:
        return object()

    @flow
    async def plain() -> Any:
        with pytest.raises(StepFailed, match="its output is not JSON"):
            await hopeless()
        return await pair(1)

    assert await plain() == [1, {"at": 1}]


async def test_what_follows_from_the_input_is_there_at_the_answer_and_at_a_replay(sqlite_rig: Rig) -> None:
    @flow
    async def sort() -> object:
        categories, ids = ["public", "private"], {"1": "public", "2": "private"}
        output = await categorization(
            instruction="?", attachment_type="text", attachment="x", categories=categories, category_ids=ids
        )
        return output.response()

    script = asyncio.create_task(sort())
    while not await sqlite_rig.answer_all(category="private"):
        await asyncio.sleep(0.01)
    assert await script == {"category": "private", "category_id": "2"}

    run = await sqlite_rig.deploy(sort)
    assert isinstance(await sqlite_rig.attempt(sort, run), Suspended)
    await sqlite_rig.answer_all(category="public")
    assert await sqlite_rig.attempt(sort, run) == {"category": "public", "category_id": "1"}
