"""Pipelines through the API of a real `intermezzo serve`, and through nothing else."""

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import cast

import httpx
import pytest

from intermezzo import ledger
from intermezzo.access import Access
from intermezzo.client import Client, ConflictError, InvalidRequestError, Run, RunError
from intermezzo.ledger import Payer
from intermezzo.store import open_store, utc_now
from tests.cli.test_run import background, ends, until

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(300)]

DOCUMENT = """\
name: sentiment
input: {type: object, required: [text], properties: {text: {type: string}}}
steps:
  - id: scrub
    type: pii_detect
    input: {text: "${ input.text }", mask: true}
  - id: label
    type: label_text
    input: {text: "${ steps.scrub.output.redacted_text }", categories: [positive, negative]}
    with: {assignments_required: 2, consensus_strategy: unanimous}
output:
  text: "${ steps.scrub.output.redacted_text }"
  label: "${ steps.label.output.category }"
"""
INPUT = {"text": "Great! Write to ann@example.com"}
PRICE = {"pii_detect": 2, "label_text": 5}
"""Two workers, with the fee."""


@pytest.fixture
def served(online: dict[str, str], isolated_home: object) -> Iterator[str]:
    """The address of a server whose runs suspend as soon as nothing moves."""
    with background({**online, "INTERMEZZO_HOT_WAIT_SECONDS": "0"}, "serve", "--json") as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())["http"]
        server.send_signal(signal.SIGINT)
        assert ends(server) == (0, [])


def key(*, test: bool = False, worker_id: str | None = None) -> str:
    """A key of `acme`, which gets credits; or of a worker."""
    token, _ = asyncio.run(Access(open_store()).create_key("acme", test=test, worker_id=worker_id))
    payer = Payer("acme", test=test)
    subject = f"grant:{payer.available}:{worker_id}"
    open_store().write_now(lambda c: ledger.grant(c, payer, 100, subject=subject, at=utc_now()))
    return token


def work(url: str, worker_id: str) -> None:
    """Answer the one task there is, as a worker does."""
    headers = {"Authorization": f"Bearer {key(worker_id=worker_id)}"}
    with httpx.Client(base_url=url, headers=headers) as http:
        [task] = cast("list[dict[str, str]]", until(lambda: http.get("/v1/worker/tasks").json()["items"]))
        assert http.post(f"/v1/worker/tasks/{task['id']}/claim").status_code == 200
        answer = {"answer": {"category": "positive"}}
        assert http.post(f"/v1/worker/tasks/{task['id']}/submit", json=answer).status_code == 200


def test_a_pipeline_with_people_in_it_runs_through_the_api_alone(served: str) -> None:
    with Client(key(test=True), base_url=served) as client:
        stored = client.pipelines.create(DOCUMENT)
        assert client.pipelines.estimate("sentiment", input=INPUT).credits.maximum == sum(PRICE.values())
        run = client.pipelines.run("sentiment", INPUT)
        events = list(client.pipelines.runs.events(run.id))
        done = client.pipelines.runs.wait(run.id, timeout_seconds=60)
        assert_completed(done, stored.version)
        assert [event.event for event in events][:2] == ["run.scheduled", "run.started"]
        assert [(event.event, event.state) for event in events][-1] == ("run.closed", "completed")
        assert {"task.opened", "task.closed", "run.suspended"} <= {event.event for event in events}
        with pytest.raises(ConflictError):
            client.pipelines.runs.retry(run.id)

    with Client(key(), base_url=served) as client:
        with pytest.raises(InvalidRequestError, match="2:8: steps: input should be a valid list"):
            client.pipelines.create("name: x\nsteps: 7")
        stored = client.pipelines.create(DOCUMENT)
        run = client.pipelines.run("sentiment", INPUT, idempotency_key="order 7")
        until(lambda: client.pipelines.runs.get(run.id).state == "suspended")
        for worker_id in ("ann", "bob"):
            work(served, worker_id)
        done = client.pipelines.runs.wait(run.id, timeout_seconds=60)
        assert_completed(done, stored.version)
        assert done.output == {"text": "Great! Write to [EMAIL]", "label": "positive"}
        assert client.pipelines.run("sentiment", INPUT, idempotency_key="order 7").id == run.id

        other = client.pipelines.run("sentiment", {"text": "Never mind."})
        until(lambda: client.pipelines.runs.get(other.id).state == "suspended")
        assert client.pipelines.runs.cancel(other.id).state == "cancelled"
        with pytest.raises(RunError, match="was cancelled"):
            client.pipelines.runs.wait(other.id)
        assert [one.id for one in client.pipelines.runs.list().items] == [other.id, run.id]
        client.pipelines.runs.retry(other.id)
        for worker_id in ("cid", "dee"):
            work(served, worker_id)
        again = client.pipelines.runs.wait(other.id, timeout_seconds=60)
        assert_completed(again, stored.version)
        assert client.credits.balance().reserved == 0
    open_store().read_now(ledger.audit).require_clean()


def assert_completed(run: Run, version: int) -> None:
    """A run that came to its end: what it did, and what it has spent."""
    assert (run.state, run.version, run.error) == ("completed", version, None)
    assert (run.credits_used, run.credits_reserved) == (sum(PRICE.values()), 0)
    assert [(call.step, call.state) for call in run.calls] == [("scrub", "completed"), ("label", "completed")]
    assert run.calls[1].task_id
