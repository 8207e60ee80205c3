"""`/v1/worker`: what people who answer human tasks do; test keys see test tasks only (spec: CS-17, CS-18)."""

from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, Field, JsonValue, StringConstraints

from intermezzo import ledger
from intermezzo.access import Principal
from intermezzo.errors import AttachmentNotFound
from intermezzo.human_steps import notes
from intermezzo.human_steps.attachments import Attachments
from intermezzo.human_steps.claims import Claimed
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.inbox import Inbox, InboxItem
from intermezzo.human_steps.public_profiles import PublicProfile
from intermezzo.human_steps.reports import MAX_NOTE_CHARACTERS, Problem
from intermezzo.human_steps.workforce import Workforce
from intermezzo.server.attachment_wire import A_FILE, AttachmentOut
from intermezzo.server.context import Context, Server, allowed
from intermezzo.server.reading import Route
from intermezzo.server.task_wire import Wired

router = APIRouter(prefix="/v1/worker", tags=["workers"], route_class=Route)

Worker = Annotated[Principal, Depends(allowed("work"))]
"""Works on human tasks, as one worker."""


TypeName = Annotated[str, StringConstraints(max_length=200)]


class WorkerTask(Wired):
    """A human task as a worker sees it: never the answers of others, nor who asks."""

    id: str
    type: str
    name: str
    part: str | None
    """What became of your part: `claimed`, `submitted`, `approved`, …; null: you have none."""
    instructions: str
    """Markdown."""
    input: dict[str, JsonValue]
    controls: list[dict[str, JsonValue]]
    """The form: what is shown and what is filled in, in order."""
    answer_schema: dict[str, JsonValue]
    """JSON Schema of the answer."""
    attachments: list[AttachmentOut]
    reward_credits: int
    """For an answer that is approved."""
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    """When your claim lapses; without one, when the task is closed at the latest."""

    @classmethod
    def of(cls, item: InboxItem) -> Self:
        """A task as it goes over the wire."""
        form = Form.of_task(controls=item.controls, input=item.input, schema=item.answer_schema)
        return cls(
            id=item.id,
            type=item.type,
            name=item.name,
            part=item.part,
            instructions=item.instructions,
            input=item.input,
            controls=form.as_json(),
            answer_schema=item.answer_schema,
            attachments=[AttachmentOut.of(one) for one in item.attachments],
            reward_credits=item.reward_credits,
            created_at=item.created_at,
            expires_at=item.expires_at,
        )


class WorkerTasks(Wired):
    """Tasks, the most urgent and oldest first."""

    items: list[WorkerTask]


class ClaimOut(Wired):
    """A slot of a task that is now the worker's to fill."""

    assignment_id: str
    task_id: str
    lease_expires_at: AwareDatetime
    """Until then it is theirs alone."""
    task: WorkerTask


class NextTask(Wired):
    """Which task to claim next."""

    types: list[TypeName] = Field(default=[], max_length=100)
    """Only tasks of these; empty: of any."""


class NewAnswer(Wired):
    """An answer."""

    answer: dict[str, JsonValue]
    """It fits the task's `answer_schema`."""


class Answered(Wired):
    """An answer was stored."""

    task_id: str
    status: str
    """`approved`, or `submitted` while it waits for its review."""


class Declining(Wired):
    """Why a worker does not want a task."""

    reason: Annotated[str, StringConstraints(max_length=notes.MAX_NOTE_CHARACTERS)] = ""
    """For the requester."""


class Reporting(Wired):
    """What is wrong with a task."""

    reason: Problem
    note: Annotated[str, StringConstraints(max_length=MAX_NOTE_CHARACTERS)] = ""
    """For the requester."""


class Me(Wired):
    """The worker who asks."""

    worker_id: str
    balance_credits: int
    """Earned."""
    suspended: str | None
    """Why they may not work."""
    profile: PublicProfile
    """As others see it, with their record."""


@router.get("/me", summary="See yourself")
async def me(principal: Worker, server: Server) -> Me:
    """What you have earned, and what is known of your work."""
    worker_id, workforce = principal.worker, Workforce(server.store)
    account = principal.payer.worker(worker_id)
    return Me(
        worker_id=worker_id,
        balance_credits=await server.store.read(lambda c: ledger.earned(c, account)),
        suspended=(await workforce.get(worker_id)).suspended,
        profile=await workforce.public_profile(worker_id, test=principal.test),
    )


@router.get("/tasks", summary="List tasks to claim")
async def list_tasks(
    principal: Worker,
    server: Server,
    *,
    mine: Annotated[bool, Query(description="Those you have claimed instead.")] = False,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> WorkerTasks:
    """Tasks that you may claim now, the most urgent and oldest first."""
    inbox = _inbox(server, principal)
    worker = principal.worker
    items = await (inbox.list(worker_id=worker, limit=limit) if mine else inbox.offers(worker, limit=limit))
    return WorkerTasks(items=[WorkerTask.of(item) for item in items])


@router.post("/tasks/claim", summary="Claim the next task", responses={204: {"description": "There is none."}})
async def claim_next(principal: Worker, server: Server, wanted: NextTask | None = None) -> ClaimOut:
    """Claim a slot of the most urgent, oldest task that you have not worked on."""
    inbox = _inbox(server, principal)
    claimed = await inbox.claim_next(principal.worker, types=wanted.types if wanted else ())
    if claimed is None:
        return Response(status_code=204)  # pyright: ignore[reportReturnType] (FastAPI sends it as it is)
    return await _claim_out(inbox, claimed)


@router.get("/tasks/{task_id}", summary="See a task as its worker")
async def get(task_id: str, principal: Worker, server: Server) -> WorkerTask:
    """The form, the input, and what is attached."""
    return WorkerTask.of(await _inbox(server, principal).get(task_id, worker_id=principal.worker))


@router.post("/tasks/{task_id}/claim", summary="Claim a task")
async def claim(task_id: str, principal: Worker, server: Server) -> ClaimOut:
    """Claim a slot of this task; again gives the same claim."""
    inbox = _inbox(server, principal)
    await inbox.get(task_id, worker_id=principal.worker)
    return await _claim_out(inbox, await inbox.claim(principal.worker, task_id))


@router.post("/tasks/{task_id}/submit", summary="Answer a task")
async def submit(task_id: str, given: NewAnswer, principal: Worker, server: Server) -> Answered:
    """Answer a task you have claimed; the same answer sent again changes nothing."""
    inbox = _inbox(server, principal)
    status = await inbox.submit(principal.worker, task_id, given.answer)
    return Answered(task_id=task_id, status=status)


@router.post("/tasks/{task_id}/release", status_code=204, summary="Give a task back")
async def release(task_id: str, principal: Worker, server: Server) -> Response:
    """Give your claim back; you may claim the task again."""
    inbox = _inbox(server, principal)
    await inbox.release(principal.worker, task_id)
    return Response(status_code=204)


@router.post("/tasks/{task_id}/decline", status_code=204, summary="Decline a task")
async def decline(task_id: str, principal: Worker, server: Server, given: Declining | None = None) -> Response:
    """Give your claim back for good: you are not offered the task again."""
    inbox = _inbox(server, principal)
    await inbox.decline(principal.worker, task_id, reason=given.reason if given else "")
    return Response(status_code=204)


@router.post("/tasks/{task_id}/report", status_code=204, summary="Report a problem")
async def report(task_id: str, given: Reporting, principal: Worker, server: Server) -> Response:
    """Say that something is wrong with a task you have claimed: your claim goes back, and several reports close it."""
    inbox = _inbox(server, principal)
    await inbox.report(principal.worker, task_id, reason=given.reason, note=given.note)
    return Response(status_code=204)


@router.get(
    "/tasks/{task_id}/attachments/{attachment_id}",
    summary="Open an attached file",
    response_class=Response,
    responses=A_FILE,
)
async def attachment(task_id: str, attachment_id: str, principal: Worker, server: Server) -> Response:
    """A file that is attached to a task which you may claim, hold, or have answered and wait for its review."""
    item = await _inbox(server, principal).get(task_id, worker_id=principal.worker)
    if attachment_id not in {one.id for one in item.attachments}:
        raise AttachmentNotFound(f"there is no attachment {attachment_id!r} that you may open")
    file = await Attachments(server.store, test=principal.test).read_as(principal.worker, attachment_id)
    return Response(file.content, headers=file.headers)


def _inbox(server: Context, principal: Principal) -> Inbox:
    return Inbox(server.store, test=principal.test)


async def _claim_out(inbox: Inbox, claimed: Claimed) -> ClaimOut:
    return ClaimOut(
        assignment_id=claimed.assignment_id,
        task_id=claimed.task_id,
        lease_expires_at=claimed.lease_expires_at,
        task=WorkerTask.of(await inbox.get(claimed.task_id)),
    )
