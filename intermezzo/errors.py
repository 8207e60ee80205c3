"""Every error Intermezzo raises, in one tree that says whose fault it is.

    IntermezzoError
    ├── AuthorError                 the pipeline's code or definition
    │   ├── DefinitionError         (ValueError)    a step or flow is declared wrongly
    │   │   └── PipelineNotFound    (LookupError)   there is no such pipeline, or no such version of it
    │   ├── InvalidInput            (ValueError)    a step was called with input its model refuses
    │   │   └── AttachmentRefused   a file or an address may not be attached to a human task; `kind` says why
    │   ├── MisplacedStep           (RuntimeError)  a step was called where it cannot work
    │   ├── KeyReused               (ValueError)    an idempotency key came again with another request
    │   ├── UnstableInput           (RuntimeError)  an input differs at every attempt, so its key does too
    │   └── RecordedOutputMismatch  (RuntimeError)  a recorded output no longer fits the step's model
    ├── CreditsError
    │   ├── InsufficientCredits     the organisation has too few available credits
    │   └── BudgetExceeded          the run's own budget is used up
    ├── RunError                    a run cannot be had, or not be started
    │   ├── RunNotFound             (LookupError)
    │   ├── RunNotRetryable         it has not failed, or nobody can start it again
    │   └── RunsUnavailable         Prefect cannot be reached; a retry helps
    ├── StepError                   a step call came to an end without an output
    │   ├── StepFailed              a primitive raised; `type` and `message` are what it raised
    │   ├── StepTimedOut            (TimeoutError)  a primitive took longer than its timeout
    │   ├── HumanTaskExpired        nobody answered in time
    │   ├── HumanTaskCancelled      the requester or an operator cancelled it
    │   ├── HumanTaskReported       several workers say that something is wrong with it
    │   ├── NoConsensus             the answers are in and do not agree
    │   └── MapFailed               some calls of a `.map` failed; carries every result and failure
    ├── WorkerError                 a worker's or a reviewer's request cannot be honoured
    │   ├── InvalidResponse         (ValueError)    the answer does not fit the form
    │   ├── HumanTaskNotFound       (LookupError)
    │   ├── NotClaimable            the task is closed, full, or was already answered by this worker
    │   ├── ClaimLost               the claim lapsed or was never this worker's
    │   ├── AnswerTooSoon           the task asks for more time than this worker took
    │   ├── ReportNotFound          (LookupError)
    │   ├── AssignmentNotFound      (LookupError)
    │   ├── AttachmentNotFound      (LookupError)
    │   ├── DisputeNotFound         (LookupError)
    │   └── NotReviewable           there is no answer to review, or it was reviewed otherwise
    ├── AccessError                 whoever asks is not known, or may not
    │   ├── NotAuthenticated        no valid key, token or password
    │   ├── NotAllowed              the key or the role does not allow it; `scopes` says what is missing
    │   ├── AccessKeyNotFound       (LookupError)
    │   ├── WebhookNotFound         (LookupError)
    │   └── UserError               (ValueError)    a user or a key cannot be made like that
    ├── ProviderError               a service outside failed; `retryable` says whether trying again helps
    │   ├── ProviderNotConfigured   nobody said which service to use, or something it needs is missing
    │   ├── KeyRefused              the key is wrong, or does not allow this
    │   ├── QuotaExhausted          the account with the provider has nothing left
    │   ├── UnknownModel            the provider has no model of that name
    │   ├── RequestRejected         the provider finds the request itself wrong
    │   ├── InputTooLong            the input is more than the model takes
    │   ├── RateLimited             too many requests; a retry helps, after `retry_after_seconds`
    │   ├── ProviderOverloaded      the provider has too much to do; a retry helps
    │   ├── ProviderUnavailable     it failed, or the connection to it did; a retry helps
    │   ├── ProviderTimedOut        (TimeoutError)  it took too long; a retry helps
    │   ├── AnswerRefused           the model or a safety filter declined to answer
    │   ├── AnswerTruncated         the answer is longer than `max_tokens`
    │   └── AnswerInvalid           the answer is empty or not in the form that was asked for
    ├── SandboxError                untrusted code could not be run as demanded
    ├── StoreError                  the database refused or is unreachable
    ├── ServerError                 HTTP cannot be served
    └── AuditFailed                 the books do not balance

Control flow, not errors (BaseException, so that no `except Exception` catches them): `AttemptSuperseded`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal


class IntermezzoError(Exception):
    """Something in Intermezzo went wrong; the subclass says whose fault it is."""

    retryable = False
    """Whether doing the same again may succeed."""


class AuthorError(IntermezzoError):
    """The pipeline's code or definition is wrong."""


class DefinitionError(AuthorError, ValueError):
    """A step or flow is declared wrongly."""


class PipelineNotFound(DefinitionError, LookupError):
    """There is no such pipeline, or no such version of it."""


class InvalidInput(AuthorError, ValueError):
    """A step was called with input that its model refuses."""


RefusalKind = Literal["too_large", "type", "content", "name", "encoding", "address", "closed"]


class AttachmentRefused(InvalidInput):
    """A file or an address may not be attached to a human task.

    Attributes:
        kind: what is wrong: it, or all of the task's files together, are `too_large`; its `type` is not allowed or not
            what it is said to be; its `content` is damaged; its `name`, the `encoding` it was sent in or its `address`
            cannot be taken; or the task is `closed`.
    """

    def __init__(self, message: str, *, kind: RefusalKind) -> None:
        self.kind: RefusalKind = kind
        super().__init__(message)


class MisplacedStep(AuthorError, RuntimeError):
    """A step was called where it cannot work."""


class UnstableInput(AuthorError, RuntimeError):
    """A human step's input differs at every attempt, so earlier answers cannot be found again."""


class KeyReused(AuthorError, ValueError):
    """An idempotency key came again with another request."""


class RecordedOutputMismatch(AuthorError, RuntimeError):
    """A recorded output no longer fits the step's output model."""


class CreditsError(IntermezzoError):
    """There is not enough money for a step."""


class InsufficientCredits(CreditsError):
    """The organisation has too few available credits.

    Attributes:
        account: whose credits.
        needed_credits: what the calls cost.
        available_credits: what there is.
    """

    def __init__(self, account: str, *, needed_credits: int, available_credits: int) -> None:
        self.account = account
        self.needed_credits = needed_credits
        self.available_credits = available_credits
        grant = f"intermezzo credits grant {needed_credits - available_credits}"
        if (org := account.removeprefix("test:").split(":")[1]) != "default":
            grant += f" --org {org}"
        if account.startswith("test:"):
            grant += " --test"
        super().__init__(f"{account} needs {needed_credits} credits and has {available_credits}; grant more: `{grant}`")


class BudgetExceeded(CreditsError):
    """The run's own budget is used up.

    Attributes:
        needed_credits: what the calls cost.
        left_credits: what is left of the budget.
    """

    def __init__(self, run_id: str, *, needed_credits: int, left_credits: int) -> None:
        self.needed_credits = needed_credits
        self.left_credits = left_credits
        super().__init__(
            f"run {run_id} needs {needed_credits} credits and has {left_credits} left of its budget; "
            "start it again with a larger `--budget`"
        )


class RunError(IntermezzoError):
    """A run cannot be had, or not be started."""


class RunNotFound(RunError, LookupError):
    """There is no run of that id."""


class RunNotRetryable(RunError):
    """It has not failed, or nobody can start it again."""


class RunsUnavailable(RunError):
    """Prefect cannot be reached, so that no run can be started at the moment."""

    retryable = True


class StepError(IntermezzoError):
    """A step call came to an end without an output."""


class StepFailed(StepError):
    """A primitive raised.

    Attributes:
        type: name of the class of what was raised.
        message: its text.
    """

    def __init__(self, step: str, *, type: str, message: str) -> None:
        self.step = step
        self.type = type
        self.message = message
        super().__init__(f"{step}: {type}: {message}" if message else f"{step}: {type}")


class StepTimedOut(StepError, TimeoutError):
    """A primitive took longer than its `timeout_seconds`."""


class HumanTaskExpired(StepError):
    """Nobody answered in time; what was not used has been refunded."""


class HumanTaskCancelled(StepError):
    """The requester or an operator cancelled the task; what was not used has been refunded."""


class HumanTaskReported(StepError):
    """Several workers say that something is wrong with the task; what was not used has been refunded."""


class NoConsensus(StepError):
    """The answers are in and do not agree."""


class MapFailed(StepError):
    """Some calls of a `.map` failed; the others are journaled and will not be paid again.

    Attributes:
        results: one entry per input, in order: the output, or the exception of that call.
        failures: index of the input → its exception.
    """

    def __init__(self, step: str, results: Sequence[object]) -> None:
        self.results = list(results)
        self.failures = {i: r for i, r in enumerate(results) if isinstance(r, Exception)}
        first = next(iter(self.failures.items()))
        super().__init__(
            f"{step}: {len(self.failures)} of {len(self.results)} calls failed, the first at index {first[0]}: "
            f"{first[1]}; pass `return_exceptions=True` to get failures in place"
        )


class WorkerError(IntermezzoError):
    """A worker's or a reviewer's request cannot be honoured."""


class InvalidResponse(WorkerError, ValueError):
    """The answer does not fit the form.

    Attributes:
        problems: where in the answer → what is wrong there: `("boxes", 0, "label")` → "expected …, got …".
        fields: name of a field of a page's form → what is wrong with it; "" stands for the form as a whole.
    """

    def __init__(
        self,
        message: str,
        *,
        problems: Mapping[tuple[str | int, ...], str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> None:
        self.problems = dict(problems or {})
        self.fields = dict(fields or {})
        super().__init__(message)


class HumanTaskNotFound(WorkerError, LookupError):
    """There is no such human task."""


class NotClaimable(WorkerError):
    """The task is closed, full, not for this worker, or was already answered by them.

    Attributes:
        again_at: when they may try again, if that is known.
    """

    def __init__(self, message: str, *, again_at: datetime | None = None) -> None:
        self.again_at = again_at
        super().__init__(message)


class ClaimLost(WorkerError):
    """The claim lapsed, or was never this worker's."""


class AnswerTooSoon(WorkerError):
    """The task asks for more time than this worker took; nothing is lost.

    Attributes:
        wait_seconds: how long to wait before the answer is sent again.
    """

    def __init__(self, message: str, *, wait_seconds: int) -> None:
        self.wait_seconds = wait_seconds
        super().__init__(message)


class ReportNotFound(WorkerError, LookupError):
    """There is no report of that id."""


class AssignmentNotFound(WorkerError, LookupError):
    """There is no assignment of that id."""


class AttachmentNotFound(WorkerError, LookupError):
    """There is no attachment of that id that whoever asks may open."""


class DisputeNotFound(WorkerError, LookupError):
    """There is no dispute of that id."""


class NotReviewable(WorkerError):
    """There is no answer to review, or it was reviewed otherwise."""


class AccessError(IntermezzoError):
    """Whoever asks is not known, or may not."""


class NotAuthenticated(AccessError):
    """There is no valid key, token or password."""


class NotAllowed(AccessError):
    """The key or the role does not allow it.

    Attributes:
        scopes: what is missing.
    """

    def __init__(self, message: str, *, scopes: Sequence[str]) -> None:
        self.scopes = list(scopes)
        super().__init__(message)


class AccessKeyNotFound(AccessError, LookupError):
    """There is no API key of that id."""


class WebhookNotFound(AccessError, LookupError):
    """There is no webhook, or no delivery, of that id."""


class UserError(AccessError, ValueError):
    """A user or a key cannot be made like that."""


class ProviderError(IntermezzoError):
    """A service outside failed.

    Attributes:
        retryable: whether asking again may succeed.
        retry_after_seconds: how long the service asks to wait before that; None: it did not say.
    """

    def __init__(
        self, message: str, *, retryable: bool | None = None, retry_after_seconds: float | None = None
    ) -> None:
        if retryable is not None:
            self.retryable = retryable
        self.retry_after_seconds = retry_after_seconds
        super().__init__(message)


class ProviderNotConfigured(ProviderError):
    """Nobody said which service to use, or something it needs is missing."""


class KeyRefused(ProviderError):
    """The provider refuses the key, or what it is used for."""


class QuotaExhausted(ProviderError):
    """The account with the provider has no credit or quota left; waiting does not help."""


class UnknownModel(ProviderError):
    """The provider has no model of that name."""


class RequestRejected(ProviderError):
    """The provider finds the request itself wrong."""


class InputTooLong(ProviderError):
    """The input is more than the model takes."""


class RateLimited(ProviderError):
    """There were too many requests."""

    retryable = True


class ProviderOverloaded(ProviderError):
    """The provider has too much to do at the moment."""

    retryable = True


class ProviderUnavailable(ProviderError):
    """The provider failed, or the connection to it did."""

    retryable = True


class ProviderTimedOut(ProviderError, TimeoutError):
    """The provider took too long."""

    retryable = True


class AnswerRefused(ProviderError):
    """The model or a safety filter of the provider declined to answer."""


class AnswerTruncated(ProviderError):
    """The answer is longer than `max_tokens`."""


class AnswerInvalid(ProviderError):
    """The answer is empty, or not in the form that was asked for."""


class SandboxError(IntermezzoError):
    """Untrusted code could not be run as demanded."""


class StoreError(IntermezzoError):
    """The database refused or is unreachable."""


class ServerError(IntermezzoError):
    """HTTP cannot be served."""


class AuditFailed(IntermezzoError):
    """The books do not balance."""


class AttemptSuperseded(BaseException):
    """A newer attempt of the same run has taken over; this one must stop without a trace."""
