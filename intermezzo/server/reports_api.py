"""`/v1/reports`: problems that workers found with the organisation's tasks (spec: SA-43)."""

from dataclasses import asdict
from typing import Annotated, Self

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, ConfigDict, Field

from intermezzo.human_steps.reports import Problem, Report, Reports
from intermezzo.server.context import Reader, Server, Writer
from intermezzo.server.reading import Route
from intermezzo.server.reviews_api import Rejection
from intermezzo.server.task_wire import Wired

router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=Route)


class ReportOut(Wired):
    """A problem that a worker reported."""

    id: str
    task_id: str
    type: str
    name: str
    task_state: str
    """`failed` once several workers have reported."""
    worker: str
    reason: Problem
    note: str
    created_at: AwareDatetime
    dismissed_at: AwareDatetime | None
    """It does not count since then; null: it counts."""
    dismissed_by: str | None
    dismissal: str | None
    """Why nothing is wrong."""

    @classmethod
    def of(cls, report: Report) -> Self:
        """A report as it goes over the wire."""
        return cls(**asdict(report))


class ReportsOut(Wired):
    """Reports, the earliest first."""

    items: list[ReportOut]


class ReportQuery(Wired):
    """Which reports to list."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    task_id: Annotated[str | None, Field(max_length=64)] = None
    """Only those of this task."""
    dismissed: bool = False
    """Those that were dismissed as well."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 50


@router.get("", summary="List reports")
async def list_reports(principal: Reader, server: Server, query: Annotated[ReportQuery, Query()]) -> ReportsOut:
    """What workers say is wrong with the organisation's tasks."""
    reports = Reports(server.store, principal.payer)
    found = await reports.list(task_id=query.task_id, dismissed=query.dismissed, limit=query.limit)
    return ReportsOut(items=[ReportOut.of(report) for report in found])


@router.post("/{report_id}/dismiss", status_code=204, summary="Dismiss a report")
async def dismiss(report_id: str, given: Rejection, principal: Writer, server: Server) -> Response:
    """Say that nothing is wrong: the report does not count any more; again changes nothing."""
    await Reports(server.store, principal.payer).dismiss(report_id, by=principal.name, reason=given.reason)
    return Response(status_code=204)
