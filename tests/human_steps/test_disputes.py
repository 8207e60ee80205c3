"""Answers that a requester does not accept, and what an operator makes of them, whatever happens meanwhile."""

from datetime import timedelta

import pytest

from intermezzo.errors import AssignmentNotFound, DisputeNotFound, NotReviewable, WorkerError
from intermezzo.human_steps.dispute_queue import DisputeQueue
from intermezzo.human_steps.history import story
from intermezzo.human_steps.review_queue import ReviewQueue
from tests.desk import START, Desk

TWO_DAYS = timedelta(hours=48)


def waiting(desk: Desk, *workers: str, required: int = 1, strategy: str = "requester_review", **terms: object) -> str:
    """A task whose answers, for 2 credits each, wait for their review."""
    task = desk.post(required=required, strategy=strategy, auto_approve_seconds=48 * 3600, **terms)  # type: ignore[arg-type]
    for worker in workers:
        desk.answer(worker, task)
    return task


def assignment(desk: Desk, task: str, worker: str = "ann") -> str:
    return desk.assignment(task, worker) or ""


def test_neither_time_nor_the_requester_decides_what_is_disputed(desk: Desk) -> None:
    task = waiting(desk, "ann")
    id = assignment(desk, task)
    desk.dispute(id)
    assert desk.approve_unreviewed(at=START + 2 * TWO_DAYS) == 0
    for approved in (True, False):
        with pytest.raises(NotReviewable, match="is disputed; only a submitted answer is reviewed"):
            desk.review(id, approved=approved)
    with pytest.raises(NotReviewable, match="is disputed; only an approved answer"):
        desk.score(id, 5)
    assert (desk.state(task), desk.reserved, desk.earned("ann")) == ("submitted", 3, 0)
    assert desk.problems() == []


def test_an_upheld_dispute_rejects_the_answer_and_asks_somebody_else(desk: Desk) -> None:
    task = waiting(desk, "ann")
    found = desk.dispute(assignment(desk, task))
    assert desk.resolve(found.id, upheld=True).upheld is True
    assert (desk.state(task), desk.open_slots(task), desk.earned("ann")) == ("open", 1, 0)
    assert desk.take_next("ann") is None
    desk.answer("bob", task)
    desk.review(assignment(desk, task, "bob"), approved=True)
    assert (desk.state(task), desk.earned("bob"), desk.reserved) == ("completed", 2, 0)
    assert desk.problems() == []


def test_a_dismissed_dispute_pays_the_worker_and_completes_the_task(desk: Desk) -> None:
    task = waiting(desk, "ann")
    id = assignment(desk, task)
    found = desk.dispute(id)
    assert desk.resolve(found.id, upheld=False).resolved_by == "ops"
    assert (desk.state(task), desk.earned("ann"), desk.reserved) == ("completed", 2, 0)
    with pytest.raises(NotReviewable, match="was disputed; such an answer has no score"):
        desk.score(id, 0)
    [part] = desk.see(lambda c: story(c, desk.payer, task, at=START + TWO_DAYS)).parts
    assert (part.state, part.score) == ("approved", None)
    assert desk.problems() == []


def test_a_disputed_answer_does_not_count_until_it_is_decided(desk: Desk) -> None:
    task = waiting(desk, "ann", required=2, strategy="majority_vote")
    found = desk.dispute(assignment(desk, task))
    assert desk.answer("bob", task) == "submitted"
    desk.resolve(found.id, upheld=False)
    assert desk.state(task) == "completed"
    assert desk.problems() == []


@pytest.mark.parametrize("upheld", [True, False])
def test_the_money_of_a_completed_task_waits_for_its_disputes(desk: Desk, *, upheld: bool) -> None:
    task = waiting(desk, "ann", "bob", required=2, strategy="majority_vote")
    assert desk.state(task) == "completed"
    found = desk.dispute(assignment(desk, task))
    desk.review(assignment(desk, task, "bob"), approved=True)
    assert desk.reserved == 3
    desk.resolve(found.id, upheld=upheld)
    assert (desk.state(task), desk.reserved) == ("completed", 0)
    assert desk.earned("ann") == (0 if upheld else 2)
    assert desk.problems() == []


@pytest.mark.parametrize("upheld", [True, False])
@pytest.mark.parametrize("how", ["cancelled", "expired"])
def test_a_dispute_outlives_its_task(desk: Desk, how: str, *, upheld: bool) -> None:
    task = waiting(desk, "ann", required=2, deadline_seconds=600)
    found = desk.dispute(assignment(desk, task))
    if how == "cancelled":
        desk.cancel(task)
    else:
        desk.expire(at=START + timedelta(minutes=10))
    assert (desk.state(task), desk.reserved) == (how, 3)
    desk.resolve(found.id, upheld=upheld, at=START + TWO_DAYS)
    assert (desk.state(task), desk.reserved, desk.earned("ann")) == (how, 0, 0 if upheld else 2)
    assert desk.problems() == []


@pytest.mark.parametrize("upheld", [True, False])
def test_a_dispute_with_a_worker_who_is_suspended_goes_on(desk: Desk, *, upheld: bool) -> None:
    task = waiting(desk, "ann")
    found = desk.dispute(assignment(desk, task))
    desk.suspend("ann")
    assert [part.state for part in desk.see(lambda c: story(c, desk.payer, task)).parts] == ["disputed"]
    desk.resolve(found.id, upheld=upheld)
    assert (desk.state(task), desk.earned("ann")) == (("open", 0) if upheld else ("completed", 2))
    assert desk.problems() == []


def test_to_dispute_or_decide_again_changes_nothing(desk: Desk) -> None:
    task = waiting(desk, "ann")
    id = assignment(desk, task)
    first = desk.dispute(id, reason="off the point")
    assert desk.dispute(id, reason="really") == first
    decided = desk.resolve(first.id, upheld=False)
    assert desk.resolve(first.id, upheld=False, at=START + TWO_DAYS) == decided == desk.dispute(id)
    with pytest.raises(NotReviewable, match="was dismissed before"):
        desk.resolve(first.id, upheld=True)
    assert (desk.earned("ann"), desk.problems()) == (2, [])
    told = [event.what for event in desk.see(lambda c: story(c, desk.payer, task)).happened]
    assert told == ["opened", "claimed", "submitted", "disputed", "resolved", "approved", "closed"]


def test_what_cannot_be_disputed_is_refused(desk: Desk) -> None:
    task = waiting(desk, "ann")
    id = assignment(desk, task)
    with pytest.raises(ValueError, match="needs a reason"):
        desk.dispute(id, reason=" \n")
    with pytest.raises(WorkerError, match="at most 5,000 characters"):
        desk.dispute(id, reason="x" * 5_001)
    desk.review(id, approved=False)
    with pytest.raises(NotReviewable, match="is rejected; only an answer that waits for its review is disputed"):
        desk.dispute(id)
    with pytest.raises(AssignmentNotFound):
        desk.dispute("nothing")
    with pytest.raises(DisputeNotFound, match="there is no dispute 'nothing'"):
        desk.resolve("nothing", upheld=True)


async def test_an_operator_sees_what_waits_for_them(desk: Desk) -> None:
    first, second = waiting(desk, "ann"), waiting(desk, "bob")
    reviews, operator = ReviewQueue(desk.store, desk.payer), DisputeQueue(desk.store)
    await reviews.dispute(assignment(desk, first), by="boss", reason="no")
    later = await reviews.dispute(assignment(desk, second, "bob"), by="boss", reason="neither")
    assert await reviews.list() == []
    found = await operator.list()
    assert [(one.task_id, one.worker, one.reason) for one in found] == [
        (first, "ann", "no"),
        (second, "bob", "neither"),
    ]
    await operator.resolve(found[0].id, upheld=True, by="ops")
    assert await operator.list() == [later]
    assert (await operator.get(found[0].id)).upheld is True
    told = await operator.story(later.id)
    assert (told.id, told.parts[0].worker, told.parts[0].state) == (second, "bob", "disputed")


async def test_live_disputes_are_not_there_for_whoever_tests(desk: Desk) -> None:
    found = desk.dispute(assignment(desk, waiting(desk, "ann")))
    tester = DisputeQueue(desk.store, test=True)
    assert await tester.list() == []
    with pytest.raises(DisputeNotFound, match="no test dispute"):
        await tester.get(found.id)
    with pytest.raises(DisputeNotFound):
        await tester.story(found.id)
    with pytest.raises(DisputeNotFound):
        await tester.resolve(found.id, upheld=True, by="ops")
    assert (await DisputeQueue(desk.store).get(found.id)).resolved_at is None
