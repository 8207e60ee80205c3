"""The queue is read by its index, however many tasks there are and whatever they ask for."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Connection, func, select

from intermezzo.human_steps import claims, queues, review, tasks
from intermezzo.human_steps.history import story
from intermezzo.human_steps.inbox import Inbox, with_room
from intermezzo.human_steps.open_counts import open_count
from intermezzo.human_steps.terms import Terms
from intermezzo.human_steps.workers import Profile
from intermezzo.store.tables import assignments, human_tasks, queue_places
from tests.desk import START, Desk
from tests.plans import plans


def test_the_next_task_is_found_by_the_index_of_its_queue(new_desk: Desk) -> None:
    for reward in range(3):
        new_desk.post(reward=reward)
        new_desk.post(audience=("ann",))
    found = plans(new_desk, lambda c: list(queues.heads(c, Profile(id="ann"), test=False, at=START)))
    assert len(found) == 3  # the queues there are, the next of the one of everybody, the same for ann alone
    for plan in found:
        assert "ix_human_tasks_queue" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan


def test_the_next_task_after_thousands_is_found_by_the_index_too(
    new_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "NOTED_EVERY", 1)
    for _ in range(4):
        new_desk.post(required=2, strategy="unanimous")
        new_desk.take_next("ann")
    found = plans(new_desk, lambda c: list(queues.heads(c, Profile(id="ann"), test=False, at=START)))
    returned, from_place, from_beginning = found[1:]
    assert "ix_human_tasks_returned" in returned
    assert "created_at" in from_place
    for plan in (from_place, from_beginning):
        assert "ix_human_tasks_queue" in plan
    for plan in (returned, from_place, from_beginning):
        assert "uq_assignments_worker" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan


async def test_whoever_has_answered_much_begins_where_they_were(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "NOTED_EVERY", 1)
    posted = [desk.post(required=2, strategy="unanimous") for _ in range(4)]
    assert [desk.take_next("ann") is not None for _ in range(3)] == [True] * 3
    place = select(queue_places.c.task_id).where(queue_places.c.worker_id == "ann")
    assert desk.see(lambda c: c.scalar(place)) == posted[2]
    assert desk.see(lambda c: c.execute(select(queue_places).where(queue_places.c.worker_id == "bob")).all()) == []


def give_up(desk: Desk, task: str, at: datetime) -> None:
    desk.release("bob", task)


def run_out(desk: Desk, task: str, at: datetime) -> None:
    assert desk.lapse(at=at) > 0


def be_rejected(desk: Desk, task: str, at: datetime) -> None:
    desk.submit("bob", task)
    desk.review(desk.assignment(task, "bob") or "", approved=False)


def be_suspended(desk: Desk, task: str, at: datetime) -> None:
    desk.suspend("bob")


@pytest.mark.parametrize("come_back", [give_up, run_out, be_rejected, be_suspended])
def test_a_slot_that_comes_back_is_found_by_those_who_were_past_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, come_back: Callable[[Desk, str, datetime], None]
) -> None:
    monkeypatch.setattr(queues, "NOTED_EVERY", 1)
    shared = desk.post(required=2, strategy="unanimous")
    full = desk.post(strategy="requester_review", auto_approve_seconds=3600)
    later = [desk.post(required=2, strategy="unanimous", minutes=480) for _ in range(4)]
    desk.take("ann", shared)
    desk.take("bob", full)
    assert [claim and claim.task_id for claim in (desk.take_next("ann") for _ in later[:3])] == later[:3]
    come_back(desk, full, START + timedelta(minutes=31))
    claim = desk.take_next("ann")
    assert claim is not None
    assert claim.task_id == (shared if come_back is run_out else full)


def test_a_task_that_appears_with_an_earlier_time_is_found_within_a_minute(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "NOTED_EVERY", 1)
    posted = [desk.post(required=2, strategy="unanimous") for _ in range(6)]
    assert [desk.take_next("ann") is not None for _ in range(3)] == [True] * 3
    late = desk.post(at=START - timedelta(seconds=5))
    at = START + queues.PLACE_TRUSTED
    found = [claim and claim.task_id for claim in (desk.take_next("ann", at=at) for _ in range(2))]
    assert found == [posted[3], late]


def test_a_task_that_appears_with_an_earlier_time_is_found_when_there_is_nothing_else(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "NOTED_EVERY", 1)
    for _ in range(3):
        desk.post(required=2, strategy="unanimous")
        desk.take_next("ann")
    late = desk.post(at=START - timedelta(seconds=5))
    claim = desk.take_next("ann")
    assert claim is not None
    assert claim.task_id == late


async def test_open_tasks_are_counted_without_reading_them(desk: Desk) -> None:
    desk.post_many(7)
    desk.post(min_skill_level=5)
    inbox = Inbox(desk.store)
    assert (await inbox.count(), await inbox.count(types=["label_text"]), await inbox.count(types=["other"])) == (
        8,
        8,
        0,
    )
    assert await Inbox(desk.store, test=True).count() == 0
    desk.take_next("ann")
    assert await inbox.count() == 7
    assert plans(desk, lambda c: open_count(c, test=False)) == []


def test_nothing_that_looks_for_work_reads_all_tasks(new_desk: Desk) -> None:
    task = new_desk.post(auto_approve_seconds=3600)
    new_desk.answer("ann", task)
    mine = select(assignments.c.task_id).where(assignments.c.worker_id == "ann", assignments.c.state == "claimed")
    looks: list[Callable[[Connection], object]] = [
        lambda c: claims.lapse(c, at=START),
        lambda c: tasks.expire(c, at=START),
        lambda c: review.approve_unreviewed(c, at=START),
        lambda c: claims.claim_next(c, "bob", test=False, at=START),
        lambda c: story(c, new_desk.payer, task),
        lambda c: c.execute(select(human_tasks).where(human_tasks.c.id.in_(mine)).order_by(*queues.ORDER)).all(),
    ]
    for look in looks:
        for plan in plans(new_desk, look):
            assert "Seq Scan" not in plan
            assert not re.search(r"^SCAN (human_tasks|assignments|outbox|responses)\b(?!.*USING)", plan, re.MULTILINE)


def test_tasks_that_ask_the_same_of_a_worker_are_one_queue_whatever_they_say_and_pay(desk: Desk) -> None:
    for number in range(5):
        desk.post(reward=number, minutes=5 + number)
    desk.post(min_skill_level=2)
    count = select(func.count(func.distinct(human_tasks.c.queue)))
    assert desk.see(lambda c: c.scalar(count)) == 2


def test_the_inbox_is_listed_by_an_index_however_much_was_posted_since_the_table_was_analyzed(new_desk: Desk) -> None:
    new_desk.post_many(900)
    [plan] = plans(new_desk, lambda c: with_room(c, test=False, limit=50))
    assert "ix_human_tasks_open" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


async def test_the_inbox_shows_the_most_urgent_first(desk: Desk) -> None:
    low, high = desk.post(priority="low"), desk.post(priority="high")
    assert [item.id for item in await Inbox(desk.store).list()] == [high, low]


def test_a_task_is_claimed_once_by_each_of_two_who_come_at_once(desk: Desk) -> None:
    task = desk.post(required=2, strategy="unanimous")
    claimed = [desk.do(lambda c, w=worker: claims.claim_next(c, w, test=False, at=START)) for worker in ("ann", "bob")]
    assert [claim and claim.task_id for claim in claimed] == [task, task]


@pytest.mark.parametrize("change", [{"reward_credits": 5}, {"audience": "guild:x"}])
def test_changed_terms_are_other_terms(change: dict[str, object]) -> None:
    terms = Terms(type="t")
    before = (terms.id, terms.queue)
    after = terms.model_copy(update=change)
    assert after.id != before[0]
    assert (after.queue != before[1]) == ("audience" in change)
