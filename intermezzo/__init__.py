"""Durable pipelines of AI steps and human steps on Prefect: everything an author needs is here.

Importing this package imports neither Prefect nor a database driver; names load what they need when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intermezzo.errors import (
        AttemptSuperseded,
        AuditFailed,
        AuthorError,
        BudgetExceeded,
        ClaimLost,
        CreditsError,
        DefinitionError,
        HumanTaskCancelled,
        HumanTaskExpired,
        HumanTaskNotFound,
        InsufficientCredits,
        IntermezzoError,
        InvalidInput,
        InvalidResponse,
        MapFailed,
        MisplacedStep,
        NoConsensus,
        NotClaimable,
        ProviderError,
        RecordedOutputMismatch,
        SandboxError,
        StepError,
        StepFailed,
        StepTimedOut,
        StoreError,
        UnstableInput,
        WorkerError,
    )
    from intermezzo.human_steps.human_step import Answer, HumanStep, Submission, human_step
    from intermezzo.human_steps.label_text import label_text
    from intermezzo.primitives import code_execute, document_parse, llm_generate, pii_detect
    from intermezzo.settings import Settings
    from intermezzo.steps import Primitive, Step, StepCall, current_call, step

_ERRORS = (
    "AttemptSuperseded AuditFailed AuthorError BudgetExceeded ClaimLost CreditsError DefinitionError "
    "HumanTaskCancelled HumanTaskExpired HumanTaskNotFound InsufficientCredits IntermezzoError InvalidInput "
    "InvalidResponse MapFailed MisplacedStep NoConsensus NotClaimable ProviderError RecordedOutputMismatch "
    "SandboxError StepError StepFailed StepTimedOut StoreError UnstableInput WorkerError"
)

_HOMES = {
    **dict.fromkeys(_ERRORS.split(), "errors"),
    **dict.fromkeys(["Answer", "HumanStep", "Submission", "human_step"], "human_steps.human_step"),
    "label_text": "human_steps.label_text",
    **dict.fromkeys(["code_execute", "document_parse", "llm_generate", "pii_detect"], "primitives"),
    "Settings": "settings",
    **dict.fromkeys(["Primitive", "Step", "StepCall", "current_call", "step"], "steps"),
}

__all__ = [
    "Answer",
    "AttemptSuperseded",
    "AuditFailed",
    "AuthorError",
    "BudgetExceeded",
    "ClaimLost",
    "CreditsError",
    "DefinitionError",
    "HumanStep",
    "HumanTaskCancelled",
    "HumanTaskExpired",
    "HumanTaskNotFound",
    "InsufficientCredits",
    "IntermezzoError",
    "InvalidInput",
    "InvalidResponse",
    "MapFailed",
    "MisplacedStep",
    "NoConsensus",
    "NotClaimable",
    "Primitive",
    "ProviderError",
    "RecordedOutputMismatch",
    "SandboxError",
    "Settings",
    "Step",
    "StepCall",
    "StepError",
    "StepFailed",
    "StepTimedOut",
    "StoreError",
    "Submission",
    "UnstableInput",
    "WorkerError",
    "code_execute",
    "current_call",
    "document_parse",
    "human_step",
    "label_text",
    "llm_generate",
    "pii_detect",
    "step",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'intermezzo' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"intermezzo.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
