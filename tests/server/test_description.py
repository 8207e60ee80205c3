"""The API is described completely: examples that its schemas accept for every operation, and a page without scripts."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from jsonschema import Draft202012Validator

from intermezzo.server import create_app
from intermezzo.server.description import operations
from intermezzo.server.examples import EXAMPLES
from intermezzo.store import Store
from tests.server.test_isolation import PUBLIC

Node = dict[str, Any]


@pytest.fixture(scope="module")
def openapi(sqlite_desk_store: Store) -> Node:
    return create_app(sqlite_desk_store).openapi()


def media(operation: Node) -> list[tuple[str, Node]]:
    """Bodies and answers of an operation, each with its kind."""
    holders = [("body", operation.get("requestBody", {})), *operation["responses"].items()]
    return [(kind, one) for kind, holder in holders for one in holder.get("content", {}).values()]


def test_every_body_and_every_answer_has_an_example_that_fits(openapi: Node) -> None:
    used: set[str] = set()
    for method, path, operation in operations(openapi):
        assert operation["summary"]
        assert operation["tags"]
        for kind, one in media(operation):
            where = f"{kind} of {method} {path}"
            assert "example" in one, where
            schema = {**one["schema"], "components": openapi["components"]}
            validator: Any = Draft202012Validator(schema)
            faults = [fault.message for fault in validator.iter_errors(one["example"])]
            assert not faults, where
            used |= {name for name, example in EXAMPLES.items() if example == one["example"]}
    assert EXAMPLES.keys() - used == {"TaskEvent", "RunEvent"}


def test_errors_are_problems_and_keys_are_asked_for(openapi: Node) -> None:
    for method, path, operation in operations(openapi):
        for status in ("4XX", "5XX"):
            assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
        assert ("security" in operation) == (f"{method} {path}" not in PUBLIC), path
    assert openapi["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"


def test_links_lead_from_what_is_made_to_what_can_be_done_with_it(openapi: Node) -> None:
    known = {operation["operationId"]: path for _, path, operation in operations(openapi)}
    led_to: set[str] = set()
    for _, _, operation in operations(openapi):
        for response in operation["responses"].values():
            for one in response.get("links", {}).values():
                path = known[one["operationId"]]
                assert sorted(one["parameters"]) == sorted(re.findall(r"{(\w+)}", path))
                led_to.add(path)
    assert {path for path in known.values() if "{" in path} - led_to == set()


async def test_the_page_shows_every_operation_without_scripts(app: FastAPI, http: httpx.AsyncClient) -> None:
    response = await http.get("/docs", headers={"Authorization": ""})
    assert response.headers["content-type"].startswith("text/html")
    for _, path, operation in operations(app.openapi()):
        assert path in response.text
        assert operation["summary"] in response.text
    assert "<script" not in response.text
    assert "src=" not in response.text
    assert 'href="http' not in response.text
