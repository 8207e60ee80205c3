"""Waiting for something on the server by long polls, without a network."""

from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from intermezzo.client.exchange import Pause, Request, Steps, call
from intermezzo.client.failures import WaitTimeoutError
from intermezzo.client.pipeline_results import Run
from intermezzo.client.results import Task

LONGEST_POLL_SECONDS = 30.0
"""Of one request: shorter than what proxies on the way allow."""

_LEAST_POLL_SECONDS = 0.5
"""Between two requests, even if a server answers at once that nothing has ended."""

Ending = TypeVar("Ending", Task, Run)


class Poller(Protocol):
    """Who waits."""

    @property
    def retries(self) -> int:
        """How often a request is sent again."""
        ...

    @property
    def now(self) -> Callable[[], float]:
        """A clock that never goes back, in seconds."""
        ...


def poll(
    poller: Poller, path: str, model: type[Ending], id: str, what: Literal["task", "run"], timeout_seconds: float | None
) -> Steps[Ending]:
    """The task or run, when it has ended, however.

    Args:
        poller: who waits.
        path: of its long poll.
        model: what it is read as.
        id: of it.
        what: it is.
        timeout_seconds: for how long; None: for as long as it takes.

    Raises:
        WaitTimeoutError: it has not ended in time.
    """
    started = poller.now()
    while True:
        asked = poller.now()
        left = LONGEST_POLL_SECONDS if timeout_seconds is None else started + timeout_seconds - asked
        seconds = min(LONGEST_POLL_SECONDS, max(left, 0.0))
        request = Request("GET", path, {"timeout": round(seconds, 3)}, patience_seconds=seconds)
        found = yield from call(request, model, retries=poller.retries)
        if found.ending is not None:
            return found
        if timeout_seconds is not None and poller.now() - started >= timeout_seconds:
            raise WaitTimeoutError(id, timeout_seconds, what=what)
        if poller.now() - asked < _LEAST_POLL_SECONDS:
            yield Pause(min(_LEAST_POLL_SECONDS, left))
