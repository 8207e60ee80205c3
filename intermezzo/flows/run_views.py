"""Runs of pipelines as whoever ordered them sees them: state, step calls, outcome and cost."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Row, Select, select, tuple_

from intermezzo.errors import RunNotFound
from intermezzo.journal.calls import CallState
from intermezzo.journal.summary import StepSummary, credits_of_runs, summarize
from intermezzo.ledger import Payer
from intermezzo.store.tables import pipeline_runs, runs, step_calls

ViewState = Literal["scheduled", "active", "suspended", "completed", "failed", "cancelled"]
"""States of runs, as they are told outside: one that crashed too often has failed."""

CLOSED: tuple[ViewState, ...] = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """A run in a line."""

    id: str
    pipeline: str
    version: int
    state: ViewState
    cancel_requested: bool
    budget_credits: int | None
    spent_credits: int
    reserved_credits: int
    """Held by calls that are not closed."""
    created_at: datetime
    closed_at: datetime | None
    error: dict[str, JsonValue] | None
    """`type` and `message`, once it has failed."""

    @property
    def is_closed(self) -> bool:
        """Whether nothing more becomes of it, unless somebody starts it again."""
        return self.state in CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView(RunSummary):
    """A run with what went in, what came out, and what it did."""

    input: dict[str, JsonValue]
    output: JsonValue
    """Once it is completed."""
    steps: Sequence[StepSummary]
    """In the order in which they were first called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """A step call of a run."""

    id: str
    step: str
    key: str
    kind: str
    """`primitive` or `human`."""
    state: CallState
    attempt: int
    """How often it was made."""
    price_credits: int
    task_id: str | None
    """Of the human task that it has posted."""
    error: dict[str, JsonValue] | None
    """`type` and `message`, if it has failed."""
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list; what is empty does not matter."""

    states: Sequence[ViewState] = ()
    pipelines: Sequence[str] = ()
    version: int | None = None
    created_after: datetime | None = None
    """Exclusive."""
    created_before: datetime | None = None
    """Exclusive."""


def find(connection: Connection, payer: Payer, run_id: str) -> RunView:
    """One run.

    Raises:
        RunNotFound: this organisation has none of that id.
    """
    query = _query(payer).add_columns(pipeline_runs.c.input, pipeline_runs.c.output)
    row = connection.execute(query.where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise RunNotFound(f"there is no run {run_id!r} of a pipeline")
    steps = summarize(connection, run_id)
    return RunView(
        **_summary(row),
        spent_credits=sum(step.spent_credits for step in steps),
        reserved_credits=sum(step.reserved_credits for step in steps),
        input=json.loads(row.input),
        output=json.loads(row.output) if row.output is not None and row.state == "completed" else None,
        steps=steps,
    )


def newest(
    connection: Connection, payer: Payer, wanted: RunFilter, *, after: str | None = None, limit: int = 50
) -> list[RunSummary]:
    """Runs, the newest first.

    Args:
        wanted: which of them.
        after: id of the last run of the page before.
        limit: most to return.

    Raises:
        RunNotFound: this organisation has no run `after`.
    """
    query = _query(payer).where(*_conditions(wanted))
    if after is not None:
        last = connection.scalar(select(pipeline_runs.c.id).where(_of(payer), pipeline_runs.c.run_id == after))
        if last is None:
            raise RunNotFound(f"there is no run {after!r} of a pipeline to go on after")
        query = query.where(pipeline_runs.c.id < last)
    rows = connection.execute(query.order_by(pipeline_runs.c.id.desc()).limit(limit)).all()
    credits = credits_of_runs(connection, [row.id for row in rows])
    return [
        RunSummary(**_summary(row), spent_credits=spent, reserved_credits=held)
        for row in rows
        for spent, held in [credits.get(row.id, (0, 0))]
    ]


def calls(connection: Connection, run_id: str, *, after: str | None = None, limit: int = 100) -> list[CallView]:
    """Step calls of a run, in the order in which they were made.

    Args:
        run_id: of the run; whoever asks may see it.
        after: id of the last call of the page before.
        limit: most to return.

    Raises:
        RunNotFound: it has no call `after`.
    """
    query = select(step_calls).where(step_calls.c.run_id == run_id)
    if after is not None:
        last = connection.execute(query.where(step_calls.c.id == after)).one_or_none()
        if last is None:
            raise RunNotFound(f"run {run_id} has no call {after!r} to go on after")
        query = query.where(tuple_(step_calls.c.opened_at, step_calls.c.id) > (last.opened_at, last.id))
    rows = connection.execute(query.order_by(step_calls.c.opened_at, step_calls.c.id).limit(limit))
    return [_call(row) for row in rows]


def _call(row: "Row[*tuple[Any, ...]]") -> CallView:
    return CallView(
        id=row.id,
        step=row.step,
        key=row.key,
        kind=row.kind,
        state=row.state,
        attempt=row.generation,
        price_credits=row.price_credits,
        task_id=row.reservation_id if row.kind == "human" else None,
        error=_error(row.error) if row.state == "failed" else None,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
    )


def _error(text: str | None) -> dict[str, JsonValue] | None:
    if text is None:
        return None
    told = json.loads(text)
    return {"type": told["type"], "message": told["message"]}


def _query(payer: Payer) -> "Select[*tuple[Any, ...]]":
    return (
        select(
            runs.c.id,
            runs.c.state,
            runs.c.cancel_requested,
            runs.c.budget_credits,
            runs.c.closed_at,
            pipeline_runs.c.pipeline,
            pipeline_runs.c.version,
            pipeline_runs.c.error,
            pipeline_runs.c.created_at,
        )
        .join(runs, runs.c.id == pipeline_runs.c.run_id)
        .where(_of(payer))
    )


def _of(payer: Payer) -> ColumnElement[bool]:
    return (pipeline_runs.c.org == payer.org) & (pipeline_runs.c.test == payer.test)


def _conditions(wanted: RunFilter) -> "list[ColumnElement[bool]]":
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        inside = [*wanted.states, *(["crashed"] if "failed" in wanted.states else [])]
        conditions.append(runs.c.state.in_(inside))
    if wanted.pipelines:
        conditions.append(pipeline_runs.c.pipeline.in_(wanted.pipelines))
    if wanted.version is not None:
        conditions.append(pipeline_runs.c.version == wanted.version)
    if wanted.created_after is not None:
        conditions.append(pipeline_runs.c.created_at > wanted.created_after)
    if wanted.created_before is not None:
        conditions.append(pipeline_runs.c.created_at < wanted.created_before)
    return conditions


_CRASHED: dict[str, JsonValue] = {"type": "RunCrashed", "message": "the process that worked on it died too often"}


def _summary(row: "Row[*tuple[Any, ...]]") -> dict[str, Any]:
    error = _error(row.error) if row.state == "failed" else _CRASHED if row.state == "crashed" else None
    return {
        "id": row.id,
        "pipeline": row.pipeline,
        "version": row.version,
        "state": cast("ViewState", "failed" if row.state == "crashed" else row.state),
        "cancel_requested": row.cancel_requested,
        "budget_credits": row.budget_credits,
        "created_at": row.created_at,
        "closed_at": row.closed_at,
        "error": error,
    }
