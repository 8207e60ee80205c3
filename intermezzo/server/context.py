"""What the handlers of requests share, and who asks."""

from collections import Counter
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from math import ceil
from typing import Annotated, cast

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer

from intermezzo.access import Access, Principal, Scope
from intermezzo.errors import NotAuthenticated
from intermezzo.flows.launching import Launcher
from intermezzo.flows.pipeline_requester import PipelineRequester
from intermezzo.human_steps.closings import Closings
from intermezzo.human_steps.requester import Requester
from intermezzo.ledger import Payer
from intermezzo.server.changes import Changes
from intermezzo.server.metrics import Metrics
from intermezzo.server.problems import Refused
from intermezzo.server.rate_limit import RateLimit
from intermezzo.settings import settings
from intermezzo.store import Store

BEARER = HTTPBearer(auto_error=False, description="An API key (`csk_…`), or the token of a session.")

_STRANGERS_PER_MINUTE = 60
"""Requests without a valid key, from one address: enough to mistype a key, too few to guess one."""


class Context:
    """One server's own.

    Args:
        store: open; whoever opened it closes it.
        launcher: where runs of pipelines are executed; None: this server starts none.
    """

    def __init__(self, store: Store, *, launcher: Launcher | None = None) -> None:
        known = settings()
        self.store = store
        self.launcher = launcher
        self.access = Access(store)
        self.closings = Closings(store)
        self.run_closings = Closings(store, "run.closed")
        self.changes = Changes(store)
        self.limit = RateLimit(known.requests_per_minute, known.requests_at_once)
        self.strangers = RateLimit(_STRANGERS_PER_MINUTE, _STRANGERS_PER_MINUTE)
        self.metrics = Metrics()
        self.streams = Counter[Payer]()
        """How many each organisation has open."""

    def close(self) -> None:
        """Stop listening, and end every stream."""
        self.closings.close()
        self.run_closings.close()
        self.changes.close()


async def context_of(request: Request) -> Context:
    """The server's own, for a handler; async, because FastAPI would take a thread for a plain function."""
    return cast("Context", request.app.state.context)


Server = Annotated[Context, Depends(context_of)]


async def principal_of(request: Request, server: Server, _: Annotated[object, Security(BEARER)] = None) -> Principal:
    """Who asks.

    Raises:
        NotAuthenticated: nobody who may.
        Refused: they ask too often.
    """
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    is_bearer = scheme.lower() == "bearer"
    address = request.client.host if request.client else ""
    try:
        principal = await server.access.authenticate(token.strip() if is_bearer else "")
    except NotAuthenticated as error:
        take(server.strangers, address)
        if is_bearer:
            raise
        expected = "expected the header `Authorization: Bearer KEY`, with an API key or a session's token"
        raise NotAuthenticated(expected) from error
    take(server.limit, principal.key_id or principal.user_id or address)
    return principal


def take(limit: RateLimit, who: str) -> None:
    """Let one more request of somebody pass.

    Raises:
        Refused: they ask too often; it says when to ask again.
    """
    wait = limit.wait_seconds(who)
    if wait:
        seconds = ceil(wait)
        raise Refused(
            HTTPStatus.TOO_MANY_REQUESTS,
            "rate_limited",
            f"too many requests; try again in {seconds} s",
            {"Retry-After": str(seconds)},
        )


def allowed(*scopes: Scope) -> Callable[[Principal], Awaitable[Principal]]:
    """Who asks, if they have these scopes."""

    async def check(principal: Annotated[Principal, Depends(principal_of, use_cache=True)]) -> Principal:
        principal.require(*scopes)
        return principal

    return check


Reader = Annotated[Principal, Depends(allowed("tasks:read"))]
"""May see the organisation's tasks."""
Writer = Annotated[Principal, Depends(allowed("tasks:write"))]
"""May post, cancel and review them."""
Operator = Annotated[Principal, Depends(allowed("operate"))]
"""Looks after the whole store."""
PipelineReader = Annotated[Principal, Depends(allowed("pipelines:read"))]
"""May see the organisation's pipelines and runs."""
PipelineWriter = Annotated[Principal, Depends(allowed("pipelines:write"))]
"""May store, run and cancel them."""

IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=256,
        pattern="^[ -~]+$",
        description="The same request with the same key is done, and paid, once.",
    ),
]


def requester_of(server: Context, principal: Principal) -> Requester:
    """The requester's side of tasks, for whoever asks."""
    return Requester(server.store, principal.payer, closings=server.closings)


def pipelines_of(server: Context, principal: Principal) -> PipelineRequester:
    """The pipelines of whoever asks."""
    return PipelineRequester(server.store, principal.payer, launcher=server.launcher, closings=server.run_closings)
