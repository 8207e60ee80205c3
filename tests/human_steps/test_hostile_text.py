"""Ids, names and notes that no database keeps are refused in words, the same on every engine."""

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from intermezzo import Escalation, label_text
from intermezzo.errors import DefinitionError, WorkerError
from intermezzo.human_steps import claims, workers
from intermezzo.human_steps.history import story
from intermezzo.human_steps.human_options import MAX_AUDIENCE, MAX_ESCALATIONS
from intermezzo.human_steps.inbox import Inbox
from intermezzo.human_steps.review_queue import ReviewQueue
from tests.desk import START, Desk

if TYPE_CHECKING:
    from sqlalchemy import Connection

GOOD = {"category": "good"}

REQUESTS: list[Callable[[Inbox, ReviewQueue, str], Coroutine[Any, Any, object]]] = [
    lambda inbox, _, bad: inbox.get(bad),
    lambda inbox, _, bad: inbox.claim("ann", bad),
    lambda inbox, _, bad: inbox.submit("ann", bad, GOOD),
    lambda inbox, _, bad: inbox.list(worker_id=bad),
    lambda inbox, _, bad: inbox.offers(bad),
    lambda inbox, _, bad: inbox.claim_next(bad),
    lambda _, queue, bad: queue.approve(bad, by="boss"),
    lambda _, queue, bad: queue.decide(bad, GOOD, by="boss"),
]


@pytest.mark.parametrize("bad", ["\x00", "\ud800", "x" * 100_000], ids=["NUL", "half", "long"])
async def test_what_cannot_be_stored_is_refused_in_words(desk: Desk, bad: str) -> None:
    task, reviewed = desk.post(), desk.post(strategy="requester_review", auto_approve_seconds=None)
    desk.take("ann", task)
    desk.answer("ann", reviewed)
    answer = desk.assignment(reviewed, "ann") or ""
    inbox, queue = Inbox(desk.store), ReviewQueue(desk.store, desk.payer)
    acts = [act(inbox, queue, bad) for act in REQUESTS]
    acts += [
        inbox.submit(bad, task, GOOD),
        inbox.release(bad, task),
        inbox.decline("ann", task, reason=bad),
        inbox.get(task, worker_id=bad),
        queue.approve(answer, by=bad),
        queue.reject(answer, by="boss", reason=bad),
    ]
    for act in acts:
        with pytest.raises(WorkerError) as refusal:
            await act
        assert len(str(refusal.value)) < 700
    works: list[Callable[[Connection], object]] = [
        lambda c: claims.suspend(c, "ann", reason=bad, by="boss", at=START),
        lambda c: workers.make_guild(c, "medics", name=bad, kind="community", at=START),
        lambda c: workers.join(c, bad, "ann", at=START),
        lambda c: story(c, desk.payer, bad),
    ]
    for work in works:
        with pytest.raises(WorkerError):
            desk.do(work)
    assert (desk.state(task), desk.state(reviewed)) == ("claimed", "submitted")


def test_an_audience_is_a_list_of_some_workers_or_a_guild() -> None:
    with pytest.raises(DefinitionError, match=r"at most 1,000 workers, got 1,001; make them a guild"):
        label_text.with_options(audience=[f"worker-{n}" for n in range(MAX_AUDIENCE + 1)])
    with pytest.raises(DefinitionError, match="a worker's id has 1 to 100 printable characters"):
        label_text.with_options(audience=["ann", "b\x00b"])


def test_escalations_come_to_an_end() -> None:
    chain = Escalation()
    for _ in range(MAX_ESCALATIONS - 1):
        chain = Escalation(escalation=chain)
    assert len(list(label_text.with_options(escalation=chain).terms.chain())) == MAX_ESCALATIONS + 1
    with pytest.raises(DefinitionError, match="at most 20 escalations"):
        label_text.with_options(escalation=Escalation(escalation=chain))
