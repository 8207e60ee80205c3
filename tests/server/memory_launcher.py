"""Where runs of pipelines are executed, in memory: flow runs as Prefect keeps them, and nobody who takes them."""

from uuid import uuid4

from pydantic import JsonValue

from intermezzo.errors import RunNotRetryable, RunsUnavailable
from intermezzo.flows.run_orders import RunOrder, record_output
from intermezzo.flows.settling import settle
from intermezzo.store import Store, utc_now


class MemoryLauncher:
    """A `Launcher` without Prefect; `test_launchers` holds both to the same."""

    def __init__(self) -> None:
        self.states: dict[str, str] = {}
        """Id of a flow run → its state, as Prefect names it."""
        self.made: dict[str, str] = {}
        """Id of an order → that of its flow run."""
        self.reachable = True

    async def create(self, order: RunOrder) -> str:
        """Id of the flow run of an order."""
        self._reach()
        if order.id not in self.made:
            self.made[order.id] = str(uuid4())
            self.states[self.made[order.id]] = "Pending"
        return self.made[order.id]

    async def release(self, run_id: str) -> None:
        """Let a worker take a flow run."""
        self._reach()
        self.states[run_id] = "Scheduled"

    async def again(self, run_id: str) -> None:
        """Let a worker take a flow run that has ended."""
        self._reach()
        if run_id not in self.states:
            raise RunNotRetryable(f"run {run_id} is no longer known")
        self.states[run_id] = "AwaitingRetry"

    async def stop(self, run_id: str) -> None:
        """Let no worker take a flow run any more."""
        self._reach()
        if self.states.get(run_id, "Completed") not in ("Completed", "Failed", "Cancelled"):
            self.states[run_id] = "Cancelled"

    def _reach(self) -> None:
        if not self.reachable:
            raise RunsUnavailable("there is no Prefect")


class AtOnce(MemoryLauncher):
    """A launcher whose runs have come to their end as soon as they may begin.

    Args:
        store: where they are.
        output: of all of them.
    """

    def __init__(self, store: Store, output: JsonValue) -> None:
        super().__init__()
        self._store = store
        self._output: JsonValue = output

    async def release(self, run_id: str) -> None:
        """Complete a run."""
        await super().release(run_id)
        await self._store.write(lambda c: record_output(c, run_id, self._output))
        await self._store.write(lambda c: settle(c, run_id, "completed", at=utc_now()))
