"""`/v1/tasks`: people asked without a pipeline (spec: CS-07…CS-29)."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query, Response

from intermezzo.errors import InvalidInput
from intermezzo.human_steps.requester import TaskRequest, request_of
from intermezzo.server.context import IdempotencyKey, Reader, Server, Writer, requester_of
from intermezzo.server.problems import Refused
from intermezzo.server.reading import Route
from intermezzo.server.task_wire import NewTask, NewTasks, TaskIds, TaskOut, TaskPage, TaskQuery
from intermezzo.steps import Primitive, registered

router = APIRouter(prefix="/v1/tasks", tags=["tasks"], route_class=Route)

LONGEST_WAIT_SECONDS = 120


@router.post("", status_code=HTTPStatus.CREATED, summary="Post a task")
async def create(new: NewTask, principal: Writer, server: Server, idempotency_key: IdempotencyKey = None) -> TaskOut:
    """Ask people something. Its price is reserved; what is not used comes back."""
    requester = requester_of(server, principal)
    task_id = await requester.post(_request(new), idempotency_key=idempotency_key)
    return TaskOut.of(await requester.get(task_id))


@router.post("/batch", status_code=HTTPStatus.CREATED, summary="Post many tasks")
async def create_many(
    new: NewTasks, principal: Writer, server: Server, idempotency_key: IdempotencyKey = None
) -> TaskIds:
    """Post up to 1,000 tasks: all of them or none."""
    requests: list[TaskRequest] = []
    for index, task in enumerate(new.tasks):
        try:
            requests.append(_request(task))
        except InvalidInput as error:
            raise InvalidInput(f"tasks.{index}: {error}") from None
    ids = await requester_of(server, principal).post_many(requests, idempotency_key=idempotency_key)
    return TaskIds(task_ids=ids)


def _request(new: NewTask) -> TaskRequest:
    if isinstance(registered(new.type), Primitive):
        raise Refused(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "not_a_human_task",
            f"{new.type} is an AI step, not a task for people: make it a step of a pipeline, POST /v1/pipelines",
        )
    return request_of(new.type, new.input, new.options, webhook_url=new.webhook_url, metadata=new.metadata)


@router.get("", summary="List tasks")
async def list_tasks(principal: Reader, server: Server, query: Annotated[TaskQuery, Query()]) -> TaskPage:
    """The organisation's tasks, the newest first."""
    requester, wanted, limit = requester_of(server, principal), query.filter(), query.page_size or query.limit
    offset = (query.page - 1) * limit if query.page is not None else query.offset
    views = await requester.list(wanted, after=query.cursor, offset=offset, limit=limit + 1)
    has_next = len(views) > limit
    return TaskPage(
        items=[TaskOut.of(view) for view in views[:limit]],
        next_cursor=views[limit - 1].id if has_next else None,
        has_next=has_next,
        total=await requester.count(wanted),
        limit=limit,
        offset=offset,
        page=offset // limit + 1,
        page_size=limit,
    )


@router.get("/{task_id}", summary="Get a task")
async def get(task_id: str, principal: Reader, server: Server) -> TaskOut:
    """One task, with its output once it is completed."""
    return TaskOut.of(await requester_of(server, principal).get(task_id))


@router.get("/{task_id}/wait", summary="Wait for a task")
async def wait(
    task_id: str,
    principal: Reader,
    server: Server,
    seconds: Annotated[float, Query(alias="timeout", ge=0, le=LONGEST_WAIT_SECONDS, description="Seconds.")] = 30,
) -> TaskOut:
    """The task, as soon as it is closed, or as it is when the time is over."""
    return TaskOut.of(await requester_of(server, principal).wait(task_id, timeout_seconds=seconds))


@router.post("/{task_id}/cancel", summary="Cancel a task")
async def cancel(task_id: str, principal: Writer, server: Server) -> TaskOut:
    """Close a task: answers that came are paid, everything else comes back. Of a closed task nothing changes."""
    requester = requester_of(server, principal)
    await requester.cancel(task_id, reason=f"cancelled by {principal.name}")
    return TaskOut.of(await requester.get(task_id))


@router.delete("/{task_id}", status_code=HTTPStatus.NO_CONTENT, summary="Cancel a task")
async def delete(task_id: str, principal: Writer, server: Server) -> Response:
    """As `POST …/cancel`, without an answer."""
    await requester_of(server, principal).cancel(task_id, reason=f"cancelled by {principal.name}")
    return Response(status_code=HTTPStatus.NO_CONTENT)
