"""Requests and answers without a network: what is sent, what is tried again, and what an answer means.

A call of the API is a generator of what is to be done: a `Request` to send, or a `Pause`. Whoever runs it, with or
without asyncio, sends back what came of it. So everything but the sending itself is written once.
"""

import random
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import quote

from pydantic import BaseModel, JsonValue, ValidationError

from intermezzo.client.failures import (
    APIError,
    AuthError,
    ConflictError,
    ConnectionFailedError,
    ForbiddenError,
    InsufficientCreditsError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    ServerError,
    UnreadableAnswerError,
)
from intermezzo.retry_after import retry_after_seconds

Params = Mapping[str, str | int | float | list[str]]

MOST_PAUSE_SECONDS = 60.0
"""A server that says to come back later than that is not waited for: the error says when."""

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_BACK_OFF_SECONDS = 8.0

_BUSY = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})


@dataclass(frozen=True)
class Request:
    """One request."""

    method: str
    path: str
    params: Params = field(default_factory=dict[str, str])
    body: JsonValue = None
    text: str | None = None
    """Instead of `body`: YAML."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    idempotency_key: str | None = None
    idempotent: bool = False
    """Whether sending it twice is as sending it once, by what it asks for."""
    patience_seconds: float = 0
    """How much longer than any other its answer may take."""

    @property
    def repeatable(self) -> bool:
        """Whether it may be sent again when nobody knows whether it was heard."""
        return self.idempotent or self.method in ("GET", "DELETE") or self.idempotency_key is not None


@dataclass(frozen=True)
class Pause:
    """Wait before going on."""

    seconds: float


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Lost:
    """No answer came."""

    reason: str
    heard: bool
    """Whether the server may have heard the request."""


Done = TypeVar("Done")
Steps = Generator[Request | Pause, Answer | Lost | None, Done]
"""A call of the API, on its way to a result."""

Model = TypeVar("Model", bound=BaseModel)


def call(request: Request, model: type[Model], *, retries: int) -> Steps[Model]:
    """Send a request, again if that is safe and may help, and read the answer."""
    return read(model, (yield from exchange(request, retries=retries)))


def exchange(request: Request, *, retries: int) -> Steps[Answer]:
    """Send a request, again if that is safe and may help.

    Raises:
        APIError: the server refused.
        ConnectionFailedError: it was not reached, or did not answer.
    """
    for tried in range(retries + 1):
        came = yield request
        if isinstance(came, Answer) and HTTPStatus.OK <= came.status < HTTPStatus.MULTIPLE_CHOICES:
            return came
        if came is None:
            break
        pause = pause_seconds(request, came, tried)
        if pause is None or tried == retries:
            raise failure(request, came)
        yield Pause(pause)
    raise AssertionError("whoever sends requests says what came of them")


def pause_seconds(request: Request, came: Answer | Lost, tried: int) -> float | None:
    """How long to wait before the request is sent again; None: it must not, or need not, be."""
    back_off = min(_LONGEST_BACK_OFF_SECONDS, _FIRST_PAUSE_SECONDS * 2**tried) * random.uniform(0.5, 1)  # noqa: S311 (no secret)
    if isinstance(came, Lost):
        return back_off if request.repeatable or not came.heard else None
    refused = came.status == HTTPStatus.TOO_MANY_REQUESTS
    if not (refused or (came.status in _BUSY and request.repeatable)):
        return None
    said = retry_after_seconds(came.headers.get("retry-after"))
    if said is None:
        return back_off
    return said if said <= MOST_PAUSE_SECONDS else None


def read(model: type[Model], answer: Answer) -> Model:
    """The answer, as a record.

    Raises:
        UnreadableAnswerError: it is not one. The error names fields, never their values.
    """
    try:
        return model.model_validate_json(answer.body)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'the body'}: {one['msg']}" for one in error.errors()[:3]]
    told = "; ".join(faults)
    raise UnreadableAnswerError(
        f"expected a {model.__name__} with status {answer.status}, got something else ({told}); "
        "is the address that of an Intermezzo server, and this client as new as it?"
    )


_KINDS: Mapping[int, type[APIError]] = {
    HTTPStatus.UNAUTHORIZED: AuthError,
    HTTPStatus.PAYMENT_REQUIRED: InsufficientCreditsError,
    HTTPStatus.FORBIDDEN: ForbiddenError,
    HTTPStatus.NOT_FOUND: NotFoundError,
    HTTPStatus.CONFLICT: ConflictError,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimitError,
}


class _FieldProblem(BaseModel):
    field: str
    message: str


class _Problem(BaseModel):
    """What this API answers when it refuses."""

    code: str
    detail: str
    request_id: str | None = None
    errors: list[_FieldProblem] = []


def failure(request: Request, came: Answer | Lost) -> APIError | ConnectionFailedError | UnreadableAnswerError:
    """The error for a request that came to nothing."""
    asked = f"{request.method} {request.path}"
    if isinstance(came, Lost):
        return ConnectionFailedError(f"{asked} got no answer: {came.reason}")
    if came.status < HTTPStatus.BAD_REQUEST:
        return UnreadableAnswerError(f"{asked} was answered with status {came.status}; is the address right?")
    other = InvalidRequestError if came.status < HTTPStatus.INTERNAL_SERVER_ERROR else ServerError
    kind = _KINDS.get(came.status, other)
    retry_after = retry_after_seconds(came.headers.get("retry-after"))
    try:
        problem = _Problem.model_validate_json(came.body)
    except ValidationError:
        return kind(came.status, "", f"{asked} was refused", retry_after=retry_after)
    return kind(
        came.status,
        problem.code,
        problem.detail,
        fields={one.field: one.message for one in problem.errors},
        request_id=problem.request_id,
        retry_after=retry_after,
    )


def segment(name: str) -> str:
    """A name as one part of a path, whatever it is.

    Raises:
        ValueError: it is empty, or would lead elsewhere.
    """
    if name in ("", ".", ".."):
        raise ValueError(f"expected an id, got {name!r}")
    return quote(name, safe="")
