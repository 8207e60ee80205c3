"""Where the Prefect server is: the configured one, or the one that `intermezzo serve` keeps for this home.

Knows addresses only and imports no Prefect, so that commands can ask before they start anything.
"""

import contextlib
import os
from collections.abc import Generator

import httpx

from intermezzo.settings import settings

_FILE = "prefect-api"


@contextlib.contextmanager
def announced(api: str) -> Generator[None]:
    """Tell the other processes of this home where the Prefect server is, until the context is left."""
    file = settings().home_path / _FILE
    if _announced_api() == api:  # another `intermezzo serve` has said so
        yield
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(api)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def running_api() -> str | None:
    """The API address of the configured Prefect server, or of a running `intermezzo serve`."""
    if configured := os.environ.get("PREFECT_API_URL"):
        return configured
    api = _announced_api()
    return api if api is not None and is_reachable(api) else None


def is_reachable(api: str) -> bool:
    """Whether anything answers at that address."""
    try:
        httpx.get(f"{api}/health", timeout=5, trust_env=not api.startswith("http://127.0.0.1"))
    except httpx.TransportError:
        return False
    return True


def run_address(run_id: str) -> str | None:
    """The page of a run in the Prefect UI; None if it is not known where that is."""
    ui = os.environ.get("PREFECT_UI_URL")
    api = os.environ.get("PREFECT_API_URL") or _announced_api()
    if not ui and api and api.endswith("/api"):
        ui = api.removesuffix("/api")
    return f"{ui}/runs/flow-run/{run_id}" if ui else None


def _announced_api() -> str | None:
    try:
        return (settings().home_path / _FILE).read_text().strip() or None
    except OSError:
        return None
