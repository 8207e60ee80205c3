"""The flow that runs pipeline documents, one deployment for all of them."""

from prefect import flow
from prefect.runtime import flow_run
from pydantic import JsonValue

from intermezzo.flows import run_orders
from intermezzo.flows.ending import attach_hooks
from intermezzo.flows.engine import engine
from intermezzo.flows.off_loop import off_loop
from intermezzo.flows.pipeline_execution import execute
from intermezzo.flows.run_orders import FLOW_NAME, RunOrder, new_order
from intermezzo.flows.stored_pipelines import find
from intermezzo.ledger import Payer
from intermezzo.settings import settings
from intermezzo.store import Store, open_store, utc_now


@flow(name=FLOW_NAME, flow_run_name="{pipeline} v{version}", persist_result=True, result_serializer="json")
async def run_pipeline(pipeline: str, version: int, input: dict[str, JsonValue] | None = None) -> JsonValue:
    """Run one version of a stored pipeline.

    Args:
        pipeline: its name.
        version: which one: a run keeps it, whatever is stored later.
        input: as the pipeline's input schema wants it; None: what the run was ordered with.
    """
    run_id = str(flow_run.get_id())
    store = open_store()
    order = await _order(store, run_id, pipeline, version, input or {})
    try:
        stored = await store.read(lambda c: find(c, order.payer, order.pipeline, order.version))
        output = await execute(await off_loop(stored.plan), order.input)
    except Exception as error:
        await store.write(lambda c, error=error: run_orders.record_failure(c, run_id, error))
        raise
    await store.write(lambda c: run_orders.record_output(c, run_id, output))
    return output


async def _order(store: Store, run_id: str, pipeline: str, version: int, input: dict[str, JsonValue]) -> RunOrder:
    """What the run was ordered with; if nobody has, what it was started with."""
    known = await store.read(lambda c: run_orders.of_run(c, run_id))
    if known is not None:
        return known
    payer = Payer(settings().org, test=settings().test_mode)
    new = new_order(payer, pipeline, version, input, run_id=run_id)
    return await store.write(lambda c: run_orders.adopt(c, new, at=utc_now()))


# At once, not with the first step call: a run may end without any.
attach_hooks(run_pipeline, engine)
