"""The ASGI application, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import metadata

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from intermezzo.flows.launching import Launcher
from intermezzo.server import (
    access_api,
    attachments_api,
    credits_api,
    description,
    disputes_api,
    events_api,
    health,
    pipelines_api,
    reports_api,
    reviews_api,
    runs_api,
    tasks_api,
    types_api,
    webhooks_api,
    worker_api,
)
from intermezzo.server.context import Context
from intermezzo.server.description import describe
from intermezzo.server.metrics import Measured
from intermezzo.server.problems import PROBLEMS, handle_problems
from intermezzo.server.wire import Wire
from intermezzo.settings import settings
from intermezzo.store import Store

_APIS = (
    description,
    health,
    events_api,
    tasks_api,
    reviews_api,
    reports_api,
    disputes_api,
    attachments_api,
    worker_api,
    credits_api,
    types_api,
    access_api,
    webhooks_api,
    runs_api,
    pipelines_api,
)
"""In this order: `/v1/tasks/events` is no task's id, `/v1/pipelines/runs` no pipeline's name."""


def create_app(store: Store, *, launcher: Launcher | None = None) -> FastAPI:
    """The HTTP API over a store.

    Args:
        store: open; whoever opened it closes it.
        launcher: where runs of pipelines are executed; None: this server starts none, and answers 503.
    """
    context = Context(store, launcher=launcher)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        yield
        context.close()

    app = FastAPI(
        title="Intermezzo",
        version=metadata.version("intermezzo"),
        summary="AI steps and human steps, every step charged exactly once",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEMS,
    )
    app.state.context = context
    handle_problems(app)
    known = settings()
    if known.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(known.cors_origins), allow_methods=["*"], allow_headers=["*"]
        )
    app.add_middleware(Wire, most_bytes=known.max_request_bytes)
    app.add_middleware(Measured, metrics=context.metrics)
    for api in _APIS:
        app.include_router(api.router)
    describe(app)
    return app
