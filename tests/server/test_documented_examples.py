"""Everything that `crowdsorcerer.txt` sends over HTTP works; the requests are parsed from its text."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.conftest import Connect, refused

TEXT = Path(__file__).with_name("crowdsorcerer.txt").read_text(encoding="utf-8")
ADDRESS = "https://crowdsourcerer.rebaselabs.online"
PRIMITIVES = {"llm_generate", "data_transform", "web_research", "document_parse", "pii_detect", "code_execute"}


def json_after(text: str, start: int) -> Any:
    """The JSON object that begins at or after a place, without its comments."""
    plain = re.sub(r"\s+// .*", "", text[text.index("{", start) :])
    return json.JSONDecoder().raw_decode(plain)[0]


def examples() -> list[dict[str, Any]]:
    """The examples of the types: of primitives and of human tasks."""
    return [json_after(TEXT, match.start()) for match in re.finditer(r"Example\n\{", TEXT)]


async def test_the_curl_line_posts_a_task(http: httpx.AsyncClient) -> None:
    [line] = re.findall(r"curl .*?\}'", TEXT, re.DOTALL)
    words = shlex.split(line.replace("\\\n", " "))
    headers = dict(words[index + 1].split(": ", 1) for index, word in enumerate(words) if word == "-H")
    method, body = words[words.index("-X") + 1], words[words.index("-d") + 1]
    [address] = [word for word in words if word.startswith(ADDRESS)]
    assert headers.pop("Authorization") == "Bearer csk_YOUR_KEY"
    response = await http.request(method, address.removeprefix(ADDRESS), content=body, headers=headers)
    assert response.status_code == 201, response.text
    assert response.json()["assignments_required"] == 3


async def test_the_task_to_submit_is_taken_with_all_of_its_options(http: httpx.AsyncClient) -> None:
    body = json_after(TEXT, TEXT.index("Submit a task\nPOST /v1/tasks"))
    assert body["webhook_url"] == "https://..."
    task = (await http.post("/v1/tasks", json={**body, "webhook_url": "https://example.com/hook"})).json()
    assert (task["priority"], task["assignments_required"]) == ("normal", 3)


async def test_a_polled_task_has_every_field_that_is_told(http: httpx.AsyncClient) -> None:
    told = json_after(TEXT.replace("[...]", "[]"), TEXT.index("// Response when completed:"))
    [example] = [one for one in examples() if one["type"] == "label_text"]
    task = (await http.post("/v1/tasks", json=example)).json()
    polled = (await http.get(f"/v1/tasks/{task['task_id']}")).json()
    assert told.keys() - polled.keys() == set()


@pytest.mark.parametrize("example", examples(), ids=lambda example: example["type"])
async def test_every_type_is_taken_or_refused_as_told(http: httpx.AsyncClient, example: dict[str, Any]) -> None:
    response = await http.post("/v1/tasks", json=example)
    if example["type"] in PRIMITIVES:
        assert "/v1/pipelines" in refused(response, 422, "not_a_human_task")
    else:
        assert response.status_code == 201, response.text


def test_there_are_six_primitives_and_eight_human_types() -> None:
    types = [example["type"] for example in examples()]
    assert (len(types), len(set(types) - PRIMITIVES)) == (14, 8)


async def test_what_clients_leave_out_is_not_needed(http: httpx.AsyncClient, connect: Connect) -> None:
    for task in (
        {"type": "moderate_content", "input": {"content": "User-submitted post goes here", "guidelines": "..."}},
        {"type": "rate_quality", "input": {"content": "…", "criteria": "Rate the factual accuracy 1–5"}},
        {"type": "verify_fact", "input": {"claim": "The Eiffel Tower is 330 metres tall"}},
    ):
        assert (await http.post("/v1/tasks", json=task)).status_code == 201
    assert (await http.get("/v1/credits")).json()["available"] < 1_000
    async with connect(org="poor") as poor:
        poor.headers["Authorization"] = "Bearer csk_YOUR_KEY"
        refused(await poor.get("/v1/credits/balance"), 401, "not_authenticated")
