"""Flow runs of ordered pipelines, in Prefect."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Cancelled, Pending, Scheduled

from intermezzo.errors import RunNotRetryable, RunsUnavailable
from intermezzo.flows.deployments import deploy
from intermezzo.flows.pipeline_runs import TARGET
from intermezzo.flows.run_orders import RunOrder

_KEY_PREFIX = "intermezzo:"
_LONGEST_SECONDS = 15.0
"""Prefect's client tries again by itself, for longer than somebody waits for an answer over HTTP."""


def key_of(order_id: str) -> str:
    """By what Prefect knows that it has made the flow run of an order already."""
    return f"{_KEY_PREFIX}{order_id}"


def order_of(key: str | None) -> str | None:
    """Id of the order whose flow run has this key; None: it is of no order."""
    return key.removeprefix(_KEY_PREFIX) if key is not None and key.startswith(_KEY_PREFIX) else None


class PrefectLauncher:
    """The `Launcher` over a Prefect server.

    Args:
        client: open; whoever opened it closes it.
    """

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._deployment: UUID | None = None

    async def prepare(self) -> UUID:
        """Make the one deployment of all pipelines, or bring it up to date; returns its id."""
        if self._deployment is None:
            self._deployment, _ = await deploy(self._client, TARGET)
        return self._deployment

    async def create(self, order: RunOrder) -> str:
        """Id of the flow run of an order, made if there is none; no worker takes it yet."""
        async with _reachable():
            try:
                return await self._create(order)
            except httpx.HTTPStatusError as error:
                if error.response.status_code != HTTPStatus.NOT_FOUND:
                    raise
                self._deployment = None  # somebody has deleted it
                return await self._create(order)

    async def _create(self, order: RunOrder) -> str:
        run = await self._client.create_flow_run_from_deployment(
            await self.prepare(),
            parameters=order.parameters,
            tags=["intermezzo"],
            state=Pending(),
            idempotency_key=key_of(order.id),
        )
        return str(run.id)

    async def release(self, run_id: str) -> None:
        """Let a worker take a flow run."""
        async with _reachable():
            await self._client.set_flow_run_state(UUID(run_id), Scheduled(), force=True)

    async def again(self, run_id: str) -> None:
        """Let a worker take a flow run that has ended.

        Raises:
            RunNotRetryable: it is no longer known.
        """
        async with _reachable():
            try:
                state = AwaitingRetry(message="Started again by a person.")
                await self._client.set_flow_run_state(UUID(run_id), state, force=True)
            except ObjectNotFound:
                raise RunNotRetryable(f"run {run_id} is no longer known to Prefect; start a new one") from None

    async def stop(self, run_id: str) -> None:
        """Let no worker take a flow run any more; one that has ended stays as it is."""
        async with _reachable():
            try:
                run = await self._client.read_flow_run(UUID(run_id))
            except ObjectNotFound:
                return
            # A run whose process died is over for Prefect, but not for us: somebody would start it again.
            if run.state is None or not run.state.is_final() or run.state.is_crashed():
                await self._client.set_flow_run_state(run.id, Cancelled(message="Cancelled by a person."), force=True)


@asynccontextmanager
async def _reachable() -> AsyncGenerator[None]:
    try:
        async with asyncio.timeout(_LONGEST_SECONDS):
            yield
    except (httpx.HTTPError, OSError) as error:
        raise RunsUnavailable(
            f"Prefect did not do what was asked ({type(error).__name__}); nothing was started, try again"
        ) from error


@asynccontextmanager
async def prefect_launcher() -> AsyncGenerator[PrefectLauncher]:
    """The launcher of `intermezzo serve`, with its deployment made."""
    async with get_client() as client:
        launcher = PrefectLauncher(client)
        await launcher.prepare()
        yield launcher
