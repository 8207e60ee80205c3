"""Deployment records: what lets Prefect start a flow again, and so lets a run suspend."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectAlreadyExists, ParameterTypeError, SignatureMismatchError
from prefect.flows import load_flow_from_entrypoint
from prefect.states import Pending, Scheduled
from prefect.utilities.callables import parameter_schema

from intermezzo import journal
from intermezzo.errors import DefinitionError, InvalidInput
from intermezzo.flows.entrypoint import entrypoint_of
from intermezzo.flows.worker import WORKER_TYPE, WarmWorker
from intermezzo.journal import RunFacts
from intermezzo.ledger import Payer
from intermezzo.settings import settings
from intermezzo.store import Event, Store, emit, utc_now


def load_flow(target: str) -> Flow[..., Any]:
    """The flow that `MODULE:FLOW` or `path/to/file.py:FLOW` names.

    Raises:
        DefinitionError: it cannot be found or imported, or is not an async flow.
    """
    entrypoint, _ = entrypoint_of(target)
    try:
        flow = load_flow_from_entrypoint(entrypoint, use_placeholder_flow=False)
    except Exception as error:
        raise DefinitionError(f"cannot load {target!r}: {type(error).__name__}: {error}") from error
    if not flow.isasync:
        raise DefinitionError(f"{target!r} is not async; declare the flow with `async def`")
    return flow


def checked_parameters(flow: Flow[..., Any], target: str, parameters: dict[str, object]) -> dict[str, object]:
    """The parameters as the flow's own types make them.

    Raises:
        InvalidInput: they do not fit the flow.
    """
    try:
        return flow.validate_parameters(parameters)
    except (ParameterTypeError, SignatureMismatchError) as error:
        raise InvalidInput(f"{target}: {error}") from None


async def ensure_pool(client: PrefectClient) -> None:
    """Create the work pool of the warm workers, unless it is there."""
    template = WarmWorker.get_default_base_job_template()
    try:
        await client.create_work_pool(
            WorkPoolCreate(name=settings().work_pool, type=WORKER_TYPE, base_job_template=template)
        )
    except ObjectAlreadyExists:
        return


async def deploy(client: PrefectClient, target: str) -> tuple[UUID, Flow[..., Any]]:
    """Create or update the deployment of a flow on the warm workers' pool, named like it; gives its id and the flow."""
    flow = load_flow(target)
    entrypoint, folder = entrypoint_of(target)
    await ensure_pool(client)
    flow_id = await client.create_flow(flow)
    deployment_id = await client.create_deployment(
        flow_id=flow_id,
        name=settings().work_pool,  # by which two stores behind one Prefect server are told apart
        entrypoint=entrypoint,
        path=str(folder),
        work_pool_name=settings().work_pool,
        parameter_openapi_schema=parameter_schema(flow).model_dump_for_openapi(),
        tags=["intermezzo"],
    )
    return deployment_id, flow


async def schedule(
    client: PrefectClient,
    store: Store,
    target: str,
    parameters: dict[str, object],
    *,
    payer: Payer,
    budget_credits: int | None = None,
) -> FlowRun:
    """Create a flow run that a warm worker will pick up, and record who pays for it.

    Raises:
        DefinitionError: the flow cannot be loaded.
        InvalidInput: the parameters do not fit the flow.
    """
    deployment_id, flow = await deploy(client, target)
    parameters = checked_parameters(flow, target, parameters)
    # Pending first: the store must know who pays before a worker can take the run.
    run = await client.create_flow_run_from_deployment(
        deployment_id, parameters=parameters, tags=["intermezzo"], state=Pending()
    )
    known = RunFacts(
        id=str(run.id),
        flow_name=flow.name,
        deployed=True,
        payer=payer,
        budget_credits=budget_credits,
    )
    lease = timedelta(seconds=settings().lease_seconds)
    await store.write(lambda c: journal.create_run(c, known, state="scheduled", lease=lease, at=utc_now()))
    await client.set_flow_run_state(run.id, Scheduled(), force=True)
    # Executors look for it at once, without waiting for their next poll.
    await store.write(lambda c: emit(c, [Event("run.scheduled", known.id, known.id)], at=utc_now()))
    return run
