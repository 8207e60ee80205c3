"""`/v1/webhooks`, from the making of an endpoint to a second delivery."""

from typing import Any

import httpx
import pytest

from intermezzo.settings import settings
from intermezzo.store import Store
from intermezzo.webhooks import Deliverer
from tests.server.conftest import Connect, refused
from tests.server.test_tasks import QUICKSTART, answer
from tests.webhooks.printed import PYTHON
from tests.webhooks.receiver import running_receiver, status


@pytest.fixture
def loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_ALLOW_LOOPBACK", "1")
    settings.cache_clear()


async def test_a_task_is_told_refused_told_again_and_looked_up(
    http: httpx.AsyncClient, store: Store, loopback: None
) -> None:
    verify: dict[str, Any] = {}
    exec(PYTHON, verify)  # noqa: S102 (the documents' own code)
    async with running_receiver() as receiver:
        receiver.answer = lambda _: status(500)
        made = await http.post("/v1/webhooks", json={"url": receiver.url, "max_retries": 0})
        assert made.status_code == 201, made.text
        webhook = made.json()
        task = (await http.post("/v1/tasks", json={**QUICKSTART, "assignments_required": 1})).json()
        await answer(store, task["id"], "ann")
        await Deliverer(store).deliver()
        [told] = receiver.received
        assert told.body == b'{"task_id": "%s", "event": "task.completed"}' % task["id"].encode()
        assert verify["verify_webhook"](told.body, webhook["secret"], told.signature)
        page = (await http.get("/v1/webhooks/deliveries", params={"state": "failed", "subject": task["id"]})).json()
        [delivery] = page["items"]
        assert (delivery["id"], delivery["webhook_id"], delivery["last_status"]) == (told.id, webhook["id"], 500)
        again = await http.post(f"/v1/webhooks/deliveries/{delivery['id']}/redeliver")
        assert (again.status_code, again.json()["state"]) == (202, "pending")
        receiver.answer = lambda _: status(204)
        await Deliverer(store).deliver()
        story = (await http.get(f"/v1/webhooks/deliveries/{delivery['id']}")).json()
        assert story["delivery"]["state"] == "delivered"
        assert [one["status"] for one in story["attempts"]] == [500, 204]
        assert [one.id for one in receiver.received] == [delivery["id"]] * 2


async def test_a_webhook_is_made_changed_rotated_and_disabled(http: httpx.AsyncClient) -> None:
    made = (await http.post("/v1/webhooks", json={"url": "https://example.com/hook"})).json()
    secret, path = made.pop("secret"), f"/v1/webhooks/{made['id']}"
    assert secret.startswith("whsec_")
    assert "task.completed" in made["events"]
    assert (await http.get(path)).json() == made
    assert (await http.get("/v1/webhooks")).json() == {"items": [made]}
    changed = (await http.patch(path, json={"events": ["task.expired"], "max_retries": 5})).json()
    assert (changed["events"], changed["max_retries"], changed["url"]) == (["task.expired"], 5, made["url"])
    rotated = (await http.post(f"{path}/rotate")).json()
    assert rotated["secret"] not in ("", secret)
    assert rotated["rotated_at"] is not None
    assert (await http.post(f"{path}/test")).json()["event"] == "ping"
    assert (await http.delete(path)).status_code == 204
    assert (await http.delete(path)).status_code == 204
    assert "is disabled" in refused(await http.post(f"{path}/test"), 422, "invalid_input")
    assert (await http.patch(path, json={"disabled": False})).json()["disabled_at"] is None
    of_tasks = (await http.post("/v1/webhooks", json={})).json()
    assert (of_tasks["url"], of_tasks["secret"][:6]) == (None, "whsec_")


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        ({"url": "https://10.0.0.1/"}, "invalid_input", "url: expected a public address"),
        ({"url": "http://example.com/"}, "invalid_input", "url: expected an https address"),
        ({"url": ""}, "invalid_request", "url: "),
        ({"url": 1}, "invalid_request", "url: "),
        ({"url": "https://example.com/\0"}, "invalid_request", "url: "),
        ({"url": "https://example.com/", "events": []}, "invalid_request", "events: "),
        ({"url": "https://example.com/", "events": ["ping"]}, "invalid_request", "events.0: "),
        ({"url": "https://example.com/", "max_retries": 6}, "invalid_request", "max_retries: "),
        ({"url": "https://example.com/", "secret": "mine"}, "invalid_request", "secret: "),
    ],
)
async def test_what_no_webhook_can_be_is_refused(
    http: httpx.AsyncClient, body: dict[str, Any], code: str, said: str
) -> None:
    assert said in refused(await http.post("/v1/webhooks", json=body), 422, code)
    assert (await http.get("/v1/webhooks")).json() == {"items": []}


async def test_pages_of_deliveries_follow_one_another(http: httpx.AsyncClient) -> None:
    webhook = (await http.post("/v1/webhooks", json={"url": "https://example.com/"})).json()
    sent = [(await http.post(f"/v1/webhooks/{webhook['id']}/test")).json()["id"] for _ in range(5)]
    found: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = (await http.get("/v1/webhooks/deliveries", params=params)).json()
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert found == sent[::-1]


async def test_another_organisations_webhooks_are_not_there(connect: Connect, http: httpx.AsyncClient) -> None:
    webhook = (await http.post("/v1/webhooks", json={"url": "https://example.com/"})).json()["id"]
    delivery = (await http.post(f"/v1/webhooks/{webhook}/test")).json()["id"]
    for key in ({"org": "other"}, {"test": True}):
        async with connect(**key) as stranger:
            for call in (
                stranger.get(f"/v1/webhooks/{webhook}"),
                stranger.patch(f"/v1/webhooks/{webhook}", json={"disabled": True}),
                stranger.delete(f"/v1/webhooks/{webhook}"),
                stranger.post(f"/v1/webhooks/{webhook}/rotate"),
                stranger.post(f"/v1/webhooks/{webhook}/test"),
                stranger.get(f"/v1/webhooks/deliveries/{delivery}"),
                stranger.post(f"/v1/webhooks/deliveries/{delivery}/redeliver"),
            ):
                refused(await call, 404, "webhook_not_found")
            assert (await stranger.get("/v1/webhooks")).json() == {"items": []}
            assert (await stranger.get("/v1/webhooks/deliveries")).json()["items"] == []
    assert (await http.get(f"/v1/webhooks/{webhook}")).json()["disabled_at"] is None


async def test_webhooks_need_their_scope(connect: Connect) -> None:
    async with connect(scopes=("tasks:read", "tasks:write")) as http:
        assert "needs the scope webhooks" in refused(await http.get("/v1/webhooks"), 403, "not_allowed")
