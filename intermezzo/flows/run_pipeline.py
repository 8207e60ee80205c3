"""The flow that runs pipeline documents, one deployment for all of them."""

from prefect import flow
from prefect.runtime import flow_run
from pydantic import JsonValue
from sqlalchemy import Connection, select

from intermezzo.flows.pipeline_execution import execute
from intermezzo.flows.stored_pipelines import StoredPipeline, find
from intermezzo.settings import settings
from intermezzo.store import open_store
from intermezzo.store.tables import runs


@flow(name="run-pipeline", flow_run_name="{pipeline} v{version}", persist_result=True, result_serializer="json")
async def run_pipeline(pipeline: str, version: int, input: dict[str, JsonValue]) -> JsonValue:
    """Run one version of a stored pipeline.

    Args:
        pipeline: its name.
        version: which one: a run keeps it, whatever is stored later.
        input: as the pipeline's input schema wants it.
    """
    run_id = str(flow_run.get_id())
    stored = await open_store().read(lambda c: _stored(c, run_id, pipeline, version))
    return await execute(stored.plan(), input)


def _stored(connection: Connection, run_id: str, name: str, version: int) -> StoredPipeline:
    """The version, of the organisation that pays for the run."""
    org = connection.scalar(select(runs.c.org).where(runs.c.id == run_id))
    return find(connection, org or settings().org, name, version)
