"""`intermezzo demo`: real documents through AI steps and people, with everything it takes started and stopped."""

import asyncio
import json
import os
import sys
import textwrap
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from intermezzo.demo.runner import Outcome


@click.command()
@click.option("--me", is_flag=True, help="Answer as one of the three workers, here in the terminal.")
@click.option("--stay/--no-stay", default=None, help="Keep the Prefect UI up afterwards (default: at a terminal).")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
def demo(*, me: bool, stay: bool | None, as_json: bool) -> None:
    """Run the demonstration: parse, mask, label by three people, count."""
    if me and not sys.stdin.isatty():
        raise click.UsageError("--me asks you questions, so it needs a terminal")
    with _demo_settings():
        from intermezzo.flows.prefect_server import prefect_api

        stay = sys.stdin.isatty() and sys.stdout.isatty() and not as_json if stay is None else stay
        with _announced("Starting the Prefect server", quiet=as_json), prefect_api() as api:
            from intermezzo.demo.runner import run_demo

            outcome = asyncio.run(run_demo(me=me, quiet=as_json))
            if as_json:
                click.echo(json.dumps(outcome.as_json(), ensure_ascii=False, indent=2))
            else:
                show(outcome)
            if stay:
                click.prompt(
                    f"The Prefect UI is up at {api.removesuffix('/api')}. Enter stops it", "", show_default=False
                )
    if not outcome.audit.clean:
        raise SystemExit(1)


@contextmanager
def _demo_settings() -> Generator[None]:
    """Test mode, so that simulated workers may answer; and little patience, so that the run is seen to suspend."""
    chosen = {"INTERMEZZO_TEST_MODE": "true"}
    if os.environ.get("INTERMEZZO_DEBUG") != "1":
        # The run's log is on its page; between the questions and the tables it would only be in the way.
        chosen["PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL"] = "CRITICAL"
    chosen |= {"INTERMEZZO_HOT_WAIT_SECONDS": os.environ.get("INTERMEZZO_HOT_WAIT_SECONDS", "1")}
    os.environ.update(chosen)
    yield


@contextmanager
def _announced(what: str, *, quiet: bool) -> Generator[None]:
    if not quiet:
        click.echo(f"{what} …", err=True)
    yield


def show(outcome: "Outcome") -> None:
    """Print labels, credits and audit for a person."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    _show_labels(outcome, console)
    credits = Table(title="Credits spent")
    for heading in ("step", "worker", "calls", "credits"):
        credits.add_column(heading, justify="right" if heading in ("calls", "credits") else "left")
    for step in outcome.steps:
        worker = "people" if step.kind == "human" else "function"
        credits.add_row(step.step, worker, str(step.calls), str(step.spent_credits))
    credits.add_section()
    credits.add_row("total", "", "", str(sum(step.spent_credits for step in outcome.steps)))
    console.print(credits)
    verdict = "the books balance" if outcome.audit.clean else f"[red]{'; '.join(outcome.audit.problems)}[/red]"
    console.print(f"Audit of {outcome.audit.transfers} transfers: {verdict}.")
    console.print(f"Times the run suspended, and was resumed: {outcome.suspensions}.")
    console.print(f"In the Prefect UI: {outcome.url}", soft_wrap=True)
    console.print("[dim]`intermezzo serve` shows it again; simulated workers answered, with test credits.[/dim]")


def _show_labels(outcome: "Outcome", console: "Console") -> None:
    """What people decided, beside what a model guessed."""
    from rich.table import Table

    model = outcome.report.draft_model
    labels = Table(title="What customers say", show_lines=False)
    headings = (
        "source",
        "feedback (personal data masked)",
        *(["draft"] if model else []),
        "people",
        "agreement",
    )
    for heading in headings:
        is_text = heading.startswith("feedback")
        labels.add_column(heading, overflow="fold", ratio=6 if is_text else None, no_wrap=not is_text)
    for item in outcome.report.items:
        text = " ".join(item.text.split())
        shown = textwrap.shorten(text, 110, placeholder=" …")
        cells: list[Any] = [item.source, shown, *([item.draft or ""] if model else [])]
        labels.add_row(*cells, item.category, f"{item.agreement:.0%}")
    console.print(labels)
    counts = ", ".join(f"{count} {category}" for category, count in outcome.report.counts.items())
    console.print(f"{counts}; mean agreement {outcome.report.mean_agreement:.0%}")
    if outcome.report.draft_failure:
        console.print(f"Drafts are missing: {outcome.report.draft_failure}", markup=False)
    if model:
        same = sum(item.draft == item.category for item in outcome.report.items)
        console.print(
            f"The drafts are guesses of {model}: {same} of {len(outcome.report.items)} are what people decided."
        )
    console.print()
