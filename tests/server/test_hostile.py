"""What no request should be: it ends in one clear problem, and nothing is stored."""

import json
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from intermezzo.server.rate_limit import RateLimit
from tests.server.conftest import Connect, refused
from tests.server.test_tasks import QUICKSTART

JSON = {"Content-Type": "application/json"}


def quickstart(text: str) -> bytes:
    """The quickstart's task, with this JSON as its text."""
    return json.dumps(QUICKSTART).replace('"The new iPhone is great!"', text).encode()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (quickstart('"a\\u0000b"'), "without NUL and half characters"),
        (quickstart('"a\\ud800b"'), "without NUL and half characters"),
        (quickstart('"a", "a\\u0000": 1'), "without NUL and half characters"),
        (quickstart("9223372036854775808"), "at most 64 bits"),
        (quickstart("1" * 5_000), "digits"),
        (quickstart("1e999"), "finite number"),
        (quickstart("NaN"), "finite number"),
        (quickstart("[" * 100 + "]" * 100), "levels of nesting"),
        (quickstart("[" * 100_000 + "]" * 100_000), "levels of nesting"),
        (quickstart('"one", "text": "two"'), "'text' stands twice"),
        (b"\xff" + quickstart('"x"'), "utf-8"),
    ],
    ids=["NUL", "half", "name", "65 bits", "digits", "1e999", "NaN", "deep", "deeper", "twice", "latin"],
)
async def test_what_cannot_be_read_or_stored_is_refused(http: httpx.AsyncClient, body: bytes, said: str) -> None:
    response = await http.post("/v1/tasks", content=body, headers=JSON)
    assert said in refused(response, 422, "invalid_request")
    assert (await http.get("/v1/tasks")).json()["total"] == 0


@pytest.mark.parametrize("type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_that_is_not_said_to_be_json_is_refused(http: httpx.AsyncClient, type: str) -> None:
    response = await http.post("/v1/tasks", content=json.dumps(QUICKSTART), headers={"Content-Type": type})
    refused(response, 422, "invalid_request")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tasks/%00",
        "/v1/tasks?run_id=%00",
        "/v1/tasks?type=a%00",
        "/v1/types/%00",
        "/v1/tasks?limit=99999999999999999999999",
        "/v1/tasks?created_after=0001-01-01T00:00:00%2B23:00",
        "/v1/tasks?created_before=9999-12-31T23:59:59-23:00",
        "/v1/credits/entries?cursor=9223372036854775808",
        "/v1/tasks?unknown=1",
    ],
)
async def test_an_address_that_no_database_takes_is_refused(http: httpx.AsyncClient, path: str) -> None:
    refused(await http.get(path), 422, "invalid_request")


@pytest.mark.parametrize(
    "path", ["/v1/tasks/%FF", "/v1/tasks/" + "x" * 5_000, "/v1/tasks/..%2f..%2fetc", "/v1/types/é"]
)
async def test_what_is_nobodys_is_not_there(http: httpx.AsyncClient, path: str) -> None:
    response = await http.get(path)
    assert response.status_code == 404, response.text
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ["", "x" * 257, "a\tb", "ü"])
async def test_an_idempotency_key_is_printable(http: httpx.AsyncClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode("latin-1"))]
    response = await http.post("/v1/tasks", json=QUICKSTART, headers=headers)
    refused(response, 422, "invalid_request")


async def test_too_many_requests_wait_as_long_as_they_are_told(
    app: FastAPI, http: httpx.AsyncClient, connect: Connect
) -> None:
    now = [0.0]
    limit = RateLimit(60, 3, now=lambda: now[0])
    object.__setattr__(app.state.context, "limit", limit)
    assert [(await http.get("/v1/credits")).status_code for _ in range(3)] == [200] * 3
    response = await http.get("/v1/credits")
    assert "try again in 1 s" in refused(response, 429, "rate_limited")
    assert response.headers["retry-after"] == "1"
    async with connect() as other:
        assert (await other.get("/v1/credits")).status_code == 200
    now[0] += 1
    assert [(await http.get("/v1/credits")).status_code for _ in "12"] == [200, 429]


async def test_whoever_guesses_keys_or_passwords_is_slowed_down(app: FastAPI, http: httpx.AsyncClient) -> None:
    strangers = RateLimit(60, 2, now=lambda: 0.0)
    object.__setattr__(app.state.context, "strangers", strangers)
    guess: dict[str, Any] = {"headers": {"Authorization": "Bearer csk_guess"}}
    assert [(await http.get("/v1/tasks", **guess)).status_code for _ in "123"] == [401, 401, 429]
    login = {"email": "a@example.com", "password": "guess"}
    assert [(await http.post("/v1/auth/login", json=login)).status_code for _ in "123"] == [401, 401, 429]
    assert (await http.get("/v1/tasks")).status_code == 200


async def test_pages_of_other_origins_may_not_call(http: httpx.AsyncClient) -> None:
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    refused(await http.options("/v1/tasks", headers=preflight), 405, "method_not_allowed")
    response = await http.get("/v1/types", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


async def test_other_methods_are_refused(http: httpx.AsyncClient) -> None:
    for method in ("PUT", "PATCH", "TRACE", "BREW"):
        refused(await http.request(method, "/v1/tasks"), 405, "method_not_allowed")
    assert (await http.head("/v1/tasks")).status_code == 405


async def test_metrics_count_routes_not_addresses(http: httpx.AsyncClient) -> None:
    await http.post("/v1/tasks", json=QUICKSTART)
    await http.get("/v1/tasks/nothing")
    await http.get("/v1/nowhere")
    text = (await http.get("/metrics")).text
    for line in (
        'intermezzo_http_requests_total{method="POST",route="/v1/tasks",status="201"} 1.0',
        'intermezzo_http_requests_total{method="GET",route="/v1/tasks/{task_id}",status="404"} 1.0',
        'intermezzo_http_requests_total{method="GET",route="none",status="404"} 1.0',
        'intermezzo_open_tasks{mode="live"} 1.0',
        "intermezzo_claims 0.0",
        "intermezzo_webhook_lag_seconds 0.0",
    ):
        assert line in text, text
    assert "nothing" not in text
    assert (await http.get("/health")).json() == (await http.get("/ready")).json() == {"status": "ok"}
