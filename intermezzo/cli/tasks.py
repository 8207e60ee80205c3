"""`intermezzo tasks`: human tasks as their requester sees them."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.inputs import json_option
from intermezzo.cli.output import json_text, show, table

if TYPE_CHECKING:
    from intermezzo.human_steps.history import Happened, Story


@click.group()
def tasks() -> None:
    """Tell the story of a human task: show."""


@tasks.command("show")
@click.argument("task_id")
@json_option
def show_task(task_id: str, *, as_json: bool) -> None:
    """Show everything that happened to TASK_ID: who did what when, what they saw and what they answered."""
    from intermezzo.human_steps.history import story
    from intermezzo.store import open_store

    found = open_store().read_now(lambda c: story(c, task_id))
    show(asdict(found), as_json=as_json, text=lambda: _told(found))


def _told(found: "Story") -> Any:  # noqa: ANN401 (what rich can print)
    from rich.console import Group

    settled = "settled" if found.settled_at else f"{found.reserved_credits} credits reserved"
    head = f"{found.name} ({found.type}), {found.state}, {settled}\n{json_text(found.input)}\n"
    answers = [
        (part.worker, part.state, part.reward_credits, json_text(part.answer) if part.answer else "", _reviewed(part))
        for part in found.parts
    ]
    lines = [(event.at, event.what, event.actor or "", _detail(event)) for event in found.happened]
    parts = [table(["worker", "state", "reward", "answer", "review"], answers, numbers=["reward"])] if answers else []
    return Group(head, *parts, table(["when", "what", "who", ""], lines))


def _reviewed(part: Any) -> str:  # noqa: ANN401 (a Part)
    said = [part.reviewed_by or "", f"{part.score}/10" if part.score is not None else "", part.note or ""]
    return ", ".join(filter(None, said))


def _detail(event: "Happened") -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in event.detail.items() if name != "assignment"
    )
