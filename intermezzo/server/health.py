"""Whether the server lives, whether it can work, and how it does."""

from http import HTTPStatus

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel
from sqlalchemy import text

from intermezzo.server.context import Server

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """How the server is."""

    status: str


@router.get("/health", summary="Is the process alive?")
async def health() -> Health:
    """Answers as long as the process does."""
    return Health(status="ok")


@router.get("/ready", summary="Can it work?", responses={503: {"model": Health, "description": "It cannot."}})
async def ready(server: Server, response: Response) -> Health:
    """503 while the store cannot be read."""
    try:
        await server.store.read(lambda c: c.execute(text("SELECT 1")).scalar_one())
    except Exception:  # noqa: BLE001 (whatever the store's driver raises: it is not ready)
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return Health(status="the store cannot be read")
    return Health(status="ok")


_LINES = '# TYPE intermezzo_open_tasks gauge\nintermezzo_open_tasks{mode="live"} 12.0\n'


@router.get(
    "/metrics",
    summary="How does it?",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": _LINES}}}},
)
async def metrics(server: Server) -> PlainTextResponse:
    """Requests, their times, and the work there is, of all organisations together; for Prometheus."""
    return PlainTextResponse(await server.metrics.text(server.store), media_type=CONTENT_TYPE_LATEST)
