"""The queue is read by its index, however many tasks there are and whatever they ask for."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select

from intermezzo.human_steps import claims, queues
from intermezzo.human_steps.inbox import Inbox
from intermezzo.human_steps.terms import Terms
from intermezzo.human_steps.workers import Profile
from intermezzo.store.tables import human_tasks
from tests.desk import START, Desk


def plans(desk: Desk, work: Callable[[Connection], object]) -> list[str]:
    """How the database goes about each query on human tasks that something makes."""
    asked: list[tuple[str, Any]] = []

    def remember(_c: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        if statement.startswith(("SELECT", "WITH")) and "FROM human_tasks" in statement:
            asked.append((statement, parameters))

    def explain(connection: Connection) -> list[str]:
        sqlite = connection.dialect.name == "sqlite"
        if not sqlite:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # of few rows it reads all
        event.listen(desk.store.engine, "before_cursor_execute", remember)
        try:
            work(connection)
        finally:
            event.remove(desk.store.engine, "before_cursor_execute", remember)
        how = "EXPLAIN QUERY PLAN " if sqlite else "EXPLAIN "
        return [
            "\n".join(str(row[-1]) for row in connection.exec_driver_sql(how + statement, parameters))
            for statement, parameters in asked
        ]

    return desk.do(explain)


def test_the_next_task_is_found_by_the_index_of_its_queue(desk: Desk) -> None:
    for reward in range(3):
        desk.post(reward=reward)
        desk.post(audience=("ann",))
    found = plans(desk, lambda c: queues.heads(c, Profile(id="ann"), test=False, at=START))
    assert len(found) == 4  # the queues of everybody and the next of the one there is, the same for ann alone
    for plan in found:
        assert "ix_human_tasks_queue" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan


def test_tasks_that_ask_the_same_of_a_worker_are_one_queue_whatever_they_say_and_pay(desk: Desk) -> None:
    for number in range(5):
        desk.post(reward=number, minutes=5 + number)
    desk.post(min_skill_level=2)
    count = select(func.count(func.distinct(human_tasks.c.queue)))
    assert desk.see(lambda c: c.scalar(count)) == 2


def test_the_inbox_is_listed_by_an_index(desk: Desk) -> None:
    desk.post()
    query = select(human_tasks).where(queues.HAS_ROOM, human_tasks.c.test == False).order_by(*queues.ORDER)  # noqa: E712 (SQL)
    [plan] = plans(desk, lambda c: c.execute(query.limit(50)).all())
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
