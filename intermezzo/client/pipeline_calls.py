"""Calls of `/v1/pipelines`, without a network."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from intermezzo.client.connection import new_idempotency_key
from intermezzo.client.exchange import Request, Steps, call, segment
from intermezzo.client.failures import RunError
from intermezzo.client.pipeline_results import CallPage, Estimate, Pipeline, PipelinePage, Run, RunPage, VersionPage
from intermezzo.client.polling import poll
from intermezzo.client.task_calls import param

Document = Mapping[str, JsonValue] | str
"""A pipeline: an object, or its text in YAML or JSON."""

_RUNS = "/v1/pipelines/runs"


@dataclass(frozen=True)
class PipelineCalls:
    """Makes calls.

    Args:
        retries: how often a request is sent again.
        now: a clock that never goes back, in seconds.
    """

    retries: int
    now: Callable[[], float] = time.monotonic

    def create(self, document: Document) -> Steps[Pipeline]:
        """Store a document; the same again is the version that it is already, so that it may be sent twice."""
        if isinstance(document, str):
            request = Request("POST", "/v1/pipelines", text=document, idempotent=True)
        else:
            request = Request("POST", "/v1/pipelines", body=dict(document), idempotent=True)
        return call(request, Pipeline, retries=self.retries)

    def get(self, name: str, version: int | None) -> Steps[Pipeline]:
        """A version, or the newest."""
        path = _path(name) if version is None else f"{_path(name)}/versions/{version}"
        return call(Request("GET", path), Pipeline, retries=self.retries)

    def list(self, cursor: str | None, limit: int) -> Steps[PipelinePage]:
        """A page of pipelines."""
        return call(Request("GET", "/v1/pipelines", _page(cursor, limit)), PipelinePage, retries=self.retries)

    def versions(self, name: str, cursor: int | None, limit: int) -> Steps[VersionPage]:
        """A page of the versions of a pipeline."""
        request = Request("GET", f"{_path(name)}/versions", _page(cursor, limit))
        return call(request, VersionPage, retries=self.retries)

    def estimate(
        self,
        name: str | None,
        document: Document | None,
        version: int | None,
        input: Mapping[str, JsonValue] | None,
        assume: Mapping[str, float] | None,
    ) -> Steps[Estimate]:
        """The price of a stored pipeline, or of a document.

        Raises:
            ValueError: neither was named, or both.
        """
        asked: dict[str, JsonValue] = {"input": None if input is None else dict(input), "assume": dict(assume or {})}
        if (name is None) == (document is None) or (document is not None and version is not None):
            raise ValueError("expected the name of a pipeline, and a version if you like, or a document")
        if name is not None:
            request = Request("POST", f"{_path(name)}/estimate", body={**asked, "version": version}, idempotent=True)
        else:
            given = document if isinstance(document, str) else dict(document or {})
            request = Request("POST", "/v1/pipelines/estimate", body={**asked, "document": given}, idempotent=True)
        return call(request, Estimate, retries=self.retries)

    def run(
        self,
        name: str,
        input: Mapping[str, JsonValue],
        version: int | None,
        budget_credits: int | None,
        idempotency_key: str | None,
    ) -> Steps[Run]:
        """Start a run."""
        body: dict[str, JsonValue] = {"input": dict(input), "version": version, "budget_credits": budget_credits}
        key = idempotency_key or new_idempotency_key()
        request = Request("POST", f"{_path(name)}/runs", body=body, idempotency_key=key)
        return call(request, Run, retries=self.retries)

    def get_run(self, run_id: str) -> Steps[Run]:
        """One run."""
        return call(Request("GET", f"{_RUNS}/{segment(run_id)}"), Run, retries=self.retries)

    def list_runs(self, filters: Mapping[str, str | int | datetime | Sequence[str] | None]) -> Steps[RunPage]:
        """A page of runs."""
        params = {name: param(value) for name, value in filters.items() if value is not None}
        return call(Request("GET", _RUNS, params), RunPage, retries=self.retries)

    def calls(self, run_id: str, cursor: str | None, limit: int) -> Steps[CallPage]:
        """A page of the step calls of a run."""
        request = Request("GET", f"{_RUNS}/{segment(run_id)}/calls", _page(cursor, limit))
        return call(request, CallPage, retries=self.retries)

    def cancel(self, run_id: str) -> Steps[Run]:
        """Stop a run; of one that has ended nothing changes, so that it may be sent twice."""
        request = Request("POST", f"{_RUNS}/{segment(run_id)}/cancel", idempotent=True, patience_seconds=10)
        return call(request, Run, retries=self.retries)

    def retry(self, run_id: str) -> Steps[Run]:
        """Start a run again that has failed or was cancelled."""
        return call(Request("POST", f"{_RUNS}/{segment(run_id)}/retry"), Run, retries=self.retries)

    def wait(self, run_id: str, timeout_seconds: float | None) -> Steps[Run]:
        """The run once it is completed.

        Raises:
            RunError: it ended otherwise.
            WaitTimeoutError: it has not ended in time.
        """
        run = yield from poll(self, f"{_RUNS}/{segment(run_id)}/wait", Run, run_id, "run", timeout_seconds)
        if run.ending != "completed":
            raise RunError(run)
        return run


def _path(name: str) -> str:
    return f"/v1/pipelines/{segment(name)}"


def _page(cursor: str | int | None, limit: int) -> dict[str, str | int]:
    return {"limit": limit} if cursor is None else {"limit": limit, "cursor": cursor}
