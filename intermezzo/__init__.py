"""Durable pipelines of AI steps and human steps on Prefect: everything an author needs is here.

Importing this package imports neither Prefect nor a database driver; names load what they need when first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from intermezzo.errors import (
        AccessError,
        AccessKeyNotFound,
        AnswerInvalid,
        AnswerRefused,
        AnswerTooSoon,
        AnswerTruncated,
        AssignmentNotFound,
        AttachmentNotFound,
        AttachmentRefused,
        AttemptSuperseded,
        AuditFailed,
        AuthorError,
        BudgetExceeded,
        ClaimLost,
        CreditsError,
        DefinitionError,
        DisputeNotFound,
        HumanTaskCancelled,
        HumanTaskExpired,
        HumanTaskNotFound,
        HumanTaskReported,
        InputTooLong,
        InsufficientCredits,
        IntermezzoError,
        InvalidInput,
        InvalidResponse,
        KeyRefused,
        KeyReused,
        MapFailed,
        MisplacedStep,
        NoConsensus,
        NotAllowed,
        NotAuthenticated,
        NotClaimable,
        NotReviewable,
        PipelineNotFound,
        ProviderError,
        ProviderNotConfigured,
        ProviderOverloaded,
        ProviderTimedOut,
        ProviderUnavailable,
        QuotaExhausted,
        RateLimited,
        RecordedOutputMismatch,
        ReportNotFound,
        RequestRejected,
        RunError,
        RunNotFound,
        RunNotRetryable,
        RunsUnavailable,
        SandboxError,
        ServerError,
        StepError,
        StepFailed,
        StepTimedOut,
        StoreError,
        UnknownModel,
        UnstableInput,
        UserError,
        WebhookNotFound,
        WorkerError,
    )
    from intermezzo.human_steps.attachments import attach
    from intermezzo.human_steps.human_options import Escalation
    from intermezzo.human_steps.human_step import Answer, HumanStep, Submission, human_step
    from intermezzo.human_steps.native_types import (
        answer_question,
        compare_rank,
        label_image,
        label_text,
        moderate_content,
        rate_quality,
        transcription_review,
        verify_fact,
    )
    from intermezzo.human_steps.quality import Quality
    from intermezzo.primitives import (
        code_execute,
        data_transform,
        document_parse,
        llm_generate,
        pii_detect,
        web_research,
    )
    from intermezzo.settings import Settings
    from intermezzo.steps import Primitive, Step, StepCall, current_call, step

_ERRORS = (
    "AccessError AccessKeyNotFound AnswerInvalid AnswerRefused AnswerTooSoon AnswerTruncated AssignmentNotFound "
    "AttachmentNotFound AttachmentRefused AttemptSuperseded AuditFailed AuthorError BudgetExceeded ClaimLost "
    "CreditsError DefinitionError DisputeNotFound HumanTaskCancelled HumanTaskExpired HumanTaskNotFound "
    "HumanTaskReported InputTooLong InsufficientCredits IntermezzoError InvalidInput InvalidResponse KeyRefused "
    "KeyReused MapFailed MisplacedStep NoConsensus NotAllowed NotAuthenticated NotClaimable NotReviewable "
    "PipelineNotFound ProviderError ProviderNotConfigured ProviderOverloaded ProviderTimedOut ProviderUnavailable "
    "QuotaExhausted RateLimited RecordedOutputMismatch ReportNotFound RequestRejected RunError RunNotFound "
    "RunNotRetryable RunsUnavailable SandboxError ServerError StepError StepFailed StepTimedOut StoreError "
    "UnknownModel UnstableInput UserError WebhookNotFound WorkerError"
)

_NATIVE_TYPES = (
    "answer_question compare_rank label_image label_text moderate_content rate_quality transcription_review verify_fact"
)

_HOMES = {
    **dict.fromkeys(_ERRORS.split(), "errors"),
    **dict.fromkeys(["Answer", "HumanStep", "Submission", "human_step"], "human_steps.human_step"),
    "Escalation": "human_steps.human_options",
    "attach": "human_steps.attachments",
    "Quality": "human_steps.quality",
    **dict.fromkeys(_NATIVE_TYPES.split(), "human_steps.native_types"),
    **dict.fromkeys(
        ["code_execute", "data_transform", "document_parse", "llm_generate", "pii_detect", "web_research"], "primitives"
    ),
    "Settings": "settings",
    **dict.fromkeys(["Primitive", "Step", "StepCall", "current_call", "step"], "steps"),
}

__all__ = [
    "AccessError",
    "AccessKeyNotFound",
    "Answer",
    "AnswerInvalid",
    "AnswerRefused",
    "AnswerTooSoon",
    "AnswerTruncated",
    "AssignmentNotFound",
    "AttachmentNotFound",
    "AttachmentRefused",
    "AttemptSuperseded",
    "AuditFailed",
    "AuthorError",
    "BudgetExceeded",
    "ClaimLost",
    "CreditsError",
    "DefinitionError",
    "DisputeNotFound",
    "Escalation",
    "HumanStep",
    "HumanTaskCancelled",
    "HumanTaskExpired",
    "HumanTaskNotFound",
    "HumanTaskReported",
    "InputTooLong",
    "InsufficientCredits",
    "IntermezzoError",
    "InvalidInput",
    "InvalidResponse",
    "KeyRefused",
    "KeyReused",
    "MapFailed",
    "MisplacedStep",
    "NoConsensus",
    "NotAllowed",
    "NotAuthenticated",
    "NotClaimable",
    "NotReviewable",
    "PipelineNotFound",
    "Primitive",
    "ProviderError",
    "ProviderNotConfigured",
    "ProviderOverloaded",
    "ProviderTimedOut",
    "ProviderUnavailable",
    "Quality",
    "QuotaExhausted",
    "RateLimited",
    "RecordedOutputMismatch",
    "ReportNotFound",
    "RequestRejected",
    "RunError",
    "RunNotFound",
    "RunNotRetryable",
    "RunsUnavailable",
    "SandboxError",
    "ServerError",
    "Settings",
    "Step",
    "StepCall",
    "StepError",
    "StepFailed",
    "StepTimedOut",
    "StoreError",
    "Submission",
    "UnknownModel",
    "UnstableInput",
    "UserError",
    "WebhookNotFound",
    "WorkerError",
    "answer_question",
    "attach",
    "code_execute",
    "compare_rank",
    "current_call",
    "data_transform",
    "document_parse",
    "human_step",
    "label_image",
    "label_text",
    "llm_generate",
    "moderate_content",
    "pii_detect",
    "rate_quality",
    "step",
    "transcription_review",
    "verify_fact",
    "web_research",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'intermezzo' has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"intermezzo.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
