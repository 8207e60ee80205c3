"""What an operator sees in the Prefect UI while a run waits for people, in a real browser."""

import asyncio
import shutil
from pathlib import Path

import pytest
from prefect import flow

from intermezzo import label_text, step
from tests.rig import Rig, Suspended

pytestmark = [pytest.mark.prefect, pytest.mark.browser]

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1400,1500",
    "--virtual-time-budget=30000",
)

sentiment = label_text.with_options(name="sentiment")


@step(credits=2)
async def clean(text: str) -> str:
    """Remove white space around a text."""
    return text.strip()


@flow(flow_run_name="two reviews")
async def reviews() -> None:
    """Clean two texts and ask people about them."""
    texts = [await clean(text) for text in (" good ", " bad ")]
    await sentiment.map([{"text": text, "categories": ["positive", "negative"]} for text in texts])


async def browse(url: str, folder: Path, *what: str) -> str:
    """Open a page in headless Chromium; returns what it prints."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    process = await asyncio.create_subprocess_exec(
        chromium,
        *FLAGS,
        f"--user-data-dir={folder}/profile",
        *what,
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    printed, _ = await process.communicate()
    return printed.decode()


async def test_the_run_page_shows_that_and_for_how_many_answers_the_run_waits(
    sqlite_rig: Rig, prefect_url: str, tmp_path: Path
) -> None:
    run = await sqlite_rig.deploy(reviews)
    assert isinstance(await sqlite_rig.attempt(reviews, run), Suspended)
    await asyncio.sleep(2)  # Prefect records task runs from its event stream
    page = f"{prefect_url.removesuffix('/api')}/runs/flow-run/{run}"
    seen = await browse(page, tmp_path, "--dump-dom")
    for text in ("two reviews", "Awaiting workers"):
        assert text in seen
    await browse(page, tmp_path, f"--screenshot={tmp_path}/run.png")
    assert (tmp_path / "run.png").stat().st_size > 10_000
