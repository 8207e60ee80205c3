"""The workers' inbox: what the command line, the pages and the HTTP API do on a worker's behalf."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import Connection, Row, bindparam, literal, null, select

from intermezzo.errors import HumanTaskNotFound
from intermezzo.human_steps import claims, queues, reports
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.attachment_rows import Attachment, attached_to, attached_to_one
from intermezzo.human_steps.claims import Claimed
from intermezzo.human_steps.notes import check_id
from intermezzo.human_steps.open_counts import open_count
from intermezzo.human_steps.reports import Problem
from intermezzo.human_steps.terms import terms_of
from intermezzo.human_steps.workers import check_worker_id, profile_of
from intermezzo.store import Prepared, Store, follow_indexes, one_of, reach, utc_now
from intermezzo.store.tables import assignments, human_tasks


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """A human task as a worker may see it: never the answers of others, nor anything that tells gold from real."""

    id: str
    type: str
    name: str
    part: str | None
    """What became of this worker's part: `claimed`, `submitted`, `approved`, …; None: they have none."""
    instructions: str
    input: dict[str, JsonValue]
    controls: list[dict[str, JsonValue]] | None
    answer_schema: dict[str, JsonValue]
    reward_credits: int
    created_at: datetime
    expires_at: datetime | None
    """When this worker's claim lapses; without one, when the task is closed at the latest."""
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

        Tasks that gold tasks are mixed with are seen by nobody before `claim_next` gives them.

        Args:
            limit: most tasks to return, 1 to 1,000.
        """
        most = min(max(limit, 1), 1000)
        if worker_id is None:
            return await self.store.read(lambda c: with_room(c, test=self.test, limit=most))
        check_worker_id(worker_id)
        mine = (assignments.c.worker_id == worker_id, assignments.c.state == "claimed", human_tasks.c.test == self.test)
        query = select(human_tasks, *_PART).join(assignments, assignments.c.task_id == human_tasks.c.id).where(*mine)
        return await self.store.read(lambda c: _items(c, c.execute(query.order_by(*queues.ORDER).limit(most)).all()))

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
            offered = queues.offers(connection, profile, test=self.test, limit=most, at=utc_now())
            ids = [row.id for row in offered]
            query = select(human_tasks, *_NO_PART).where(human_tasks.c.id.in_(ids))
            return _items(connection, connection.execute(query.order_by(*queues.ORDER)).all())

        return await self.store.read(work)

    async def get(self, task_id: str, *, worker_id: str | None = None) -> InboxItem:
        """One task.

        Args:
            worker_id: who wants to see it, and whose part in it is shown; None: somebody who may see all.

        Raises:
            HumanTaskNotFound: there is none of that id, or it is for other workers.
        """

        def work(connection: Connection) -> InboxItem:
            row = self._find(connection, task_id, worker_id)
            return _item(connection, row, attached_to_one(connection, task_id))

        return await self.store.read(work)

    async def claim(self, worker_id: str, task_id: str) -> Claimed:
        """Claim a slot of one task.

        Raises:
            HumanTaskNotFound: there is none of that id.
            NotClaimable: it is closed, has no free slot, this worker has answered it, or they get none like it.
        """
        return await self.store.write(lambda c: claims.claim_task(c, worker_id, task_id, test=self.test, at=utc_now()))

    async def claim_next(self, worker_id: str, *, types: Sequence[str] = ()) -> Claimed | None:
        """Claim a slot of the most urgent, oldest task this worker has not worked on; None if there is none.

        Raises:
            NotClaimable: there are only such that this worker gets no more of, or not now.
        """
        return await self.store.write(
            lambda c: claims.claim_next(c, worker_id, test=self.test, types=types, at=utc_now())
        )

    async def submit(self, worker_id: str, task_id: str, answer: object) -> str:
        """Answer a claimed task; the same answer sent again changes nothing.

        Returns:
            What became of the answer: `approved`, or `submitted` while it waits for its review.

        Raises:
            HumanTaskNotFound: there is none of that id.
            InvalidResponse: the answer does not fit the form; nothing was stored.
            AnswerTooSoon: the task asks for more time; nothing was stored.
            ClaimLost: the claim has lapsed, or the task was closed meanwhile.
        """
        schema = await self.store.read(lambda c: json.loads(self._find(c, task_id, worker_id).answer_schema))
        valid = AnswerSchema.of(schema).validate(answer)

        def work(connection: Connection) -> str:
            claims.submit(connection, task_id, worker_id, valid, at=utc_now())
            return claims.part_of(connection, task_id, worker_id)

        part = await self.store.write(work)
        reach("answer.after")
        return part

    async def release(self, worker_id: str, task_id: str) -> None:
        """Give a claimed slot back.

        Raises:
            HumanTaskNotFound: there is none of that id.
            ClaimLost: this worker holds no claim on it.
        """
        await self._require(task_id, worker_id)
        await self.store.write(lambda c: claims.release(c, task_id, worker_id, at=utc_now()))

    async def decline(self, worker_id: str, task_id: str, *, reason: str = "") -> None:
        """Give a claimed slot back for good: this worker is not offered the task again.

        Raises:
            HumanTaskNotFound: there is none of that id.
            ClaimLost: this worker holds no claim on it.
        """
        await self._require(task_id, worker_id)
        await self.store.write(lambda c: claims.decline(c, task_id, worker_id, reason=reason, at=utc_now()))

    async def report(self, worker_id: str, task_id: str, *, reason: Problem, note: str = "") -> None:
        """Say that something is wrong with a claimed task: the claim goes back, and it is not offered again.

        Args:
            reason: what is wrong.
            note: for the requester, at most 2,000 characters.

        Raises:
            HumanTaskNotFound: there is none of that id.
            ClaimLost: this worker holds no claim on it.
            ValueError: that is no reason, or the note is too long.
        """
        await self._require(task_id, worker_id)
        await self.store.write(lambda c: reports.report(c, task_id, worker_id, reason=reason, note=note, at=utc_now()))

    async def _require(self, task_id: str, worker_id: str) -> None:
        await self.store.read(lambda c: self._find(c, task_id, worker_id))

    def _find(self, connection: Connection, task_id: str, worker_id: str | None) -> "Row[tuple[object, ...]]":
        check_id(task_id, HumanTaskNotFound)
        if worker_id is None:
            row = _TASK.first(connection, {"task": task_id})
        else:
            check_worker_id(worker_id)
            row = _PART_IN.first(connection, {"task": task_id, "worker": worker_id})
        if row is None or row.test != self.test or (worker_id is not None and not _may_see(connection, row, worker_id)):
            raise HumanTaskNotFound(
                f"there is no human task {task_id!r} among {'test' if self.test else 'live'} tasks; "
                "`intermezzo inbox list` shows what you may claim"
            )
        return row


def _may_see(connection: Connection, row: "Row[tuple[object, ...]]", worker_id: str) -> bool:
    """Whether it was once theirs, or may be."""
    if row.part is not None:
        return True
    # By the terms alone, which those of a gold task are too.
    return row.test or profile_of(connection, worker_id).refusal(terms_of(connection, row.terms_id)) is None


def with_room(connection: Connection, *, test: bool, limit: int) -> "Sequence[InboxItem]":
    """Tasks with a free slot, the most urgent and oldest first."""
    query = select(human_tasks, *_NO_PART).where(queues.HAS_ROOM, human_tasks.c.test == test)
    follow_indexes(connection)
    return _items(connection, connection.execute(query.order_by(*queues.ORDER).limit(limit)).all())


_NO_PART = (null().label("part"), null().label("part_reward_credits"), null().label("lease_expires_at"))


_PART = (
    assignments.c.state.label("part"),
    assignments.c.reward_credits.label("part_reward_credits"),
    assignments.c.lease_expires_at,
)
_TASK = Prepared(select(human_tasks, *_NO_PART).where(human_tasks.c.id == bindparam("task")))
_PART_IN = Prepared(
    select(human_tasks, *_PART)
    .outerjoin(
        assignments, (assignments.c.task_id == human_tasks.c.id) & (assignments.c.worker_id == bindparam("worker"))
    )
    .where(human_tasks.c.id == bindparam("task"))
    .order_by(one_of(assignments.c.state, queues.HOLDING).desc(), assignments.c.claimed_at.desc())
    .limit(literal(1, literal_execute=True))
)
"""A task with a worker's part in it: the one that counts, else the newest, if there is any."""


def _items(connection: Connection, rows: "Sequence[Row[tuple[object, ...]]]") -> Sequence[InboxItem]:
    attached = attached_to(connection, [row.id for row in rows])
    return [_item(connection, row, attached.get(row.id, ())) for row in rows]


def _item(connection: Connection, row: "Row[tuple[object, ...]]", attached: Sequence[Attachment]) -> InboxItem:
    terms = terms_of(connection, row.terms_id)
    return InboxItem(
        id=row.id,
        type=row.type,
        name=row.name,
        part=row.part,
        instructions=terms.instructions,
        input=json.loads(row.input),
        controls=json.loads(row.controls) if row.controls else None,
        answer_schema=json.loads(row.answer_schema),
        reward_credits=terms.reward_credits if row.part_reward_credits is None else row.part_reward_credits,
        created_at=row.created_at,
        expires_at=row.lease_expires_at if row.part == "claimed" else row.deadline_at,
        attachments=attached,
        test=row.test,
    )
