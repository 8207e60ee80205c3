"""The API's description (OpenAPI), and the page that shows it without any other host or script."""

import json
import shlex
from collections.abc import Iterator
from copy import deepcopy
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

from intermezzo.server.examples import EXAMPLES
from intermezzo.server.links import link
from intermezzo.server.problems import MEDIA_TYPE, PROBLEMS

router = APIRouter()

_TAGS = {
    "tasks": "Ask people without a pipeline.",
    "reviews": "What workers answered, and what becomes of it.",
    "reports": "What workers found wrong with tasks.",
    "disputes": "Answers that requesters do not accept: for operators.",
    "attachments": "Files and addresses beside the form of a task.",
    "events": "What happens, as it happens (server-sent events).",
    "pipelines": "Steps of AI and people as documents: stored, priced, drawn and run.",
    "runs": "What runs of pipelines do and cost.",
    "workers": "Find, claim and answer tasks: with the key or session of a worker.",
    "webhooks": "Be told of what happens, at an address of your own.",
    "credits": "What there is to spend, and where it went.",
    "types": "What people can be asked; needs no key.",
    "access": "Keys and sessions.",
    "health": "For whoever runs the server; needs no key.",
}

Node = dict[str, Any]


def describe(app: FastAPI) -> None:
    """Let an app tell its OpenAPI with our errors and examples."""

    def openapi() -> Node:
        if app.openapi_schema is None:
            found = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                routes=app.routes,
                tags=[{"name": name, "description": about} for name, about in _TAGS.items()],
            )
            for _, _, operation in operations(found):
                _complete(operation)
            link(found)
            app.openapi_schema = found
        return app.openapi_schema

    app.openapi = openapi


def operations(openapi: Node) -> Iterator[tuple[str, str, Node]]:
    """Method, path and operation of everything there is."""
    for path, ways in openapi["paths"].items():
        for method, operation in ways.items():
            yield method.upper(), path, operation


def _complete(operation: Node) -> None:
    """Say that errors are problems, and give examples."""
    problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in PROBLEMS.keys() & operation["responses"].keys():
        operation["responses"][status]["content"] = deepcopy(problem)
    for holder in [*operation["responses"].values(), operation.get("requestBody", {})]:
        for media in holder.get("content", {}).values():
            if (name := _name(media.get("schema", {}))) in EXAMPLES:
                media["example"] = EXAMPLES[name]


def _name(schema: Node) -> str:
    """Of the model of a body, which may be left out."""
    for one in [schema, *schema.get("anyOf", [])]:
        if "$ref" in one:
            return one["$ref"].rpartition("/")[2]
    return ""


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> HTMLResponse:
    """The description as a page."""
    headers = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
    return HTMLResponse(page(request.app.openapi(), str(request.base_url).rstrip("/")), headers=headers)


def page(openapi: Node, address: str) -> str:
    """The description as HTML.

    Args:
        openapi: the description.
        address: of the server, for commands to copy.
    """
    by_tag: dict[str, list[str]] = {name: [] for name in _TAGS}
    for method, path, operation in operations(openapi):
        by_tag.setdefault(operation.get("tags", ["others"])[0], []).append(_shown(method, path, operation, address))
    parts = [
        f"<h2>{escape(tag)}</h2><p>{escape(_TAGS.get(tag, ''))}</p>{''.join(shown)}" for tag, shown in by_tag.items()
    ]
    info = openapi["info"]
    return _PAGE.format(title=escape(info["title"]), version=escape(info["version"]), body="".join(parts))


def _shown(method: str, path: str, operation: Node, address: str) -> str:
    given = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
    command = ["curl", *([] if method == "GET" else ["-X", method]), address + path]
    if operation.get("security"):
        command += ["-H", "Authorization: Bearer KEY"]
    if given is not None:
        command += ["-H", "Content-Type: application/json", "-d", _json(given)]
    parameters = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}<td>{escape(one.get('description', ''))}"
        for one in operation.get("parameters", [])
    )
    answers = "".join(_answer(status, response) for status, response in operation["responses"].items())
    return (
        f"<details><summary><b>{method}</b> <code>{escape(path)}</code> {escape(operation['summary'])}</summary>"
        f"<p>{escape(operation.get('description', ''))}</p>"
        + (f"<table>{parameters}</table>" if parameters else "")
        + f"<pre>{escape(shlex.join(command))}</pre>{answers}</details>"
    )


def _answer(status: str, response: Node) -> str:
    shown = "".join(
        f"<pre>{escape(_json(media['example']))}</pre>"
        for media in response.get("content", {}).values()
        if "example" in media and status not in PROBLEMS
    )
    return f"<p><b>{escape(status)}</b> {escape(response['description'])}</p>{shown}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title} {version}: HTTP API</title>
<style>body {{ font: 1rem/1.5 system-ui; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222 }}
summary {{ cursor: pointer; padding: .2rem 0 }} summary b {{ display: inline-block; width: 4.5rem }}
pre {{ background: #f4f4f4; padding: .8rem; overflow: auto; white-space: pre-wrap }} td {{ padding-right: 1rem }}
details {{ border-bottom: 1px solid #ddd }}</style>
<h1>{title} {version}</h1>
<p>Every request but those marked otherwise carries <code>Authorization: Bearer KEY</code>. Errors are
<code>application/problem+json</code>. The same as <a href="/openapi.json">OpenAPI</a>, for programs.</p>
{body}</html>
"""
