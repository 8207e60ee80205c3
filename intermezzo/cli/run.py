"""`intermezzo run`: a flow in this process, or as a deployment on the warm workers of `intermezzo serve`."""

import asyncio
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.failures import RunEndedBadly
from intermezzo.cli.inputs import json_option, org_option, parameters_of, payer_of, test_option
from intermezzo.cli.output import console, json_text, own_stdout, show

if TYPE_CHECKING:
    from intermezzo.flows.local_runs import Ended
    from intermezzo.flows.remote_runs import Seen
    from intermezzo.ledger import Payer


@click.command()
@click.argument("target", metavar="MODULE:FLOW")
@click.option(
    "--param",
    "-p",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter: JSON, or else the text itself.",
)
@click.option("--deployed", is_flag=True, help="Let `intermezzo serve` run it; it can suspend there.")
@click.option(
    "--wait/--no-wait",
    default=None,
    help="With --deployed: follow the run to its end, or not (default: --no-wait).",
)
@click.option("--budget", type=click.IntRange(min=0), metavar="N", help="Most credits the run may spend.")
@org_option
@test_option
@json_option
def run(
    target: str,
    *,
    params: tuple[str, ...],
    deployed: bool,
    wait: bool | None,
    budget: int | None,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """Run the flow MODULE:FLOW (or path/to/file.py:FLOW) and print what it returns.

    Its human tasks wait in `intermezzo inbox list`; with --test, simulated workers answer them.
    """
    from intermezzo.flows.entrypoint import entrypoint_of

    if wait is not None and not deployed:
        raise click.UsageError("--wait and --no-wait go with --deployed: a run in this process ends with it")
    parameters = parameters_of(params)
    payer = payer_of(org, test=test)
    sys.path.insert(0, str(Path.cwd()))
    entrypoint_of(target)
    if deployed:
        run_deployed(target, parameters, payer, budget=budget, wait=bool(wait), as_json=as_json)
    else:
        run_here(target, parameters, payer, budget=budget, as_json=as_json)


def run_here(target: str, parameters: dict[str, object], payer: "Payer", *, budget: int | None, as_json: bool) -> None:
    """Run a flow in this process and show how it ended."""
    from intermezzo.flows.prefect_server import prefect_api

    def started(name: str, run_id: str) -> None:
        click.echo(f"run {name} ({run_id}) has started", err=True)

    with own_stdout(as_json=as_json), prefect_api():
        from intermezzo.flows import local_runs

        _quieten_prefect()
        ended = asyncio.run(
            local_runs.run_here(target, parameters, payer=payer, budget_credits=budget, started=started)
        )
    outcome = {
        "run_id": ended.run_id,
        "flow": ended.flow_name,
        "state": ended.state,
        "message": ended.message,
    }
    outcome |= {"result": ended.result, "steps": _steps(ended.run_id)}
    show(outcome, as_json=as_json, text=lambda: _print_outcome(ended))
    if not ended.completed:
        why = f"{type(ended.error).__name__}: {ended.error}" if ended.error else ended.message
        hint = " (INTERMEZZO_DEBUG=1 shows where)" if ended.error else ""
        raise RunEndedBadly(f"run {ended.run_id} is {ended.state}: {why}{hint}")


def run_deployed(
    target: str,
    parameters: dict[str, object],
    payer: "Payer",
    *,
    budget: int | None,
    wait: bool,
    as_json: bool,
) -> None:
    """Schedule a run for the warm workers, and follow it if wanted."""
    from intermezzo.errors import IntermezzoError
    from intermezzo.flows.prefect_address import run_address
    from intermezzo.flows.prefect_server import use_running_api
    from intermezzo.store import open_store

    if use_running_api() is None:
        raise IntermezzoError("no Prefect server is running; start `intermezzo serve`, or set PREFECT_API_URL")
    with own_stdout(as_json=as_json):
        from intermezzo.flows.remote_runs import start

        _quieten_prefect()
        name, run_id = asyncio.run(start(open_store(), target, parameters, payer=payer, budget_credits=budget))
    address = run_address(run_id)
    outcome: dict[str, object] = {"run_id": run_id, "name": name, "ui": address}
    if not as_json:
        click.echo(f"run {name}\n{run_id}" + (f"\n{address}" if address else ""))
    seen = asyncio.run(_follow(run_id, err=as_json)) if wait else None
    if as_json:
        known = {} if seen is None else {"state": seen.name, "message": seen.message, "steps": _steps(run_id)}
        click.echo(json_text(outcome | known))
    if seen is not None and not seen.completed:
        raise RunEndedBadly(f"run {run_id} is {seen.name}: {seen.message}")


def _quieten_prefect() -> None:
    """Let failures be told once, by us and in a line, unless somebody wants to know where they came from."""
    import logging

    if os.environ.get("INTERMEZZO_DEBUG") == "1":
        return
    logging.getLogger("prefect.flows").setLevel(logging.CRITICAL)  # says again what was wrong with parameters

    def without_traceback(record: logging.LogRecord) -> bool:
        # Prefect's own log has it by now: that handler comes before the terminal's.
        record.exc_info = record.exc_text = None
        return True

    for handler in [*logging.getLogger("prefect").handlers, *logging.getLogger().handlers]:
        handler.addFilter(without_traceback)


async def _follow(run_id: str, *, err: bool) -> "Seen | None":
    """Print a run's states as they change; returns the last."""
    from intermezzo.flows.remote_runs import follow

    last = None
    async for last in follow(run_id):
        click.echo(f"{last.name}: {last.message}" if last.message else last.name, err=err)
    return last


def _steps(run_id: str) -> list[dict[str, Any]]:
    from intermezzo.journal.summary import summarize
    from intermezzo.store import open_store

    return [asdict(step) for step in open_store().read_now(lambda c: summarize(c, run_id))]


def _print_outcome(ended: "Ended") -> None:
    if ended.completed:
        click.echo(json_text(ended.result, indent=2))
    if steps := _steps(ended.run_id):
        from intermezzo.cli.runs import steps_table

        console().print(steps_table(steps))
