"""The client of the HTTP API, for programs that have only httpx and pydantic beside them.

`Client` and `AsyncClient` are the documents' `CrowdSorcerer` and `AsyncCrowdSorcerer` (spec: CS-45, CS-46).
"""

from intermezzo.client.async_client import AsyncClient
from intermezzo.client.failures import (
    APIError,
    AuthError,
    ClientError,
    ConfigurationError,
    ConflictError,
    ConnectionFailedError,
    ForbiddenError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    RunError,
    ServerError,
    TaskError,
    UnreadableAnswerError,
    WaitTimeoutError,
)
from intermezzo.client.pipeline_results import (
    CallPage,
    Estimate,
    Pipeline,
    PipelinePage,
    PipelineVersion,
    Run,
    RunCall,
    RunEvent,
    RunPage,
    VersionPage,
)
from intermezzo.client.results import Balance, Claim, Me, Story, Submission, Task, TaskOutput, TaskPage, WorkerTask
from intermezzo.client.signatures import verify_webhook
from intermezzo.client.sync_client import Client

CrowdSorcerer = Client
AsyncCrowdSorcerer = AsyncClient

__all__ = [
    "APIError",
    "AsyncClient",
    "AsyncCrowdSorcerer",
    "AuthError",
    "Balance",
    "CallPage",
    "Claim",
    "Client",
    "ClientError",
    "ConfigurationError",
    "ConflictError",
    "ConnectionFailedError",
    "CrowdSorcerer",
    "Estimate",
    "ForbiddenError",
    "InsufficientCreditsError",
    "InvalidRequestError",
    "Me",
    "NotFoundError",
    "Pipeline",
    "PipelinePage",
    "PipelineVersion",
    "RateLimitError",
    "Run",
    "RunCall",
    "RunError",
    "RunEvent",
    "RunPage",
    "ServerError",
    "Story",
    "Submission",
    "Task",
    "TaskError",
    "TaskOutput",
    "TaskPage",
    "UnreadableAnswerError",
    "VersionPage",
    "WaitTimeoutError",
    "WorkerTask",
    "verify_webhook",
]
