"""`/v1/tasks` as the documents tell it, and everything that can be wrong with a request."""

import asyncio
from typing import Any

import httpx
import pytest

from intermezzo.human_steps.inbox import Inbox
from intermezzo.store import Store
from tests.server.conftest import Connect, refused

QUICKSTART: dict[str, Any] = {
    "type": "label_text",
    "input": {
        "text": "The new iPhone is great!",
        "categories": ["positive", "negative", "neutral"],
        "question": "What is the sentiment?",
    },
    "assignments_required": 3,
    "consensus_strategy": "majority_vote",
    "claim_timeout_minutes": 60,
    "priority": "normal",
}


async def answer(store: Store, task_id: str, *workers: str) -> None:
    inbox = Inbox(store)
    for worker in workers:
        await inbox.claim(worker, task_id)
        await inbox.submit(worker, task_id, {"category": "positive"})


async def test_the_quickstart_posts_answers_and_polls(http: httpx.AsyncClient, store: Store) -> None:
    posted = await http.post("/v1/tasks", json=QUICKSTART)
    assert posted.status_code == 201, posted.text
    task = posted.json()
    assert task["id"] == task["task_id"]
    assert (task["status"], task["execution_mode"], task["output"]) == ("open", "human", None)
    assert (task["estimated_credits"], task["credits_used"]) == (7, 0)
    waiting = asyncio.create_task(http.get(f"/v1/tasks/{task['id']}/wait", params={"timeout": 30}))
    await answer(store, task["id"], "ann", "bob", "cy")
    done = (await http.get(f"/v1/tasks/{task['id']}")).json()
    assert (await waiting).json() == done
    assert done["status"] == "completed"
    assert done["output"]["summary"] == "positive (3/3 workers agree)"
    assert [one["worker"] for one in done["output"]["raw"]["submissions"]] == ["ann", "bob", "cy"]
    assert (done["credits_used"], done["assignments_required"], done["assignments_completed"]) == (7, 3, 3)
    assert done["completed_at"].endswith("Z")


async def test_the_same_request_with_the_same_key_is_the_same_task(http: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first, again = [(await http.post("/v1/tasks", json=QUICKSTART, headers=headers)).json() for _ in "12"]
    assert first["id"] == again["id"]
    other = await http.post("/v1/tasks", json={**QUICKSTART, "priority": "high"}, headers=headers)
    assert "'order-1' was used for another request" in refused(other, 409, "key_reused")


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ({}, "invalid_request", "type: field required"),
        ({"type": "label_text", "input": []}, "invalid_request", "input: "),
        ({"type": "label_text", "input": {}}, "invalid_input", "text: "),
        ({"type": "nonsense", "input": {}}, "definition_error", "no step type 'nonsense'"),
        ({"type": "llm_generate", "input": {}}, "not_a_human_task", "POST /v1/pipelines"),
        ({**QUICKSTART, "assignments_required": 21}, "definition_error", "from 1 to 20, got 21"),
        ({**QUICKSTART, "assignments_requierd": 3}, "invalid_input", "assignments_requierd: unknown field"),
        ({**QUICKSTART, "webhook_url": "ftp://x"}, "invalid_request", "webhook_url: "),
    ],
)
async def test_what_cannot_be_posted_is_refused_by_name(
    http: httpx.AsyncClient, body: dict[str, Any], code: str, said: str
) -> None:
    assert said in refused(await http.post("/v1/tasks", json=body), 422, code)
    assert (await http.get("/v1/tasks")).json()["items"] == []


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[1]", b'"text"', b"null", b'{"type": "\\ud800"}'])
async def test_what_is_no_task_at_all_is_refused(http: httpx.AsyncClient, body: bytes) -> None:
    refused(
        await http.post("/v1/tasks", content=body, headers={"Content-Type": "application/json"}), 422, "invalid_request"
    )


async def test_a_batch_is_posted_whole_or_not_at_all(http: httpx.AsyncClient) -> None:
    posted = await http.post("/v1/tasks/batch", json={"tasks": [QUICKSTART] * 50})
    assert len(set(posted.json()["task_ids"])) == 50
    without_text: dict[str, Any] = {**QUICKSTART, "input": {}}
    broken = await http.post("/v1/tasks/batch", json={"tasks": [QUICKSTART, without_text]})
    assert refused(broken, 422, "invalid_input").startswith("tasks.1: ")
    assert "needs 700 credits and has 650" in refused(
        await http.post("/v1/tasks/batch", json={"tasks": [QUICKSTART] * 100}), 402, "insufficient_credits"
    )
    refused(await http.post("/v1/tasks/batch", json={"tasks": []}), 422, "invalid_request")
    page = (await http.get("/v1/tasks", params={"limit": 100})).json()
    assert (len(page["items"]), page["next_cursor"]) == (50, None)


async def test_pages_follow_one_another(http: httpx.AsyncClient) -> None:
    ids = [(await http.post("/v1/tasks", json=QUICKSTART)).json()["id"] for _ in range(5)]
    found: list[str] = []
    cursor = None
    while True:
        params = {"limit": 2, "status": "open", **({"cursor": cursor} if cursor else {})}
        page = (await http.get("/v1/tasks", params=params)).json()
        found += [task["id"] for task in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
    assert found == ids[::-1]
    refused(await http.get("/v1/tasks", params={"status": "done"}), 422, "invalid_request")
    refused(await http.get("/v1/tasks", params={"limit": 0}), 422, "invalid_request")
    refused(await http.get("/v1/tasks", params={"cursor": "nothing"}), 404, "human_task_not_found")


async def test_a_task_is_cancelled_in_both_ways(http: httpx.AsyncClient) -> None:
    first, second = [(await http.post("/v1/tasks", json=QUICKSTART)).json()["id"] for _ in "12"]
    cancelled = (await http.post(f"/v1/tasks/{first}/cancel")).json()
    assert cancelled["status"] == "cancelled"
    assert cancelled["error"].startswith("label_text: cancelled by key csk_")
    assert (await http.delete(f"/v1/tasks/{second}")).status_code == 204
    assert (await http.delete(f"/v1/tasks/{second}")).status_code == 204
    assert (await http.get(f"/v1/tasks/{second}")).json()["status"] == "cancelled"


async def test_nobody_comes_in_without_a_key(connect: Connect) -> None:
    async with connect() as http:
        for headers, said in (
            ({"Authorization": ""}, "expected the header `Authorization: Bearer KEY`"),
            ({"Authorization": "Basic eDp5"}, "expected the header"),
            ({"Authorization": "Bearer csk_wrong"}, "there is no such API key"),
        ):
            response = await http.get("/v1/tasks", headers=headers)
            assert said in refused(response, 401, "not_authenticated")
            assert response.headers["www-authenticate"] == "Bearer"


async def test_a_key_does_only_what_its_scopes_say(connect: Connect) -> None:
    async with connect(scopes=("tasks:read",)) as http:
        assert (await http.get("/v1/tasks")).status_code == 200
        assert "needs the scope tasks:write" in refused(
            await http.post("/v1/tasks", json=QUICKSTART), 403, "not_allowed"
        )


async def test_another_organisations_tasks_are_not_there(connect: Connect, http: httpx.AsyncClient) -> None:
    task_id = (await http.post("/v1/tasks", json=QUICKSTART)).json()["id"]
    for key in ({"org": "other"}, {"test": True}):
        async with connect(**key) as stranger:
            for call in (
                stranger.get(f"/v1/tasks/{task_id}"),
                stranger.get(f"/v1/tasks/{task_id}/wait", params={"timeout": 0}),
                stranger.post(f"/v1/tasks/{task_id}/cancel"),
                stranger.delete(f"/v1/tasks/{task_id}"),
                stranger.get("/v1/tasks", params={"cursor": task_id}),
            ):
                refused(await call, 404, "human_task_not_found")
            assert (await stranger.get("/v1/tasks")).json()["items"] == []
    assert (await http.get(f"/v1/tasks/{task_id}")).json()["status"] == "open"


async def test_what_is_nowhere_or_too_large_is_a_problem_too(http: httpx.AsyncClient) -> None:
    assert "described at /docs" in refused(await http.get("/v1/nothing"), 404, "not_found")
    refused(await http.put("/v1/tasks"), 405, "method_not_allowed")
    huge = await http.post("/v1/tasks", content=b"x" * 10_000_001)
    assert "at most 10,000,000 bytes" in refused(huge, 413, "payload_too_large")
