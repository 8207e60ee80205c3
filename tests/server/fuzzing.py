"""Requests, and chains of them, that Schemathesis makes from the API's own description, against the live server."""

# Schemathesis makes the classes of its state machines at run time: no checker can know them.
# pyright: basic

import asyncio
from typing import Any

import httpx
import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from intermezzo import ledger
from intermezzo.access import SCOPES, Access
from intermezzo.human_steps.dispute_queue import DisputeQueue
from intermezzo.human_steps.requester import Requester
from intermezzo.human_steps.task_views import TaskFilter
from intermezzo.human_steps.type_sheet import TypeSheet, human_types
from intermezzo.ledger import Payer
from intermezzo.store import Store, new_id, utc_now
from tests.client.live_server import LiveServer

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

ENDLESS = "/events$"
"""Streams; `test_events` reads them."""
WAIT_SECONDS = "0.01"

LABEL: dict[str, Any] = {"type": "label_text", "input": {"text": "Great!", "categories": ["positive", "negative"]}}
ANSWER = {"answer": {"category": "positive"}}
FILE = {"name": "note.txt", "content_base64": "aGVsbG8="}
PIPELINE: dict[str, Any] = {
    "name": "moods",
    "input": {"type": "object", "properties": {"text": {"type": "string"}}},
    "steps": [{**LABEL, "id": "mood"}],
}
REVIEWED = {**LABEL, "consensus_strategy": "requester_review", "assignments_required": 2}
TASKS = [LABEL, REVIEWED, {**LABEL, "assignments_required": 1}]


def fuzz(live: LiveServer, *, examples: int, steps: int, seed: int) -> dict[str, set[int]]:
    """Send chains of requests, and hold every answer to the description.

    Args:
        examples: how many chains.
        steps: most requests in each.
        seed: the same again makes the same requests.

    Returns:
        Operation → the statuses that it answered with.
    """
    schema = schemathesis.openapi.from_dict(httpx.get(f"{live.url}/openapi.json").json())
    schema = schema.exclude(path_regex=ENDLESS)
    schema.config.update(base_url=live.url)
    schema.hook("before_generate_body")(_often_right)
    schema.hook("before_generate_path_parameters")(_often_there)
    seen: dict[str, set[int]] = {}

    class Machine(schema.as_state_machine()):
        def setup(self) -> None:
            self.world = World(live)

        def teardown(self) -> None:
            self.world.end()

        def before_call(self, case: schemathesis.Case) -> None:
            for name, value in case.path_parameters.items():
                if value in PLACES or value in self.world.needed:
                    case.path_parameters[name] = self.world.named(name, PLACES.index(value) if value in PLACES else 0)

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            headers = self.world.headers(case.operation.path)

            def authorize(request: Any) -> Any:
                request.headers.update(headers)  # also where the header was left out on purpose
                return request

            return {
                "auth": authorize,
                "params": {"timeout": WAIT_SECONDS} if case.operation.path.endswith("/wait") else {},
            }

        def validate_response(self, response: schemathesis.Response, case: schemathesis.Case, **_: Any) -> None:
            seen.setdefault(case.operation.label, set()).add(response.status_code)
            case.validate_response(response, checks=CHECKS)

    hypothesis.seed(seed)(Machine)
    Machine.run(
        settings=hypothesis.settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        )
    )
    return seen


PLACES = ["(first)", "(second)", "(third)", "(fourth)", "(fifth)"]
"""Stand for ids of what there is, which are others every time."""


def _often_there(context: schemathesis.HookContext, strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Paths to what there is, or made up."""
    assert context.operation is not None
    names = [one.name for one in context.operation.path_parameters]
    there = st.sampled_from(PLACES).map(lambda place: dict.fromkeys(names, place))
    return st.one_of(there, there, strategy)


def _often_right(context: schemathesis.HookContext, strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Bodies as the description's examples have them, or made up."""
    assert context.operation is not None
    content = context.operation.definition.raw["requestBody"]["content"]["application/json"]
    right: SearchStrategy[Any] = st.just(content["example"])
    if context.operation.label == "POST /v1/tasks":
        sheets = [TypeSheet.of(step) for step in human_types()]
        right = st.sampled_from(TASKS) | st.sampled_from(
            [{"type": sheet.name, "input": sheet.example} for sheet in sheets]
        )
    return st.one_of(right, right, strategy)


class World:
    """An organisation with one of everything, its worker and its operator: each chain depends on no other.

    Args:
        live: the server.
    """

    def __init__(self, live: LiveServer) -> None:
        self.store: Store = live.store
        self.access = Access(live.store)
        self.payer = Payer(f"org-{new_id()}")
        self.store.write_now(lambda c: ledger.grant(c, self.payer, 10_000, subject=new_id(), at=utc_now()))
        self.needed: set[str] = set()
        """Ids of keys that a chain must not revoke: it could ask for nothing more."""
        self.owner = self._key(scopes=sorted(SCOPES.keys() - {"work"}))
        self.worker_id = new_id()
        self.worker = self._key(worker_id=self.worker_id)
        with httpx.Client(base_url=live.url) as http:
            self.ids = self._furnish(http)

    def named(self, name: str, place: int) -> str:
        """The id that a place stands for."""
        ids = self.ids[name]
        return ids[place % len(ids)]

    def headers(self, path: str) -> dict[str, str]:
        """Who asks for a path."""
        if path.startswith("/v1/worker"):
            return {"Authorization": f"Bearer {self.worker}"}
        return {"Authorization": f"Bearer {self.owner}"} if path.startswith("/v1") else {}

    def end(self) -> None:
        """Leave nothing open that workers and operators of other chains could find."""
        asyncio.run(self._close())

    def _furnish(self, http: httpx.Client) -> dict[str, list[str]]:
        def post(path: str, body: Any = None) -> dict[str, Any]:
            response = http.post(path, json=body, headers=self.headers(path))
            assert response.is_success, response.text
            return response.json() if response.content else {}

        def got(path: str) -> list[str]:
            return [one["id"] for one in http.get(path, headers=self.headers(path)).json()["items"]]

        tasks = {name: post("/v1/tasks", {**REVIEWED, "audience": [self.worker_id]})["id"] for name in _PARTS}
        parts = {
            name: post(f"/v1/worker/tasks/{tasks[name]}/claim")["assignment_id"] for name in _PARTS if name != "open"
        }
        for name in ("answered", "disputed"):
            post(f"/v1/worker/tasks/{tasks[name]}/submit", ANSWER)
        post(f"/v1/tasks/{tasks['disputed']}/submissions/{parts['disputed']}/dispute", {"reason": "no"})
        post(f"/v1/worker/tasks/{tasks['reported']}/report", {"reason": "broken"})
        pipeline = post("/v1/pipelines", PIPELINE)
        run_id = post(f"/v1/pipelines/{pipeline['name']}/runs", {"input": {"text": "Great!"}})["id"]
        webhook_id = post("/v1/webhooks", {"url": "https://93.184.215.14/hook"})["id"]
        return {
            "task_id": list(tasks.values()),
            "assignment_id": [parts.get(name, "none") for name in _PARTS],
            "attachment_id": [post(f"/v1/tasks/{task_id}/attachments", FILE)["id"] for task_id in tasks.values()],
            "dispute_id": got("/v1/disputes"),
            "report_id": got("/v1/reports"),
            "webhook_id": [webhook_id],
            "delivery_id": [post(f"/v1/webhooks/{webhook_id}/test")["id"]],
            "key_id": [post("/v1/keys", {})["id"]],
            "name": ["label_text"],
            "pipeline": [pipeline["name"]],
            "version": [str(pipeline["version"])],
            "run_id": [run_id],
        }

    async def _close(self) -> None:
        requester, disputes = Requester(self.store, self.payer), DisputeQueue(self.store)
        for task in await requester.list(TaskFilter(states=["open", "claimed", "submitted"]), limit=100):
            await requester.cancel(task.id, reason="the chain has ended")
        for dispute in await disputes.list():
            await disputes.resolve(dispute.id, upheld=False, by="ops")

    def _key(self, **options: Any) -> str:
        key, kept = asyncio.run(self.access.create_key(self.payer.org, **options))
        self.needed.add(kept.id)
        return key


_PARTS = ("answered", "claimed", "open", "disputed", "reported")
"""What has become of each of the tasks; of all but the open one the worker has, or had, a claim."""
