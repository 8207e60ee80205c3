"""`intermezzo pipelines`: pipelines written as documents."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from intermezzo.cli.inputs import json_option, json_value, org_option, payer_of, test_option
from intermezzo.cli.output import json_text, show, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from intermezzo.pipelines import Plan
    from intermezzo.pipelines.estimate import Estimate

file_argument = click.argument("file", metavar="FILE")
input_option = click.option("--input", "input_text", metavar="JSON", help="The input: JSON, @FILE, or - for stdin.")


@click.group()
def pipelines() -> None:
    """Check, price, draw and run pipelines that are written in YAML or JSON.

    FILE is the document; - reads it from standard input.
    """


@pipelines.command()
@file_argument
@json_option
def validate(file: str, *, as_json: bool) -> None:
    """Check the document FILE; every flaw is told with its line and column."""
    plan = _plan(file)
    rows = [(step.id, step.document.type, ", ".join(step.needs)) for step in plan.steps.values()]
    shown = {
        "name": plan.document.name,
        "digest": plan.digest,
        "steps": [{"id": id, "type": type, "needs": list(plan.steps[id].needs)} for id, type, _ in rows],
    }

    def text() -> "RenderableType":
        return table(["step", "type", "after"], rows)

    show(shown, as_json=as_json, text=text)


@pipelines.command()
@file_argument
@input_option
@click.option(
    "--assume",
    "assumed",
    multiple=True,
    metavar="ID=CALLS",
    help="How often a step is called on average, where the input does not say: 0.2, or 30.",
)
@json_option
def estimate(file: str, *, input_text: str | None, assumed: tuple[str, ...], as_json: bool) -> None:
    """Say what a run of the document FILE costs at least, probably, and at most; nothing is spent."""
    from dataclasses import asdict

    from intermezzo.flows.pipeline_runs import checked_input
    from intermezzo.pipelines.estimate import estimated

    plan = _plan(file)
    input = checked_input(plan, _input(input_text)) if input_text is not None else None
    made = estimated(plan, input, assumed=_assumptions(assumed, plan))
    show(asdict(made), as_json=as_json, text=lambda: _estimate_text(made))


@pipelines.command()
@file_argument
@click.option(
    "--format", "form", type=click.Choice(["svg", "mermaid"]), default="svg", help="What to draw with (default: svg)."
)
@click.option("--output", "-o", type=click.Path(dir_okay=False), help="File to write (default: standard output).")
@json_option
def graph(file: str, *, form: str, output: str | None, as_json: bool) -> None:
    """Draw the document FILE: which step waits for which."""
    from intermezzo.pipelines.drawing import mermaid, svg

    plan = _plan(file)
    drawn = svg(plan) if form == "svg" else mermaid(plan)
    if output is None:
        click.echo(json_text({form: drawn}) if as_json else drawn, nl=as_json)
        return
    try:
        Path(output).write_text(drawn, "utf-8")
    except OSError as error:
        raise click.BadParameter(f"cannot write {output!r}: {error.strerror}", param_hint="'--output'") from None
    show({"file": output}, as_json=as_json, text=lambda: f"wrote {output}")


@pipelines.command()
@json_option
def schema(*, as_json: bool) -> None:
    """Print the JSON Schema of documents, for editors."""
    from intermezzo.pipelines.published import document_schema

    click.echo(json_text(document_schema(), indent=None if as_json else 2))


@pipelines.command()
@file_argument
@input_option
@click.option("--deployed", is_flag=True, help="Let `intermezzo serve` run it; it can suspend there.")
@click.option("--wait/--no-wait", default=None, help="With --deployed: follow the run to its end, or not (default).")
@click.option("--budget", type=click.IntRange(min=0), metavar="N", help="Most credits the run may spend.")
@org_option
@test_option
@json_option
def run(
    file: str,
    *,
    input_text: str | None,
    deployed: bool,
    wait: bool | None,
    budget: int | None,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """Store the document FILE as a version of its pipeline, run that, and print what it returns.

    Its human tasks wait in `intermezzo inbox list`; with --test, simulated workers answer them.
    """
    from intermezzo.cli.run import run_deployed, run_here
    from intermezzo.flows.pipeline_runs import TARGET, order
    from intermezzo.store import open_store

    if wait is not None and not deployed:
        raise click.UsageError("--wait and --no-wait go with --deployed: a run in this process ends with it")
    plan, payer = _plan(file), payer_of(org, test=test)
    made = asyncio.run(order(open_store(), payer, plan, _input(input_text or "{}"), budget_credits=budget))
    if deployed:
        run_deployed(TARGET, made.parameters, payer, budget=made.budget_credits, wait=bool(wait), as_json=as_json)
    else:
        run_here(TARGET, made.parameters, payer, budget=made.budget_credits, as_json=as_json)


@pipelines.command("list")
@click.argument("name", metavar="[NAME]", required=False)
@org_option
@test_option
@json_option
def list_versions(name: str | None, *, org: str | None, test: bool, as_json: bool) -> None:
    """List the versions that are stored, of all pipelines or of NAME."""
    from intermezzo.flows.stored_pipelines import versions
    from intermezzo.store import open_store

    payer = payer_of(org, test=test)
    found = open_store().read_now(lambda c: versions(c, payer, name))
    rows = [{"name": v.name, "version": v.version, "digest": v.digest, "created_at": v.created_at} for v in found]
    headings = ["name", "version", "digest", "created_at"]
    show(
        rows, as_json=as_json, text=lambda: table(headings, [tuple(row.values()) for row in rows], numbers=["version"])
    )


def _plan(file: str) -> "Plan":
    from intermezzo.pipelines import plan_of_text

    sys.path.insert(0, str(Path.cwd()))  # where modules of INTERMEZZO_STEP_MODULES are
    try:
        read = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        text = read.decode("utf-8-sig")
    except OSError as error:
        raise click.BadParameter(f"cannot read {file!r}: {error.strerror}", param_hint="'FILE'") from None
    except UnicodeDecodeError as error:
        raise click.BadParameter(f"{file!r} is not UTF-8: {error.reason}", param_hint="'FILE'") from None
    return plan_of_text(text, name="" if file == "-" else file)


def _input(text: str) -> dict[str, Any]:
    value = json_value(text, option="--input")
    if not isinstance(value, dict):
        raise click.BadParameter("the input is a JSON object", param_hint="'--input'")
    return cast("dict[str, Any]", value)


def _assumptions(pairs: tuple[str, ...], plan: "Plan") -> dict[str, float]:
    assumed: dict[str, float] = {}
    for pair in pairs:
        id, _, number = pair.partition("=")
        if id not in plan.steps:
            raise click.BadParameter(f"there is no step {id!r}", param_hint="'--assume'")
        try:
            assumed[id] = float(number)
        except ValueError:
            assumed[id] = -1
        if not 0 <= assumed[id] <= plan.steps[id].document.max_items:
            raise click.BadParameter(f"give ID=CALLS with a number of calls, got {pair!r}", param_hint="'--assume'")
    return assumed


def _estimate_text(made: "Estimate") -> "RenderableType":
    from rich.console import Group

    rows = [
        (
            step.id,
            step.type,
            _span(step.calls.minimum, step.calls.expected, step.calls.maximum),
            step.credits.minimum,
            round(step.credits.expected),
            step.credits.maximum,
            step.assumption,
        )
        for step in made.steps
    ]
    total = made.credits
    rows.append(("", "", "", total.minimum, round(total.expected), total.maximum, made.budget_note))
    numbers = ["calls", "minimum", "expected", "maximum"]
    return Group(table(["step", "type", *numbers, "assumed"], rows, numbers=numbers))


def _span(minimum: int, expected: float, maximum: int) -> str:
    return f"{minimum:,}" if minimum == maximum else f"{minimum:,} to {maximum:,} (~{expected:g})"
