"""Runs that other processes work on: scheduled, followed and cancelled from outside, by the command line."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Pending
from sqlalchemy import Connection, select

from intermezzo import journal
from intermezzo.flows.deployments import schedule
from intermezzo.flows.settling import settle_unless_ended
from intermezzo.journal import RunState
from intermezzo.ledger import Payer
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import runs

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A state of a run in Prefect."""

    name: str
    message: str
    final: bool
    completed: bool


async def start(
    store: Store, target: str, parameters: dict[str, object], *, payer: Payer, budget_credits: int | None
) -> tuple[str, str]:
    """Schedule a run for a warm worker; returns its name and id.

    Raises:
        DefinitionError: the flow cannot be loaded.
        InvalidInput: the parameters do not fit the flow.
    """
    async with get_client() as client:
        run = await schedule(client, store, target, parameters, payer=payer, budget_credits=budget_credits)
        return run.name, str(run.id)


async def follow(run_id: str) -> AsyncIterator[Seen]:
    """The states of a run, each when it changes, up to the final one."""
    last: Seen | None = None
    async with get_client() as client:
        while last is None or not last.final:
            state = (await client.read_flow_run(UUID(run_id))).state or Pending()
            seen = Seen(
                name=state.name or state.type.value,
                message=state.message or "",
                final=state.is_final(),
                completed=state.is_completed(),
            )
            if seen != last:
                yield seen
            last = seen
            if not seen.final:
                await asyncio.sleep(_LOOK_SECONDS)


async def cancel(store: Store, run_id: str, *, patience_seconds: float = 10.0) -> RunState:
    """Cancel a run, whoever works on it, or nobody.

    An executor that works on it gets time to stop it in order; then, or when there is none, it is settled
    from here, and an attempt that still runs somewhere can write nothing more.

    Returns:
        The state in which it has ended; another than cancelled if it had ended before.
    """
    await store.write(lambda c: journal.request_cancel(c, run_id, at=utc_now()))
    deadline = time.monotonic() + patience_seconds
    while await store.read(lambda c: journal.is_held(c, run_id, at=utc_now())):
        if time.monotonic() >= deadline:
            break
        await asyncio.sleep(0.1)
    await store.write(lambda c: settle_unless_ended(c, run_id, "cancelled", at=utc_now()))
    return await store.read(lambda c: _state(c, run_id))


async def tell_prefect_cancelled(run_id: str) -> bool:
    """Set a run's state in Prefect, unless it has ended there; returns whether Prefect knows the run."""
    async with get_client() as client:
        try:
            run = await client.read_flow_run(UUID(run_id))
        except ObjectNotFound:
            return False
        # A run whose process died is over for Prefect, but not for us: somebody would start it again.
        if run.state is None or not run.state.is_final() or run.state.is_crashed():
            await client.set_flow_run_state(run.id, Cancelled(message="Cancelled by a person."), force=True)
        return True


def _state(connection: Connection, run_id: str) -> RunState:
    return cast("RunState", connection.scalar(select(runs.c.state).where(runs.c.id == run_id)))
