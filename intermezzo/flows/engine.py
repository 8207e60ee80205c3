"""What a step call in a flow goes through: find the attempt of this run, or begin it; refuse calls out of place."""

import asyncio
import weakref
from typing import Any, TypeVar, cast

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import Abort
from prefect.logging.loggers import flow_run_logger
from pydantic import BaseModel
from sqlalchemy import Connection

from intermezzo import journal
from intermezzo.errors import AttemptSuperseded, MisplacedStep, StepError
from intermezzo.flows.attempt import Attempt
from intermezzo.flows.ending import attach_hooks
from intermezzo.flows.reporting import Reporter
from intermezzo.flows.runtime import runtime
from intermezzo.flows.suspension import suspend
from intermezzo.journal import RunFacts
from intermezzo.ledger import Payer
from intermezzo.settings import settings
from intermezzo.steps import Step
from intermezzo.store import reach, utc_now

Out = TypeVar("Out")


class Engine:
    """The attempts of this process, by run."""

    def __init__(self) -> None:
        self._attempts: dict[str, tuple[weakref.ref[FlowRunContext], Attempt]] = {}
        """The newest attempt of each run, with the execution of the flow's body that it belongs to."""
        self._beginning: dict[str, asyncio.Lock] = {}
        self._roots: dict[str, str] = {}

    async def call(self, step: Step[..., Any, Out], input: BaseModel, key: str) -> Out:
        """Outcome of one call; raises what it ended with.

        Raises:
            MisplacedStep: not in a flow, or a human step where it cannot suspend.
        """
        [outcome] = await self.map(step, [input], [key])
        if isinstance(outcome, StepError):
            raise outcome
        return outcome

    async def map(self, step: Step[..., Any, Out], inputs: list[BaseModel], keys: list[str]) -> list[Out | StepError]:
        """Outcomes of many calls, in order."""
        try:
            attempt = await self._attempt(step)
            return cast("list[Out | StepError]", await attempt.run(step, inputs, keys))
        except AttemptSuperseded as superseded:
            # Prefect's own word for it: stop, and leave the run's state to whoever has it now.
            raise Abort(str(superseded)) from None

    def attempt_of(self, run_id: str) -> Attempt | None:
        """The attempt of a run that this process works on."""
        found = self._attempts.get(run_id)
        return None if found is None else found[1]

    def forget(self, run_id: str) -> None:
        """The attempt of this run has ended."""
        self._attempts.pop(run_id, None)
        self._beginning.pop(run_id, None)

    def _collected(self, run_id: str, attempt: Attempt) -> None:
        """Nothing of that execution is left that could make a call."""
        if self.attempt_of(run_id) is attempt and attempt.signal is not None:
            self.forget(run_id)

    async def _attempt(self, step: Step[..., Any, Any]) -> Attempt:
        context = FlowRunContext.get()
        if context is None or context.flow_run is None or context.flow is None:
            alone = f", or do the work without journal and charge: `{step.type}.fn(…)`" if step.kind != "human" else ""
            raise MisplacedStep(f"{step.name} was called outside of a flow; call it in an async @flow{alone}")
        is_subflow = context.flow_run.parent_task_run_id is not None
        if step.kind == "human" and (is_subflow or TaskRunContext.get() is not None):
            where = "a subflow" if is_subflow else "a Prefect task"
            raise MisplacedStep(
                f"{step.name} asks people and was called in {where}, which cannot be suspended; "
                "move the call into the body of the top-level flow"
            )
        run_id = await self._root(context) if is_subflow else str(context.flow_run.id)
        found = self._attempts.get(run_id)
        if found is not None and (is_subflow or found[0]() is context):
            return found[1]
        async with self._beginning.setdefault(run_id, asyncio.Lock()):
            found = self._attempts.get(run_id)
            if found is None or (not is_subflow and found[0]() is not context):
                # A body that is run again although its attempt did not leave has failed: Prefect retries the flow.
                again = found is not None and not found[1].left
                attempt = await self._begin(context, run_id, again=again)
                found = self._attempts[run_id] = (weakref.ref(context), attempt)
                weakref.finalize(context, self._collected, run_id, attempt)
            return found[1]

    async def _begin(self, context: FlowRunContext, run_id: str, *, again: bool) -> Attempt:
        """Start an attempt: take the run's lease, read its journal, be told when the flow ends."""
        flow, flow_run = context.flow, context.flow_run
        assert flow is not None
        assert flow_run is not None
        if not flow.isasync:
            raise MisplacedStep(f"flow {flow.name!r} is not async; declare it with `async def`")
        deployed = flow_run.deployment_id is not None and flow_run.parent_task_run_id is None
        here = runtime()
        facts = RunFacts(
            id=run_id,
            flow_name=flow.name,
            deployed=deployed,
            payer=Payer(settings().org, test=settings().test_mode),
        )
        claim = await here.store.write(lambda c: _claim(c, facts, again=again))
        reach("attempt.claimed")
        attach_hooks(flow, self)
        return Attempt(
            claim,
            here,
            deployed=deployed,
            suspend=suspend,
            reporter=Reporter(here.store, run_id),
            logger=flow_run_logger(flow_run, flow),
        )

    async def _root(self, context: FlowRunContext) -> str:
        """The run at the top of a subflow: it journals and pays for the subflow's calls."""
        assert context.flow_run is not None
        own = str(context.flow_run.id)
        if own not in self._roots:
            parent = context.flow_run.parent_task_run_id
            run = context.flow_run
            async with get_client() as client:
                while parent is not None:
                    task_run = await client.read_task_run(parent)
                    assert task_run.flow_run_id is not None
                    run = await client.read_flow_run(task_run.flow_run_id)
                    parent = run.parent_task_run_id
            self._roots[own] = str(run.id)
        return self._roots[own]


def _claim(connection: Connection, facts: RunFacts, *, again: bool) -> journal.Claim:
    here = runtime()
    claim = journal.claim_run(connection, facts, holder=here.holder, lease=here.lease, again=again, at=utc_now())
    reach("attempt.claim")
    return claim


engine = Engine()
