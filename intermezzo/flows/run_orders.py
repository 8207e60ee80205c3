"""Runs of pipelines as somebody has ordered them: kept before Prefect hears of them, with what becomes of them.

An order is durable before it has a flow run. Whoever gives it one, and however often that is tried: Prefect makes one
flow run of an order, and the first to write it down has begun the run.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from pydantic import JsonValue
from sqlalchemy import Connection, RowMapping, delete, select, update

from intermezzo import journal
from intermezzo.journal import RunFacts
from intermezzo.ledger import Payer
from intermezzo.store import insert_into, new_id
from intermezzo.store.idempotency import forget, once
from intermezzo.store.tables import pipeline_runs, runs

FLOW_NAME = "run-pipeline"
"""Of the one flow that runs every document."""

_SCOPE = "pipeline-runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """What a run was ordered with."""

    id: str
    run_id: str | None
    """Of its flow run; None: there is none yet."""
    payer: Payer
    pipeline: str
    version: int
    input: dict[str, JsonValue]
    budget_credits: int | None

    @property
    def parameters(self) -> dict[str, object]:
        """Of the flow `run_pipeline`, which looks up the input: Prefect would show it, and fill templates in it."""
        return {"pipeline": self.pipeline, "version": self.version}


def place(
    connection: Connection, order: RunOrder, *, idempotency_key: str | None = None, request: str = "", at: datetime
) -> str:
    """Take an order.

    Args:
        order: a new one.
        idempotency_key: the same request with the same key is the same order.
        request: its fingerprint.

    Returns:
        Its id; that of an earlier order if the key has come before.

    Raises:
        KeyReused: another request came with this key.
    """
    if idempotency_key is not None:
        before = once(
            connection,
            idempotency_key,
            org=order.payer.org,
            test=order.payer.test,
            scope=_SCOPE,
            request=request,
            result=order.id,
            at=at,
        )
        if before is not None:
            return cast("str", before)
    connection.execute(insert_into(connection, pipeline_runs), [_row(order, at)])
    return order.id


def withdraw(connection: Connection, payer: Payer, order_id: str, *, idempotency_key: str | None = None) -> str | None:
    """Take an order back that could not be begun, and give its key back.

    Returns:
        Id of its run, if somebody has begun it meanwhile: then it stays.
    """
    mine = pipeline_runs.c.id == order_id
    gone = connection.execute(delete(pipeline_runs).where(mine, pipeline_runs.c.run_id.is_(None)))
    if gone.rowcount and idempotency_key is not None:
        forget(connection, idempotency_key, org=payer.org, test=payer.test, scope=_SCOPE)
    return connection.scalar(select(pipeline_runs.c.run_id).where(mine))


def begin(
    connection: Connection, order_id: str, run_id: str, *, lease: timedelta, at: datetime
) -> Literal["begun", "known", "gone"]:
    """Write down the flow run of an order, and record the run that it is.

    Args:
        lease: how long it may take until Prefect says that it waits to be taken.

    Returns:
        `begun`: this is the first time; `known`: somebody has done it; `gone`: the order was withdrawn.
    """
    row = connection.execute(
        select(pipeline_runs).where(pipeline_runs.c.id == order_id).with_for_update()
    ).one_or_none()
    if row is None:
        return "gone"
    if row.run_id is not None:
        return "known"
    facts = RunFacts(
        id=run_id,
        flow_name=FLOW_NAME,
        deployed=True,
        payer=Payer(row.org, test=row.test),
        budget_credits=row.budget_credits,
    )
    journal.create_run(connection, facts, state="scheduled", lease=lease, at=at)
    connection.execute(update(pipeline_runs).where(pipeline_runs.c.id == order_id).values(run_id=run_id))
    return "begun"


def find(connection: Connection, order_id: str) -> RunOrder | None:
    """The order of that id, unless it was withdrawn."""
    row = connection.execute(select(pipeline_runs).where(pipeline_runs.c.id == order_id)).mappings().one_or_none()
    return None if row is None else _order(row)


def unstarted(connection: Connection, *, before: datetime, limit: int = 100) -> list[str]:
    """Ids of orders that have no flow run yet, the oldest first: whoever took them has probably died.

    Args:
        before: they were placed earlier than that.
        limit: most to return.
    """
    query = select(pipeline_runs.c.id).where(pipeline_runs.c.run_id.is_(None), pipeline_runs.c.created_at < before)
    return list(connection.scalars(query.order_by(pipeline_runs.c.created_at).limit(limit)))


def of_run(connection: Connection, run_id: str) -> RunOrder | None:
    """What a run was ordered with."""
    row = connection.execute(select(pipeline_runs).where(pipeline_runs.c.run_id == run_id)).mappings().one_or_none()
    return None if row is None else _order(row)


def adopt(connection: Connection, order: RunOrder, *, at: datetime) -> RunOrder:
    """Keep what a run was started with that nobody has ordered here: in the shell, or in Prefect.

    Args:
        order: with the run's id; its payer holds unless the run is known to have another.
    """
    payer = connection.execute(select(runs.c.org, runs.c.test).where(runs.c.id == order.run_id)).one_or_none()
    row = _row(order, at) | ({} if payer is None else {"org": payer.org, "test": payer.test})
    connection.execute(insert_into(connection, pipeline_runs).on_conflict_do_nothing(), [row])
    return _order(
        connection.execute(select(pipeline_runs).where(pipeline_runs.c.run_id == order.run_id)).mappings().one()
    )


def record_output(connection: Connection, run_id: str, output: JsonValue) -> None:
    """Keep what a run came to."""
    text = json.dumps(output, ensure_ascii=False)
    connection.execute(update(pipeline_runs).where(pipeline_runs.c.run_id == run_id).values(output=text, error=None))


def record_failure(connection: Connection, run_id: str, failure: Exception) -> None:
    """Keep why a run failed."""
    error = json.dumps({"type": type(failure).__name__, "message": str(failure)})
    connection.execute(update(pipeline_runs).where(pipeline_runs.c.run_id == run_id).values(output=None, error=error))


def new_order(
    payer: Payer,
    pipeline: str,
    version: int,
    input: dict[str, JsonValue],
    *,
    budget_credits: int | None = None,
    run_id: str | None = None,
) -> RunOrder:
    """An order with a new id."""
    return RunOrder(
        id=new_id(),
        run_id=run_id,
        payer=payer,
        pipeline=pipeline,
        version=version,
        input=input,
        budget_credits=budget_credits,
    )


def _row(order: RunOrder, at: datetime) -> dict[str, Any]:
    return {
        "id": order.id,
        "run_id": order.run_id,
        "org": order.payer.org,
        "test": order.payer.test,
        "pipeline": order.pipeline,
        "version": order.version,
        "input": json.dumps(order.input, ensure_ascii=False),
        "budget_credits": order.budget_credits,
        "created_at": at,
    }


def _order(row: RowMapping) -> RunOrder:
    return RunOrder(
        id=row["id"],
        run_id=row["run_id"],
        payer=Payer(row["org"], test=row["test"]),
        pipeline=row["pipeline"],
        version=row["version"],
        input=json.loads(row["input"]),
        budget_credits=row["budget_credits"],
    )
