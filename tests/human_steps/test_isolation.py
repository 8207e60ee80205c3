"""Organisations do not see each other's tasks, nor test keys live ones; workers do not see what is not for them."""

import pytest

from intermezzo.errors import AssignmentNotFound, HumanTaskNotFound
from intermezzo.human_steps.history import story
from intermezzo.human_steps.inbox import Inbox
from intermezzo.human_steps.review_queue import ReviewQueue
from intermezzo.ledger import Payer
from tests.desk import Desk


def waiting(desk: Desk) -> tuple[str, str]:
    """A task that waits for its requester, and an answer to it."""
    task = desk.post(strategy="requester_review", auto_approve_seconds=None)
    desk.answer("ann", task)
    return task, desk.assignment(task, "ann") or ""


@pytest.mark.parametrize("other", [Payer("rival"), Payer("acme", test=True), Payer("ACME"), Payer("")])
async def test_what_another_organisation_asked_for_is_not_there(desk: Desk, other: Payer) -> None:
    task, assignment = waiting(desk)
    theirs = ReviewQueue(desk.store, other)
    assert await theirs.list() == await theirs.list(task_id=task) == []
    with pytest.raises(AssignmentNotFound, match=f"there is no assignment '{assignment}'"):
        await theirs.approve(assignment, by="boss")
    with pytest.raises(AssignmentNotFound):
        await theirs.reject(assignment, by="boss", reason="it is not mine")
    with pytest.raises(HumanTaskNotFound, match=f"there is no human task '{task}'"):
        await theirs.decide(task, {"category": "good"}, by="boss")
    with pytest.raises(HumanTaskNotFound):
        desk.see(lambda c: story(c, other, task))
    assert (desk.state(task), desk.earned("ann")) == ("submitted", 0)
    assert await ReviewQueue(desk.store, desk.payer).approve(assignment, by="boss") == "completed"


async def test_an_inbox_of_test_tasks_has_no_live_one(desk: Desk) -> None:
    task = desk.post()
    desk.take("ann", task)
    play = Inbox(desk.store, test=True)
    for act in (
        play.get(task),
        play.submit("ann", task, {"category": "good"}),
        play.release("ann", task),
        play.decline("ann", task),
    ):
        with pytest.raises(HumanTaskNotFound, match="among test tasks"):
            await act
    assert desk.state(task) == "claimed"
    assert await Inbox(desk.store).submit("ann", task, {"category": "good"}) == "approved"


async def test_a_worker_sees_what_they_may_claim_and_what_was_theirs(desk: Desk) -> None:
    low, high = desk.post(priority="low"), desk.post(priority="high", required=2)
    private, spoken = desk.post(audience=("bob",)), desk.post(languages=("la",))
    inbox = Inbox(desk.store)
    assert [item.id for item in await inbox.offers("ann")] == [high, low]
    assert [item.id for item in await inbox.offers("ann", limit=1)] == [high]
    assert [item.id for item in await inbox.offers("bob")] == [high, private, low]
    desk.take("ann", high)
    assert [item.id for item in await inbox.offers("ann")] == [low]
    for hidden in (private, spoken):
        with pytest.raises(HumanTaskNotFound, match="shows what you may claim"):
            await inbox.get(hidden, worker_id="ann")
    desk.suspend("ann")
    assert await inbox.offers("ann") == []
    assert (await inbox.get(high, worker_id="ann")).id == high
