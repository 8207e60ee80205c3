"""`intermezzo serve`: everything it takes to run deployed flows, in one process tree."""

import asyncio
import os
from contextlib import AsyncExitStack, nullcontext
from functools import partial

import click

from intermezzo.cli.inputs import json_option
from intermezzo.cli.output import json_text


@click.command()
@click.option(
    "--prefect-server/--no-prefect-server",
    default=True,
    help="Start a Prefect server if none is configured (default), or insist on PREFECT_API_URL.",
)
@click.option("--http/--no-http", default=True, help="Serve the HTTP API (default), or only run flows.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of this machine at which HTTP is served.")
@click.option("--port", type=click.IntRange(0, 65535), help="Its port; 0: a free one.  [default: 8470]")
@json_option
def serve(*, prefect_server: bool, http: bool, host: str, port: int | None, as_json: bool) -> None:
    """Run deployed flows and serve the HTTP API until Ctrl-C.

    One process tree: the HTTP API, a warm worker, the reconciler, webhooks, simulated workers for test tasks, and a
    Prefect server.
    """
    if not prefect_server and not os.environ.get("PREFECT_API_URL"):
        raise click.UsageError("--no-prefect-server needs PREFECT_API_URL to say where the Prefect server is")
    from intermezzo.flows.prefect_address import announced
    from intermezzo.flows.prefect_server import prefect_api

    try:
        with prefect_api() as api, announced(api) if prefect_server else nullcontext():
            _log_to_stderr()
            asyncio.run(_serve(api, (host, port) if http else None, as_json=as_json))
    except KeyboardInterrupt:
        return


async def _serve(prefect_api: str, http: tuple[str, int | None] | None, *, as_json: bool) -> None:
    from intermezzo.flows.prefect_launcher import prefect_launcher
    from intermezzo.flows.serve import serve_until_stopped
    from intermezzo.server import listening
    from intermezzo.settings import settings
    from intermezzo.store import open_store
    from intermezzo.webhooks import Deliverer

    async with AsyncExitStack() as stack:
        address = None
        if http is not None:
            host, port = http
            port = settings().server_port if port is None else port
            launcher = await stack.enter_async_context(prefect_launcher())
            served = listening(open_store(), host=host, port=port, launcher=launcher)
            address = await stack.enter_async_context(served)
        deliverer = Deliverer(open_store())
        started = partial(_announce, prefect_api, address, as_json=as_json)
        await serve_until_stopped(started, beside=[deliverer.serve])


def _log_to_stderr() -> None:
    import logging
    from importlib import import_module

    import_module("intermezzo.flows.worker")  # Prefect sets up logging when it is first imported
    logging.getLogger("intermezzo").setLevel(logging.INFO)


def _announce(api: str, http: str | None, *, as_json: bool) -> None:
    from intermezzo.settings import settings
    from intermezzo.store import open_store

    ui = os.environ.get("PREFECT_UI_URL") or api.removesuffix("/api")
    store = open_store().url.render_as_string()
    if as_json:
        pool, pid = settings().work_pool, os.getpid()
        click.echo(json_text({"http": http, "ui": ui, "api": api, "store": store, "pool": pool, "pid": pid}))
    else:
        if http is not None:
            click.echo(f"HTTP API     {http}, described at {http}/docs")
        click.echo(f"Prefect UI   {ui}\nStore        {store}\nWork pool    {settings().work_pool}\nCtrl-C stops it.")
