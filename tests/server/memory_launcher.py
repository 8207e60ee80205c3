"""Where runs of pipelines are executed, in memory: flow runs as Prefect keeps them, and nobody who takes them."""

from uuid import uuid4

from intermezzo.errors import RunNotRetryable, RunsUnavailable
from intermezzo.flows.run_orders import RunOrder


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
