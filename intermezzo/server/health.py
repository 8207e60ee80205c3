"""Whether the server lives, whether it can work, and how it does."""

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from sqlalchemy import text

from intermezzo.server.context import Server

router = APIRouter(tags=["health"])


@router.get("/health", summary="Is the process alive?")
async def health() -> dict[str, str]:
    """Answers as long as the process does."""
    return {"status": "ok"}


@router.get("/ready", summary="Can it work?")
async def ready(server: Server) -> JSONResponse:
    """503 while the store cannot be read."""
    try:
        await server.store.read(lambda c: c.execute(text("SELECT 1")).scalar_one())
    except Exception:  # noqa: BLE001 (whatever the store's driver raises: it is not ready)
        return JSONResponse({"status": "the store cannot be read"}, HTTPStatus.SERVICE_UNAVAILABLE)
    return JSONResponse({"status": "ok"})
