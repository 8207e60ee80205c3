"""Gold tasks: mixed in so that nobody can tell, they say how right a worker is, and decide who gets more."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from intermezzo.errors import ClaimLost, HumanTaskNotFound, InvalidInput, NotClaimable
from intermezzo.human_steps import gold_items, tasks
from intermezzo.human_steps.gold_record import GoldRecord, Mark, refusal
from intermezzo.human_steps.gold_tasks import is_drawn
from intermezzo.human_steps.inbox import Inbox
from intermezzo.human_steps.quality import Quality
from intermezzo.human_steps.requester import Requester
from intermezzo.human_steps.review_queue import ReviewQueue
from intermezzo.human_steps.simulated_workers import SimulatedCrowd
from intermezzo.store import Store
from intermezzo.store.tables import assignments, human_tasks
from tests.desk import START, Desk
from tests.human_steps.gold_desk import SET, gold_item, is_gold, quality, record, stock

HOUR = timedelta(hours=1)


def take(desk: Desk, worker: str = "ann", **given: Any) -> str:
    claim = desk.take_next(worker, **given)
    assert claim is not None
    return claim.task_id


# --- mixed in


def test_a_gold_task_is_given_instead_of_the_next_one_and_paid_like_it(desk: Desk) -> None:
    stock(desk)
    real = desk.post(reward=5, quality=quality())
    gold = take(desk)
    assert gold != real
    assert is_gold(desk, gold)
    assert desk.reserved == 6 + 6
    assert desk.submit("ann", gold, "bad") == "completed"
    assert (desk.earned("ann"), desk.reserved) == (5, 6)
    assert [mark.right for mark in record(desk, "ann").marks] == [False]
    assert desk.problems() == []


def test_without_a_draw_the_real_task_is_given(desk: Desk) -> None:
    stock(desk)
    real = desk.post(quality=quality(gold_share=0.0))
    assert take(desk) == real


def test_no_item_is_given_to_a_worker_twice_and_then_come_real_tasks(desk: Desk) -> None:
    stock(desk, 3)
    real = desk.post(required=2, strategy="unanimous", quality=quality())
    for worker in ("ann", "bob"):
        seen = [take(desk, worker) for _ in range(4)]
        assert [is_gold(desk, task) for task in seen] == [True, True, True, False]
        assert seen[-1] == real
    shown = select(human_tasks.c.input).where(human_tasks.c.gold_id.is_not(None))
    assert len(set(desk.see(lambda c: c.scalars(shown).all()))) == 3


def test_gold_stays_with_its_organisation_its_type_and_its_mode(desk: Desk) -> None:
    other = Desk(desk.store, test=True)
    stock(other)
    with pytest.raises(InvalidInput, match=r"'trial' of 'acme' has 0 items of type label_text, and 1 are needed"):
        desk.post(quality=quality())
    assert (desk.reserved, desk.problems()) == (0, [])


def test_too_few_credits_for_gold_give_the_real_task(desk: Desk) -> None:
    stock(desk)
    real = desk.post(reward=800, quality=quality())
    assert desk.available == 40
    assert take(desk) == real


def test_the_draw_depends_on_worker_task_and_how_many_were_taken() -> None:
    drawn = [is_drawn(0.25, "ann", f"task {n}", n % 7) for n in range(4_000)]
    assert 0.22 < sum(drawn) / len(drawn) < 0.28
    assert drawn == [is_drawn(0.25, "ann", f"task {n}", n % 7) for n in range(4_000)]
    assert not is_drawn(0.0, "ann", "task", 0)
    assert is_drawn(1.0, "ann", "task", 0)


# --- what comes back


@pytest.mark.parametrize("how", ["release", "lapse"])
def test_a_gold_task_that_came_back_is_the_same_when_its_worker_claims_again(desk: Desk, how: str) -> None:
    stock(desk)
    desk.post(minutes=60, quality=quality())
    gold = take(desk)
    if how == "release":
        desk.release("ann", gold)
    else:
        assert desk.lapse(at=START + HOUR) == 1
    bobs = take(desk, "bob")
    assert bobs != gold  # it is for ann alone
    assert take(desk) == gold
    desk.release("ann", gold)
    desk.take("ann", gold)
    assert desk.submit("ann", gold) == "completed"
    assert desk.problems() == []


def test_a_gold_task_that_nobody_claims_again_expires_and_its_money_goes_back(desk: Desk) -> None:
    stock(desk)
    desk.post(reward=5, deadline_seconds=86_400, minutes=480, quality=quality())
    gold = take(desk)
    desk.decline("ann", gold)
    with pytest.raises(NotClaimable, match="has declined"):
        desk.take("ann", gold)
    assert take(desk) != gold
    desk.expire(at=START + timedelta(hours=8))
    assert desk.state(gold) == "expired"
    assert desk.problems() == []


def test_a_suspended_workers_gold_task_comes_back_and_a_paid_one_stays_paid(desk: Desk) -> None:
    stock(desk)
    desk.post(quality=quality(), auto_approve_seconds=3600)
    first, second = take(desk), take(desk)
    desk.submit("ann", first)
    desk.suspend("ann")
    assert desk.open_slots(second) == 1
    assert desk.approve_unreviewed(at=START + HOUR) == 1
    assert desk.earned("ann") == 2
    desk.expire(at=START + HOUR)
    assert (desk.reserved, desk.problems()) == (0, [])


# --- qualification and accuracy


def qualify(desk: Desk, worker: str, answers: list[str]) -> None:
    for answer in answers:
        desk.submit(worker, take(desk, worker), answer)


def test_whoever_qualifies_gets_real_tasks(desk: Desk) -> None:
    stock(desk)
    real = desk.post(quality=quality(gold_share=0.0, qualification_tasks=3, qualification_accuracy=0.6))
    with pytest.raises(NotClaimable, match=r"must qualify before they may choose .* take the next task"):
        desk.take("ann", real)
    qualify(desk, "ann", ["good", "bad", "good"])
    desk.take("ann", real)
    assert desk.submit("ann", real) == "completed"


def test_whoever_does_not_qualify_gets_nothing_more(desk: Desk) -> None:
    stock(desk)
    real = desk.post(quality=quality(qualification_tasks=2, qualification_accuracy=1.0))
    qualify(desk, "ann", ["good", "bad"])
    with pytest.raises(NotClaimable, match=r"1 of 2 qualification tasks were right, 100% is asked for"):
        desk.take_next("ann")
    with pytest.raises(NotClaimable, match="1 of 2 qualification tasks"):
        desk.take("ann", real)


def test_no_more_qualification_tasks_are_given_at_once_than_are_needed(desk: Desk) -> None:
    stock(desk)
    desk.post(quality=quality(qualification_tasks=2))
    take(desk)
    take(desk)
    with pytest.raises(NotClaimable, match="answer the 2 you hold first"):
        desk.take_next("ann")


def test_without_items_left_nobody_qualifies(desk: Desk) -> None:
    stock(desk, 2)
    desk.post(quality=quality(qualification_tasks=2))
    desk.decline("ann", take(desk))
    qualify(desk, "ann", ["good"])
    with pytest.raises(NotClaimable, match="no qualification task is left"):
        desk.take_next("ann")


def test_a_refused_worker_still_gets_tasks_that_ask_for_less(desk: Desk) -> None:
    stock(desk)
    desk.post(priority="urgent", quality=quality(qualification_tasks=1, qualification_accuracy=1.0))
    qualify(desk, "ann", ["bad"])
    plain = desk.post(priority="low")
    assert take(desk) == plain


def test_whoever_is_wrong_too_often_gets_nothing_more_until_the_bad_items_are_retired(desk: Desk) -> None:
    stock(desk)
    desk.post(quality=quality(min_gold_accuracy=0.7))
    qualify(desk, "ann", ["good", "bad", "good", "bad", "bad"])
    with pytest.raises(NotClaimable, match=r"of the last 5 answers that could be checked 2 were right, 70% is asked"):
        desk.take_next("ann")
    worst = desk.see(lambda c: gold_items.items_of(c, desk.payer, SET))[:2]
    assert [(item.answered, item.right) for item in worst] == [(1, 0), (1, 0)]
    for item in worst:
        assert desk.do(lambda c, id=item.id: gold_items.retire(c, desk.payer, id, at=START))
    assert is_gold(desk, take(desk))


def test_only_recent_answers_count_and_a_few_say_nothing() -> None:
    asked = Quality(gold_set="x", min_gold_accuracy=0.9)

    def refused(right: str) -> bool:
        return refusal(asked, GoldRecord([Mark(state="approved", right=one == "r") for one in right])) is not None

    assert not refused("wwww")
    assert refused("wwwww")
    assert not refused("w" * 30 + "r" * 20)
    assert refused("r" * 30 + "www" + "r" * 17)


def test_an_answer_is_right_if_the_closed_fields_are(desk: Desk) -> None:
    stock(desk)
    desk.post(quality=quality())
    desk.submit("ann", take(desk), {"category": "good", "note": "my own words"})
    assert [mark.right for mark in record(desk, "ann").marks] == [True]


# --- nobody can tell


async def test_field_by_field_a_worker_sees_no_difference_between_gold_and_real(desk: Desk) -> None:
    """The same life twice, once with a gold task and once with a real one, and everything that is seen meanwhile."""
    stock(desk)
    lives: dict[str, list[object]] = {}
    for kind, share in (("real", 0.0), ("gold", 1.0)):
        for wait in (0, 3600):
            desk.post(
                required=3,
                strategy="majority_vote",
                reward=3,
                deadline_seconds=86_400,
                auto_approve_seconds=wait,
                quality=quality(gold_share=share),
            )
            lives.setdefault(kind, []).extend(await _life(desk, f"worker {wait}"))
            desk.do(lambda c: tasks.cancel(c, tasks.open_tasks_of(c, desk.facts.id), reason="next", at=START))
    assert lives["gold"] == lives["real"]


async def _life(desk: Desk, worker: str) -> list[object]:
    """Everything a worker is shown of one task, with what differs between any two tasks replaced."""
    inbox, seen, earned = Inbox(desk.store), list[object](), desk.earned(worker)
    listed = [item.id for item in await inbox.list()]
    first = desk.take_next(worker)
    assert first is not None
    id = first.task_id
    assert id not in listed

    async def look() -> None:
        for viewer in (worker, "somebody else", None):
            seen.append({**asdict(await inbox.get(id, worker_id=viewer)), "id": "", "input": ""})
        seen.append([{**asdict(item), "id": "", "input": ""} for item in await inbox.list(worker_id=worker)])

    def attempt(what: Any) -> None:
        try:
            seen.append(what())
        except (ClaimLost, NotClaimable) as error:
            seen.append((type(error).__name__, str(error).replace(id, "ID")))

    await look()
    seen.append((first.lease_expires_at, id[14], id[:13] <= f"{int(START.timestamp() * 1000):012x}"))
    desk.release(worker, id)
    await look()
    attempt(lambda: desk.submit(worker, id))
    again = desk.take_next(worker)
    assert again is not None
    seen.append((again.task_id == id, again.lease_expires_at))
    desk.lapse(at=START + HOUR)
    attempt(lambda: desk.submit(worker, id))
    desk.take(worker, id, at=START + HOUR)
    await look()
    seen.append(await inbox.submit(worker, id, {"category": "bad"}))
    await look()
    seen.append(await inbox.submit(worker, id, {"category": "bad"}))
    attempt(lambda: desk.submit(worker, id, "good"))
    attempt(lambda: desk.release(worker, id))
    attempt(lambda: desk.take(worker, id))
    desk.approve_unreviewed(at=START.replace(year=2040))
    await look()
    seen.append(desk.earned(worker) - earned)
    return seen


def test_the_id_of_a_gold_task_is_as_old_as_the_one_it_came_instead_of(desk: Desk) -> None:
    stock(desk)
    real = desk.post(quality=quality())
    gold = take(desk)
    assert gold[:13] == real[:13]
    assert gold != real


async def test_the_requester_sees_no_gold_task(desk: Desk) -> None:
    stock(desk)
    real = desk.post(strategy="requester_review", auto_approve_seconds=None, quality=quality())
    gold = take(desk)
    desk.submit("ann", gold)
    requester = Requester(desk.store, desk.payer)
    assert [view.id for view in await requester.list()] == [real]
    with pytest.raises(HumanTaskNotFound):
        await requester.get(gold)
    with pytest.raises(HumanTaskNotFound):
        await requester.cancel(gold)
    assert await ReviewQueue(desk.store, desk.payer).list() == []
    assert desk.approve_unreviewed(at=START + timedelta(hours=47)) == 0
    assert desk.approve_unreviewed(at=START + timedelta(hours=48)) == 1
    assert (desk.earned("ann"), desk.problems()) == (2, [])


async def test_tasks_with_gold_among_them_are_in_no_list_until_they_are_given(desk: Desk) -> None:
    stock(desk)
    plain = desk.post()
    desk.post(quality=quality())
    gold = take(desk, "bob")
    desk.release("bob", gold)
    assert [item.id for item in await Inbox(desk.store).list()] == [plain]


# --- simulated workers


async def test_a_crowd_is_as_right_as_it_was_told_to_be(desk: Desk) -> None:
    test = Desk(desk.store, test=True, granted=100_000)
    items = [gold_item(f"gold {n}", "good" if n % 2 else "bad") for n in range(60)]
    test.do(lambda c: gold_items.put(c, test.payer, SET, items, at=START))
    test.post(reward=0, quality=quality(qualification_tasks=3, min_gold_accuracy=1.0))
    crowd = SimulatedCrowd(desk.store, workers=3, accuracy=0.7)
    serving = asyncio.create_task(crowd.serve())
    try:
        async with asyncio.timeout(30):
            while sum(len(record(test, name).answered) for name in crowd.names) < 150:
                await asyncio.sleep(0.05)
    finally:
        serving.cancel()
    marks = [mark.right for name in crowd.names for mark in record(test, name).answered]
    assert 0.55 < sum(map(bool, marks)) / len(marks) < 0.85
    assert test.problems() == []


# --- what it costs


def test_a_claim_that_asks_nothing_of_quality_costs_no_query_more(desk: Desk) -> None:
    desk.post(required=3)
    take(desk)  # the terms are read
    asked: list[str] = []

    def remember(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    event.listen(desk.store.engine, "before_cursor_execute", remember)
    try:
        take(desk, "bob")
    finally:
        event.remove(desk.store.engine, "before_cursor_execute", remember)
    assert not any(table in text for text in asked for table in ("gold_items", "responses", "advisory", "reports"))


# --- at once


def test_one_worker_at_four_places_gets_each_gold_item_once(desk: Desk) -> None:
    stock(desk, 12)
    desk.post(reward=0, quality=quality())
    stores = [Store(desk.store.url.render_as_string(hide_password=False)) for _ in range(4)]

    def claim_all(store: Store) -> list[str]:
        here, claimed = Desk.__new__(Desk), list[str]()
        here.store, here.payer = store, desk.payer
        while claim := here.take_next("ann"):
            claimed.append(claim.task_id)
        return claimed

    try:
        with ThreadPoolExecutor(4) as pool:
            claimed = [id for ids in pool.map(claim_all, stores) for id in ids]
    finally:
        for store in stores:
            store.close()
    assert len(claimed) == len(set(claimed)) == 13
    given = desk.see(lambda c: c.scalars(select(assignments.c.gold_id).where(assignments.c.gold_id.is_not(None))).all())
    assert len(given) == len(set(given)) == 12
    assert desk.problems() == []
