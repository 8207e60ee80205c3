"""Runs in this very process, without a deployment: the flow's body waits for people where it stands.

Called by `intermezzo run`. The run exists in Prefect and in the store before its body starts, so that its
payer and budget hold from the first step call, and it can be cancelled from elsewhere.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Abort, Pause
from prefect.flow_engine import run_flow
from prefect.states import Cancelled, Pending

from intermezzo import journal
from intermezzo.flows.deployments import checked_parameters, load_flow
from intermezzo.flows.runtime import runtime
from intermezzo.flows.settling import settle_unless_ended
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.journal import RunFacts, RunState
from intermezzo.ledger import Payer
from intermezzo.store import Event, Store, utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended."""

    run_id: str
    flow_name: str
    state: str
    """Name of its last state in Prefect."""
    message: str
    completed: bool
    result: object = None
    """What the flow returned."""
    error: BaseException | None = None
    """What the flow raised."""


async def run_here(
    target: str,
    parameters: dict[str, object],
    *,
    payer: Payer,
    budget_credits: int | None = None,
    started: Callable[[str, str], None] = lambda _name, _run_id: None,
) -> Ended:
    """Run a flow in this process and wait for its end; simulated workers join in when a test run asks people.

    Args:
        target: `MODULE:FLOW` or `path/to/file.py:FLOW`.
        budget_credits: most credits the run may reserve and spend.
        started: told the run's name and id before the flow's body starts.

    Raises:
        DefinitionError: the flow cannot be loaded.
        InvalidInput: the parameters do not fit the flow.
    """
    flow = load_flow(target)
    parameters = checked_parameters(flow, target, parameters)
    here = runtime()
    async with get_client() as client:
        run = await client.create_flow_run(flow, parameters=parameters, tags=["intermezzo"], state=Pending())
        run_id = str(run.id)
        facts = RunFacts(id=run_id, flow_name=flow.name, deployed=False, payer=payer, budget_credits=budget_credits)
        await here.store.write(
            lambda c: journal.create_run(c, facts, state="scheduled", lease=here.lease, at=utc_now())
        )
        await here.store.write(
            lambda c: journal.enter_run(c, facts, holder=here.holder, lease=here.lease, at=utc_now())
        )
        here.keep(run_id)
        started(run.name, run_id)
        try:
            async with _simulated_workers(here.store, wanted=payer.test):
                return await _until_end(client, flow, run, parameters, here.store)
        finally:
            here.drop(run_id)


async def _until_end(
    client: PrefectClient, flow: Flow[..., Any], run: FlowRun, parameters: dict[str, object], store: Store
) -> Ended:
    run_id = str(run.id)
    body = asyncio.create_task(_body(flow, run, parameters))
    with _cancelled_on_request(store, run_id, body) as requests:
        try:
            await asyncio.wait([body])
        except asyncio.CancelledError:
            await _stop(store, run_id, body)
            await asyncio.wait([body])
            await _set_cancelled(client, run.id, "Stopped with the process that ran it.")
            raise
    state = None if body.cancelled() else body.result()
    if requests and (state is None or not state.is_completed()):
        await _set_cancelled(client, run.id, "Cancelled by a person.")
        return Ended(run_id=run_id, flow_name=flow.name, state="Cancelled", message="by a person", completed=False)
    if state is None:
        state = (await client.read_flow_run(run.id)).state or Pending()
    ended: RunState = "completed" if state.is_completed() else "failed"
    await store.write(lambda c: settle_unless_ended(c, run_id, ended, at=utc_now()))
    value = await state.aresult(raise_on_failure=False)
    failure = value if isinstance(value, BaseException) else None
    return Ended(
        run_id=run_id,
        flow_name=flow.name,
        state=state.name or state.type.value,
        message=state.message or "",
        completed=state.is_completed(),
        result=None if failure else value,
        error=failure,
    )


async def _body(flow: Flow[..., Any], run: FlowRun, parameters: dict[str, object]) -> State[Any] | None:
    """The flow's last state; None when somebody else has decided it."""
    try:
        running = run_flow(flow, flow_run=run, parameters=parameters, return_type="state")
        return await cast("Coroutine[None, None, State[Any]]", running)
    except (Abort, Pause):
        return None


async def _stop(store: Store, run_id: str, body: "asyncio.Task[Any]") -> None:
    """Stop a flow's body; its run is settled first, lest it be taken for one that crashed."""
    await store.write(lambda c: settle_unless_ended(c, run_id, "cancelled", at=utc_now()))
    body.cancel()


async def _set_cancelled(client: PrefectClient, run_id: UUID, message: str) -> None:
    await client.set_flow_run_state(run_id, Cancelled(message=message), force=True)


@contextmanager
def _cancelled_on_request(store: Store, run_id: str, body: "asyncio.Task[Any]") -> Generator[list[Event]]:
    """Stop the flow's body when somebody asks for it; gives the requests."""
    loop = asyncio.get_running_loop()
    requests: list[Event] = []

    def heard(events: Sequence[Event]) -> None:
        for event in events:
            if event.topic == "run.cancel" and event.subject == run_id:
                requests.append(event)
                asyncio.run_coroutine_threadsafe(_stop(store, run_id, body), loop)

    unsubscribe = store.subscribe(heard)
    try:
        yield requests
    finally:
        unsubscribe()


@asynccontextmanager
async def _simulated_workers(store: Store, *, wanted: bool) -> AsyncGenerator[None]:
    crowd = asyncio.create_task(SimulatedCrowd(store).serve()) if wanted else None
    try:
        yield
    finally:
        if crowd is not None:
            crowd.cancel()
            await asyncio.wait([crowd])
