"""Errors of providers in our words, without a word of the question or the answer.

A provider's own text may repeat the prompt, so of it only codes and numbers are passed on.
"""

import re
from collections.abc import Callable
from typing import cast

from pydantic_ai import exceptions as theirs

from intermezzo import errors as ours
from intermezzo.errors import ProviderError
from intermezzo.llm.choice import REMOTE, Choice

_Make = Callable[..., ProviderError]

# The first that fits counts: some are subclasses of those below them.
_KINDS: list[tuple[type[Exception], _Make, str]] = [
    (theirs.ModelQuotaExceededError, ours.QuotaExhausted, "has no quota or credit left for this account"),
    (theirs.ModelRateLimitError, ours.RateLimited, "gets too many requests from this account"),
    (theirs.ModelUnavailableError, ours.ProviderOverloaded, "is overloaded"),
    (theirs.ModelServerError, ours.ProviderUnavailable, "failed"),
    (theirs.ModelTimeoutError, ours.ProviderTimedOut, "took too long"),
    (theirs.ModelRequestTimeout, ours.ProviderTimedOut, "took too long"),
    (theirs.ModelConnectionError, ours.ProviderUnavailable, "cannot be reached, or the connection broke"),
    (theirs.ModelContextWindowExceededError, ours.InputTooLong, "takes no input of this length for {model}"),
    (theirs.ModelAuthenticationError, ours.KeyRefused, "refuses the key, or what it is used for; check {key}"),
    (theirs.ModelNotFoundError, ours.UnknownModel, "has no model {model!r}; check `model` or LLM_MODEL"),
    (theirs.ModelRequestRejectedError, ours.RequestRejected, "rejects the request"),
]

_STATUSES: dict[int, tuple[_Make, str]] = {
    408: (ours.ProviderTimedOut, "took too long"),
    409: (ours.ProviderUnavailable, "failed"),
    413: (ours.InputTooLong, "takes no request of this size"),
    425: (ours.ProviderUnavailable, "failed"),
}
"""Of statuses that the library sees otherwise, or in nothing."""

_FILTERED = ("content_filter", "content_policy_violation")
"""Codes with which OpenAI and Azure decline a question before a model sees it."""

_PLACE = re.compile(
    r"(?:\* )?((?:messages|model|system|temperature|max_\w*tokens|response_format|output_config|GenerateContentRequest)"
    r"[\w.\[\]]{0,80})(?::|$)"
)
"""A field of a request, as OpenAI's `param` names it and the texts of Anthropic and Google begin."""


def as_provider_error(error: Exception, choice: Choice) -> ProviderError:
    """Whatever asking a model raised, as one of our errors.

    Args:
        error: what the library or an SDK raised.
        choice: who was asked.
    """
    make, text = _kind_of(error)
    key = REMOTE[choice.provider].key
    text = text.format(model=choice.model, key=key)
    after = error.retry_after if isinstance(error, theirs.ModelAPIError) else None
    return make(f"{choice.provider} {text}{_details(error)}", retry_after_seconds=after)


def _kind_of(error: Exception) -> tuple[_Make, str]:
    if isinstance(error, theirs.ModelHTTPError):
        if error.status_code in _STATUSES:
            return _STATUSES[error.status_code]
        if error.provider_error_code in _FILTERED:
            return ours.AnswerRefused, "declined to answer"
    for kind, make, text in _KINDS:
        if isinstance(error, kind):
            return make, text
    if isinstance(error, theirs.ModelHTTPError):
        return ours.RequestRejected, "rejects the request"
    if isinstance(error, theirs.UserError):
        return ours.RequestRejected, "cannot be asked this way: {model} lacks something the request needs"
    return ours.ProviderUnavailable, "sent an answer that cannot be read"


def _details(error: Exception) -> str:
    """Status, code, place and number of the failed request; of what is no failure of a request, what it is."""
    if not isinstance(error, theirs.ModelAPIError):
        return f" ({type(error).__name__})"
    details: list[str] = []
    if isinstance(error, theirs.ModelHTTPError):
        headers = error.headers or {}
        details.append(f"HTTP {error.status_code}")
        details += _identifiers(error.provider_error_code or error.provider_error_type)
        details += (f"at {place}" for place in _places(error.body))
        details += (f"request {id}" for id in _identifiers(headers.get("request-id") or headers.get("x-request-id")))
    if error.retry_after is not None:
        details.append(f"asks to wait {error.retry_after:g} s")
    return f" ({', '.join(details)})" if details else ""


def _identifiers(text: str | None) -> list[str]:
    """The text, unless it might be more than an identifier."""
    return [text] if text and re.fullmatch(r"[\w.-]{1,64}", text, re.ASCII) else []


def _places(body: object) -> list[str]:
    """The field that was found wrong, if the provider names one."""
    outer = cast("dict[str, object]", body) if isinstance(body, dict) else {}
    inner = outer.get("error")
    error = cast("dict[str, object]", inner) if isinstance(inner, dict) else outer
    place = _PLACE.match(str(error.get("param") or error.get("message")))
    return [place[1]] if place else []
