"""What happens to tasks is told as it happens, in order, and to nobody else."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from intermezzo import ledger
from intermezzo.access import Access
from intermezzo.ledger import Payer
from intermezzo.server import changes, listening
from intermezzo.server.events_api import MOST_STREAMS
from intermezzo.store import Store, new_id, utc_now
from tests.server.conftest import refused
from tests.server.test_tasks import QUICKSTART, answer

ONE = {**QUICKSTART, "assignments_required": 1}


@pytest.fixture
async def address(store: Store) -> AsyncIterator[str]:
    """A server that really listens: an ASGI transport gives an answer only when it is complete."""
    await store.write(lambda c: ledger.grant(c, Payer("acme"), 1_000, subject=new_id(), at=utc_now()))
    async with listening(store) as found:
        yield found


@asynccontextmanager
async def client(address: str, store: Store, org: str = "acme") -> AsyncGenerator[httpx.AsyncClient]:
    key, _ = await Access(store).create_key(org)
    async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=20) as opened:
        yield opened


async def events(lines: AsyncIterator[str]) -> AsyncGenerator[dict[str, Any]]:
    found: dict[str, Any] = {}
    async for line in lines:
        name, _, value = line.partition(": ")
        if not line and "data" in found:
            yield found
            found = {}
        elif name:
            found[name] = json.loads(value) if name == "data" else value


async def test_a_task_is_followed_to_its_end(address: str, store: Store) -> None:
    async with client(address, store) as http:
        task_id = (await http.post("/v1/tasks", json=ONE)).json()["id"]
        async with http.stream("GET", f"/v1/tasks/{task_id}/events") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            told = events(response.aiter_lines())
            first = await anext(told)
            assert (first["event"], first["data"]["state"]) == ("task.opened", "open")
            await answer(store, task_id, "ann")
            rest = [event async for event in told]
        names = [event["event"] for event in rest]
        assert names == ["task.claimed", "task.submitted", "task.approved", "task.closed"]
        assert {event["data"]["task_id"] for event in rest} == {task_id}
        assert rest[0]["data"]["actor"] == "ann"
        # The same again from its middle, though it is closed.
        headers = {"Last-Event-ID": rest[1]["id"]}
        async with http.stream("GET", f"/v1/tasks/{task_id}/events", headers=headers) as response:
            assert [event async for event in events(response.aiter_lines())] == [
                {**event, "data": {**event["data"], "state": "completed"}} for event in rest[2:]
            ]


async def test_all_tasks_of_one_organisation_are_followed(address: str, store: Store) -> None:
    await store.write(lambda c: ledger.grant(c, Payer("other"), 1_000, subject=new_id(), at=utc_now()))
    async with client(address, store) as http, client(address, store, "other") as other:
        before = (await http.post("/v1/tasks", json=ONE)).json()["id"]
        async with http.stream("GET", "/v1/tasks/events") as response:
            lines = response.aiter_lines()
            assert await anext(lines) == ": ping"
            told = events(lines)
            await other.post("/v1/tasks", json=ONE)
            mine = (await http.post("/v1/tasks", json=ONE)).json()["id"]
            opened = await asyncio.wait_for(anext(told), 10)
            assert (opened["event"], opened["data"]["task_id"]) == ("task.opened", mine)
            await http.delete(f"/v1/tasks/{before}")
            closed = await asyncio.wait_for(anext(told), 10)
            assert (closed["event"], closed["data"]["task_id"]) == ("task.closed", before)
        async with http.stream("GET", "/v1/tasks/events", headers={"Last-Event-ID": opened["id"]}) as response:
            seen = [event async for event in take(events(response.aiter_lines()), until=closed["id"])]
            assert {event["data"]["task_id"] for event in seen} <= {before, mine}


async def take(told: AsyncGenerator[dict[str, Any]], *, until: str) -> AsyncGenerator[dict[str, Any]]:
    async for event in told:
        yield event
        if event["id"] == until:
            return


async def test_a_stream_is_never_silent_for_long_and_ends_with_the_server(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "HEARTBEAT_SECONDS", 0.1)
    monkeypatch.setattr(changes, "POLL_SECONDS", 0.1)
    async with AsyncExitStack() as server:
        address = await server.enter_async_context(listening(store))
        async with client(address, store) as http, http.stream("GET", "/v1/tasks/events") as response:
            lines = response.aiter_lines()
            assert [await anext(lines) for _ in range(6)] == [": ping", ""] * 3
            async with asyncio.timeout(4):
                await server.aclose()
            assert {line async for line in lines} <= {": ping", ""}


async def test_streams_of_one_organisation_are_counted(address: str, store: Store) -> None:
    async with client(address, store) as http:
        refused(await http.get("/v1/tasks/events", headers={"Last-Event-ID": "x"}), 422, "invalid_request")
        streams = [http.stream("GET", "/v1/tasks/events") for _ in range(MOST_STREAMS)]
        for stream in streams:
            await stream.__aenter__()
        refused(await http.get("/v1/tasks/events"), 429, "too_many_streams")
        for stream in streams:
            await stream.__aexit__(None, None, None)
