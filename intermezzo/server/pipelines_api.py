"""`/v1/pipelines`: pipelines as documents; stored, priced, drawn and run.

Documents are read in threads: one of hundreds of steps takes a second, in which everything else goes on.
"""

import json
from asyncio import to_thread
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from intermezzo.errors import InvalidInput
from intermezzo.flows.pipeline_runs import checked_input
from intermezzo.pipelines import Plan, plan_of, plan_of_text
from intermezzo.pipelines.drawing import svg
from intermezzo.pipelines.estimate import estimated
from intermezzo.pipelines.published import document_schema
from intermezzo.server.context import IdempotencyKey, PipelineReader, PipelineWriter, Server, pipelines_of
from intermezzo.server.pipeline_examples import PIPELINE_EXAMPLES, PIPELINE_YAML
from intermezzo.server.pipeline_wire import (
    Assuming,
    EstimateOut,
    NewEstimate,
    PipelineOut,
    PipelinePage,
    VersionEstimate,
    VersionNumber,
    VersionOut,
    VersionPage,
)
from intermezzo.server.problems import Refused
from intermezzo.server.reading import Route
from intermezzo.server.run_wire import NewRun, RunOut
from intermezzo.server.runs_api import shown

router = APIRouter(prefix="/v1/pipelines", tags=["pipelines"], route_class=Route)

RESERVED = frozenset({"estimate", "runs", "schema"})
"""Names that no pipeline can have here: the API has something else at their addresses."""

_YAML = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")

Name = Annotated[str, Path(max_length=63)]
Limit = Annotated[int, Query(ge=1, le=100)]

_DOCUMENT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A pipeline document; its JSON Schema is at `/v1/pipelines/schema`.",
        "content": {
            "application/json": {
                "schema": {"type": "object", "required": ["name", "steps"]},
                "example": PIPELINE_EXAMPLES["PipelineOut"]["document"],
            },
            "application/yaml": {"schema": {"type": "string"}, "example": PIPELINE_YAML},
        },
    }
}

_SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 170 102">…</svg>'
_A_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Which step waits for which.",
        "content": {"image/svg+xml": {"schema": {"type": "string"}, "example": _SVG}},
    }
}
_A_SCHEMA: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "JSON Schema, draft 2020-12.",
        "content": {
            "application/schema+json": {
                "schema": {"type": "object"},
                "example": {"title": "Intermezzo pipeline", "type": "object", "required": ["name", "steps"]},
            }
        },
    }
}


@router.post("", status_code=HTTPStatus.CREATED, summary="Store a pipeline", openapi_extra=_DOCUMENT)
async def create(request: Request, principal: PipelineWriter, server: Server) -> PipelineOut:
    """Check a document and store it as the next version; the same document again is the version that it is already.

    It is JSON, or YAML with `Content-Type: application/yaml`. Whatever is wrong with it is told at once, with line and
    column.
    """
    plan = await to_thread(plan_of_text, await _document_text(request))
    if (name := plan.document.name) in RESERVED:
        raise InvalidInput(f"name: {name!r} is an address of this API; call the pipeline otherwise")
    return PipelineOut.of(await pipelines_of(server, principal).keep(plan))


async def _document_text(request: Request) -> str:
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind not in ("application/json", *_YAML):
        detail = f"expected application/json or application/yaml, got {kind[:100]!r}"
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
    body = await request.body()
    try:
        text = body.decode("utf-8-sig")
        if kind == "application/json":
            json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not {'JSON' if kind == 'application/json' else 'UTF-8'}: {error}") from None
    return text


@router.get("", summary="List pipelines")
async def list_pipelines(
    principal: PipelineReader,
    server: Server,
    cursor: Annotated[str | None, Query(max_length=63, description="`next_cursor` of the page before.")] = None,
    limit: Limit = 20,
) -> PipelinePage:
    """The organisation's pipelines by name, each with its newest version."""
    found = await pipelines_of(server, principal).list(after=cursor, limit=limit + 1)
    items = [VersionOut.of(stored) for stored in found[:limit]]
    return PipelinePage(items=items, next_cursor=items[-1].name if len(found) > limit else None)


@router.get("/schema", summary="The JSON Schema of documents", response_class=Response, responses=_A_SCHEMA)
async def schema() -> Response:
    """For editors, and for whoever writes documents by program."""
    return Response(json.dumps(document_schema()), media_type="application/schema+json")


@router.post("/estimate", summary="Price a document")
async def estimate_document(new: NewEstimate, _: PipelineReader) -> EstimateOut:
    """What a run of a document would cost at least, probably, and at most. Nothing is stored or spent."""
    document = new.document
    read = partial(plan_of_text, document) if isinstance(document, str) else partial(plan_of, document)
    return await to_thread(lambda: _estimate(read(), new))


@router.get("/{pipeline}", summary="Get a pipeline")
async def get(pipeline: Name, principal: PipelineReader, server: Server) -> PipelineOut:
    """Its newest version."""
    return PipelineOut.of(await pipelines_of(server, principal).find(pipeline))


@router.get("/{pipeline}/versions", summary="List the versions of a pipeline")
async def versions(
    pipeline: Name,
    principal: PipelineReader,
    server: Server,
    cursor: Annotated[VersionNumber | None, Query(description="`next_cursor` of the page before.")] = None,
    limit: Limit = 20,
) -> VersionPage:
    """Every document that was stored under the name, the newest first."""
    found = await pipelines_of(server, principal).versions(pipeline, before=cursor, limit=limit + 1)
    items = [VersionOut.of(stored) for stored in found[:limit]]
    return VersionPage(items=items, next_cursor=items[-1].version if len(found) > limit else None)


@router.get("/{pipeline}/versions/{version}", summary="Get a version of a pipeline")
async def version(pipeline: Name, version: VersionNumber, principal: PipelineReader, server: Server) -> PipelineOut:
    """One version, with its document."""
    return PipelineOut.of(await pipelines_of(server, principal).find(pipeline, version))


@router.get("/{pipeline}/graph", summary="Draw a pipeline", response_class=Response, responses=_A_PICTURE)
async def graph(
    pipeline: Name,
    principal: PipelineReader,
    server: Server,
    version: Annotated[VersionNumber | None, Query(description="Default: the newest.")] = None,
) -> Response:
    """A picture of which step waits for which, as SVG."""
    stored = await pipelines_of(server, principal).find(pipeline, version)
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return Response(await to_thread(lambda: svg(stored.plan())), media_type="image/svg+xml", headers=headers)


@router.post("/{pipeline}/estimate", summary="Price a pipeline")
async def estimate(
    pipeline: Name, principal: PipelineReader, server: Server, new: VersionEstimate | None = None
) -> EstimateOut:
    """What a run would cost at least, probably, and at most. Nothing is spent."""
    asked = new or VersionEstimate()
    stored = await pipelines_of(server, principal).find(pipeline, asked.version)
    return await to_thread(lambda: _estimate(stored.plan(), asked))


@router.post("/{pipeline}/runs", status_code=HTTPStatus.CREATED, summary="Run a pipeline")
async def run(
    pipeline: Name,
    principal: PipelineWriter,
    server: Server,
    new: NewRun | None = None,
    idempotency_key: IdempotencyKey = None,
) -> RunOut:
    """Start a run. Its steps are charged as they are made; its human tasks wait for workers.

    From the answer on it is executed, whatever dies. With a test key simulated workers answer its human tasks.
    """
    asked, requester = new or NewRun(), pipelines_of(server, principal)
    run_id = await requester.run(
        pipeline,
        asked.input,
        version=asked.version,
        budget_credits=asked.budget_credits,
        idempotency_key=idempotency_key,
    )
    return await shown(requester, await requester.get(run_id))


def _estimate(plan: Plan, asked: Assuming) -> EstimateOut:
    """The estimate of a document.

    Raises:
        InvalidInput: the input does not fit, or a step that something is assumed of is not there.
    """
    for id, calls in asked.assume.items():
        if id not in plan.steps:
            raise InvalidInput(f"assume: there is no step {id[:100]!r}")
        if calls > (most := plan.steps[id].document.max_items):
            raise InvalidInput(f"assume.{id}: expected at most {most:,} calls, got {calls:g}")
    input = None if asked.input is None else checked_input(plan, asked.input)
    return EstimateOut.of(estimated(plan, input, assumed=asked.assume))
