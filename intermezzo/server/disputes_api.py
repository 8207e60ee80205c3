"""`/v1/disputes`: operators say who is right about an answer, for all organisations (spec: SA-58)."""

from dataclasses import asdict
from typing import Annotated, Self

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from intermezzo.human_steps.dispute_queue import DisputeQueue
from intermezzo.human_steps.disputes import Dispute
from intermezzo.human_steps.history import Story
from intermezzo.server.context import Operator, Server
from intermezzo.server.reading import Route
from intermezzo.server.reviews_api import Note
from intermezzo.server.task_wire import Wired

router = APIRouter(prefix="/v1/disputes", tags=["disputes"], route_class=Route)


def _queue(server: Server, principal: Operator) -> DisputeQueue:
    return DisputeQueue(server.store, test=principal.test)


Queue = Annotated[DisputeQueue, Depends(_queue)]
"""Live or test disputes, as the operator's key is."""


class DisputeOut(Wired):
    """An answer that its requester does not accept."""

    id: str
    assignment_id: str
    task_id: str
    worker: str
    reason: str
    """The requester's."""
    opened_by: str
    opened_at: AwareDatetime
    resolved_by: str | None
    resolved_at: AwareDatetime | None
    upheld: bool | None
    """True: the requester is right; false: the worker is; null: nobody has decided yet."""
    note: str | None
    """Of whoever decided."""

    @classmethod
    def of(cls, dispute: Dispute) -> Self:
        """A dispute as it goes over the wire."""
        return cls(**asdict(dispute))


class Disputes(Wired):
    """Disputes that nobody has decided, the oldest first."""

    items: list[DisputeOut]


class Ruling(Wired):
    """Who is right."""

    upheld: bool
    """True, the requester: the answer is rejected. False, the worker: it is approved and paid."""
    note: Note | None = None
    """For both sides."""


@router.get("", summary="List disputes")
async def list_disputes(queue: Queue, limit: Annotated[int, Query(ge=1, le=1000)] = 50) -> Disputes:
    """For operators: what nobody has decided yet."""
    return Disputes(items=[DisputeOut.of(found) for found in await queue.list(limit=limit)])


@router.get("/{dispute_id}", summary="Get a dispute")
async def get(dispute_id: str, queue: Queue) -> DisputeOut:
    """For operators: one dispute, decided or not."""
    return DisputeOut.of(await queue.get(dispute_id))


@router.get("/{dispute_id}/story", summary="Tell what a dispute is about")
async def story(dispute_id: str, queue: Queue) -> Story:
    """For operators: what was asked, what was answered, and everything else that happened to its task."""
    return await queue.story(dispute_id)


@router.post("/{dispute_id}/resolve", summary="Decide a dispute")
async def resolve(dispute_id: str, given: Ruling, principal: Operator, queue: Queue) -> DisputeOut:
    """For operators: say who is right; the same again changes nothing."""
    return DisputeOut.of(await queue.resolve(dispute_id, upheld=given.upheld, by=principal.name, note=given.note))
