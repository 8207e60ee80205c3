"""`intermezzo tasks`: human tasks as their requester sees them."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from intermezzo.cli.inputs import json_option, json_value, org_option, payer_of, test_option
from intermezzo.cli.output import json_text, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intermezzo.human_steps.attachment_rows import Attachment
    from intermezzo.human_steps.attachments import Attachments
    from intermezzo.human_steps.history import Happened, Story
    from intermezzo.human_steps.requester import Requester, TaskRequest
    from intermezzo.human_steps.task_views import TaskView


@click.group()
def tasks() -> None:
    """Ask people something without a flow, and follow it: post, list, attach, attachments, wait, show, cancel."""


@tasks.command()
@click.argument("type")
@click.option("--input", "given", required=True, metavar="JSON|@FILE|-", help="JSON, a file of it, or - for stdin.")
@click.option(
    "--options", metavar="JSON|@FILE|-", help='Such as {"assignments_required": 3}; as `with_options` has them.'
)
@click.option("--idempotency-key", metavar="KEY", help="The same request with the same key is posted once.")
@click.option(
    "--wait", "wait_seconds", type=click.FloatRange(0), metavar="SECONDS", help="Wait so long for the outcome."
)
@org_option
@test_option
@json_option
def post(
    type: str,
    *,
    given: str,
    options: str | None,
    idempotency_key: str | None,
    wait_seconds: float | None,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """Ask people to do TYPE; `intermezzo types show TYPE` tells the input. Prints the task."""
    request = _request(type, json_value(given, option="--input"), options)
    requester = _requester(org, test=test)

    async def work() -> "TaskView":
        task_id = await requester.post(request, idempotency_key=idempotency_key)
        return await requester.wait(task_id, timeout_seconds=wait_seconds or 0)

    _show_task(asyncio.run(work()), as_json=as_json)


@tasks.command("list")
@click.option("--state", "states", multiple=True, help="Only tasks in this state, such as open.")
@click.option("--type", "types", multiple=True, help="Only tasks of this type.")
@click.option("--after", metavar="TASK_ID", help="Go on after this one.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Most tasks to show.")
@org_option
@test_option
@json_option
def list_tasks(
    *,
    states: tuple[str, ...],
    types: tuple[str, ...],
    after: str | None,
    limit: int,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """List human tasks, the newest first."""
    from intermezzo.human_steps.task_views import TaskFilter

    wanted = TaskFilter(states=cast("Any", states), types=types)
    found = asyncio.run(_requester(org, test=test).list(wanted, after=after, limit=limit))
    show([asdict(view) for view in found], as_json=as_json, text=lambda: _tasks_table(found))


@tasks.command()
@click.argument("task_id")
@click.option("--timeout", "timeout_seconds", type=click.FloatRange(0), default=30, show_default=True, help="Seconds.")
@org_option
@test_option
@json_option
def wait(task_id: str, *, timeout_seconds: float, org: str | None, test: bool, as_json: bool) -> None:
    """Wait until TASK_ID is closed, and print it."""
    _show_task(asyncio.run(_requester(org, test=test).wait(task_id, timeout_seconds=timeout_seconds)), as_json=as_json)


@tasks.command()
@click.argument("task_id")
@org_option
@test_option
@json_option
def cancel(task_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Close TASK_ID: answers that came are paid, everything else goes back."""
    cancelled = asyncio.run(_requester(org, test=test).cancel(task_id))
    outcome = {"task_id": task_id, "cancelled": cancelled}
    show(outcome, as_json=as_json, text=lambda: "cancelled" if cancelled else "it was closed already")


def _requester(org: str | None, *, test: bool) -> "Requester":
    from intermezzo.human_steps.requester import Requester
    from intermezzo.store import open_store

    return Requester(open_store(), payer_of(org, test=test))


def _request(type: str, given: object, options: str | None) -> "TaskRequest":
    from intermezzo.human_steps.requester import request_of

    said = None if options is None else _object(json_value(options, option="--options"), "--options")
    return request_of(type, _object(given, "--input"), said)


def _object(value: object, option: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise click.BadParameter(f"expected an object, got {json_text(value)[:100]}", param_hint=f"'{option}'")
    return cast("dict[str, object]", value)


def _show_task(view: "TaskView", *, as_json: bool) -> None:
    said = view.outcome["summary"] if view.outcome else view.error or f"{view.reserved_credits} credits reserved"
    show(asdict(view), as_json=as_json, text=lambda: f"{view.id} is {view.state}: {said}")


def _tasks_table(views: "Sequence[TaskView]") -> Any:  # noqa: ANN401 (what rich can print)
    if not views:
        return "There is no such task."
    rows = [
        (
            view.id,
            view.name,
            view.type,
            view.state,
            f"{view.assignments_completed} of {view.assignments_required}",
            view.spent_credits,
            view.created_at,
        )
        for view in views
    ]
    return table(["task", "step", "type", "state", "answers", "spent", "posted"], rows, numbers=["spent"])


@tasks.command("show")
@click.argument("task_id")
@org_option
@test_option
@json_option
def show_task(task_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Show everything that happened to TASK_ID: who did what when, what they saw and what they answered."""
    from intermezzo.human_steps.history import story
    from intermezzo.store import open_store

    payer = payer_of(org, test=test)
    found = open_store().read_now(lambda c: story(c, payer, task_id))
    show(asdict(found), as_json=as_json, text=lambda: _told(found))


@tasks.command()
@click.argument("task_id")
@click.argument("file", required=False, metavar="[FILE]", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", metavar="URL", help="Attach this address instead of a file; it is not fetched.")
@click.option("--name", metavar="NAME", help="What workers see it called (default: the file's name, the URL's host).")
@click.option("--by", envvar="USER", default="requester", show_default=True, help="Who attaches it.")
@org_option
@test_option
@json_option
def attach(
    task_id: str,
    file: Path | None,
    *,
    url: str | None,
    name: str | None,
    by: str,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """Attach FILE (pdf, png, jpg, webp, txt, csv; at most 5 MB) or an address to TASK_ID, which is open."""
    from intermezzo.human_steps.attachments import read_file

    if (file is None) == (url is None):
        raise click.UsageError("give either FILE or --url")
    whose, desk = _attachments(org, test=test)
    if file is not None:
        added = asyncio.run(desk.upload(task_id, name or file.name, read_file(file), org=whose, by=by))
    else:
        added = asyncio.run(desk.link(task_id, url or "", org=whose, by=by, name=name))
    show(asdict(added), as_json=as_json, text=lambda: f"attached {added.name} as {added.id}")


@tasks.command("attachments")
@click.argument("task_id")
@org_option
@test_option
@json_option
def list_attachments(task_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """List what is attached to TASK_ID."""
    whose, desk = _attachments(org, test=test)
    found = asyncio.run(desk.list(task_id, org=whose))
    show([asdict(one) for one in found], as_json=as_json, text=lambda: _attached_table(found))


def _attachments(org: str | None, *, test: bool) -> "tuple[str, Attachments]":
    from intermezzo.human_steps.attachments import Attachments
    from intermezzo.store import open_store

    payer = payer_of(org, test=test)
    return payer.org, Attachments(open_store(), test=payer.test)


def _attached_table(found: "Sequence[Attachment]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "Nothing is attached."
    rows = [
        (one.id, one.name, one.media_type or one.url, one.size_bytes or "", one.added_by or "the flow", one.created_at)
        for one in found
    ]
    return table(["attachment", "name", "what", "bytes", "by", "when"], rows, numbers=["bytes"])


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
    said = [part.reviewed_by or "", _points(part), part.note or ""]
    return ", ".join(filter(None, said))


def _points(part: Any) -> str:  # noqa: ANN401 (a Part)
    if part.score is None:
        return ""
    return f"{part.score}/10 by default" if part.score_defaulted else f"{part.score}/10"


def _detail(event: "Happened") -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value}" for name, value in event.detail.items() if name != "assignment"
    )
