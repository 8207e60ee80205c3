"""What to ask next: OpenAPI links from an answer that names something to the operations about it."""

from collections.abc import Mapping
from typing import Any

Node = dict[str, Any]

_NAMES: Mapping[str, Mapping[str, str]] = {
    "POST /v1/tasks": {"task_id": "/id"},
    "POST /v1/tasks/batch": {"task_id": "/task_ids/0"},
    "GET /v1/tasks": {"task_id": "/items/0/id"},
    "GET /v1/tasks/{task_id}/submissions": {"assignment_id": "/items/0/id"},
    "POST /v1/tasks/{task_id}/attachments": {"attachment_id": "/id"},
    "GET /v1/tasks/{task_id}/attachments": {"attachment_id": "/items/0/id"},
    "GET /v1/worker/tasks": {"task_id": "/items/0/id"},
    "POST /v1/worker/tasks/claim": {"task_id": "/task_id"},
    "POST /v1/worker/tasks/{task_id}/claim": {"task_id": "/task_id", "assignment_id": "/assignment_id"},
    "POST /v1/worker/tasks/{task_id}/submit": {"task_id": "/task_id"},
    "GET /v1/reports": {"report_id": "/items/0/id"},
    "GET /v1/disputes": {"dispute_id": "/items/0/id"},
    "POST /v1/webhooks": {"webhook_id": "/id"},
    "GET /v1/webhooks": {"webhook_id": "/items/0/id"},
    "POST /v1/webhooks/{webhook_id}/test": {"delivery_id": "/id"},
    "GET /v1/webhooks/deliveries": {"delivery_id": "/items/0/id"},
    "POST /v1/keys": {"key_id": "/id"},
    "GET /v1/types": {"name": "/items/0/name"},
    "POST /v1/pipelines": {"pipeline": "/name", "version": "/version"},
    "GET /v1/pipelines": {"pipeline": "/items/0/name"},
    "GET /v1/pipelines/{pipeline}/versions": {"version": "/items/0/version"},
    "POST /v1/pipelines/{pipeline}/runs": {"run_id": "/id"},
    "GET /v1/pipelines/runs": {"run_id": "/items/0/id"},
}
"""Operation → parameters of others that its answer names, and where in it."""


def link(openapi: Node) -> None:
    """Add its links to a description: of lists, for their first item."""
    by_name = {
        f"{method.upper()} {path}": operation
        for path, ways in openapi["paths"].items()
        for method, operation in ways.items()
    }
    for source, names in _NAMES.items():
        offered = {name: f"$request.path.{name}" for name in _parameters(source)}
        offered |= {name: f"$response.body#{pointer}" for name, pointer in names.items()}
        links: dict[str, Node] = {}
        for target, operation in by_name.items():
            wanted = _parameters(target)
            if wanted and wanted <= offered.keys() and wanted & names.keys():
                links[operation["operationId"]] = {
                    "operationId": operation["operationId"],
                    "description": operation["summary"],
                    "parameters": {name: offered[name] for name in sorted(wanted)},
                }
        for status, response in by_name[source]["responses"].items():
            if status in ("200", "201", "202"):
                response["links"] = links


def _parameters(operation: str) -> set[str]:
    """Of its path."""
    return {part[1:-1] for part in operation.split("/") if part.startswith("{")}
