"""How requests are read: JSON that means one thing, and text that any database can hold."""

import json
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import JsonValue

from intermezzo.human_steps.json_values import plain_json
from intermezzo.server.problems import Refused
from intermezzo.settings import settings

MAX_DEPTH = 64
"""Levels of nesting in a body."""
MAX_VALUES = 500_000
"""In a body, nested ones counted; a batch of 1,000 usual tasks has 15,000."""


class Route(APIRoute):
    """A route that refuses what cannot be read in one way, or not be stored, before anything looks at it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of requests, with a request of ours."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
                raise _invalid("expected an address without NUL characters")
            return await handle(_Request(request.scope, request.receive))

        return handler


class _Request(Request):
    async def json(self) -> JsonValue:
        """The body: each name once in an object, finite numbers of 64 bits, text that can be stored."""
        body = await self.body()
        try:
            given = json.loads(body, object_pairs_hook=_once_each)
            return plain_json(given, max_bytes=settings().max_request_bytes, max_depth=MAX_DEPTH, max_values=MAX_VALUES)
        except json.JSONDecodeError:
            raise
        except RecursionError:
            raise _invalid(f"expected at most {MAX_DEPTH} levels of nesting, got more") from None
        except ValueError as error:
            raise _invalid(str(error).replace("answer: ", "body: ", 1)) from None


def _once_each(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:80]!r} stands twice in one object; leave one of them out")
        found[name] = value
    return found


def _invalid(detail: str) -> Refused:
    return Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail)
