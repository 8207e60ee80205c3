"""Simulated workers answer test tasks through the ordinary path, and nothing else."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import JsonValue

from intermezzo.human_steps.inbox import InboxItem
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.store import Store
from tests.desk import FORM, Desk


@pytest.fixture
def play(store: Store) -> Desk:
    """A test run."""
    return Desk(store, test=True)


@asynccontextmanager
async def working(crowd: SimulatedCrowd) -> AsyncGenerator[None]:
    serving = asyncio.ensure_future(crowd.serve())
    yield
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def closed(desk: Desk, task: str) -> str:
    """The state in which a task ends."""
    heard, loop = asyncio.Event(), asyncio.get_running_loop()

    def wake(_events: object) -> None:
        loop.call_soon_threadsafe(heard.set)

    unsubscribe = desk.store.subscribe(wake)
    try:
        async with asyncio.timeout(20):
            while (state := desk.state(task)) in ("open", "claimed"):
                heard.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(heard.wait(), 0.2)
            return state
    finally:
        unsubscribe()


async def test_tasks_posted_before_and_after_they_start_are_answered_and_agree(play: Desk) -> None:
    before = play.post(required=3, strategy="unanimous")
    async with working(SimulatedCrowd(play.store, workers=4)):
        assert await closed(play, before) == "completed"
        after = play.post(required=3, strategy="unanimous")
        assert await closed(play, after) == "completed"
    assert play.problems() == []


async def test_a_live_task_is_never_touched(play: Desk) -> None:
    desk = Desk(play.store)
    live, test = desk.post(), play.post()
    async with working(SimulatedCrowd(play.store, workers=2)):
        assert await closed(play, test) == "completed"
    assert desk.state(live) == "open"


async def test_an_opinion_decides_and_none_leaves_it_to_the_default(play: Desk) -> None:
    def opinion(_item: InboxItem, name: str) -> dict[str, JsonValue] | None:
        return {"category": "bad", "note": name} if name == "simulated-1" else None

    task = play.post()
    async with working(SimulatedCrowd(play.store, workers=1, opinion=opinion)):
        await closed(play, task)
    assert json.loads(play.recorded(task).output or "")["answer"] == {
        "category": "bad",
        "note": "simulated-1",
    }


async def test_a_task_they_have_no_valid_answer_to_does_not_stop_them(
    play: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    def opinion(item: InboxItem, _name: str) -> dict[str, JsonValue] | None:
        return {"category": "nonsense"} if "odd" in item.answer_schema["properties"] else None  # pyright: ignore[reportOperatorIssue] - an object

    odd = play.post(form=FORM.replace('"note"', '"odd"'), priority="urgent")
    task = play.post()
    async with working(SimulatedCrowd(play.store, workers=1, opinion=opinion)):
        assert await closed(play, task) == "completed"
    assert play.state(odd) == "claimed"
    assert "no valid answer" in caplog.text
    assert "nonsense" not in caplog.text
