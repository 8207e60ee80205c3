"""`intermezzo disputes`: an operator says who is right about an answer."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.inputs import json_option, test_option
from intermezzo.cli.output import show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intermezzo.human_steps.dispute_queue import DisputeQueue
    from intermezzo.human_steps.disputes import Dispute


@click.group()
def disputes() -> None:
    """Decide about answers that their requesters do not accept: list, resolve."""


@disputes.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Most disputes to show.")
@test_option
@json_option
def list_disputes(*, limit: int, test: bool, as_json: bool) -> None:
    """List disputes that nobody has decided, the oldest first."""
    found = asyncio.run(_queue(test=test).list(limit=limit))
    show([asdict(dispute) for dispute in found], as_json=as_json, text=lambda: _disputes_table(found))


@disputes.command()
@click.argument("dispute_id")
@click.option("--upheld", "decision", flag_value="upheld", help="The requester is right: the answer is rejected.")
@click.option("--dismissed", "decision", flag_value="dismissed", help="The worker is right: it is approved and paid.")
@click.option("--note", help="For both sides.")
@click.option("--by", envvar="USER", default="operator", show_default=True, help="Who decides it.")
@test_option
@json_option
def resolve(dispute_id: str, *, decision: str | None, note: str | None, by: str, test: bool, as_json: bool) -> None:
    """Decide DISPUTE_ID; `tasks show` tells what its task is about."""
    if decision is None:
        raise click.UsageError("say who is right: --upheld or --dismissed")
    upheld = decision == "upheld"
    found = asyncio.run(_queue(test=test).resolve(dispute_id, upheld=upheld, by=by, note=note))
    said = "upheld: the answer is rejected" if upheld else "dismissed: the answer is approved and paid"
    show(asdict(found), as_json=as_json, text=lambda: said)


def _queue(*, test: bool) -> "DisputeQueue":
    from intermezzo.human_steps.dispute_queue import DisputeQueue
    from intermezzo.settings import settings
    from intermezzo.store import open_store

    return DisputeQueue(open_store(), test=test or settings().test_mode)


def _disputes_table(found: "Sequence[Dispute]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "No dispute waits for a decision."
    rows = [(one.id, one.worker, one.opened_at, f"{one.reason} (task {one.task_id})") for one in found]
    return table(["dispute", "worker", "since", "reason"], rows)
