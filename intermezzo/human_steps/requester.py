"""The requester's side of human tasks without a flow: post, follow, wait for and cancel them; for shell and HTTP.

Tasks that a flow has posted are seen here as well.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from pydantic import BaseModel, JsonValue
from sqlalchemy import Connection

from intermezzo import ledger
from intermezzo.errors import DefinitionError, InvalidInput
from intermezzo.human_steps import task_views, tasks
from intermezzo.human_steps.closings import Closings
from intermezzo.human_steps.history import Story, story
from intermezzo.human_steps.human_options import HumanOptions
from intermezzo.human_steps.human_step import HumanStep
from intermezzo.human_steps.task_views import TaskFilter, TaskView
from intermezzo.human_steps.tasks import NewHumanTask
from intermezzo.ledger import Payer, Reservation
from intermezzo.steps import options_from, registered
from intermezzo.store import Store, new_id, utc_now
from intermezzo.store.idempotency import fingerprint, once
from intermezzo.web import check_receiver

MAX_METADATA_BYTES = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRequest:
    """A human task that somebody wants done."""

    step: HumanStep[..., Any, Any]
    """What is to be done, and on what terms (`with_options`)."""
    input: BaseModel
    """Made by `step.parse`."""
    webhook_url: str | None = None
    """Told when the task is closed."""
    metadata: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """The requester's own; comes back with the task."""

    def plain(self) -> JsonValue:
        """All of it as JSON."""
        return {
            "name": self.step.name,
            "terms": self.step.terms.id,
            "priority": self.step.options.priority,
            "input": self.input.model_dump(mode="json"),
            "webhook_url": self.webhook_url,
            "metadata": dict(self.metadata),
        }


def request_of(
    type: str,
    input: Mapping[str, object],
    options: Mapping[str, object] | None = None,
    *,
    webhook_url: str | None = None,
    metadata: Mapping[str, JsonValue] | None = None,
) -> TaskRequest:
    """A request from what came as JSON.

    Args:
        type: of the human step.
        options: as `with_options` has them.
        webhook_url: see `TaskRequest`.
        metadata: see `TaskRequest`.

    Raises:
        DefinitionError: there is no such type, its work is not done by people, or an option is out of range.
        InvalidInput: the input does not fit the type, or an option is unknown.
    """
    step = registered(type)
    if not isinstance(step, HumanStep):
        raise DefinitionError(f"{type} is done by a function, not by people: make it a step of a pipeline")
    if options:
        step = step.with_options(**options_from(HumanOptions, options))
    return TaskRequest(step=step, input=step.parse(input), webhook_url=webhook_url, metadata=metadata or {})


class Requester:
    """What one organisation asks of people.

    Args:
        store: where the tasks are.
        payer: the organisation, in live or test credits; it sees no task of anybody else.
        closings: of a process in which many wait.
    """

    def __init__(self, store: Store, payer: Payer, *, closings: Closings | None = None) -> None:
        self.store = store
        self.payer = payer
        self._closings = closings or Closings(store)

    async def post(self, request: TaskRequest, *, idempotency_key: str | None = None) -> str:
        """Post a task; its price is reserved.

        Args:
            idempotency_key: the same request with the same key is the same task, posted once.

        Returns:
            Its id.

        Raises:
            InvalidInput: a default answer does not fit, the audience is impossible, the metadata too large, or nothing
                could be sent to the `webhook_url`.
            InsufficientCredits: nothing was posted.
            KeyReused: another request came with this key.
        """
        [id] = await self.post_many([request], idempotency_key=idempotency_key)
        return id

    async def post_many(self, requests: Sequence[TaskRequest], *, idempotency_key: str | None = None) -> list[str]:
        """Post tasks: all of them or none; see `post`.

        Returns:
            Their ids, in order.
        """
        posted = [_new_task(request) for request in requests]
        ids: JsonValue = [task.id for task in posted]
        digest = fingerprint([request.plain() for request in requests]) if idempotency_key is not None else ""

        def work(connection: Connection) -> JsonValue:
            at = utc_now()
            if idempotency_key is not None:
                org, test = self.payer.org, self.payer.test
                before = once(
                    connection,
                    idempotency_key,
                    org=org,
                    test=test,
                    scope="tasks",
                    request=digest,
                    result=ids,
                    at=at,
                )
                if before is not None:
                    return before
            held = [Reservation(task.id, 1, task.terms.price_credits) for task in posted]
            ledger.reserve(connection, self.payer, held, at=at)
            tasks.post(connection, self.payer, posted, at=at)
            return ids

        return cast("list[str]", await self.store.write(work)) if posted else []

    async def get(self, task_id: str) -> TaskView:
        """One task, of a flow or not.

        Raises:
            HumanTaskNotFound: the organisation has none of that id.
        """
        return await self.store.read(lambda c: task_views.find(c, self.payer, task_id))

    async def list(
        self, wanted: TaskFilter | None = None, *, after: str | None = None, offset: int = 0, limit: int = 50
    ) -> "Sequence[TaskView]":
        """Tasks, the newest first.

        Args:
            wanted: which of them; None: all.
            after: id of the last task of the page before.
            offset: how many to leave out.
            limit: most to return, 1 to 1,000.

        Raises:
            HumanTaskNotFound: the organisation has no task `after`.
        """
        chosen = wanted or TaskFilter()
        return await self.store.read(
            lambda c: task_views.newest(c, self.payer, chosen, after=after, offset=offset, limit=limit)
        )

    async def count(self, wanted: TaskFilter | None = None) -> int:
        """How many tasks there are.

        Args:
            wanted: of which; None: all.
        """
        return await self.store.read(lambda c: task_views.count(c, self.payer, wanted or TaskFilter()))

    async def story(self, task_id: str) -> Story:
        """Everything that happened to a task.

        Raises:
            HumanTaskNotFound: the organisation has none of that id.
        """
        return await self.store.read(lambda c: story(c, self.payer, task_id))

    async def cancel(self, task_id: str, *, reason: str = "the requester cancelled it") -> bool:
        """Close a task that is still open: answers that came are paid, everything else goes back.

        Returns:
            Whether it was open; of a task that is closed nothing changes.

        Raises:
            HumanTaskNotFound: the organisation has none of that id.
        """

        def work(connection: Connection) -> bool:
            task_views.find(connection, self.payer, task_id)
            return tasks.cancel(connection, [task_id], reason=reason, at=utc_now()) > 0

        return await self.store.write(work)

    async def wait(self, task_id: str, *, timeout_seconds: float) -> TaskView:
        """Wait until a task is closed, or for so long; whoever needs an outcome looks whether `is_closed`.

        Raises:
            HumanTaskNotFound: the organisation has none of that id.
        """
        return await self._closings.until_closed(task_id, lambda: self.get(task_id), timeout_seconds=timeout_seconds)

    def close(self) -> None:
        """Hear no more of what happens to tasks."""
        self._closings.close()


def _new_task(request: TaskRequest) -> NewHumanTask:
    if request.webhook_url is not None:
        try:
            check_receiver(request.webhook_url)
        except InvalidInput as error:
            raise InvalidInput(f"webhook_{error}") from None
    task = request.step.new_task(request.input, id=new_id())
    text = json.dumps(dict(request.metadata), ensure_ascii=False) if request.metadata else None
    if text is not None and (size := len(text.encode())) > MAX_METADATA_BYTES:
        raise InvalidInput(f"metadata: expected at most {MAX_METADATA_BYTES:,} bytes as JSON, got {size:,}")
    return replace(task, webhook_url=request.webhook_url, metadata=text)
