"""What operators see of a run in the Prefect UI beside its states: progress, its steps and credits, its human tasks."""

import asyncio
import logging
import time
import uuid
from collections import OrderedDict
from dataclasses import asdict
from typing import Literal

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from pydantic import JsonValue
from pydantic_core import to_json
from sqlalchemy import Connection, select

from intermezzo.human_steps.tasks import progress_of
from intermezzo.journal.summary import StepSummary, summarize
from intermezzo.store import Store
from intermezzo.store.tables import human_tasks

logger = logging.getLogger("intermezzo.reporting")

_MOST_TASKS = 50
_BAR_SECONDS = 2.0


_artifacts: OrderedDict[str, uuid.UUID] = OrderedDict()
"""Ids of artifacts that this process has seen lately, by key: saves a question to Prefect at every update."""

_MOST_ARTIFACTS = 10_000


class Reporter:
    """Keeps a run's artifacts in Prefect up to date: one of each kind, replaced in place."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store = store
        self.run_id = run_id
        self._bars: dict[str, tuple[float, float]] = {}
        """When the bar of a step began, and when it was last shown; monotonic seconds."""
        self._showing: set[asyncio.Future[None]] = set()

    async def publish(self) -> None:
        """Show the run's steps with their credits, how many answers are in, and which tasks are open."""
        steps = await self.store.read(lambda c: summarize(c, self.run_id))
        await self._put("steps", "table", "Steps and credits", to_json(_table(steps)).decode())
        if any(step.kind == "human" for step in steps):
            answered, asked = await self.store.read(lambda c: progress_of(c, self.run_id))
            percent = 100 * answered / asked if asked else 0.0
            await self._put("answers", "progress", f"{answered} of {asked} human tasks answered", percent)
            listing = await self.store.read(lambda c: _open_tasks(c, self.run_id))
            await self._put("tasks", "markdown", "Open human tasks", listing)

    async def try_to_publish(self) -> None:
        """Publish if Prefect can be reached: what it shows must never stop what is done."""
        try:
            await self.publish()
        except (httpx.HTTPError, RuntimeError) as error:  # RuntimeError: the process is shutting down
            logger.warning("the artifacts of run %s could not be updated: %r", self.run_id, error)

    def map_progress(self, step: str, done: int, total: int) -> None:
        """Show in the background how far a `.map` of a primitive has come; one that is quickly done needs no bar."""
        now = time.monotonic()
        began_at, shown_at = self._bars.setdefault(step, (now, now))
        if now - shown_at < _BAR_SECONDS and not (done == total and shown_at > began_at):
            return
        self._bars[step] = (began_at, now)
        slug = "".join(char if char.isalnum() else "-" for char in step.lower())
        showing = asyncio.ensure_future(
            self._put(f"map-{slug}", "progress", f"{step}: {done} of {total}", 100 * done / total)
        )
        self._showing.add(showing)
        showing.add_done_callback(self._shown)

    def _shown(self, showing: "asyncio.Future[None]") -> None:
        self._showing.discard(showing)
        if not showing.cancelled() and (error := showing.exception()) is not None:
            logger.warning("a progress bar could not be updated: %r", error)

    async def _put(
        self, name: str, type: Literal["table", "progress", "markdown"], description: str, data: JsonValue
    ) -> None:
        key = f"{name}-{self.run_id}"
        async with get_client() as client:
            found = _artifacts.get(key)
            if found is None:
                known = await client.read_artifacts(
                    artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=[key])), limit=1
                )
                found = known[0].id if known else None
            if found is None:
                created = await client.create_artifact(
                    ArtifactCreate(
                        key=key, type=type, description=description, data=data, flow_run_id=uuid.UUID(self.run_id)
                    )
                )
                _remember(key, created.id)
            else:
                _remember(key, found)
                await client.update_artifact(found, ArtifactUpdate(description=description, data=data))


def _remember(key: str, id: uuid.UUID) -> None:
    _artifacts[key] = id
    _artifacts.move_to_end(key)
    if len(_artifacts) > _MOST_ARTIFACTS:
        _artifacts.popitem(last=False)


def _table(steps: list[StepSummary]) -> list[dict[str, JsonValue]]:
    rows = [asdict(step) for step in steps]
    total = {"step": "total", "kind": ""}
    sums = {field: sum(row[field] for row in rows) for field in list(rows[0])[2:]} if rows else {}
    return [*rows, {**total, **sums}]


def _open_tasks(connection: Connection, run_id: str) -> str:
    rows = connection.execute(
        select(human_tasks.c.id, human_tasks.c.name, human_tasks.c.assignments_required, human_tasks.c.open_slots)
        .where(human_tasks.c.run_id == run_id, human_tasks.c.state.in_(("open", "claimed")))
        .order_by(human_tasks.c.created_at, human_tasks.c.id)
        .limit(_MOST_TASKS + 1)
    ).all()
    if not rows:
        return "No human task is open."
    lines = ["| task | step | free slots | answer it |", "|---|---|---|---|"]
    for row in rows[:_MOST_TASKS]:
        slots = f"{row.open_slots} of {row.assignments_required}"
        lines.append(f"| {row.id} | {row.name} | {slots} | `intermezzo inbox claim {row.id} --worker NAME` |")
    more = "\n\nMore are open: `intermezzo inbox list` shows them." if len(rows) > _MOST_TASKS else ""
    return "\n".join(lines) + more
