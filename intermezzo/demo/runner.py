"""Runs the demo's pipeline on a warm worker, with simulated workers, and follows it."""

import asyncio
import hashlib
import os
import re
import uuid
from dataclasses import asdict, dataclass
from functools import partial
from typing import cast

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from pydantic import JsonValue
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn
from rich.prompt import Prompt
from sqlalchemy import Connection, select

from intermezzo.demo import documents, pipeline
from intermezzo.demo.pipeline import Report
from intermezzo.errors import IntermezzoError
from intermezzo.flows.deployments import schedule
from intermezzo.flows.serve import executor
from intermezzo.flows.suspension import STATE_NAME
from intermezzo.human_steps.inbox import Inbox, InboxItem
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.human_steps.tasks import progress_of
from intermezzo.journal.runs import ENDED
from intermezzo.journal.summary import StepSummary, summarize
from intermezzo.ledger import AuditReport, Payer, audit, grant
from intermezzo.settings import settings
from intermezzo.store import Store, open_store, utc_now
from intermezzo.store.tables import runs

TARGET = f"{pipeline.__file__}:customer_feedback"
TEST_CREDITS = 10_000


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the demo shows at its end."""

    run_id: str
    url: str
    report: Report
    steps: list[StepSummary]
    audit: AuditReport
    suspensions: int
    states: list[str]

    def as_json(self) -> dict[str, object]:
        """For `--json`."""
        return {
            "run_id": self.run_id,
            "url": self.url,
            **self.report.model_dump(mode="json"),
            "steps": [asdict(step) for step in self.steps],
            "audit": {"clean": self.audit.clean, "transfers": self.audit.transfers, "problems": self.audit.problems},
            "suspensions": self.suspensions,
            "states": self.states,
        }


async def run_demo(*, me: bool, quiet: bool) -> Outcome:
    """Run the pipeline over the shipped documents.

    Args:
        me: the person at the terminal is one of the three workers.
        quiet: show no progress.

    Raises:
        IntermezzoError: the run did not complete.
    """
    store = open_store()
    payer = Payer(settings().org, test=True)
    await store.write(lambda c: grant(c, payer, TEST_CREDITS, subject=f"grant:{uuid.uuid4()}", at=utc_now()))
    crowd = SimulatedCrowd(store, workers=2 if me else 12, delay_seconds=0.3 if me else 1.0, opinion=opinion)
    async with executor(crowd), get_client() as client:
        parameters: dict[str, object] = {"documents": [str(path) for path in documents()]}
        run = await schedule(client, store, TARGET, parameters, payer=payer)
        answering = asyncio.create_task(_answer_as_me(store)) if me else None
        try:
            states = await _follow(client, store, run.id, quiet=quiet or me)
        finally:
            if answering:
                answering.cancel()
        return await _outcome(store, await client.read_flow_run(run.id), states)


async def _follow(client: PrefectClient, store: Store, run_id: uuid.UUID, *, quiet: bool) -> list[str]:
    """Show the run's states and answers until it has ended and its money is settled; returns the states."""
    states: list[str] = []
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[answers]}"))
    with Progress(*columns, console=Console(stderr=True), disable=quiet, transient=False) as progress:
        bar = progress.add_task("Scheduled", total=None, answers="")
        while True:
            run = await client.read_flow_run(run_id)
            assert run.state is not None
            name = f"{run.state.name} ({run.state.message})" if run.state.is_paused() else run.state.name or ""
            if not states or states[-1] != name:
                states.append(name)
                progress.console.print(f"[dim]{utc_now():%H:%M:%S}[/dim] {name}") if not quiet else None
            answered, asked = await store.read(lambda c: progress_of(c, str(run_id)))
            text = f"{answered} of {asked} answered" if asked else ""
            progress.update(
                bar, description=run.state.name or "", total=asked or None, completed=answered, answers=text
            )
            if run.state.is_final() and await store.read(lambda c: _is_settled(c, str(run_id))):
                return states
            await asyncio.sleep(0.2)


def _is_settled(connection: Connection, run_id: str) -> bool:
    state = connection.scalar(select(runs.c.state).where(runs.c.id == run_id))
    return state in ENDED


async def _outcome(store: Store, final: FlowRun, states: list[str]) -> Outcome:
    state = final.state
    assert state is not None
    if not state.is_completed():
        raise IntermezzoError(f"the run ended as {state.name}: {state.message}")
    run_id = str(final.id)
    api = os.environ["PREFECT_API_URL"]
    return Outcome(
        run_id=run_id,
        url=f"{api.removesuffix('/api')}/runs/flow-run/{run_id}",
        report=Report.model_validate(await state.aresult()),
        steps=await store.read(lambda c: summarize(c, run_id)),
        audit=await store.read(audit),
        suspensions=sum(name.startswith(STATE_NAME) for name in states),
        states=states,
    )


async def _answer_as_me(store: Store) -> None:
    """Ask the person at the terminal about one task after the other."""
    inbox = Inbox(store, test=True)
    console = Console()
    while True:
        claimed = await inbox.claim_next("you", types=["label_text"])
        if claimed is None:
            await asyncio.sleep(0.2)
            continue
        item = await inbox.get(claimed.task_id)
        console.print(f"\n[bold]{escape(str(item.input['question']))}[/bold]\n{escape(str(item.input['text']))}")
        choices = [str(choice) for choice in cast("list[JsonValue]", item.input["categories"])]
        ask = partial(Prompt.ask, "Your answer", choices=choices, console=console)
        category = await asyncio.to_thread(ask)
        await inbox.submit("you", item.id, {"category": category})


POSITIVE = frozenset(
    re.findall(
        r"\w+",
        "best easy excellent friendly great happy helpful kind love loves perfect recommend thank thanks wonderful",
    )
)
NEGATIVE = frozenset(
    re.findall(
        r"\w+",
        "angry broken cancel charged crash crashes damaged disappoint disappointed disaster late leak leaks loud "
        "missing nobody refund rude slow terrible twice unusable worst wrong",
    )
)


def opinion(item: InboxItem, worker: str) -> dict[str, JsonValue] | None:
    """What a simulated worker makes of a text: by its words, and now and then mistaken."""
    text = str(item.input.get("text", "")).lower()
    words = set(re.findall(r"\w+", text))
    score = len(words & POSITIVE) - len(words & NEGATIVE)
    category = "positive" if score > 0 else "negative" if score < 0 else "neutral"
    drawn = hashlib.sha256(f"{worker} {text}".encode()).digest()[0]
    if drawn % 10 == 0:
        category = "neutral" if category != "neutral" else "negative"
    return {"category": category}
