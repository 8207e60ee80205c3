"""From a task to a paid answer over HTTP alone: workers, reviews, credits, attachments, types, keys and sessions."""

import base64
from typing import Any

import httpx
import pytest

from intermezzo.access import Access
from intermezzo.store import Store
from tests.server.conftest import Connect, refused
from tests.server.test_tasks import QUICKSTART

REVIEWED: dict[str, Any] = {**QUICKSTART, "consensus_strategy": "requester_review", "assignments_required": 1}
POSITIVE = {"answer": {"category": "positive"}}


async def post(http: httpx.AsyncClient, task: dict[str, Any]) -> str:
    return (await http.post("/v1/tasks", json=task)).json()["id"]


async def answered(http: httpx.AsyncClient, worker: httpx.AsyncClient) -> tuple[str, str]:
    """A task with an answer that waits for its review: paths of the task and of the submission."""
    task_id = await post(http, REVIEWED)
    claimed = (await worker.post(f"/v1/worker/tasks/{task_id}/claim")).json()
    assert (await worker.post(f"/v1/worker/tasks/{task_id}/submit", json=POSITIVE)).status_code == 200
    task = f"/v1/tasks/{task_id}"
    return task, f"{task}/submissions/{claimed['assignment_id']}"


async def test_a_worker_finds_claims_and_answers_a_task(connect: Connect, http: httpx.AsyncClient) -> None:
    task_id = await post(http, {**QUICKSTART, "assignments_required": 1})
    async with connect(worker_id="ann") as ann:
        [offered] = (await ann.get("/v1/worker/tasks")).json()["items"]
        assert offered["id"] == task_id
        assert [control["type"] for control in offered["controls"]][-1] in {"radio", "select"}
        assert offered["answer_schema"]["properties"]["category"]["enum"] == ["positive", "negative", "neutral"]
        claimed = (await ann.post("/v1/worker/tasks/claim", json={"types": ["label_text"]})).json()
        assert (claimed["task_id"], claimed["task"]["id"]) == (task_id, task_id)
        assert (await ann.get("/v1/worker/tasks", params={"mine": True})).json()["items"][0]["id"] == task_id
        wrong = await ann.post(f"/v1/worker/tasks/{task_id}/submit", json={"answer": {"category": "no"}})
        assert "category" in refused(wrong, 422, "invalid_response")
        assert wrong.json()["errors"][0]["field"] == "category"
        for _ in "12":
            done = await ann.post(f"/v1/worker/tasks/{task_id}/submit", json=POSITIVE)
            assert done.json() == {"task_id": task_id, "status": "approved"}
        assert (await ann.post("/v1/worker/tasks/claim")).status_code == 204
        me = (await ann.get("/v1/worker/me")).json()
        assert (me["worker_id"], me["balance_credits"]) == ("ann", 2)
        assert me["profile"]["reputation"]["overall"]["tasks"] == 1
    assert (await http.get(f"/v1/tasks/{task_id}")).json()["output"]["answer"] == {"category": "positive"}


async def test_a_claim_is_given_back_or_declined(connect: Connect, http: httpx.AsyncClient) -> None:
    task_id = await post(http, QUICKSTART)
    async with connect(worker_id="ann") as ann:
        mine = f"/v1/worker/tasks/{task_id}"
        refused(await ann.post(f"{mine}/release"), 409, "claim_lost")
        first = (await ann.post(f"{mine}/claim")).json()
        assert (await ann.post(f"{mine}/claim")).json()["assignment_id"] == first["assignment_id"]
        assert (await ann.post(f"{mine}/release")).status_code == 204
        assert (await ann.post(f"{mine}/claim")).status_code == 200
        assert (await ann.post(f"{mine}/decline", json={"reason": "not my language"})).status_code == 204
        refused(await ann.post(f"{mine}/claim"), 409, "not_claimable")
        assert (await ann.get("/v1/worker/tasks")).json()["items"] == []


async def test_a_problem_is_reported(connect: Connect, http: httpx.AsyncClient) -> None:
    task_id = await post(http, QUICKSTART)
    async with connect(worker_id="ann") as ann:
        await ann.post(f"/v1/worker/tasks/{task_id}/claim")
        report = f"/v1/worker/tasks/{task_id}/report"
        refused(await ann.post(report, json={"reason": "boring"}), 422, "invalid_request")
        assert (await ann.post(report, json={"reason": "unclear", "note": "Which one?"})).status_code == 204
        refused(await ann.post(report, json={"reason": "unclear"}), 409, "claim_lost")
    happened = (await http.get(f"/v1/tasks/{task_id}/story")).json()["happened"]
    assert "reported" in [one["what"] for one in happened]


async def test_workers_have_keys_of_their_own(http: httpx.AsyncClient) -> None:
    assert "needs the scope work" in refused(await http.get("/v1/worker/me"), 403, "not_allowed")


async def test_an_approved_answer_is_paid_and_scored(connect: Connect, http: httpx.AsyncClient) -> None:
    async with connect(worker_id="ann") as ann:
        task, submission = await answered(http, ann)
        assert (await http.get(task)).json()["state"] == "submitted"
        [waiting] = (await http.get(f"{task}/submissions")).json()["items"]
        assert (waiting["status"], waiting["worker"], waiting["answer"]) == ("submitted", "ann", POSITIVE["answer"])
        approved = (await http.post(f"{submission}/approve", json={"note": "thanks", "score": 9})).json()
        assert (approved["status"], approved["note"], approved["score"]) == ("approved", "thanks", 9)
        assert (await http.post(f"{submission}/approve")).status_code == 200
        refused(await http.post(f"{submission}/reject", json={"reason": "no"}), 409, "not_reviewable")
        assert (await http.post(f"{submission}/score", json={"score": 7})).json()["score"] == 7
        assert (await http.get(task)).json()["status"] == "completed"
        assert (await ann.get("/v1/worker/me")).json()["balance_credits"] == 2
    story = (await http.get(f"{task}/story")).json()
    assert [one["what"] for one in story["happened"]][:3] == ["opened", "claimed", "submitted"]


async def test_a_rejected_answer_is_asked_of_another(connect: Connect, http: httpx.AsyncClient) -> None:
    async with connect(worker_id="ann") as ann:
        task, submission = await answered(http, ann)
        for reason in ("", "   ", "x" * 5_001):
            refused(await http.post(f"{submission}/reject", json={"reason": reason}), 422, "invalid_request")
        rejected = (await http.post(f"{submission}/reject", json={"reason": "the opposite"})).json()
        assert (rejected["status"], rejected["note"]) == ("rejected", "the opposite")
        assert (await http.get(task)).json()["state"] == "open"
        task, submission = await answered(http, ann)
        assert (await http.post(f"{submission}/dispute", json={"reason": "?"})).json()["status"] == "disputed"
        refused(await http.post(f"{submission}/score", json={"score": 11}), 422, "invalid_request")


async def test_a_tied_task_is_decided_by_its_requester(connect: Connect, http: httpx.AsyncClient) -> None:
    split = {**QUICKSTART, "assignments_required": 2, "on_split": "review", "consensus_strategy": "unanimous"}
    task_id = await post(http, split)
    refused(await http.post(f"/v1/tasks/{task_id}/decide", json=POSITIVE), 409, "not_reviewable")
    for worker, category in (("ann", "positive"), ("bob", "negative")):
        async with connect(worker_id=worker) as client:
            await client.post(f"/v1/worker/tasks/{task_id}/claim")
            await client.post(f"/v1/worker/tasks/{task_id}/submit", json={"answer": {"category": category}})
    decided = await http.post(f"/v1/tasks/{task_id}/decide", json={"answer": {"category": "neutral"}})
    assert decided.json()["output"]["answer"] == {"category": "neutral"}


async def test_credits_are_granted_and_accounted_for(connect: Connect, http: httpx.AsyncClient) -> None:
    before = (await http.get("/v1/credits")).json()
    assert before == (await http.get("/v1/credits/balance")).json()
    assert (before["available"], before["reserved"], before["total_used"], before["total_purchased"]) == (
        1_000,
        0,
        0,
        1_000,
    )
    assert (before["plan"], before["org"], before["test"]) == ("prepaid", "acme", False)
    async with connect(org="operators", scopes=("operate",)) as operator:
        grant = {"org": "acme", "credits": 10}
        for _ in "12":
            granted = await operator.post("/v1/credits/grant", json=grant, headers={"Idempotency-Key": "june"})
            assert (granted.status_code, granted.json()["available"]) == (201, 1_010)
        other = await operator.post(
            "/v1/credits/grant", json={**grant, "credits": 11}, headers={"Idempotency-Key": "june"}
        )
        refused(other, 409, "key_reused")
    await post(http, QUICKSTART)
    after = (await http.get("/v1/credits")).json()
    assert (after["available"], after["reserved"]) == (1_003, 7)
    first = (await http.get("/v1/credits/entries", params={"limit": 2})).json()
    assert [entry["move"] for entry in first["items"]] == ["reserve", "grant"]
    assert first["items"][0]["step"] == "label_text"
    rest = (await http.get("/v1/credits/entries", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert ([entry["credits"] for entry in rest["items"]], rest["next_cursor"]) == ([1_000], None)


async def test_files_are_attached_and_opened(connect: Connect, http: httpx.AsyncClient) -> None:
    task_id = await post(http, QUICKSTART)
    attachments, text = f"/v1/tasks/{task_id}/attachments", base64.b64encode(b"a,b\n1,2\n").decode()
    made = await http.post(attachments, json={"name": "t.csv", "content_base64": text})
    assert (made.status_code, made.json()["media_type"], made.json()["size_bytes"]) == (201, "text/csv", 8)
    assert (await http.get(attachments)).json()["items"] == [made.json()]
    async with connect(worker_id="ann") as ann:
        for client, path in ((http, attachments), (ann, f"/v1/worker/tasks/{task_id}/attachments")):
            opened = await client.get(f"{path}/{made.json()['id']}")
            assert opened.content == b"a,b\n1,2\n"
            assert opened.headers["content-disposition"].startswith("attachment;")
            assert opened.headers["x-content-type-options"] == "nosniff"
    for body, status in (
        ({"name": "t.csv", "content_base64": "A" * 7_000_000}, 413),
        ({"name": "t.html", "content_base64": text}, 415),
        ({"name": "t.pdf", "content_base64": text}, 415),
        ({"name": "../t.csv", "content_base64": text}, 422),
        ({"name": "t.csv", "content_base64": "not base64"}, 422),
        ({"url": "http://127.0.0.1/"}, 422),
    ):
        refused(await http.post(attachments, json=body), status, "attachment_refused")
    refused(await http.post(attachments, json={}), 422, "invalid_request")
    await http.delete(f"/v1/tasks/{task_id}")
    refused(await http.post(attachments, json={"name": "u.csv", "content_base64": text}), 409, "attachment_refused")


async def test_types_are_told_to_everybody(http: httpx.AsyncClient) -> None:
    del http.headers["authorization"]
    listed = {one["name"]: one for one in (await http.get("/v1/types")).json()["items"]}
    assert listed["label_text"]["price_credits"] == {"1": 3, "3": 7}
    for name in listed:
        sheet = (await http.get(f"/v1/types/{name}")).json()
        assert (sheet["name"], sheet["input_schema"]["type"]) == (name, "object")
    refused(await http.get("/v1/types/llm_generate"), 404, "type_not_found")


async def test_people_log_in_and_out(connect: Connect, http: httpx.AsyncClient, store: Store) -> None:
    await Access(store).add_user("ann@example.com", "correct horse battery", org="acme", role="owner")
    given = {"email": "Ann@example.com", "password": "correct horse battery"}
    wrong = await http.post("/v1/auth/login", json={**given, "password": "wrong"})
    refused(wrong, 401, "not_authenticated")
    session = (await http.post("/v1/auth/login", json=given)).json()
    assert (session["token"], session["token_type"]) == (session["access_token"], "bearer")
    headers = {"Authorization": f"Bearer {session['token']}"}
    me = (await http.get("/v1/auth/me", headers=headers)).json()
    assert (me["name"], me["org"], me["test"]) == ("ann@example.com", "acme", False)
    assert (await http.post("/v1/auth/logout", headers=headers)).status_code == 204
    refused(await http.get("/v1/auth/me", headers=headers), 401, "not_authenticated")


async def test_keys_are_made_narrower_and_revoked(connect: Connect, http: httpx.AsyncClient) -> None:
    made = (await http.post("/v1/keys", json={"name": "ci", "scopes": ["tasks:read"]})).json()
    assert made["key"].startswith("csk_")
    refused(await http.post("/v1/keys", json={"scopes": ["operate"]}), 403, "not_allowed")
    refused(await http.post("/v1/keys", json={"expires_at": "2020-01-01T00:00:00Z"}), 422, "user_error")
    refused(await http.post("/v1/keys", json={"expires_at": "0001-01-01T00:00:00+23:00"}), 422, "invalid_request")
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert (await http.get("/v1/tasks", headers=headers)).status_code == 200
    listed = (await http.get("/v1/keys")).json()["items"]
    assert [key["name"] for key in listed] == ["ci", f"key {listed[1]['prefix']}…"]
    assert all("key" not in key for key in listed)
    for _ in "12":
        assert (await http.delete(f"/v1/keys/{made['id']}")).json()["revoked_at"] is not None
    assert "was revoked" in refused(await http.get("/v1/tasks", headers=headers), 401, "not_authenticated")
    refused(await http.delete("/v1/keys/nothing"), 404, "access_key_not_found")


@pytest.mark.parametrize(("params", "page"), [({"page": 2, "page_size": 2}, 2), ({"offset": 2, "limit": 2}, 2)])
async def test_pages_are_numbered_too(http: httpx.AsyncClient, params: dict[str, int], page: int) -> None:
    await http.post("/v1/tasks/batch", json={"tasks": [QUICKSTART] * 5})
    listed = (await http.get("/v1/tasks", params=params)).json()
    told = {name: listed[name] for name in ("total", "limit", "offset", "page", "page_size", "has_next")}
    assert told == {"total": 5, "limit": 2, "offset": 2, "page": page, "page_size": 2, "has_next": True}
    assert len(listed["items"]) == 2


async def test_a_requester_sees_and_dismisses_what_workers_report(connect: Connect, http: httpx.AsyncClient) -> None:
    task_id = await post(http, QUICKSTART)
    async with connect(worker_id="ann") as ann:
        await ann.post(f"/v1/worker/tasks/{task_id}/claim")
        await ann.post(f"/v1/worker/tasks/{task_id}/report", json={"reason": "unclear", "note": "Which one?"})
    [report] = (await http.get("/v1/reports", params={"task_id": task_id})).json()["items"]
    assert (report["worker"], report["reason"], report["note"]) == ("ann", "unclear", "Which one?")
    dismiss = f"/v1/reports/{report['id']}/dismiss"
    refused(await http.post(dismiss, json={"reason": " "}), 422, "invalid_request")
    for _ in "12":
        assert (await http.post(dismiss, json={"reason": "The first one."})).status_code == 204
    assert (await http.get("/v1/reports")).json() == {"items": []}
    [report] = (await http.get("/v1/reports", params={"dismissed": True})).json()["items"]
    assert report["dismissal"] == "The first one."
    refused(await http.post("/v1/reports/nothing/dismiss", json={"reason": "x"}), 404, "report_not_found")


@pytest.mark.parametrize(("upheld", "earned"), [(True, 0), (False, 2)])
async def test_an_operator_decides_a_dispute_by_its_story(
    connect: Connect, http: httpx.AsyncClient, *, upheld: bool, earned: int
) -> None:
    async with connect(worker_id="ann") as ann, connect("ops", scopes=["operate"], name="olga") as operator:
        _, submission = await answered(http, ann)
        await http.post(f"{submission}/dispute", json={"reason": "the opposite"})
        [dispute] = (await operator.get("/v1/disputes")).json()["items"]
        assert (dispute["worker"], dispute["reason"], dispute["upheld"]) == ("ann", "the opposite", None)
        about = (await operator.get(f"/v1/disputes/{dispute['id']}/story")).json()
        assert (about["input"]["text"], about["parts"][0]["answer"]) == (
            QUICKSTART["input"]["text"],
            POSITIVE["answer"],
        )
        for _ in "12":
            ruling = {"upheld": upheld, "note": "read it twice"}
            decided = (await operator.post(f"/v1/disputes/{dispute['id']}/resolve", json=ruling)).json()
            assert (decided["upheld"], decided["resolved_by"]) == (upheld, "olga")
        other = await operator.post(f"/v1/disputes/{dispute['id']}/resolve", json={"upheld": not upheld})
        refused(other, 409, "not_reviewable")
        assert (await ann.get("/v1/worker/me")).json()["balance_credits"] == earned
