"""Code that changes while people work: nothing shifts, and what no longer fits is said."""

from typing import Any

import pytest
from prefect import flow
from pydantic import BaseModel

from intermezzo import (
    RecordedOutputMismatch,
    UnstableInput,
    human_step,
)
from tests.flows.steps import double, fine, work
from tests.rig import Rig, Suspended

pytestmark = pytest.mark.prefect


async def test_a_step_inserted_or_removed_while_people_work_shifts_nothing(rig: Rig) -> None:
    @flow(name="changing")
    async def before() -> list[Any]:
        return [await double(1), (await fine(question="first?"))["ok"]]

    @flow(name="changing")
    async def after() -> list[Any]:
        tripled = await double(30)
        return [tripled, (await fine(question="first?"))["ok"], await double(1)]

    run = await rig.deploy(before)
    assert isinstance(await rig.attempt(before, run), Suspended)
    await rig.answer_all(ok=True)
    assert await rig.attempt(after, run) == [60, True, 2]
    assert work == ["double 1", "double 30"]


async def test_a_human_step_removed_while_people_work_is_closed_and_refunded(rig: Rig) -> None:
    other = fine.with_options(name="other")

    @flow(name="changing")
    async def before() -> None:
        await fine(question="still wanted?")

    @flow(name="changing")
    async def after() -> bool:
        return bool((await other(question="instead?"))["ok"])

    run = await rig.deploy(before)
    assert isinstance(await rig.attempt(before, run), Suspended)
    assert isinstance(await rig.attempt(after, run), Suspended)
    assert len(await rig.tasks("cancelled")) == 1
    assert await rig.reserved() == 3
    await rig.answer_all(ok=True)
    assert await rig.attempt(after, run) is True
    assert await rig.spent() == 3


async def test_an_input_that_differs_at_every_attempt_is_an_error_that_names_the_difference(rig: Rig) -> None:
    attempts: list[int] = []

    @flow
    async def unstable() -> None:
        attempts.append(len(attempts))
        await fine(question="ok?", now=f"attempt {len(attempts)}")

    run = await rig.deploy(unstable)
    assert isinstance(await rig.attempt(unstable, run), Suspended)
    with pytest.raises(UnstableInput, match=r'now was "attempt 1", is "attempt 2".*key='):
        await rig.attempt(unstable, run)
    assert await rig.run_state(run) == "failed"
    assert await rig.spent() == 0
    assert await rig.reserved() == 0


async def test_a_recorded_output_that_no_longer_fits_says_so(rig: Rig) -> None:
    class Old(BaseModel):
        ok: bool

    class New(BaseModel):
        ok: bool
        reason: str

    @flow(name="typed")
    async def before() -> None:
        await human_step("verdict", output=Old)(question="?")
        await fine(question="more?")

    @flow(name="typed")
    async def after() -> None:
        await human_step("verdict", output=New)(question="?")

    run = await rig.deploy(before)
    assert isinstance(await rig.attempt(before, run), Suspended)
    await rig.answer_all(ok=True)
    with pytest.raises(RecordedOutputMismatch, match=r"verdict.*reason: field required"):
        await rig.attempt(after, run)
