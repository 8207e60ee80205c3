"""A rig that runs attempts of flows one by one, as a worker would, but when the test says so."""

from typing import Any
from uuid import UUID, uuid4

from prefect import Flow
from prefect.client.orchestration import PrefectClient
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.states import Pending
from sqlalchemy import select

from intermezzo import ledger
from intermezzo.human_steps import Inbox
from intermezzo.ledger import Payer
from intermezzo.store import Store
from intermezzo.store.tables import human_tasks, runs

PAYER = Payer("default")
GRANTED = 1_000_000


class Suspended:
    """How an attempt ended that was suspended."""

    def __init__(self, message: str | None) -> None:
        self.message = message


class Rig:
    """Runs attempts as a worker would, but when the test says so."""

    def __init__(self, store: Store, client: PrefectClient) -> None:
        self.store = store
        self.client = client
        self.inbox = Inbox(store)

    async def deploy(self, flow: Flow[..., Any], **parameters: object) -> UUID:
        """A flow run with a deployment, so that it can suspend."""
        flow_id = await self.client.create_flow(flow)
        deployment = await self.client.create_deployment(flow_id, name=f"test-{uuid4()}")
        run = await self.client.create_flow_run_from_deployment(deployment, parameters=dict(parameters))
        return run.id

    async def attempt(self, flow: Flow[..., Any], run_id: UUID) -> Any:
        """Run the flow from the top; what it returned, or `Suspended`."""
        await self.client.set_flow_run_state(run_id, Pending(), force=True)
        flow_run = await self.client.read_flow_run(run_id)
        try:
            running: Any = run_flow(flow, flow_run=flow_run, parameters=flow_run.parameters)
            return await running
        except Pause as pause:
            return Suspended(pause.state.message if pause.state else None)

    async def state(self, run_id: UUID) -> str | None:
        """Name of the run's state in Prefect."""
        return (await self.client.read_flow_run(run_id)).state_name

    async def tasks(self, state: str = "open") -> list[str]:
        """Ids of human tasks in that state, the oldest first."""
        query = select(human_tasks.c.id).where(human_tasks.c.state == state).order_by(human_tasks.c.created_at)
        return list(await self.store.read(lambda c: c.scalars(query).all()))

    async def answer_all(self, *types: str, **answer: Any) -> int:
        """One worker answers everything that is open, or what is of some types; returns how many."""
        count = 0
        worker = f"worker-{uuid4()}"
        while claimed := await self.inbox.claim_next(worker, types=types):
            await self.inbox.submit(worker, claimed.task_id, answer)
            count += 1
        return count

    async def run_state(self, run_id: UUID) -> str:
        """State of the run in our store."""
        query = select(runs.c.state).where(runs.c.id == str(run_id))
        return await self.store.read(lambda c: c.scalars(query).one())

    async def books(self) -> dict[str, int]:
        """Audited balances; fails the test when the books do not balance."""
        report = await self.store.read(ledger.audit)
        report.require_clean()
        return report.balances

    async def spent(self) -> int:
        """Credits that left the organisation for good."""
        balances = await self.books()
        return GRANTED - balances[PAYER.available] - balances.get(PAYER.reserved, 0)

    async def reserved(self) -> int:
        """Credits held by open calls."""
        return (await self.books()).get(PAYER.reserved, 0)
