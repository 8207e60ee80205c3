"""`/v1/tasks/{id}/attachments`: files and addresses that workers find beside the form."""

from http import HTTPStatus

from fastapi import APIRouter, Response

from intermezzo.errors import AttachmentNotFound
from intermezzo.human_steps.attachments import Attachments
from intermezzo.human_steps.files import from_base64
from intermezzo.server.attachment_wire import A_FILE, AttachmentOut, AttachmentsOut, NewAttachment
from intermezzo.server.context import Reader, Server, Writer
from intermezzo.server.reading import Route

router = APIRouter(prefix="/v1/tasks/{task_id}/attachments", tags=["attachments"], route_class=Route)


@router.post("", status_code=HTTPStatus.CREATED, summary="Attach a file or an address")
async def attach(task_id: str, new: NewAttachment, principal: Writer, server: Server) -> AttachmentOut:
    """Attach something to an open task; the same again changes nothing."""
    attachments = Attachments(server.store, test=principal.test)
    org, by = principal.org, principal.name
    if new.url is not None:
        return AttachmentOut.of(await attachments.link(task_id, new.url, org=org, by=by, name=new.name))
    content = from_base64(new.content_base64 or "")
    upload = attachments.upload(task_id, new.name or "", content, org=org, by=by, media_type=new.media_type)
    return AttachmentOut.of(await upload)


@router.get("", summary="List what is attached")
async def list_attachments(task_id: str, principal: Reader, server: Server) -> AttachmentsOut:
    """Files and addresses, the first attached first."""
    found = await Attachments(server.store, test=principal.test).list(task_id, org=principal.org)
    return AttachmentsOut(items=[AttachmentOut.of(one) for one in found])


@router.get("/{attachment_id}", summary="Open an attached file", response_class=Response, responses=A_FILE)
async def read(task_id: str, attachment_id: str, principal: Reader, server: Server) -> Response:
    """The file itself, as a download."""
    attachments = Attachments(server.store, test=principal.test)
    if attachment_id not in {one.id for one in await attachments.list(task_id, org=principal.org)}:
        raise AttachmentNotFound(f"there is no attachment {attachment_id!r} of human task {task_id}")
    file = await attachments.read(attachment_id, org=principal.org)
    return Response(file.content, headers=file.headers)
