"""`intermezzo serve`: everything it takes to run deployed flows, in one process tree."""

import asyncio
import os
from contextlib import nullcontext

import click

from intermezzo.cli.inputs import json_option
from intermezzo.cli.output import json_text


@click.command()
@click.option(
    "--prefect-server/--no-prefect-server",
    default=True,
    help="Start a Prefect server if none is configured (default), or insist on PREFECT_API_URL.",
)
@json_option
def serve(*, prefect_server: bool, as_json: bool) -> None:
    """Run deployed flows until Ctrl-C.

    One process tree: a warm worker, the reconciler, webhooks, simulated workers for test tasks, and a Prefect server.
    """
    if not prefect_server and not os.environ.get("PREFECT_API_URL"):
        raise click.UsageError("--no-prefect-server needs PREFECT_API_URL to say where the Prefect server is")
    from intermezzo.flows.prefect_address import announced
    from intermezzo.flows.prefect_server import prefect_api

    try:
        with prefect_api() as api, announced(api) if prefect_server else nullcontext():
            _log_to_stderr()
            asyncio.run(_serve(api, as_json=as_json))
    except KeyboardInterrupt:
        return


async def _serve(api: str, *, as_json: bool) -> None:
    from intermezzo.flows.serve import serve_until_stopped
    from intermezzo.store import open_store
    from intermezzo.webhooks import Deliverer

    deliverer = Deliverer(open_store())
    await serve_until_stopped(lambda: _announce(api, as_json=as_json), beside=[deliverer.serve])


def _log_to_stderr() -> None:
    import logging
    from importlib import import_module

    import_module("intermezzo.flows.worker")  # Prefect sets up logging when it is first imported
    logging.getLogger("intermezzo").setLevel(logging.INFO)


def _announce(api: str, *, as_json: bool) -> None:
    from intermezzo.settings import settings
    from intermezzo.store import open_store

    ui = os.environ.get("PREFECT_UI_URL") or api.removesuffix("/api")
    store = open_store().url.render_as_string()
    if as_json:
        click.echo(json_text({"ui": ui, "api": api, "store": store, "pool": settings().work_pool, "pid": os.getpid()}))
    else:
        click.echo(f"Prefect UI   {ui}\nStore        {store}\nWork pool    {settings().work_pool}\nCtrl-C stops it.")
