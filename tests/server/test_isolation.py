"""Nobody reaches what is another's: every route, with keys of others, with test keys, and with keys without scopes."""

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import Connection, select

from intermezzo.access import SCOPES
from intermezzo.server.rate_limit import RateLimit
from intermezzo.store import Store
from intermezzo.store.tables import (
    assignments,
    attachments,
    disputes,
    human_tasks,
    pipeline_runs,
    pipelines,
    reports,
    runs,
    transfers,
    webhook_deliveries,
    webhook_endpoints,
)
from tests.server.conftest import Connect, refused
from tests.server.test_tasks import QUICKSTART

TASK: dict[str, Any] = {
    **QUICKSTART,
    "consensus_strategy": "requester_review",
    "assignments_required": 2,
    "audience": ["ann"],
}
FILE = {"name": "note.txt", "content_base64": base64.b64encode(b"for ann only").decode()}
ANSWER = {"answer": {"category": "positive"}}

PIPELINE: dict[str, Any] = {
    "name": "secret-labels",
    "input": {"type": "object", "properties": {"text": {"type": "string"}}},
    "steps": [
        {"id": "label", "type": "label_text", "input": {"text": "${ input.text }", "categories": ["for ann only", "b"]}}
    ],
}
MINE = {**PIPELINE, "name": "mine"}

PUBLIC = {
    "GET /health",
    "GET /ready",
    "GET /metrics",
    "GET /docs",
    "GET /openapi.json",
    "GET /v1/types",
    "GET /v1/types/{name}",
    "GET /v1/pipelines/schema",
    "POST /v1/auth/login",
}
"""Asked without a key."""

OF_ANY_KEY = {"GET /v1/auth/me", "POST /v1/auth/logout"}
"""About whoever asks, whatever they may do."""

ABOUT_ONESELF: dict[str, Any] = {
    "GET /v1/tasks": None,
    "POST /v1/tasks": QUICKSTART,
    "POST /v1/tasks/batch": {"tasks": [QUICKSTART]},
    "GET /v1/credits": None,
    "GET /v1/credits/balance": None,
    "GET /v1/credits/entries": None,
    "GET /v1/keys": None,
    "POST /v1/keys": {"test": True},
    "GET /v1/webhooks": None,
    "POST /v1/webhooks": {"url": "https://93.184.215.14/mine"},
    "GET /v1/webhooks/deliveries": None,
    "GET /v1/reports": None,
    "GET /v1/worker/me": None,
    "GET /v1/worker/tasks": None,
    "POST /v1/worker/tasks/claim": None,
    "GET /v1/pipelines": None,
    "POST /v1/pipelines": MINE,
    "POST /v1/pipelines/estimate": {"document": MINE},
    "GET /v1/pipelines/runs": None,
}
"""They name nothing that could be another's: what they tell and make is of whoever asks."""

OF_OPERATORS: dict[str, Any] = {
    "GET /v1/disputes/{dispute_id}": None,
    "GET /v1/disputes/{dispute_id}/story": None,
    "POST /v1/disputes/{dispute_id}/resolve": {"upheld": True},
}
"""They name what may be any organisation's, live or test as the operator's key is."""

FOR_OPERATORS: dict[str, Any] = {
    "GET /v1/disputes": None,
    "POST /v1/credits/grant": {"org": "acme", "credits": 1},
    **OF_OPERATORS,
}

STREAMS = {"GET /v1/tasks/events"}
"""Endless; `test_events` shows that they tell nothing of others."""

NAMING: dict[str, Any] = {
    "GET /v1/tasks/{task_id}": None,
    "DELETE /v1/tasks/{task_id}": None,
    "POST /v1/tasks/{task_id}/cancel": None,
    "GET /v1/tasks/{task_id}/wait": None,
    "GET /v1/tasks/{task_id}/events": None,
    "GET /v1/tasks/{task_id}/story": None,
    "GET /v1/tasks/{task_id}/submissions": None,
    "POST /v1/tasks/{task_id}/submissions/{assignment_id}/approve": {},
    "POST /v1/tasks/{task_id}/submissions/{assignment_id}/reject": {"reason": "mine"},
    "POST /v1/tasks/{task_id}/submissions/{assignment_id}/dispute": {"reason": "mine"},
    "POST /v1/tasks/{task_id}/submissions/{assignment_id}/score": {"score": 1},
    "POST /v1/tasks/{task_id}/decide": ANSWER,
    "GET /v1/tasks/{task_id}/attachments": None,
    "POST /v1/tasks/{task_id}/attachments": FILE,
    "GET /v1/tasks/{task_id}/attachments/{attachment_id}": None,
    "POST /v1/reports/{report_id}/dismiss": {"reason": "mine"},
    "DELETE /v1/keys/{key_id}": None,
    "GET /v1/webhooks/{webhook_id}": None,
    "PATCH /v1/webhooks/{webhook_id}": {"disabled": True},
    "DELETE /v1/webhooks/{webhook_id}": None,
    "POST /v1/webhooks/{webhook_id}/rotate": None,
    "POST /v1/webhooks/{webhook_id}/test": None,
    "GET /v1/webhooks/deliveries/{delivery_id}": None,
    "POST /v1/webhooks/deliveries/{delivery_id}/redeliver": None,
    "GET /v1/worker/tasks/{task_id}": None,
    "POST /v1/worker/tasks/{task_id}/claim": None,
    "POST /v1/worker/tasks/{task_id}/submit": ANSWER,
    "POST /v1/worker/tasks/{task_id}/release": None,
    "POST /v1/worker/tasks/{task_id}/decline": {},
    "POST /v1/worker/tasks/{task_id}/report": {"reason": "other"},
    "GET /v1/worker/tasks/{task_id}/attachments/{attachment_id}": None,
    "GET /v1/pipelines/{pipeline}": None,
    "GET /v1/pipelines/{pipeline}/versions": None,
    "GET /v1/pipelines/{pipeline}/versions/{version}": None,
    "GET /v1/pipelines/{pipeline}/graph": None,
    "POST /v1/pipelines/{pipeline}/estimate": {},
    "POST /v1/pipelines/{pipeline}/runs": {"input": {"text": "mine"}},
    "GET /v1/pipelines/runs/{run_id}": None,
    "GET /v1/pipelines/runs/{run_id}/calls": None,
    "GET /v1/pipelines/runs/{run_id}/wait": None,
    "GET /v1/pipelines/runs/{run_id}/events": None,
    "POST /v1/pipelines/runs/{run_id}/cancel": None,
    "POST /v1/pipelines/runs/{run_id}/retry": None,
}
"""They name something; here it is always something of `acme`, for the worker `ann`."""

EVERYTHING = sorted(SCOPES)


@pytest.fixture
async def acme(connect: Connect) -> AsyncIterator[Mapping[str, str]]:
    """Ids of what the organisation `acme` has."""
    async with connect() as http, connect(worker_id="ann") as ann, connect("ops", scopes=["operate"]) as ops:
        task_id, submission = await answered(http, ann)
        attached = await http.post(f"/v1/tasks/{task_id}/attachments", json=FILE)
        await http.post("/v1/pipelines", json=PIPELINE)
        run = await http.post(f"/v1/pipelines/{PIPELINE['name']}/runs", json={"input": {"text": "for ann only"}})
        webhook = (await http.post("/v1/webhooks", json={"url": "https://93.184.215.14/acme"})).json()["id"]
        _, disputed = await answered(http, ann)
        await http.post(f"{disputed}/dispute", json={"reason": "for ann only"})
        reported = (await http.post("/v1/tasks", json=TASK)).json()["id"]
        await ann.post(f"/v1/worker/tasks/{reported}/claim")
        await ann.post(f"/v1/worker/tasks/{reported}/report", json={"reason": "broken", "note": "for ann only"})
        yield {
            "task_id": task_id,
            "webhook_id": webhook,
            "delivery_id": (await http.post(f"/v1/webhooks/{webhook}/test")).json()["id"],
            "assignment_id": submission.rpartition("/")[2],
            "report_id": (await http.get("/v1/reports")).json()["items"][0]["id"],
            "dispute_id": (await ops.get("/v1/disputes")).json()["items"][0]["id"],
            "attachment_id": attached.json()["id"],
            "pipeline": PIPELINE["name"],
            "version": "1",
            "run_id": run.json()["id"],
            "key_id": (await http.get("/v1/keys")).json()["items"][-1]["id"],
        }


async def answered(http: httpx.AsyncClient, ann: httpx.AsyncClient) -> tuple[str, str]:
    """A task, and the address of the answer that waits for its review."""
    task_id = (await http.post("/v1/tasks", json=TASK)).json()["id"]
    claimed = (await ann.post(f"/v1/worker/tasks/{task_id}/claim")).json()
    assert (await ann.post(f"/v1/worker/tasks/{task_id}/submit", json=ANSWER)).status_code == 200
    return task_id, f"/v1/tasks/{task_id}/submissions/{claimed['assignment_id']}"


async def ask(http: httpx.AsyncClient, route: str, ids: Mapping[str, str], body: object) -> httpx.Response:
    method, _, path = route.partition(" ")
    return await http.request(method, path.format(**ids), json=body)


TABLES = (
    human_tasks,
    assignments,
    attachments,
    disputes,
    reports,
    transfers,
    webhook_endpoints,
    webhook_deliveries,
    pipelines,
    pipeline_runs,
    runs,
)


def everything(connection: Connection) -> list[tuple[object, ...]]:
    """What must not change."""
    return [
        tuple(row) for table in TABLES for row in connection.execute(select(table).order_by(*table.primary_key.columns))
    ]


def test_no_route_is_forgotten(app: FastAPI) -> None:
    routes = {
        f"{method} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    documented = {f"{method.upper()} {path}" for path, ways in app.openapi()["paths"].items() for method in ways}
    known = {*PUBLIC, *OF_ANY_KEY, *ABOUT_ONESELF, *FOR_OPERATORS, *STREAMS, *NAMING}
    assert (routes | documented) - known == set()


@pytest.mark.parametrize(
    "stranger",
    [
        {"org": "other", "scopes": EVERYTHING, "worker_id": "bob"},
        {"org": "acme", "test": True, "scopes": EVERYTHING, "worker_id": "ann"},
        {"org": "other", "test": True, "scopes": EVERYTHING, "worker_id": "bob"},
    ],
    ids=["another organisation", "a test key", "another's test key"],
)
async def test_what_is_anothers_is_not_there(
    connect: Connect, store: Store, acme: Mapping[str, str], stranger: dict[str, Any]
) -> None:
    async with connect(**stranger) as http:
        before = store.read_now(everything)
        for route, body in NAMING.items():
            response = await ask(http, route, acme, body)
            assert response.status_code == 404, (route, response.text)
            assert "for ann only" not in response.text
        assert store.read_now(everything) == before
        for route, body in ABOUT_ONESELF.items():
            response = await ask(http, route, acme, body)
            assert response.is_success, (route, response.text)
            assert not {acme["task_id"], acme["run_id"], acme["pipeline"]} & set(response.text.split('"')), route


async def test_a_test_operator_sees_no_live_dispute_and_a_live_one_those_of_all(
    connect: Connect, store: Store, acme: Mapping[str, str]
) -> None:
    async with connect("ops", test=True, scopes=["operate"]) as tester:
        before = store.read_now(everything)
        assert (await tester.get("/v1/disputes")).json() == {"items": []}
        for route, body in OF_OPERATORS.items():
            refused(await ask(tester, route, acme, body), 404, "dispute_not_found")
        assert store.read_now(everything) == before
    async with connect("ops", scopes=["operate"]) as operator:
        for route, body in OF_OPERATORS.items():
            response = await ask(operator, route, acme, body)
            assert response.is_success, (route, response.text)
        assert (await operator.get("/v1/disputes")).json() == {"items": []}


async def test_every_route_but_those_named_asks_for_a_scope(
    connect: Connect, app: FastAPI, acme: Mapping[str, str]
) -> None:
    app.state.context.strangers = RateLimit(1_000, 1_000)  # there are more routes than guesses in a minute
    async with connect(scopes=()) as http:
        for route, body in {**NAMING, **ABOUT_ONESELF, **FOR_OPERATORS, **dict.fromkeys(STREAMS)}.items():
            assert "needs the scope" in refused(await ask(http, route, acme, body), 403, "not_allowed"), route
        http.headers.pop("authorization")
        for route, body in {
            **NAMING,
            **ABOUT_ONESELF,
            **FOR_OPERATORS,
            **dict.fromkeys((*STREAMS, *OF_ANY_KEY)),
        }.items():
            refused(await ask(http, route, acme, body), 401, "not_authenticated")


async def test_ones_own_is_there(connect: Connect, acme: Mapping[str, str]) -> None:
    async with connect() as http:
        assert (await http.get(f"/v1/tasks/{acme['task_id']}/story")).status_code == 200
        other = (await http.post("/v1/tasks", json=TASK)).json()["id"]
        crossed = f"/v1/tasks/{other}/submissions/{acme['assignment_id']}/approve"
        refused(await http.post(crossed), 404, "assignment_not_found")
        refused(await http.get(f"/v1/tasks/{other}/attachments/{acme['attachment_id']}"), 404, "attachment_not_found")


async def test_a_test_key_grants_and_makes_only_what_is_for_tests(connect: Connect) -> None:
    async with connect(test=True, scopes=("operate", "keys")) as http:
        refused(await http.post("/v1/credits/grant", json={"org": "acme", "credits": 5}), 403, "not_allowed")
        refused(await http.post("/v1/keys", json={"scopes": ["keys"]}), 403, "not_allowed")
        refused(await http.post("/v1/keys", json={"test": True, "scopes": ["tasks:read"]}), 403, "not_allowed")
        made = await http.post("/v1/keys", json={"test": True, "scopes": ["keys"]})
        assert made.json()["key"].startswith("csk_test_")
