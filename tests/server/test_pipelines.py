"""Pipelines over HTTP: stored, priced, drawn and run; runs seen, followed, cancelled and retried."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from intermezzo import journal, ledger
from intermezzo.access import Access
from intermezzo.flows import run_orders
from intermezzo.flows.run_orders import record_failure, record_output
from intermezzo.flows.settling import settle
from intermezzo.human_steps.native_types import label_text
from intermezzo.journal import RecordedError, RunState
from intermezzo.ledger import Payer
from intermezzo.server import create_app, listening
from intermezzo.server.pipeline_examples import PIPELINE_YAML
from intermezzo.store import Store, new_id, utc_now
from tests.desk import LEASE, Desk
from tests.server.conftest import Connect, refused
from tests.server.memory_launcher import MemoryLauncher
from tests.server.test_events import events

LABELS: dict[str, Any] = {
    "name": "labels",
    "description": "One label for each text.",
    "budget": 500,
    "input": {
        "type": "object",
        "required": ["texts"],
        "properties": {"texts": {"type": "array", "items": {"type": "string"}, "maxItems": 100}},
    },
    "steps": [
        {
            "id": "label",
            "type": "label_text",
            "for_each": "${ input.texts }",
            "input": {"text": "${ item }", "categories": ["good", "bad"]},
        }
    ],
}
INPUT = {"input": {"texts": ["fine", "poor"]}}
YAML = {"Content-Type": "application/yaml"}


async def start(http: httpx.AsyncClient, **body: Any) -> str:
    """A run of the pipeline, which is stored if it was not."""
    assert (await http.post("/v1/pipelines", json=LABELS)).status_code == 201
    response = await http.post("/v1/pipelines/labels/runs", json={**INPUT, **body})
    assert response.status_code == 201, response.text
    return response.json()["id"]


def at_work(store: Store, run_id: str, *, test: bool = False) -> Desk:
    """An attempt of the run, as the engine makes it."""
    desk = Desk(store, granted=0, test=test)
    desk.facts = replace(desk.facts, id=run_id)
    desk.claim = desk.attempt()
    return desk


def ask_people(desk: Desk, text: str) -> str:
    """Make the human call of the pipeline's step; returns the id of its task."""
    step = label_text.with_options(name="label")
    input = step.parse(text=text, categories=["good", "bad"])
    call = journal.NewCall(
        id=new_id(), reservation_id=new_id(), step="label", key=text, kind="human", price_credits=step.price(input)
    )
    task = step.new_task(input, id=call.reservation_id, call_id=call.id, run_id=desk.facts.id)
    desk.open([call], [task], at=utc_now())
    return task.id


def end(store: Store, run_id: str, state: RunState) -> None:
    """End a run as the engine does."""
    store.write_now(lambda c: settle(c, run_id, state, at=utc_now()))


async def test_documents_are_kept_in_versions(http: httpx.AsyncClient) -> None:
    first = (await http.post("/v1/pipelines", json=LABELS)).json()
    assert (first["name"], first["version"], first["document"]) == ("labels", 1, LABELS)
    again = await http.post("/v1/pipelines", content=json.dumps(LABELS, indent=4))
    assert again.json() == first
    second = (await http.post("/v1/pipelines", json={**LABELS, "version": "b", "budget": 9})).json()
    assert (second["version"], second["label"]) == (2, "b")
    yaml = await http.post("/v1/pipelines", content=PIPELINE_YAML, headers=YAML)
    assert (yaml.status_code, yaml.json()["name"]) == (201, "sentiment")

    assert (await http.get("/v1/pipelines/labels")).json() == second
    assert (await http.get("/v1/pipelines/labels/versions/1")).json() == first
    listed = (await http.get("/v1/pipelines", params={"limit": 1})).json()
    assert ([one["version"] for one in listed["items"]], listed["next_cursor"]) == ([2], "labels")
    rest = (await http.get("/v1/pipelines", params={"cursor": listed["next_cursor"]})).json()
    assert ([one["name"] for one in rest["items"]], rest["next_cursor"]) == (["sentiment"], None)
    newest = (await http.get("/v1/pipelines/labels/versions", params={"limit": 1})).json()
    assert (newest["items"][0]["version"], newest["next_cursor"]) == (2, 2)
    older = (await http.get("/v1/pipelines/labels/versions", params={"cursor": 2})).json()
    assert ([one["version"] for one in older["items"]], older["next_cursor"]) == ([1], None)
    for path in ("nothing", "nothing/versions", "labels/versions/3", "nothing/graph"):
        refused(await http.get(f"/v1/pipelines/{path}"), 404, "pipeline_not_found")


async def test_everything_that_is_wrong_is_told_with_its_place(http: httpx.AsyncClient) -> None:
    written = "name: x\nsteps:\n  - id: a\n    type: label_txt\n  - id: b\n    type: pii_detect\n    input: {txt: hi}\n"
    response = await http.post("/v1/pipelines", content=written, headers=YAML)
    detail = refused(response, 422, "invalid_pipeline")
    assert "4:11: steps.a.type: there is no step type 'label_txt'; did you mean 'label_text'?" in detail
    flaws = response.json()["errors"]
    assert [(flaw["field"], flaw["line"], flaw["column"]) for flaw in flaws] == [
        ("steps.a.type", 4, 11),
        ("steps.b.input", 7, 12),
        ("steps.b.input", 7, 13),
    ]
    json_flaws = await http.post("/v1/pipelines", content='{"name": "x",\n "steps": []}')
    assert (json_flaws.json()["errors"][0]["line"], json_flaws.json()["errors"][0]["field"]) == (2, "steps")
    assert (await http.get("/v1/pipelines")).json()["items"] == []


@pytest.mark.parametrize(
    ("content", "kind", "status", "said"),
    [
        ("name: x", "application/json", 422, "the body is not JSON"),
        ("[" * 100_000, "application/json", 422, "the body is not JSON"),
        (b"\xff", "application/yaml", 422, "the body is not UTF-8"),
        ("", "application/yaml", 422, "the document is empty"),
        ("{}", "text/html", 415, "expected application/json or application/yaml, got 'text/html'"),
        (json.dumps({**LABELS, "name": "runs"}), "application/json", 422, "'runs' is an address of this API"),
        (json.dumps({**LABELS, "description": "\ud800"}), "application/json", 422, "half of a surrogate pair"),
        ('{"name": "x", "name": "y"}', "application/json", 422, "'name' is given twice"),
        (json.dumps({**LABELS, "description": "a" * 300_000}), "application/json", 422, "larger than 256 KB"),
    ],
)
async def test_what_is_no_document_is_refused(
    http: httpx.AsyncClient, content: str | bytes, kind: str, status: int, said: str
) -> None:
    response = await http.post("/v1/pipelines", content=content, headers={"Content-Type": kind})
    assert response.status_code == status, response.text
    assert said in response.json()["detail"]


async def test_a_price_is_told_before_anything_is_spent_or_stored(http: httpx.AsyncClient) -> None:
    for document in (LABELS, json.dumps(LABELS)):
        made = await http.post("/v1/pipelines/estimate", json={"document": document, **INPUT})
        assert made.json()["credits"] == {"minimum": 6, "expected": 6, "maximum": 6}, made.text
    assert (await http.get("/v1/pipelines")).json()["items"] == []
    refused(await http.post("/v1/pipelines/estimate", json={"document": {"name": "x"}}), 422, "invalid_pipeline")

    await http.post("/v1/pipelines", json=LABELS)
    unknown = (await http.post("/v1/pipelines/labels/estimate")).json()
    assert unknown["credits"] == {"minimum": 0, "expected": 30, "maximum": 300}
    assert unknown["budget_credits"] == 500
    assumed = await http.post("/v1/pipelines/labels/estimate", json={"assume": {"label": 2}})
    assert assumed.json()["credits"]["expected"] == 6
    assert assumed.json()["steps"][0]["assumption"] == "2 calls, as given"
    for assume, said in (({"x": 1}, "there is no step 'x'"), ({"label": 1e6}, "at most 1,000 calls")):
        wrong = await http.post("/v1/pipelines/labels/estimate", json={"assume": assume})
        assert said in refused(wrong, 422, "invalid_input")
    wrong = await http.post("/v1/pipelines/labels/estimate", json={"input": {"texts": 7}})
    assert "texts: 7 is not of type 'array'" in refused(wrong, 422, "invalid_input")
    assert (await http.get("/v1/credits/balance")).json()["reserved"] == 0


async def test_a_pipeline_is_drawn_and_documents_have_a_schema(http: httpx.AsyncClient) -> None:
    await http.post("/v1/pipelines", json={**LABELS, "description": "<script>alert(1)</script>"})
    drawn = await http.get("/v1/pipelines/labels/graph")
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "default-src 'none'" in drawn.headers["content-security-policy"]
    assert drawn.text.startswith("<svg")
    assert "label_text" in drawn.text
    assert "<script" not in drawn.text
    schema = await http.get("/v1/pipelines/schema", headers={"Authorization": ""})
    assert schema.headers["content-type"] == "application/schema+json"
    assert schema.json()["required"] == ["name", "steps"]


async def test_a_run_is_started_once_and_keeps_its_version(http: httpx.AsyncClient, launcher: MemoryLauncher) -> None:
    await http.post("/v1/pipelines", json=LABELS)
    body = {**INPUT, "budget_credits": 20}
    key = {"Idempotency-Key": "one"}
    first = (await http.post("/v1/pipelines/labels/runs", json=body, headers=key)).json()
    assert (first["state"], first["version"], first["budget_credits"]) == ("scheduled", 1, 20)
    assert (first["input"], first["output"], first["calls"]) == (INPUT["input"], None, [])
    assert launcher.states == {first["id"]: "Scheduled"}

    await http.post("/v1/pipelines", json={**LABELS, "budget": 10})
    again = await http.post("/v1/pipelines/labels/runs", json=body, headers=key)
    assert (again.status_code, again.json()) == (201, first)
    other = await http.post("/v1/pipelines/labels/runs", json=INPUT, headers=key)
    refused(other, 409, "key_reused")
    newest = (await http.post("/v1/pipelines/labels/runs", json=body)).json()
    assert (newest["version"], newest["budget_credits"]) == (2, 10)
    older = (await http.post("/v1/pipelines/labels/runs", json={**INPUT, "version": 1})).json()
    assert (older["version"], older["budget_credits"]) == (1, 500)
    assert set(launcher.states) == {first["id"], newest["id"], older["id"]}


async def test_who_asks_twice_at_once_gets_one_run(http: httpx.AsyncClient, launcher: MemoryLauncher) -> None:
    await http.post("/v1/pipelines", json=LABELS)
    key = {"Idempotency-Key": "at once"}
    asked = [http.post("/v1/pipelines/labels/runs", json=INPUT, headers=key) for _ in range(20)]
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["id"] for answer in answers} == set(launcher.states)
    assert len(launcher.states) == 1


async def test_what_cannot_run_is_refused(http: httpx.AsyncClient, launcher: MemoryLauncher) -> None:
    await http.post("/v1/pipelines", json=LABELS)
    wrong = await http.post("/v1/pipelines/labels/runs", json={"input": {"texts": "x"}})
    assert "texts: 'x' is not of type 'array'" in refused(wrong, 422, "invalid_input")
    missing = await http.post("/v1/pipelines/labels/runs")
    assert "'texts' is a required property" in refused(missing, 422, "invalid_input")
    for path, body in (("nothing", {}), ("labels", {"version": 7})):
        refused(await http.post(f"/v1/pipelines/{path}/runs", json=body), 404, "pipeline_not_found")
    refused(await http.post("/v1/pipelines/labels/runs", json={"budget_credits": -1}), 422, "invalid_request")
    assert launcher.states == {}


async def test_nothing_is_left_of_a_run_that_could_not_be_started(
    http: httpx.AsyncClient, launcher: MemoryLauncher, store: Store
) -> None:
    await http.post("/v1/pipelines", json=LABELS)
    launcher.reachable = False
    key = {"Idempotency-Key": "one"}
    response = await http.post("/v1/pipelines/labels/runs", json=INPUT, headers=key)
    refused(response, 503, "runs_unavailable")
    assert response.headers["retry-after"] == "5"
    assert store.read_now(lambda c: run_orders.unstarted(c, before=utc_now())) == []
    launcher.reachable = True
    assert (await http.post("/v1/pipelines/labels/runs", json=INPUT, headers=key)).status_code == 201
    assert len(launcher.states) == 1


async def test_a_server_without_prefect_shows_runs_and_starts_none(http: httpx.AsyncClient, store: Store) -> None:
    run_id = await start(http)
    transport = httpx.ASGITransport(create_app(store))
    async with httpx.AsyncClient(transport=transport, base_url="http://other", headers=http.headers) as other:
        assert (await other.get(f"/v1/pipelines/runs/{run_id}")).json()["state"] == "scheduled"
        for path in ("labels/runs", f"runs/{run_id}/cancel", f"runs/{run_id}/retry"):
            response = await other.post(f"/v1/pipelines/{path}", json=INPUT)
            assert "started as `intermezzo serve`" in refused(response, 503, "runs_unavailable")


async def test_a_run_tells_its_calls_tasks_and_credits(http: httpx.AsyncClient, store: Store) -> None:
    run_id = await start(http)
    desk = at_work(store, run_id)
    spent = desk.call(price=5)
    desk.close(spent, output='"done"')
    failed = desk.call(price=3)
    desk.close(failed, error=RecordedError("StepFailed", "ValueError", "no").encode())
    task_id = ask_people(desk, "fine")
    run = (await http.get(f"/v1/pipelines/runs/{run_id}")).json()
    assert (run["state"], run["credits_used"], run["credits_reserved"]) == ("active", 5, 3)
    calls = {call["id"]: call for call in run["calls"]}
    assert (calls[spent.id]["state"], calls[spent.id]["price_credits"], calls[spent.id]["error"]) == (
        "completed",
        5,
        None,
    )
    assert (calls[failed.id]["state"], calls[failed.id]["error"]) == (
        "failed",
        {"type": "ValueError", "message": "no"},
    )
    [human] = [call for call in run["calls"] if call["kind"] == "human"]
    assert (human["step"], human["state"], human["task_id"]) == ("label", "open", task_id)
    assert (await http.get(f"/v1/tasks/{task_id}")).json()["run_id"] == run_id
    assert {step["step"]: step["credits_reserved"] for step in run["steps"]}["label"] == 3

    paged: list[str] = []
    params: dict[str, Any] = {"limit": 1}
    while len(paged) < 10:
        page = (await http.get(f"/v1/pipelines/runs/{run_id}/calls", params=params)).json()
        paged += [call["id"] for call in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert paged == [call["id"] for call in run["calls"]]
    refused(await http.get(f"/v1/pipelines/runs/{run_id}/calls", params={"cursor": "x"}), 404, "run_not_found")


async def test_a_completed_run_has_its_output_and_a_failed_one_its_error(http: httpx.AsyncClient, store: Store) -> None:
    completed, failed, crashed = [await start(http) for _ in range(3)]
    store.write_now(lambda c: record_output(c, completed, {"labels": ["gut", "schön"]}))
    assert (await http.get(f"/v1/pipelines/runs/{completed}")).json()["output"] is None
    store.write_now(lambda c: record_failure(c, failed, ValueError("no luck")))
    for run_id, state in ((completed, "completed"), (failed, "failed"), (crashed, "crashed")):
        end(store, run_id, state)  # pyright: ignore[reportArgumentType]
    done = (await http.get(f"/v1/pipelines/runs/{completed}")).json()
    assert (done["state"], done["output"], done["error"]) == ("completed", {"labels": ["gut", "schön"]}, None)
    assert done["closed_at"] >= done["created_at"]
    lost = (await http.get(f"/v1/pipelines/runs/{failed}")).json()
    assert (lost["state"], lost["output"], lost["error"]) == (
        "failed",
        None,
        {"type": "ValueError", "message": "no luck"},
    )
    dead = (await http.get(f"/v1/pipelines/runs/{crashed}")).json()
    assert (dead["state"], dead["error"]["type"]) == ("failed", "RunCrashed")


async def test_runs_are_listed_page_by_page_and_by_what_they_are(http: httpx.AsyncClient, store: Store) -> None:
    ids = [await start(http) for _ in range(3)]
    await http.post("/v1/pipelines", json={**LABELS, "name": "others"})
    ids.append((await http.post("/v1/pipelines/others/runs", json=INPUT)).json()["id"])
    end(store, ids[0], "crashed")
    desk = at_work(store, ids[1])
    desk.close(desk.call(price=5), output="1")

    async def listed(**params: Any) -> list[str]:
        return [run["id"] for run in (await http.get("/v1/pipelines/runs", params=params)).json()["items"]]

    assert await listed() == ids[::-1]
    first = (await http.get("/v1/pipelines/runs", params={"limit": 2})).json()
    assert [run["id"] for run in first["items"]] == ids[:1:-1]
    assert await listed(cursor=first["next_cursor"]) == ids[1::-1]
    assert await listed(state="failed") == [ids[0]]
    assert await listed(state=["failed", "active"]) == [ids[1], ids[0]]
    assert await listed(pipeline="others") == [ids[3]]
    assert await listed(version=2) == []
    middle = (await http.get(f"/v1/pipelines/runs/{ids[1]}")).json()
    assert await listed(created_after=middle["created_at"]) == [ids[3], ids[2]]
    assert await listed(created_before=middle["created_at"]) == [ids[0]]
    [line] = [run for run in (await http.get("/v1/pipelines/runs")).json()["items"] if run["id"] == ids[1]]
    assert {**middle, **line} == middle
    assert line["credits_used"] == 5
    refused(await http.get("/v1/pipelines/runs", params={"cursor": "x"}), 404, "run_not_found")
    refused(await http.get("/v1/pipelines/runs", params={"colour": "red"}), 422, "invalid_request")
    refused(await http.get("/v1/pipelines/runs/nothing"), 404, "run_not_found")


async def test_a_cancelled_run_gives_back_what_it_held(
    http: httpx.AsyncClient, store: Store, launcher: MemoryLauncher
) -> None:
    run_id = await start(http)
    desk = at_work(store, run_id)
    task_id = ask_people(desk, "fine")
    store.write_now(lambda c: journal.suspend_run(c, desk.claim, lease=LEASE, at=utc_now()))
    before = (await http.get("/v1/credits/balance")).json()["available"]
    for _ in range(2):
        cancelled = (await http.post(f"/v1/pipelines/runs/{run_id}/cancel")).json()
        assert (cancelled["state"], cancelled["credits_reserved"]) == ("cancelled", 0)
    assert launcher.states[run_id] == "Cancelled"
    assert (await http.get(f"/v1/tasks/{task_id}")).json()["status"] == "cancelled"
    assert (await http.get("/v1/credits/balance")).json()["available"] == before + 3


async def test_that_a_run_shall_be_cancelled_is_kept_when_prefect_is_away(
    http: httpx.AsyncClient, launcher: MemoryLauncher
) -> None:
    run_id = await start(http)
    launcher.reachable = False
    asked = (await http.post(f"/v1/pipelines/runs/{run_id}/cancel")).json()
    assert (asked["state"], asked["cancel_requested"]) == ("scheduled", True)


async def test_a_failed_run_is_retried_from_the_call_that_failed(
    http: httpx.AsyncClient, store: Store, launcher: MemoryLauncher
) -> None:
    run_id = await start(http)
    refused(await http.post(f"/v1/pipelines/runs/{run_id}/retry"), 409, "run_not_retryable")
    desk = at_work(store, run_id)
    good, bad = desk.call(price=5), desk.call(price=3)
    desk.close(good, output="1")
    desk.close(bad, error=RecordedError("StepFailed", "ValueError", "no").encode())
    store.write_now(lambda c: record_failure(c, run_id, ValueError("no")))
    end(store, run_id, "failed")

    launcher.reachable = False
    refused(await http.post(f"/v1/pipelines/runs/{run_id}/retry"), 503, "runs_unavailable")
    end(store, run_id, "failed")  # as the reconciler does, since Prefect says so
    launcher.reachable = True
    answers = await asyncio.gather(*[http.post(f"/v1/pipelines/runs/{run_id}/retry") for _ in range(5)])
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409, 409]
    assert launcher.states[run_id] == "AwaitingRetry"
    run = (await http.get(f"/v1/pipelines/runs/{run_id}")).json()
    assert (run["state"], run["error"], run["closed_at"]) == ("scheduled", None, None)
    assert {call["id"]: call["state"] for call in run["calls"]} == {good.id: "completed", bad.id: "void"}


async def test_who_waits_hears_of_the_end(http: httpx.AsyncClient, store: Store) -> None:
    run_id = await start(http)
    early = await http.get(f"/v1/pipelines/runs/{run_id}/wait", params={"timeout": 0.1})
    assert early.json()["state"] == "scheduled"
    waiting = asyncio.create_task(http.get(f"/v1/pipelines/runs/{run_id}/wait", params={"timeout": 60}))
    await asyncio.sleep(0.1)
    end(store, run_id, "completed")
    async with asyncio.timeout(20):
        assert (await waiting).json()["state"] == "completed"


async def test_a_run_is_followed_from_its_beginning_to_its_end(store: Store, launcher: MemoryLauncher) -> None:
    token, _ = await Access(store).create_key("acme")
    await store.write(lambda c: ledger.grant(c, Payer("acme"), 100, subject=new_id(), at=utc_now()))
    async with (
        listening(store, launcher=launcher) as address,
        httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}) as http,
    ):
        run_id = await start(http)
        async with http.stream("GET", f"/v1/pipelines/runs/{run_id}/events") as response:
            told = events(response.aiter_lines())
            assert (await anext(told))["event"] == "run.scheduled"
            desk = at_work(store, run_id)
            task_id = ask_people(desk, "fine")
            end(store, run_id, "cancelled")
            async with asyncio.timeout(20):
                rest = [event async for event in told]
        assert [event["event"] for event in rest[:2]] == ["run.started", "task.opened"]
        assert {event["event"] for event in rest[2:-1]} == {"task.closed", "call.closed"}
        assert rest[-1]["event"] == "run.closed"
        assert rest[-1]["data"]["detail"] == {"state": "cancelled"}
        assert {event["data"]["run_id"] for event in rest} == {run_id}
        about = [event["data"] for event in rest if not event["event"].startswith("run.")]
        assert {(data["step"], data["task_id"]) for data in about} == {("label", task_id)}
        after = {"Last-Event-ID": rest[1]["id"]}
        async with http.stream("GET", f"/v1/pipelines/runs/{run_id}/events", headers=after) as response:
            again = [event["id"] async for event in events(response.aiter_lines())]
            assert set(again) >= {event["id"] for event in rest[2:]}


async def test_test_and_live_pipelines_are_apart(connect: Connect) -> None:
    async with connect() as live, connect(test=True) as test:
        run_id = await start(test)
        assert (await live.get("/v1/pipelines")).json()["items"] == []
        assert (await live.post("/v1/pipelines", json={**LABELS, "budget": 7})).json()["version"] == 1
        assert (await test.get("/v1/pipelines/labels")).json()["document"]["budget"] == 500
        refused(await live.get(f"/v1/pipelines/runs/{run_id}"), 404, "run_not_found")
