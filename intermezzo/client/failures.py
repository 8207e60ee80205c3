"""Every error the client raises, by the names of the documents where they have one (spec: CS-47).

ClientError                         (IntermezzoError)
├── ConfigurationError              (ValueError)    no key, or an address or a key that cannot be used
├── ConnectionFailedError           (ConnectionError)   the server was not reached, or did not answer
├── UnreadableAnswerError           it answered something that is not what this client knows
├── APIError                        it refused; `status`, `code`, `detail`, `fields` and `request_id` say why
│   ├── AuthError                   401: no valid key
│   ├── InsufficientCreditsError    402: too few available credits
│   ├── ForbiddenError              403: the key does not allow it
│   ├── NotFoundError               404 (LookupError)
│   ├── ConflictError               409: it cannot be done as things are, or an idempotency key came again
│   ├── InvalidRequestError         any other 4xx (ValueError): the request is wrong
│   ├── RateLimitError              429: too many requests; `retry_after` says when to ask again, in seconds
│   └── ServerError                 5xx: it failed
├── TaskError                       the task failed, expired or was cancelled; `task` is the task
├── RunError                        the run failed or was cancelled; `run` is the run
└── WaitTimeoutError                (TimeoutError)  the task or run has not ended in time; it goes on
"""

from collections.abc import Mapping
from typing import Literal

from intermezzo.client.pipeline_results import Run
from intermezzo.client.results import Task
from intermezzo.errors import IntermezzoError


class ClientError(IntermezzoError):
    """A call of the client came to nothing; the subclass says why."""


class ConfigurationError(ClientError, ValueError):
    """The client cannot be made like that."""


class ConnectionFailedError(ClientError, ConnectionError):
    """The server was not reached, or did not answer."""

    retryable = True


class UnreadableAnswerError(ClientError):
    """The server answered something that is not what this client knows."""


class APIError(ClientError):
    """The server refused.

    Attributes:
        status: of HTTP.
        code: what programs tell problems apart by; empty if it was not this API that answered.
        detail: what was expected, what came, what to do.
        fields: what is wrong with each field, where it is about fields.
        request_id: what the server's log calls the request.
        retry_after: seconds, if the server said when to ask again.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        fields: Mapping[str, str] | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.fields = dict(fields or {})
        self.request_id = request_id
        self.retry_after = retry_after
        super().__init__(f"{detail} (HTTP {status})")


class AuthError(APIError):
    """There is no such key, or it was revoked or has expired."""


class InsufficientCreditsError(APIError):
    """The organisation has too few available credits."""


class ForbiddenError(APIError):
    """The key does not allow it."""


class NotFoundError(APIError, LookupError):
    """There is no such thing, or it is another organisation's."""


class ConflictError(APIError):
    """It cannot be done as things are, or an idempotency key came again with another request."""


class InvalidRequestError(APIError, ValueError):
    """The request is wrong."""


class RateLimitError(APIError):
    """Too many requests; `retry_after` says when to ask again."""

    retryable = True


class ServerError(APIError):
    """The server failed."""

    retryable = True


class TaskError(ClientError):
    """A task failed, expired or was cancelled.

    Attributes:
        task: as it is now.
    """

    def __init__(self, task: Task) -> None:
        self.task = task
        ended = {"failed": "failed", "expired": "expired"}.get(task.state or task.status, "was cancelled")
        super().__init__(f"the task {task.id} {ended}: {task.error or 'the server does not say why'}")


class RunError(ClientError):
    """A run failed or was cancelled.

    Attributes:
        run: as it is now.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        if run.state == "cancelled":
            super().__init__(f"the run {run.id} was cancelled")
        else:
            why = f"{run.error.type}: {run.error.message}" if run.error else "the server does not say why"
            super().__init__(f"the run {run.id} failed: {why}")


class WaitTimeoutError(ClientError, TimeoutError):
    """A task or run has not ended in time; it goes on, and can be waited for again.

    Attributes:
        id: of that task or run.
        task_id: the same, by the documents' name.
    """

    retryable = True

    def __init__(self, id: str, timeout_seconds: float, *, what: Literal["task", "run"] = "task") -> None:
        self.id = self.task_id = id
        super().__init__(f"the {what} {id} was not closed within {timeout_seconds:g} s; it goes on, wait again")
