"""Pipelines as data: WHAT should happen, as a document. No I/O here, and no Prefect; `intermezzo.flows` runs it."""

from intermezzo.pipelines.checking import plan_of, plan_of_text
from intermezzo.pipelines.document import Document, StepDocument
from intermezzo.pipelines.flaws import Flaw, InvalidPipeline
from intermezzo.pipelines.plan import Plan, PlannedStep

__all__ = ["Document", "Flaw", "InvalidPipeline", "Plan", "PlannedStep", "StepDocument", "plan_of", "plan_of_text"]
