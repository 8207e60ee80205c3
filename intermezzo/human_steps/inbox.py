"""The workers' inbox: what the command line, the pages and the HTTP API do on a worker's behalf."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Connection, Row, select

from intermezzo.errors import HumanTaskNotFound
from intermezzo.human_steps import claims, queues
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.attachment_rows import Attachment, attached_to
from intermezzo.human_steps.claims import Claimed
from intermezzo.human_steps.notes import check_id
from intermezzo.human_steps.open_counts import open_count
from intermezzo.human_steps.terms import terms_of
from intermezzo.human_steps.workers import check_worker_id, profile_of
from intermezzo.store import Store, reach, utc_now
from intermezzo.store.tables import assignments, human_tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """A human task as a worker may see it: never the answers of others."""

    id: str
    type: str
    name: str
    state: str
    instructions: str
    input: dict[str, JsonValue]
    controls: list[dict[str, JsonValue]] | None
    answer_schema: dict[str, JsonValue]
    open_slots: int
    assignments_required: int
    reward_credits: int
    created_at: datetime
    expires_at: datetime | None
    run_id: str | None
    attachments: Sequence[Attachment]
    """Files and addresses beside the form; `Attachments` opens the files."""
    test: bool
    """For simulated workers."""


class Inbox:
    """A worker's view of the queue.

    Args:
        store: where the tasks are.
        test: see test tasks (for simulated workers) instead of live ones.
    """

    def __init__(self, store: Store, *, test: bool = False) -> None:
        self.store = store
        self.test = test

    async def list(self, *, worker_id: str | None = None, limit: int = 50) -> "Sequence[InboxItem]":
        """Tasks with a free slot, the most urgent and oldest first; with `worker_id` those this worker has claimed.

        Args:
            limit: most tasks to return, 1 to 1,000.
        """
        query = select(human_tasks).where(human_tasks.c.test == self.test)
        if worker_id is None:
            query = query.where(queues.HAS_ROOM)
        else:
            check_worker_id(worker_id)
            held = select(assignments.c.task_id).where(
                assignments.c.worker_id == worker_id, assignments.c.state == "claimed"
            )
            query = query.where(human_tasks.c.id.in_(held))
        query = query.order_by(*queues.ORDER).limit(min(max(limit, 1), 1000))
        return await self.store.read(lambda c: _items(c, c.execute(query).all()))

    async def count(self, *, types: "Sequence[str]" = ()) -> int:
        """How many tasks have a free slot.

        Args:
            types: only tasks of these.
        """
        return await self.store.read(lambda c: open_count(c, test=self.test, types=types))

    async def offers(self, worker_id: str, *, limit: int = 50) -> "Sequence[InboxItem]":
        """Tasks that a worker may claim now, in the order in which `claim_next` gives them.

        Args:
            limit: most tasks to return, 1 to 1,000.
        """
        most = min(max(limit, 1), 1000)

        def work(connection: Connection) -> Sequence[InboxItem]:
            check_worker_id(worker_id)
            profile = profile_of(connection, worker_id)
            rows = queues.offers(connection, profile, test=self.test, limit=most, at=utc_now())
            return _items(connection, rows)

        return await self.store.read(work)

    async def get(self, task_id: str, *, worker_id: str | None = None) -> InboxItem:
        """One task.

        Args:
            worker_id: who wants to see it; None: somebody who may see all.

        Raises:
            HumanTaskNotFound: there is none of that id, or it is for other workers.
        """
        return await self.store.read(lambda c: self._find(c, task_id, worker_id))

    async def claim(self, worker_id: str, task_id: str) -> Claimed:
        """Claim a slot of one task.

        Raises:
            HumanTaskNotFound: there is none of that id.
            NotClaimable: it is closed, has no free slot, or this worker has answered it.
        """
        return await self.store.write(lambda c: claims.claim_task(c, worker_id, task_id, test=self.test, at=utc_now()))

    async def claim_next(self, worker_id: str, *, types: Sequence[str] = ()) -> Claimed | None:
        """Claim a slot of the most urgent, oldest task this worker has not worked on; None if there is none."""
        return await self.store.write(
            lambda c: claims.claim_next(c, worker_id, test=self.test, types=types, at=utc_now())
        )

    async def submit(self, worker_id: str, task_id: str, answer: object) -> str:
        """Answer a claimed task; the same answer sent again changes nothing.

        Returns:
            The state of the task afterwards.

        Raises:
            HumanTaskNotFound: there is none of that id.
            InvalidResponse: the answer does not fit the form; nothing was stored.
            ClaimLost: the claim has lapsed, or the task was closed meanwhile.
        """
        item = await self.get(task_id)
        valid = AnswerSchema.of(item.answer_schema).validate(answer)
        state = await self.store.write(lambda c: claims.submit(c, task_id, worker_id, valid, at=utc_now()))
        reach("answer.after")
        return state

    async def release(self, worker_id: str, task_id: str) -> None:
        """Give a claimed slot back.

        Raises:
            HumanTaskNotFound: there is none of that id.
            ClaimLost: this worker holds no claim on it.
        """
        await self.get(task_id)
        await self.store.write(lambda c: claims.release(c, task_id, worker_id, at=utc_now()))

    async def decline(self, worker_id: str, task_id: str, *, reason: str = "") -> None:
        """Give a claimed slot back for good: this worker is not offered the task again.

        Raises:
            HumanTaskNotFound: there is none of that id.
            ClaimLost: this worker holds no claim on it.
        """
        await self.get(task_id)
        await self.store.write(lambda c: claims.decline(c, task_id, worker_id, reason=reason, at=utc_now()))

    def _find(self, connection: Connection, task_id: str, worker_id: str | None) -> InboxItem:
        check_id(task_id, HumanTaskNotFound)
        if worker_id is not None:
            check_worker_id(worker_id)
        query = select(human_tasks).where(human_tasks.c.id == task_id, human_tasks.c.test == self.test)
        row = connection.execute(query).one_or_none()
        if row is None or (worker_id is not None and not _may_see(connection, row, worker_id)):
            raise HumanTaskNotFound(
                f"there is no human task {task_id!r} among {'test' if self.test else 'live'} tasks; "
                "`intermezzo inbox list` shows what you may claim"
            )
        return _items(connection, [row])[0]


def _may_see(connection: Connection, row: "Row[tuple[object, ...]]", worker_id: str) -> bool:
    """Whether it was once theirs, or may be."""
    part = select(assignments.c.id).where(assignments.c.task_id == row.id, assignments.c.worker_id == worker_id)
    return (
        row.test
        or profile_of(connection, worker_id).refusal(terms_of(connection, row.terms_id)) is None
        or connection.execute(part).first() is not None
    )


def _items(connection: Connection, rows: "Sequence[Row[tuple[object, ...]]]") -> Sequence[InboxItem]:
    attached = attached_to(connection, [row.id for row in rows])
    return [_item(connection, row, attached.get(row.id, ())) for row in rows]


def _item(connection: Connection, row: "Row[tuple[object, ...]]", attached: Sequence[Attachment]) -> InboxItem:
    terms = terms_of(connection, row.terms_id)
    return InboxItem(
        id=row.id,
        type=row.type,
        name=row.name,
        state=row.state,
        instructions=terms.instructions,
        input=json.loads(row.input),
        controls=json.loads(row.controls) if row.controls else None,
        answer_schema=json.loads(row.answer_schema),
        open_slots=row.open_slots,
        assignments_required=row.assignments_required,
        reward_credits=terms.reward_credits,
        created_at=row.created_at,
        expires_at=row.expires_at,
        run_id=row.run_id,
        attachments=attached,
        test=row.test,
    )
