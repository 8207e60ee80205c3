"""`intermezzo inbox`: human tasks answered at a terminal."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.inputs import json_option, json_value, test_option, worker_option
from intermezzo.cli.output import show, table

if TYPE_CHECKING:
    from intermezzo.human_steps.claims import Claimed
    from intermezzo.human_steps.inbox import Inbox, InboxItem
    from intermezzo.human_steps.reports import Problem


@click.group()
def inbox() -> None:
    """Answer human tasks: list, claim, show, attachment, submit, release, decline, report."""


@inbox.command("list")
@click.option("--mine", is_flag=True, help="Tasks you have claimed instead.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Most tasks to show.")
@worker_option
@test_option
@json_option
def list_tasks(*, mine: bool, limit: int, worker: str, test: bool, as_json: bool) -> None:
    """List tasks that you may claim, the most urgent and oldest first."""
    inbox = _inbox(test=test)
    items = asyncio.run(inbox.list(worker_id=worker, limit=limit) if mine else inbox.offers(worker, limit=limit))
    show([asdict(item) for item in items], as_json=as_json, text=lambda: _tasks_table(items))


@inbox.command()
@click.argument("task_id", required=False, metavar="[TASK_ID]")
@click.option("--type", "types", multiple=True, metavar="TYPE", help="Without TASK_ID: only tasks of this type.")
@worker_option
@test_option
@json_option
def claim(task_id: str | None, *, types: tuple[str, ...], worker: str, test: bool, as_json: bool) -> None:
    """Claim a slot of TASK_ID, or of the next task, and show it."""
    claimed, item = asyncio.run(_claim(_inbox(test=test), worker, task_id, types))
    shown = {"claim": asdict(claimed), "task": _as_json(item)}
    show(shown, as_json=as_json, text=lambda: _print_task(item, claimed))


@inbox.command("show")
@click.argument("task_id")
@worker_option
@test_option
@json_option
def show_task(task_id: str, *, worker: str, test: bool, as_json: bool) -> None:
    """Show what a worker on TASK_ID sees."""
    item = asyncio.run(_inbox(test=test).get(task_id, worker_id=worker))
    show(_as_json(item), as_json=as_json, text=lambda: _print_task(item))


@inbox.command()
@click.argument("attachment_id")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE", help="Where to save it (default: here, under its name)."
)
@worker_option
@test_option
@json_option
def attachment(attachment_id: str, *, out: Path | None, worker: str, test: bool, as_json: bool) -> None:
    """Save the attached file ATTACHMENT_ID of a task that you hold or may claim."""
    from intermezzo.human_steps.attachments import Attachments

    of = _inbox(test=test)
    found = asyncio.run(Attachments(of.store, test=of.test).read_as(worker, attachment_id))
    path = out or Path(found.name)
    try:
        with path.open("xb") as file:
            file.write(found.content)
    except FileExistsError:
        raise click.BadParameter(f"{str(path)!r} is there already", param_hint="'--out'") from None
    saved = {"attachment_id": attachment_id, "file": str(path), "media_type": found.media_type}
    show(saved, as_json=as_json, text=lambda: f"saved {path} ({found.media_type}, {len(found.content):,} bytes)")


@inbox.command()
@click.argument("task_id")
@click.option("--answer", "given", required=True, metavar="JSON|@FILE|-", help="JSON, a file of it, or - for stdin.")
@worker_option
@test_option
@json_option
def submit(task_id: str, *, given: str, worker: str, test: bool, as_json: bool) -> None:
    """Answer TASK_ID, which you have claimed."""
    answer = json_value(given, option="--answer")
    state = asyncio.run(_inbox(test=test).submit(worker, task_id, answer))
    outcome = {"task_id": task_id, "worker": worker, "state": state}
    show(outcome, as_json=as_json, text=lambda: f"your answer is {state}")


@inbox.command()
@click.argument("task_id")
@worker_option
@test_option
@json_option
def release(task_id: str, *, worker: str, test: bool, as_json: bool) -> None:
    """Give your claim on TASK_ID back."""
    asyncio.run(_inbox(test=test).release(worker, task_id))
    outcome = {"task_id": task_id, "worker": worker, "released": True}
    show(outcome, as_json=as_json, text=lambda: "your claim is given back")


@inbox.command()
@click.argument("task_id")
@click.option("--reason", default="", help="For the requester.")
@worker_option
@test_option
@json_option
def decline(task_id: str, *, reason: str, worker: str, test: bool, as_json: bool) -> None:
    """Give your claim on TASK_ID back for good; you are not offered it again."""
    asyncio.run(_inbox(test=test).decline(worker, task_id, reason=reason))
    outcome = {"task_id": task_id, "worker": worker, "declined": True}
    show(outcome, as_json=as_json, text=lambda: "declined; you are not offered this task again")


@inbox.command()
@click.argument("task_id")
@click.option("--reason", type=click.Choice(["unclear", "broken", "harmful", "private", "other"]), required=True)
@click.option("--note", default="", help="What is wrong, for the requester.")
@worker_option
@test_option
@json_option
def report(task_id: str, *, reason: "Problem", note: str, worker: str, test: bool, as_json: bool) -> None:
    """Say that something is wrong with TASK_ID, and give your claim on it back for good."""
    asyncio.run(_inbox(test=test).report(worker, task_id, reason=reason, note=note))
    outcome = {"task_id": task_id, "worker": worker, "reported": reason}
    show(outcome, as_json=as_json, text=lambda: "reported; you are not offered this task again")


def _inbox(*, test: bool) -> "Inbox":
    from intermezzo.human_steps.inbox import Inbox
    from intermezzo.settings import settings
    from intermezzo.store import open_store

    return Inbox(open_store(), test=test or settings().test_mode)


async def _claim(inbox: "Inbox", worker: str, task_id: str | None, types: Sequence[str]) -> "tuple[Claimed, InboxItem]":
    from intermezzo.errors import NotClaimable

    claimed = await inbox.claim_next(worker, types=types) if task_id is None else await inbox.claim(worker, task_id)
    if claimed is None:
        raise NotClaimable(f"no human task is waiting that {worker!r} has not worked on")
    return claimed, await inbox.get(claimed.task_id, worker_id=worker)


def _as_json(item: "InboxItem") -> Mapping[str, Any]:
    """The task with what its worker sees, whether its type says that or not."""
    from intermezzo.human_steps.controls import default_controls

    controls = item.controls or [control.model_dump(mode="json") for control in default_controls(item.input)]
    return {**asdict(item), "controls": controls}


def _print_task(item: "InboxItem", claimed: "Claimed | None" = None) -> None:
    from intermezzo.cli.task_text import print_task

    print_task(item, claimed)


def _tasks_table(items: "Sequence[InboxItem]") -> Any:  # noqa: ANN401 (what rich can print)
    if not items:
        return "No task is listed; `intermezzo inbox claim` gives the next, if there is one."
    rows = [
        (
            item.id,
            item.name,
            item.type,
            item.reward_credits,
            item.created_at,
        )
        for item in items
    ]
    return table(["task", "step", "type", "reward", "posted"], rows, numbers=["reward"])
