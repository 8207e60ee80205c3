"""Errors as HTTP says them: one shape for all (RFC 9457), never a traceback."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from intermezzo import errors
from intermezzo.errors import IntermezzoError
from intermezzo.pipelines import Flaw, InvalidPipeline

MEDIA_TYPE = "application/problem+json"

logger = logging.getLogger("intermezzo.server")


class FieldProblem(BaseModel):
    """What is wrong with one field of a request."""

    field: str
    message: str
    """What was expected, and what came."""
    line: int | None = None
    """Of a document that was sent as text, counted from 1."""
    column: int | None = None


class Problem(BaseModel):
    """Every error answer."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    type: str
    """A reference that names the kind of problem: `/problems/CODE`."""
    title: str
    """Of the status."""
    status: int
    code: str
    """What programs tell problems apart by."""
    detail: str
    """What was expected, what came, what to do."""
    request_id: str
    errors: list[FieldProblem] = []
    """The fields that are wrong, where it is about fields."""


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "What was expected, what came, what to do."},
    "5XX": {"model": Problem, "description": "Something went wrong here; trying again may help."},
}
"""Answers that every operation may give."""

_STATUS: Mapping[type[IntermezzoError], HTTPStatus] = {
    errors.NotAuthenticated: HTTPStatus.UNAUTHORIZED,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.AccessKeyNotFound: HTTPStatus.NOT_FOUND,
    errors.WebhookNotFound: HTTPStatus.NOT_FOUND,
    errors.PipelineNotFound: HTTPStatus.NOT_FOUND,
    errors.RunNotFound: HTTPStatus.NOT_FOUND,
    errors.RunNotRetryable: HTTPStatus.CONFLICT,
    errors.RunsUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.HumanTaskNotFound: HTTPStatus.NOT_FOUND,
    errors.AssignmentNotFound: HTTPStatus.NOT_FOUND,
    errors.AttachmentNotFound: HTTPStatus.NOT_FOUND,
    errors.DisputeNotFound: HTTPStatus.NOT_FOUND,
    errors.ReportNotFound: HTTPStatus.NOT_FOUND,
    errors.CreditsError: HTTPStatus.PAYMENT_REQUIRED,
    errors.KeyReused: HTTPStatus.CONFLICT,
    errors.InvalidResponse: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.UserError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.WorkerError: HTTPStatus.CONFLICT,
    errors.AuthorError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ProviderError: HTTPStatus.BAD_GATEWAY,
}
"""Status of an error: that of its class, else of the nearest class above."""

_OF_ATTACHMENTS: Mapping[errors.RefusalKind, HTTPStatus] = {
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "type": HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    "closed": HTTPStatus.CONFLICT,
}


class Refused(HTTPException):
    """A request that is refused before anything looks at what it is about."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.code = code


def handle_problems(app: FastAPI) -> None:
    """Let every error of an app end as a `Problem`."""
    app.add_exception_handler(IntermezzoError, _ours)
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def problem(
    request: Request,
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    fields: list[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """An error answer."""
    body = Problem(
        type=f"/problems/{code}",
        title=status.phrase,
        status=status,
        code=code,
        detail=detail,
        request_id=str(getattr(request.state, "request_id", "")),
        errors=fields or [],
    )
    return JSONResponse(body.model_dump(exclude_none=True), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def _ours(request: Request, error: Exception) -> JSONResponse:
    kinds = [kind for kind in type(error).__mro__ if kind in _STATUS]
    if not kinds:
        return _unexpected(request, error)
    status = _STATUS[kinds[0]]
    if isinstance(error, errors.AttachmentRefused):
        status = _OF_ATTACHMENTS.get(error.kind, status)
    fields: list[FieldProblem] = []
    if isinstance(error, errors.InvalidResponse):
        for path, message in error.problems.items():
            fields.append(FieldProblem(field=".".join(map(str, path)), message=message))
    if isinstance(error, InvalidPipeline):
        fields = [_flaw(flaw) for flaw in error.flaws]
    headers = {"WWW-Authenticate": "Bearer"} if status is HTTPStatus.UNAUTHORIZED else {}
    if isinstance(error, errors.RunsUnavailable):
        headers["Retry-After"] = "5"
    if isinstance(error, errors.AnswerTooSoon):
        headers["Retry-After"] = str(error.wait_seconds)
    return problem(request, status, code_of(type(error)), str(error), fields=fields, headers=headers)


def _flaw(flaw: Flaw) -> FieldProblem:
    line, column = flaw.place or (None, None)
    return FieldProblem(field=flaw.where, message=flaw.message, line=line, column=column)


def code_of(kind: type[Exception]) -> str:
    """The code of an error: its class's name, in snake case."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).lstrip("_")


def _refused(request: Request, error: Exception) -> JSONResponse:
    refused = cast("Refused", error)
    status = HTTPStatus(refused.status_code)
    return problem(request, status, refused.code, refused.detail, headers=refused.headers)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    faults = cast("RequestValidationError", error).errors()
    fields = [
        FieldProblem(field=".".join(str(part) for part in fault["loc"] if part != "body"), message=_message(fault))
        for fault in faults
    ]
    detail = "; ".join(f"{one.field}: {one.message}" if one.field else one.message for one in fields[:5])
    return problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail, fields=fields)


def _message(fault: Mapping[str, Any]) -> str:
    said = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "json_invalid":
        return f"the body is not JSON: {fault.get('ctx', {}).get('error', said)}"
    given = fault.get("input")
    shown = "" if fault["type"] == "missing" or isinstance(given, dict | list) else f", got {str(given)[:100]!r}"
    return f"{said[:1].lower()}{said[1:]}{shown}"


def _http(request: Request, error: Exception) -> JSONResponse:
    raised = cast("HTTPException", error)
    status = HTTPStatus(raised.status_code)
    said = {
        HTTPStatus.NOT_FOUND: f"there is nothing at {request.url.path[:200]}; the API is described at /docs",
        HTTPStatus.METHOD_NOT_ALLOWED: f"{request.method} is not possible here",
    }
    return problem(request, status, status.name.lower(), said.get(status, str(raised.detail)), headers=raised.headers)


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
    detail = "something went wrong here; nothing was changed unless it says so, and trying again may help"
    return problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail)
