"""`intermezzo credits`: what an organisation has, where it went, and proof that the books balance."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.inputs import json_option, org_option, payer_of, test_option
from intermezzo.cli.output import show, table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from sqlalchemy import Connection

    from intermezzo.ledger import AuditReport, Payer

_LARGEST_GRANT = 10**12
"""Far from where sums of 64 bits end, and from what anybody grants on purpose."""


@click.group()
def credits() -> None:
    """See, grant and audit credits."""


@credits.command()
@org_option
@test_option
@json_option
def balance(*, org: str | None, test: bool, as_json: bool) -> None:
    """Show what is available, and what open calls hold."""
    payer = payer_of(org, test=test)
    found = _balance(payer)
    text = f"{found['available']} credits available, {found['reserved']} reserved ({_whose(payer)})"
    show(found, as_json=as_json, text=lambda: text)


@credits.command(context_settings={"ignore_unknown_options": True})  # so that -5 is a wrong number, not an option
@click.argument("n", type=click.IntRange(1, _LARGEST_GRANT))
@org_option
@test_option
@json_option
def grant(n: int, *, org: str | None, test: bool, as_json: bool) -> None:
    """Give an organisation N credits to spend."""
    import uuid

    from intermezzo import ledger
    from intermezzo.store import open_store, utc_now

    payer = payer_of(org, test=test)
    subject = f"grant:{uuid.uuid4()}"
    open_store().write_now(lambda c: ledger.grant(c, payer, n, subject=subject, at=utc_now()))
    found = _balance(payer)
    text = f"granted {n} credits; {found['available']} available now ({_whose(payer)})"
    show({"granted": n, "subject": subject, **found}, as_json=as_json, text=lambda: text)


@credits.command()
@click.option("--run", "run_id", metavar="RUN", help="Only those of one run; the start of its id will do.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="Most entries to show.")
@org_option
@test_option
@json_option
def entries(*, run_id: str | None, limit: int, org: str | None, test: bool, as_json: bool) -> None:
    """List transfers, the newest first.

    Those of an organisation; with --run those of a run, whoever paid.
    """
    from intermezzo.store import open_store

    payer = payer_of(org, test=test)
    rows = open_store().read_now(lambda c: _entries(c, payer, run_id=run_id, limit=limit))
    show(rows, as_json=as_json, text=lambda: _entries_table(rows))


@credits.command()
@json_option
def audit(*, as_json: bool) -> None:
    """Prove that the books balance.

    From the transfers alone; exits with 1 if they do not.
    """
    from intermezzo import ledger
    from intermezzo.store import open_store

    report = open_store().read_now(ledger.audit)
    show({"clean": report.clean, **asdict(report)}, as_json=as_json, text=lambda: _audit_text(report))
    report.require_clean()


def _whose(payer: "Payer") -> str:
    return f"{payer.org}, test" if payer.test else payer.org


def _balance(payer: "Payer") -> dict[str, Any]:
    from intermezzo import ledger
    from intermezzo.store import open_store

    def read(connection: "Connection") -> tuple[int, int]:
        return ledger.balance(connection, payer.available), ledger.balance(connection, payer.reserved)

    available, reserved = open_store().read_now(read)
    return {"org": payer.org, "test": payer.test, "available": available, "reserved": reserved}


def _entries(connection: "Connection", payer: "Payer", *, run_id: str | None, limit: int) -> list[dict[str, Any]]:
    from intermezzo import ledger
    from intermezzo.cli.runs import find_run

    run = None if run_id is None else find_run(connection, run_id)["id"]
    return [asdict(entry) for entry in ledger.entries(connection, payer, run_id=run, limit=limit)]


def _entries_table(rows: Sequence[Mapping[str, Any]]) -> "RenderableType":
    if not rows:
        return "There are no entries."
    cells = [(r["at"], r["move"], r["credits"], r["source"], r["target"], r["step"] or r["subject"]) for r in rows]
    return table(["at", "move", "credits", "from", "to", "for"], cells, numbers=["credits"])


def _audit_text(report: "AuditReport") -> "RenderableType":
    verdict = "the books balance" if report.clean else f"{len(report.problems)} problems"
    if not report.clean:
        return "\n".join([f"{report.transfers} transfers: {verdict}", *report.problems])
    from rich.console import Group

    accounts = table(["account", "credits"], report.balances.items(), numbers=["credits"])
    return Group(f"{report.transfers} transfers: {verdict}", accounts)
