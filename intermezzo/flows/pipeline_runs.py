"""Runs of pipeline documents: what they are started with. Called by the command line and by `PipelineRequester`."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from intermezzo.errors import InvalidInput
from intermezzo.flows.stored_pipelines import StoredPipeline, keep
from intermezzo.human_steps.schema_definition import define, plain_schema
from intermezzo.human_steps.schema_validator import flaws
from intermezzo.ledger import Payer
from intermezzo.pipelines import Plan
from intermezzo.store import Store, utc_now

TARGET = "intermezzo.flows.run_pipeline:run_pipeline"
"""The one flow that runs every document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOrder:
    """What to start a run with."""

    stored: StoredPipeline
    input: dict[str, JsonValue]
    budget_credits: int | None

    @property
    def parameters(self) -> dict[str, object]:
        """Of the flow `run_pipeline`."""
        return {"pipeline": self.stored.name, "version": self.stored.version, "input": self.input}


async def order(
    store: Store, payer: Payer, plan: Plan, input: Mapping[str, JsonValue], *, budget_credits: int | None = None
) -> PipelineOrder:
    """Store a pipeline's version and prepare a run of it.

    Args:
        budget_credits: for this run; the document's own budget holds as well.

    Raises:
        InvalidInput: the input does not fit the pipeline's schema.
    """
    checked = checked_input(plan, input)
    stored = await store.write(lambda c: keep(c, payer, plan, at=utc_now()))
    return PipelineOrder(stored=stored, input=checked, budget_credits=tightest(budget_credits, plan.document.budget))


def tightest(*budgets: int | None) -> int | None:
    """The smallest of the budgets that there are, in credits."""
    return min((budget for budget in budgets if budget is not None), default=None)


def checked_input(plan: Plan, input: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The input with the defaults of its schema.

    Raises:
        InvalidInput: it does not fit.
        DefinitionError: the schema is none.
    """
    full = plan.with_defaults(input)
    if plan.document.input:
        wrong = flaws(define(plain_schema(plan.document.input)), full)
        if wrong:
            told = [f"{'.'.join(map(str, flaw.absolute_path)) or 'input'}: {flaw.message[:300]}" for flaw in wrong[:5]]
            raise InvalidInput(f"the input does not fit pipeline {plan.document.name}: {'; '.join(told)}")
    return full
