"""`intermezzo runs`: what runs there are, what they did and cost, and how to stop one."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.failures import NotFound
from intermezzo.cli.inputs import json_option
from intermezzo.cli.output import console, printable, show, table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from sqlalchemy import Connection

    from intermezzo.journal import RunState

_STATES = ["scheduled", "active", "suspended", "completed", "failed", "crashed", "cancelled"]
_MOST_TASKS = 50


@click.group()
def runs() -> None:
    """List, show and cancel runs."""


@runs.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only runs in this state.")
@click.option("--org", metavar="ORG", help="Only runs that this organisation pays for.")
@click.option("--test", is_flag=True, help="Only test runs.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Most runs to show.")
@json_option
def list_runs(*, state: str | None, org: str | None, test: bool, limit: int, as_json: bool) -> None:
    """List runs, the newest first."""
    from sqlalchemy import select

    from intermezzo.store import open_store
    from intermezzo.store.tables import runs as t

    query = select(*_columns()).order_by(t.c.created_at.desc(), t.c.id).limit(limit)
    for column, wanted in ((t.c.state, state), (t.c.org, org), (t.c.test, test or None)):
        query = query if wanted is None else query.where(column == wanted)
    rows = open_store().read_now(lambda c: [dict(row) for row in c.execute(query).mappings()])
    show(rows, as_json=as_json, text=lambda: _runs_table(rows))


def _columns() -> "list[Any]":
    from intermezzo.store.tables import runs as t

    return [
        t.c.id,
        t.c.flow_name,
        t.c.state,
        t.c.org,
        t.c.test,
        t.c.deployed,
        t.c.budget_credits,
        t.c.created_at,
    ]


def _runs_table(rows: Sequence[Mapping[str, Any]]) -> "RenderableType":
    if not rows:
        return "There are no such runs."
    cells = [
        (
            row["id"],
            row["flow_name"],
            row["state"],
            f"{row['org']} (test)" if row["test"] else row["org"],
            row["created_at"],
        )
        for row in rows
    ]
    return table(["run", "flow", "state", "organisation", "created"], cells)


@runs.command("show")
@click.argument("run_id", metavar="RUN")
@json_option
def show_run(run_id: str, *, as_json: bool) -> None:
    """Show a run: its state, steps, credits and human tasks.

    RUN may be the start of its id.
    """
    from intermezzo.flows.prefect_address import run_address
    from intermezzo.store import open_store

    found = open_store().read_now(lambda c: _details(c, run_id))
    found["ui"] = run_address(found["id"])
    show(found, as_json=as_json, text=lambda: _print_run(found))


def find_run(connection: "Connection", given: str) -> dict[str, Any]:
    """The run of that id, or the only one whose id starts so.

    Raises:
        NotFound: there is none, or more than one.
    """
    from sqlalchemy import select

    from intermezzo.store.tables import runs as t

    query = select(*_columns()).where(t.c.id.startswith(given.lower(), autoescape=True)).limit(2)
    rows = [dict(row) for row in connection.execute(query).mappings()] if given else []
    if len(rows) == 1:
        return rows[0]
    if rows:
        raise NotFound(f"several runs start with {given!r}; give more of the id")
    raise NotFound(f"there is no run {given!r}; `intermezzo runs list` shows those there are")


def _details(connection: "Connection", given: str) -> dict[str, Any]:
    from sqlalchemy import select

    from intermezzo.human_steps.tasks import progress_of
    from intermezzo.journal.summary import summarize
    from intermezzo.store.tables import human_tasks as t

    run = find_run(connection, given)
    tasks = connection.execute(
        select(t.c.id, t.c.name, t.c.state, t.c.open_slots, t.c.assignments_required, t.c.expires_at)
        .where(t.c.run_id == run["id"], t.c.state.in_(("open", "claimed")))
        .order_by(t.c.created_at, t.c.id)
        .limit(_MOST_TASKS)
    )
    answered, asked = progress_of(connection, run["id"])
    steps = summarize(connection, run["id"])
    return {
        **run,
        "spent_credits": sum(step.spent_credits for step in steps),
        "reserved_credits": sum(step.reserved_credits for step in steps),
        "steps": [asdict(step) for step in steps],
        "human_calls": {"answered": answered, "asked": asked},
        "open_tasks": [dict(row) for row in tasks.mappings()],
    }


def _print_run(run: Mapping[str, Any]) -> None:
    out = console()
    calls = run["human_calls"]
    waiting = f", {calls['answered']} of {calls['asked']} human calls answered" if calls["asked"] else ""
    budget = "" if run["budget_credits"] is None else f", budget {run['budget_credits']}"
    out.print(f"{printable(run['flow_name'])}: {run['state']}{waiting}")
    payer = f"{run['org']} (test)" if run["test"] else run["org"]
    out.print(f"paid by {payer}: {run['spent_credits']} spent, {run['reserved_credits']} held{budget}")
    if run["ui"]:
        out.print(run["ui"], soft_wrap=True)
    if run["steps"]:
        out.print(steps_table(run["steps"]))
    if run["open_tasks"]:
        rows = [
            (
                task["id"],
                task["name"],
                f"{task['open_slots']} of {task['assignments_required']}",
                task["expires_at"],
            )
            for task in run["open_tasks"]
        ]
        out.print(table(["open human task", "step", "free slots", "expires"], rows))


def steps_table(steps: Sequence[Mapping[str, Any]]) -> "RenderableType":
    """The steps of a run and what they cost."""
    numbers = ["calls", "completed", "open", "failed", "spent", "held"]
    fields = ["calls", "completed", "open", "failed", "spent_credits", "reserved_credits"]
    rows = [(s["step"], "people" if s["kind"] == "human" else "function", *(s[f] for f in fields)) for s in steps]
    return table(["step", "worker", *numbers], rows, numbers=numbers)


@runs.command()
@click.argument("run_id", metavar="RUN")
@json_option
def cancel(run_id: str, *, as_json: bool) -> None:
    """Cancel a run.

    Its human tasks are closed, what it held is refunded. RUN may be the start of its id.
    """
    from intermezzo.errors import IntermezzoError
    from intermezzo.store import open_store

    store = open_store()
    run_id = store.read_now(lambda c: find_run(c, run_id))["id"]
    state, told = _cancel_in_prefect_too(run_id)
    if state != "cancelled":
        raise IntermezzoError(f"run {run_id} is {state} already; there is nothing to cancel")
    outcome = {"run_id": run_id, "state": "cancelled", "prefect_knows": told}
    unknown = "" if told else "; Prefect could not be told, since it is not running or does not know the run"
    show(outcome, as_json=as_json, text=lambda: f"run {run_id} is cancelled{unknown}")


def _cancel_in_prefect_too(run_id: str) -> "tuple[RunState, bool]":
    """Cancel a run; returns the state in which it has ended, and whether Prefect knows of it."""
    from intermezzo.flows.prefect_address import is_reachable, running_api
    from intermezzo.flows.prefect_server import use_running_api
    from intermezzo.store import open_store

    api = running_api()
    reachable = api is not None and is_reachable(api) and use_running_api() is not None
    from intermezzo.flows.remote_runs import cancel as cancel_run
    from intermezzo.flows.remote_runs import tell_prefect_cancelled

    async def work() -> "tuple[RunState, bool]":
        state = await cancel_run(open_store(), run_id)
        return state, state == "cancelled" and reachable and await tell_prefect_cancelled(run_id)

    return asyncio.run(work())
