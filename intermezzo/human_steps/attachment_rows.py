"""What is attached to human tasks, as the store has it: files by their digest, each kept once, and addresses.

Everything here is part of the caller's transaction, and nothing here reads the content of a file. Called by
`attachments`, by `tasks` for the files that an input refers to, and by whoever shows a task.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, insert, select

from intermezzo.errors import AttachmentRefused, InvalidInput
from intermezzo.human_steps.file_references import FileReference, references_in
from intermezzo.human_steps.files import File, check_file_name
from intermezzo.human_steps.media_types import agrees, media_type_of
from intermezzo.store import Prepared, insert_into, new_id
from intermezzo.store.tables import attachments, blobs

MAX_TASK_BYTES = 20 * 1024 * 1024
"""Of all files of a task together (spec: SA-52)."""
MAX_ATTACHMENTS = 100
"""To one task: nobody looks at more, and every look at the task lists them."""

_AT_ONCE = 500
"""Files that are looked up with one statement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file or an address that workers on a human task find beside its form."""

    id: str
    task_id: str
    name: str
    media_type: str | None
    """None: it is an address, which nobody has looked at."""
    size_bytes: int | None
    sha256: str | None
    """Digest of the file's content; None: it is an address."""
    url: str | None
    """As the requester wrote it; None: it is a file."""
    added_by: str | None
    """None: it came with the input of the task."""
    created_at: datetime

    @property
    def reference(self) -> str | None:
        """How the input and the controls of the task name the file; None: it is an address."""
        return None if self.sha256 is None else str(FileReference(self.sha256, self.name))


_SHOWN = [column for column in attachments.columns if column.name != "org"]
_OF_ONE = Prepared(select(*_SHOWN).where(attachments.c.task_id == bindparam("task")).order_by(attachments.c.id))


def attached_to(connection: Connection, task_ids: Sequence[str]) -> dict[str, list[Attachment]]:
    """What is attached to each of these tasks, the first attached first; tasks without anything are left out."""
    found: dict[str, list[Attachment]] = {}
    for start in range(0, len(task_ids), _AT_ONCE):
        some = task_ids[start : start + _AT_ONCE]
        query = select(*_SHOWN).where(attachments.c.task_id.in_(some)).order_by(attachments.c.id)
        for row in connection.execute(query).mappings():
            found.setdefault(row["task_id"], []).append(Attachment(**row))
    return found


def attached_to_one(connection: Connection, task_id: str) -> list[Attachment]:
    """What is attached to a task, the first attached first."""
    rows = _OF_ONE.all(connection, {"task": task_id})
    return [Attachment(**{column.name: value for column, value in zip(_SHOWN, row, strict=True)}) for row in rows]


def keep(connection: Connection, org: str, file: File, *, at: datetime) -> None:
    """Put a file into the store, unless its organisation has it there already."""
    row = {
        "org": org,
        "sha256": file.sha256,
        "kind": file.kind,
        "size_bytes": len(file.content),
        "created_at": at,
        "content": file.content,
    }
    there = select(blobs.c.size_bytes).where(blobs.c.org == org, blobs.c.sha256 == file.sha256)
    if connection.execute(there).first() is None:
        connection.execute(insert_into(connection, blobs).on_conflict_do_nothing(), row)


def attach_files_of_inputs(connection: Connection, org: str, inputs: Mapping[str, str], *, at: datetime) -> None:
    """Attach the files that inputs refer to to the tasks they are posted with.

    Args:
        org: whose tasks and files they are.
        inputs: task id → its input, as JSON text.

    Raises:
        InvalidInput: a file was not stored before, or not by this organisation.
        AttachmentRefused: its name does not fit it, or a task would have too much attached.
    """
    wanted = {id: found for id, input in inputs.items() if (found := references_in(input))}
    if not wanted:
        return
    known = _blobs(connection, org, {reference.sha256 for found in wanted.values() for reference in found})
    rows: list[dict[str, object]] = []
    for task_id, found in wanted.items():
        sizes = [_size(reference, known.get(reference.sha256), org) for reference in found]
        check_room(len(found), sum(sizes))
        rows += [_row(task_id, org, reference, size, at) for reference, size in zip(found, sizes, strict=True)]
    connection.execute(insert(attachments), rows)


def check_files_of_inputs(connection: Connection, org: str, inputs: Iterable[str]) -> None:
    """Refuse inputs, as JSON text, that refer to files which could not be attached.

    Raises:
        InvalidInput: a file was not stored before, or not by this organisation.
        AttachmentRefused: its name does not fit it, or a task would have too much attached.
    """
    for found in map(references_in, inputs):
        known = _blobs(connection, org, {reference.sha256 for reference in found})
        check_room(len(found), sum(_size(reference, known.get(reference.sha256), org) for reference in found))


def check_room(count: int, size_bytes: int) -> None:
    """Refuse what would be too much for one task.

    Args:
        count: of its attachments.
        size_bytes: of its files together.

    Raises:
        AttachmentRefused: saying how much is allowed.
    """
    if size_bytes > MAX_TASK_BYTES:
        raise AttachmentRefused(
            f"expected files of at most {MAX_TASK_BYTES:,} bytes together for one human task, and with this one they "
            f"would have {size_bytes:,}; attach an address where it can be had instead",
            kind="too_large",
        )
    if count > MAX_ATTACHMENTS:
        message = f"a human task has at most {MAX_ATTACHMENTS} attachments, and with this one it would have {count}"
        raise AttachmentRefused(f"{message}; put several files into one PDF", kind="too_large")


def _blobs(connection: Connection, org: str, wanted: Iterable[str]) -> "dict[str, Row[str, str, int]]":
    digests = sorted(wanted)
    found: dict[str, Row[str, str, int]] = {}
    for start in range(0, len(digests), _AT_ONCE):
        some = digests[start : start + _AT_ONCE]
        query = select(blobs.c.sha256, blobs.c.kind, blobs.c.size_bytes)
        for row in connection.execute(query.where(blobs.c.org == org, blobs.c.sha256.in_(some))):
            found[row.sha256] = row
    return found


def _size(reference: FileReference, blob: "Row[str, str, int] | None", org: str) -> int:
    """Bytes of a file that an input refers to."""
    if blob is None:
        raise InvalidInput(
            f"the organisation {org!r} has stored no file {str(reference)!r}; make the reference with `attach`"
        )
    check_file_name(reference.name)
    if not agrees(media_type_of(reference.name), blob.kind):
        message = f"expected a name for a file of type {blob.kind}, got {reference.name!r}"
        raise AttachmentRefused(f"{message}; make the reference with `attach`", kind="type")
    return blob.size_bytes


def _row(task_id: str, org: str, reference: FileReference, size_bytes: int, at: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "task_id": task_id,
        "org": org,
        "name": reference.name,
        "sha256": reference.sha256,
        "media_type": media_type_of(reference.name),
        "size_bytes": size_bytes,
        "url": None,
        "added_by": None,
        "created_at": at,
    }
