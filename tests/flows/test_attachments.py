"""A local file on its way through a flow: stored, shown to the worker, and the same call after a replay."""

from pathlib import Path

import pytest
from prefect import flow

from intermezzo import InvalidInput, attach, label_image
from intermezzo.human_steps import Attachments
from intermezzo.human_steps.file_references import FileReference
from tests.human_steps.sample_files import JPEG
from tests.rig import PAYER, Rig, Suspended

pytestmark = pytest.mark.prefect


async def test_a_flow_that_shows_a_local_file_finds_its_answer_again(rig: Rig, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(JPEG)

    @flow
    async def look(path: str) -> str:
        seen = await label_image(image_url=await attach(Path(path), org=PAYER.org), labels=["cat", "dog"])
        return seen.label

    run = await rig.deploy(look, path=str(path))
    assert isinstance(await rig.attempt(look, run), Suspended)
    [task] = await rig.tasks()
    [shown] = (await rig.inbox.get(task)).attachments
    assert (await Attachments(rig.store).read_as("ann", shown.id)).content == JPEG
    await rig.answer_all(label="cat")
    assert await rig.attempt(look, run) == "cat"
    assert len(await rig.tasks("completed")) == 1


async def test_a_file_that_was_not_stored_is_refused_before_anything_is_charged(rig: Rig) -> None:
    @flow
    async def look() -> str:
        seen = await label_image(image_url=str(FileReference("0" * 64, "cat.jpg")), labels=["cat", "dog"])
        return seen.label

    run = await rig.deploy(look)
    with pytest.raises(InvalidInput, match="make the reference with `attach`"):
        await rig.attempt(look, run)
    assert await rig.reserved() == await rig.spent() == 0
