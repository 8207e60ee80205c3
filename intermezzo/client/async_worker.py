"""What workers do, for programs with asyncio."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pydantic import JsonValue

from intermezzo.client.results import Claim, Me, WorkerTask
from intermezzo.client.work_calls import WorkCalls

if TYPE_CHECKING:
    from intermezzo.client.async_client import AsyncClient


class AsyncWorker:
    """Work on tasks, with the key of a worker."""

    def __init__(self, client: "AsyncClient") -> None:
        self._client = client
        self._calls = WorkCalls(client.retries)

    async def me(self) -> Me:
        """Who you are, what you have earned, and how your work is found.

        Raises:
            ForbiddenError: the key is no worker's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.me())

    async def balance(self) -> int:
        """Credits that you have earned.

        Raises:
            ForbiddenError: the key is no worker's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.balance())

    async def list(self, *, mine: bool = False, limit: int = 20) -> Sequence[WorkerTask]:
        """Tasks that you may claim now, the most urgent and oldest first.

        Args:
            mine: those you have claimed instead.
            limit: most to return, 1 to 100.

        Raises:
            ForbiddenError: the key is no worker's.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.list(mine=mine, limit=limit))

    async def get(self, task_id: str) -> WorkerTask:
        """One task: the form, the input, and what is attached.

        Raises:
            NotFoundError: there is no such task for you.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.get(task_id))

    async def claim(self, task_id: str) -> Claim:
        """Claim a slot of this task; again gives the same claim.

        Raises:
            ConflictError: it has no free slot, or you have worked on it.
            NotFoundError: there is no such task for you.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.claim(task_id))

    async def claim_next(self, *, types: Sequence[str] = ()) -> Claim | None:
        """Claim a slot of the most urgent, oldest task that you have not worked on; None: there is none.

        Args:
            types: only tasks of these; empty: of any.

        Raises:
            ConflictError: you may not claim now.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.claim_next(types))

    async def submit(self, task_id: str, answer: Mapping[str, JsonValue]) -> str:
        """Answer a task you have claimed; the same answer sent again changes nothing.

        Args:
            task_id: of the task.
            answer: fits its `answer_schema`.

        Returns:
            `approved`, or `submitted` while it waits for its review.

        Raises:
            InvalidRequestError: the answer does not fit; `fields` says where.
            ConflictError: you have no claim on it.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.submit(task_id, answer))

    async def release(self, task_id: str) -> None:
        """Give your claim back; you may claim the task again.

        Raises:
            ConflictError: you have no claim on it.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.release(task_id))

    async def decline(self, task_id: str, *, reason: str = "") -> None:
        """Give your claim back for good: you are not offered the task again.

        Args:
            task_id: of the task.
            reason: for the requester.

        Raises:
            ConflictError: you have no claim on it.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.decline(task_id, reason))

    async def report(self, task_id: str, reason: str, *, note: str = "") -> None:
        """Say that something is wrong with a task you have claimed: your claim goes back, and several reports close it.

        Args:
            task_id: of the task.
            reason: `unclear`, `broken`, `harmful`, `private` or `other`.
            note: for the requester.

        Raises:
            ConflictError: you have no claim on it.
            ClientError: see its tree.
        """
        return await self._client.take(self._calls.report(task_id, reason, note))
