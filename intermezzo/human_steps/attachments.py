"""Attachments of human tasks: what flows, the command line, the pages and the HTTP API do with them.

Requesters attach to open tasks of their own organisation and open what is attached to them. A worker opens the files
of a task while they may claim it, hold it, or have an answer to it under review.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Row, insert, select

from intermezzo.errors import (
    AttachmentNotFound,
    AttachmentRefused,
    HumanTaskNotFound,
    InvalidInput,
    ProviderError,
)
from intermezzo.human_steps.attachment_rows import Attachment, attached_to, check_room, keep
from intermezzo.human_steps.controls import is_web_address
from intermezzo.human_steps.file_references import FileReference
from intermezzo.human_steps.files import MAX_FILE_BYTES, File, check_file_name
from intermezzo.human_steps.history import record
from intermezzo.human_steps.queues import HOLDING
from intermezzo.human_steps.tasks import LEGAL_MOVES, lock_task
from intermezzo.human_steps.terms import terms_of
from intermezzo.human_steps.workers import profile_of
from intermezzo.settings import settings
from intermezzo.store import Store, new_id, open_store, utc_now
from intermezzo.store.tables import assignments, blobs, human_tasks
from intermezzo.store.tables import attachments as table
from intermezzo.web import check_public, parse_url, shown_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from intermezzo.web.transport import Resolver

MAX_URL_CHARACTERS = 2_047
"""Of an address that is attached (spec: SA-53)."""

_READING = ("claimed", "submitted", "disputed")
"""States of an assignment whose worker may open the files of the task."""


async def attach(file: Path | str | bytes, *, name: str | None = None, org: str | None = None) -> str:
    """Store a file for workers to open; returns a reference to it, which an input may hold in place of an address.

    The reference depends on nothing but the name and the content: storing the file again, as a flow does when it is
    replayed, changes nothing.

    Args:
        file: path of a file, or its content.
        name: what workers see it called, with an extension; needed for content. None: the name in the path.
        org: whose human tasks will refer to it; None: the organisation that pays for runs here.

    Raises:
        AttachmentRefused: its name, size, type or content is not allowed.
        OSError: the file cannot be read.
    """
    if isinstance(file, bytes) and name is None:
        raise AttachmentRefused("expected a name with an extension for content; give `name=`", kind="name")
    path = None if isinstance(file, bytes) else Path(file)
    content = file if isinstance(file, bytes) else read_file(Path(file))
    return await Attachments(open_store()).keep(name or (path.name if path else ""), content, org=org or settings().org)


def read_file(path: Path) -> bytes:
    """The content of a file, or as much of it as shows that it is too large."""
    with path.open("rb") as file:
        return file.read(MAX_FILE_BYTES + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """What is to be attached: a file or an address."""

    name: str
    by: str
    file: File | None = None
    url: str | None = None

    @property
    def columns(self) -> dict[str, object]:
        """What the store keeps of it beside the content."""
        return {
            "name": self.name,
            "sha256": self.file and self.file.sha256,
            "media_type": self.file and self.file.media_type,
            "size_bytes": self.file and len(self.file.content),
            "url": self.url,
            "added_by": self.by,
        }


class Attachments:
    """Files and addresses beside the forms of human tasks.

    Args:
        store: where the tasks are.
        test: of test tasks instead of live ones.
        resolver: looks up the hosts of addresses; None: the operating system.
    """

    def __init__(self, store: Store, *, test: bool = False, resolver: "Resolver | None" = None) -> None:
        self.store = store
        self.test = test
        self._resolver = resolver

    async def keep(self, name: str, content: bytes, *, org: str) -> str:
        """Store a file without a task, and return a reference to it for inputs of steps; see `attach`.

        Raises:
            AttachmentRefused: its name, size, type or content is not allowed.
        """
        file = File.of(name, content)
        await self.store.write(lambda c: keep(c, org, file, at=utc_now()))
        return str(FileReference(file.sha256, name))

    async def upload(
        self, task_id: str, name: str, content: bytes, *, org: str, by: str, media_type: str | None = None
    ) -> Attachment:
        """Attach a file to an open task (spec: SA-51, SA-52); the same file again changes nothing.

        Args:
            name: of the file, with its extension.
            content: of the file.
            org: who asks; the task must be theirs.
            by: who of them, for the task's story.
            media_type: what the sender says it is; it must agree with the content.

        Raises:
            HumanTaskNotFound: the organisation has no task of that id.
            AttachmentRefused: the file is not allowed, too much is attached, or the task is closed.
        """
        file = File.of(name, content, media_type=media_type)
        new = _New(name=name, by=by, file=file)
        return await self.store.write(partial(_add, task_id, new, org, self.test))

    async def link(self, task_id: str, url: str, *, org: str, by: str, name: str | None = None) -> Attachment:
        """Attach an address to an open task (spec: SA-53): kept as it is written, never fetched; again changes nothing.

        Args:
            url: http or https address of something public, without a password.
            org: who asks; the task must be theirs.
            by: who of them, for the task's story.
            name: what workers see it called; None: its host.

        Raises:
            HumanTaskNotFound: the organisation has no task of that id.
            AttachmentRefused: the address or the name is not allowed, too much is attached, or the task is closed.
            ProviderError: the host cannot be looked up at the moment.
        """
        await self._check_url(url)
        if name is None:
            name = parse_url(url).raw_host.decode("ascii")
        else:
            check_file_name(name)
        return await self.store.write(partial(_add, task_id, _New(name=name, by=by, url=url), org, self.test))

    async def _check_url(self, url: str) -> None:
        if len(url) > MAX_URL_CHARACTERS:
            expected = f"expected an address of at most {MAX_URL_CHARACTERS:,} characters"
            raise AttachmentRefused(f"{expected}, got {len(url):,}; share it under a shorter one", kind="address")
        if not is_web_address(url):
            message = f"expected an http or https address without blanks and quotes, got {shown_url(url)!r}"
            raise AttachmentRefused(f"{message}; attach a file by its content", kind="address")
        try:
            await check_public(url, resolver=self._resolver)
        except InvalidInput as error:
            raise AttachmentRefused(str(error), kind="address") from None
        except ProviderError as error:
            if error.retryable:
                raise
            raise AttachmentRefused(str(error), kind="address") from None

    async def list(self, task_id: str, *, org: str) -> "Sequence[Attachment]":
        """What is attached to a task, the first attached first.

        Raises:
            HumanTaskNotFound: the organisation has no task of that id.
        """

        def work(connection: Connection) -> "Sequence[Attachment]":
            _check_owner(_task(connection, task_id), task_id, org, test=self.test)
            return attached_to(connection, [task_id]).get(task_id, [])

        return await self.store.read(work)

    async def read(self, attachment_id: str, *, org: str) -> File:
        """An attached file, for the organisation of its task.

        Raises:
            AttachmentNotFound: the organisation has none of that id, or it is an address.
        """
        return await self.store.read(lambda c: _file(c, attachment_id, lambda task: task.org == org, test=self.test))

    async def read_as(self, worker_id: str, attachment_id: str) -> File:
        """An attached file, for a worker who may claim its task, holds it, or has an answer under review.

        Raises:
            AttachmentNotFound: there is none of that id that this worker may open, or it is an address.
        """
        return await self.store.read(
            lambda c: _file(c, attachment_id, lambda task: _may_open(c, task, worker_id), test=self.test)
        )


def _add(task_id: str, new: _New, org: str, test: bool, connection: Connection) -> Attachment:  # noqa: FBT001 (bound by `partial`)
    task = _check_owner(lock_task(connection, task_id), task_id, org, test=test)
    before = attached_to(connection, [task_id]).get(task_id, [])
    digest = new.file and new.file.sha256
    for there in before:
        if (there.name, there.sha256, there.url) == (new.name, digest, new.url):
            return there
    if not LEGAL_MOVES[task.state]:
        message = f"human task {task_id} is {task.state}; only to one that is open something can be attached"
        raise AttachmentRefused(message, kind="closed")
    size = len(new.file.content) if new.file else 0
    check_room(len(before) + 1, sum(there.size_bytes or 0 for there in before) + size)
    at = utc_now()
    if new.file is not None:
        keep(connection, org, new.file, at=at)
    row: Mapping[str, Any] = {"id": new_id(), "task_id": task_id, "created_at": at, **new.columns}
    connection.execute(insert(table).values(org=org, **row))
    record(connection, task, "attached", actor=new.by, at=at, attachment=row["id"], name=new.name)
    return Attachment(**row)


def _task(connection: Connection, task_id: str) -> "Row[Any] | None":
    return connection.execute(select(human_tasks).where(human_tasks.c.id == task_id)).one_or_none()


def _check_owner(task: "Row[Any] | None", task_id: str, org: str, *, test: bool) -> "Row[Any]":
    """A task of this organisation; that others have one of that id is not told."""
    if task is None or task.org != org or task.test != test:
        raise HumanTaskNotFound(f"there is no human task {task_id!r}")
    return task


def _file(connection: Connection, attachment_id: str, allowed: "Callable[[Row[Any]], bool]", *, test: bool) -> File:
    columns = (table.c.org, table.c.task_id, table.c.name, table.c.sha256, table.c.url)
    found = connection.execute(select(*columns).where(table.c.id == attachment_id)).one_or_none()
    task = _task(connection, found.task_id) if found is not None else None
    if found is None or task is None or task.test != test or not allowed(task):
        raise AttachmentNotFound(f"there is no attachment {attachment_id!r} that you may open")
    if found.url is not None:
        raise AttachmentNotFound(f"attachment {attachment_id} is an address, not a file; open {found.url}")
    blob = connection.execute(
        select(blobs.c.kind, blobs.c.content).where(blobs.c.org == found.org, blobs.c.sha256 == found.sha256)
    ).one()
    return File(name=found.name, kind=blob.kind, content=blob.content, sha256=found.sha256)


def _may_open(connection: Connection, task: "Row[Any]", worker_id: str) -> bool:
    profile = profile_of(connection, worker_id)
    if profile.suspended is not None:
        return False
    state = connection.scalar(
        select(assignments.c.state).where(
            assignments.c.task_id == task.id,
            assignments.c.worker_id == worker_id,
            assignments.c.state.in_(HOLDING),
        )
    )
    if state is not None:
        return state in _READING
    return task.state == "open" and (task.test or profile.refusal(terms_of(connection, task.terms_id)) is None)
