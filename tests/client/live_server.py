"""The real server on a free port, with simulated workers beside it, for clients that connect to it."""

import asyncio
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from intermezzo import ledger
from intermezzo.access import Access
from intermezzo.flows.launching import Launcher
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.ledger import Payer
from intermezzo.server import create_app
from intermezzo.store import Store, new_id, utc_now


@dataclass(frozen=True)
class LiveServer:
    """Where it is, and who may ask it."""

    store: Store
    url: str

    def key(self, org: str = "acme", *, test: bool = True, credits: int = 1_000) -> str:
        """A new key of an organisation, which gets credits."""
        token, _ = asyncio.run(Access(self.store).create_key(org, test=test))
        if credits:
            payer = Payer(org, test=test)
            self.store.write_now(lambda c: ledger.grant(c, payer, credits, subject=new_id(), at=utc_now()))
        return token


@contextmanager
def serving(store: Store, *, launcher: Launcher | None = None) -> Generator[LiveServer]:
    """A server over a store, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(create_app(store, launcher=launcher), log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)

        async def serve() -> None:
            crowd = asyncio.create_task(SimulatedCrowd(store).serve())
            await server.serve(sockets=[listening])
            crowd.cancel()

        thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        thread.start()
        host, port = listening.getsockname()
        try:
            yield LiveServer(store, f"http://{host}:{port}")
        finally:
            server.should_exit = True
            thread.join(timeout=20)
