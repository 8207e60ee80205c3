"""A desk with a gold set, for the tests of quality."""

import json
from typing import Any

from sqlalchemy import select

from intermezzo.human_steps import gold_items
from intermezzo.human_steps.gold_items import NewGoldItem
from intermezzo.human_steps.gold_record import GoldRecord, record_of
from intermezzo.human_steps.quality import Quality
from intermezzo.store.tables import human_tasks
from tests.desk import FORM, START, Desk

SET = "trial"


def gold_item(text: str, category: str = "good") -> NewGoldItem:
    """An item that looks like every task of the desk."""
    return NewGoldItem(
        type="label_text",
        input=json.dumps({"text": text}),
        controls=None,
        answer_schema=FORM,
        answer={"category": category},
    )


def stock(desk: Desk, count: int = 20, *, gold_set: str = SET) -> None:
    """Fill the gold set; the right answer to each item is `good`."""
    items = [gold_item(f"gold {number}") for number in range(count)]
    desk.do(lambda c: gold_items.put(c, desk.payer, gold_set, items, at=START))


def quality(**given: Any) -> Quality:
    """Gold tasks always, unless the test says otherwise."""
    always: dict[str, Any] = {"gold_set": SET, "gold_share": 1.0}
    return Quality(**{**always, **given})


def is_gold(desk: Desk, task_id: str) -> bool:
    """Whether a task is a gold task, which only the database tells."""
    query = select(human_tasks.c.gold_id).where(human_tasks.c.id == task_id)
    return desk.see(lambda c: c.scalar(query)) is not None


def record(desk: Desk, worker: str) -> GoldRecord:
    """A worker's record in the gold set."""
    return desk.see(lambda c: record_of(c, worker, desk.payer, SET))
