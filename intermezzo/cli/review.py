"""`intermezzo review`: the requester's look at what workers have answered."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.inputs import json_option, json_value, org_option, payer_of, test_option
from intermezzo.cli.output import json_text, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intermezzo.human_steps.reports import Report, Reports
    from intermezzo.human_steps.review_queue import ReviewItem, ReviewQueue

_by_option = click.option("--by", envvar="USER", default="requester", show_default=True, help="Who reviews.")


@click.group()
def review() -> None:
    """Review answers and what workers report: list, approve, score, reject, dispute, decide, reports, dismiss."""


@review.command("list")
@click.option("--task", "task_id", metavar="TASK_ID", help="Only answers to this task.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Most answers to show.")
@org_option
@test_option
@json_option
def list_answers(*, task_id: str | None, limit: int, org: str | None, test: bool, as_json: bool) -> None:
    """List answers that wait for a review, those first that are approved by themselves soonest."""
    items = asyncio.run(_queue(org, test=test).list(task_id=task_id, limit=limit))
    show([asdict(item) for item in items], as_json=as_json, text=lambda: _answers_table(items))


@review.command()
@click.argument("assignment_id")
@click.option("--note", help="For the worker.")
@click.option("--score", type=click.IntRange(0, 10), help="How good it is.")
@_by_option
@org_option
@test_option
@json_option
def approve(
    assignment_id: str,
    *,
    note: str | None,
    score: int | None,
    by: str,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """Accept the answer ASSIGNMENT_ID and pay for it."""
    state = asyncio.run(_queue(org, test=test).approve(assignment_id, by=by, note=note, score=score))
    outcome = {"assignment_id": assignment_id, "approved": True, "task_state": state}
    show(outcome, as_json=as_json, text=lambda: f"approved; the task is {state}")


@review.command()
@click.argument("assignment_id")
@click.option("--reason", required=True, help="For the worker.")
@_by_option
@org_option
@test_option
@json_option
def reject(assignment_id: str, *, reason: str, by: str, org: str | None, test: bool, as_json: bool) -> None:
    """Refuse the answer ASSIGNMENT_ID: it is not paid, and another worker is asked while the task is open."""
    state = asyncio.run(_queue(org, test=test).reject(assignment_id, by=by, reason=reason))
    outcome = {"assignment_id": assignment_id, "approved": False, "task_state": state}
    show(outcome, as_json=as_json, text=lambda: f"rejected; the task is {state}")


@review.command("score")
@click.argument("assignment_id")
@click.option("--score", "points", type=click.IntRange(0, 10), required=True, help="How good it is.")
@click.option("--note", help="For the worker.")
@_by_option
@org_option
@test_option
@json_option
def score_answer(
    assignment_id: str,
    *,
    points: int,
    note: str | None,
    by: str,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """Say how good the approved answer ASSIGNMENT_ID is, within 48 hours after it came; again says it anew."""
    asyncio.run(_queue(org, test=test).score(assignment_id, points, by=by, note=note))
    outcome = {"assignment_id": assignment_id, "score": points}
    show(outcome, as_json=as_json, text=lambda: f"scored {points}/10")


@review.command()
@click.argument("assignment_id")
@click.option("--reason", required=True, help="For the operator who decides.")
@_by_option
@org_option
@test_option
@json_option
def dispute(assignment_id: str, *, reason: str, by: str, org: str | None, test: bool, as_json: bool) -> None:
    """Ask an operator to decide about the answer ASSIGNMENT_ID; its reward is held meanwhile."""
    found = asyncio.run(_queue(org, test=test).dispute(assignment_id, by=by, reason=reason))
    show(asdict(found), as_json=as_json, text=lambda: f"disputed; an operator decides dispute {found.id}")


@review.command()
@click.argument("task_id")
@click.option("--answer", "given", required=True, metavar="JSON|@FILE|-", help="JSON, a file of it, or - for stdin.")
@_by_option
@org_option
@test_option
@json_option
def decide(task_id: str, *, given: str, by: str, org: str | None, test: bool, as_json: bool) -> None:
    """Complete TASK_ID, on which workers do not agree, with an answer of your own."""
    answer = json_value(given, option="--answer")
    asyncio.run(_queue(org, test=test).decide(task_id, answer, by=by))
    show({"task_id": task_id, "state": "completed"}, as_json=as_json, text=lambda: "decided; the task is completed")


@review.command("reports")
@click.option("--task", "task_id", metavar="TASK_ID", help="Only reports on this task.")
@click.option("--all", "dismissed", is_flag=True, help="Also those that were dismissed.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Most reports to show.")
@org_option
@test_option
@json_option
def list_reports(
    *, task_id: str | None, dismissed: bool, limit: int, org: str | None, test: bool, as_json: bool
) -> None:
    """List problems that workers report; `intermezzo tasks cancel` closes a task that is no good."""
    reports = _reports(org, test=test)
    found = asyncio.run(reports.list(task_id=task_id, dismissed=dismissed, limit=limit))
    show([asdict(report) for report in found], as_json=as_json, text=lambda: _reports_table(found))


@review.command()
@click.argument("report_id")
@click.option("--reason", required=True, help="Why nothing is wrong.")
@_by_option
@org_option
@test_option
@json_option
def dismiss(report_id: str, *, reason: str, by: str, org: str | None, test: bool, as_json: bool) -> None:
    """Say that nothing is wrong: REPORT_ID does not count any more."""
    asyncio.run(_reports(org, test=test).dismiss(report_id, by=by, reason=reason))
    show({"report_id": report_id, "dismissed": True}, as_json=as_json, text=lambda: "dismissed")


def _reports(org: str | None, *, test: bool) -> "Reports":
    from intermezzo.human_steps.reports import Reports
    from intermezzo.store import open_store

    return Reports(open_store(), payer_of(org, test=test))


def _reports_table(found: "Sequence[Report]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "No problem is reported."
    rows = [
        (report.id, report.task_id, report.name, report.worker, report.reason, report.note, report.created_at)
        for report in found
    ]
    return table(["report", "task", "step", "worker", "reason", "note", "reported"], rows)


def _queue(org: str | None, *, test: bool) -> "ReviewQueue":
    from intermezzo.human_steps.review_queue import ReviewQueue
    from intermezzo.store import open_store

    return ReviewQueue(open_store(), payer_of(org, test=test))


def _answers_table(items: "Sequence[ReviewItem]") -> Any:  # noqa: ANN401 (what rich can print)
    if not items:
        return "No answer waits for a review."
    rows = [
        (item.assignment_id, item.name, item.worker, json_text(item.answer), item.review_due_at or "never")
        for item in items
    ]
    return table(["assignment", "step", "worker", "answer", "approved by itself"], rows)
