"""The ASGI application, put together."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import metadata

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from intermezzo.server import health, tasks_api, webhooks_api
from intermezzo.server.context import Context
from intermezzo.server.problems import Problem, handle_problems
from intermezzo.server.wire import Wire
from intermezzo.settings import settings
from intermezzo.store import Store


def create_app(store: Store) -> FastAPI:
    """The HTTP API over a store.

    Args:
        store: open; whoever opened it closes it.
    """
    context = Context(store)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncGenerator[None]:
        yield
        context.close()

    app = FastAPI(
        title="Intermezzo",
        version=metadata.version("intermezzo"),
        summary="AI steps and human steps, every step charged exactly once",
        lifespan=lifespan,
        redoc_url=None,
        responses={"4XX": {"model": Problem, "description": "What was expected, what came, what to do."}},
    )
    app.state.context = context
    handle_problems(app)
    known = settings()
    if known.cors_origins:
        app.add_middleware(
            CORSMiddleware, allow_origins=list(known.cors_origins), allow_methods=["*"], allow_headers=["*"]
        )
    app.add_middleware(Wire, most_bytes=known.max_request_bytes)
    for router in (health.router, tasks_api.router, webhooks_api.router):
        app.include_router(router)
    return app
