"""Problems that workers report: the task comes off their desk, the requester hears of it, and many of them close it."""

import json

import pytest
from sqlalchemy import select

from intermezzo import journal
from intermezzo.errors import ClaimLost, HumanTaskReported, NotClaimable, ReportNotFound
from intermezzo.human_steps import gold_items, reports
from intermezzo.human_steps.inbox import Inbox
from intermezzo.human_steps.quality import Quality
from intermezzo.human_steps.reports import Problem, Reports
from intermezzo.ledger import Payer
from intermezzo.store.tables import outbox
from tests.desk import START, Desk
from tests.human_steps.gold_desk import SET, quality, record, stock


def report(desk: Desk, worker: str, task: str, reason: Problem = "broken", note: str = "") -> None:
    desk.take(worker, task)
    desk.do(lambda c: reports.report(c, task, worker, reason=reason, note=note, at=START))


async def test_a_reported_task_is_given_back_for_good_and_the_requester_hears_of_it(desk: Desk) -> None:
    task, inbox = desk.post(minutes=480), Inbox(desk.store)
    await inbox.claim("ann", task)
    await inbox.report("ann", task, reason="broken", note="the link is dead")
    assert (await inbox.get(task, worker_id="ann")).part == "declined"
    assert desk.state(task) == "open"
    with pytest.raises(NotClaimable, match="has declined"):
        desk.take("ann", task)
    with pytest.raises(ClaimLost, match="has no claim"):
        await inbox.report("ann", task, reason="broken")
    [said] = await Reports(desk.store, desk.payer).list()
    assert (said.task_id, said.worker, said.reason, said.note) == (task, "ann", "broken", "the link is dead")
    [event] = desk.see(lambda c: c.execute(select(outbox).where(outbox.c.topic == "task.reported")).all())
    assert (event.subject, event.run_id, event.actor) == (task, desk.facts.id, "ann")
    assert json.loads(event.detail) == {"reason": "broken", "note": "the link is dead"}
    assert await Reports(desk.store, Payer("other")).list() == []


def test_several_reports_close_the_task_and_name_the_problems(desk: Desk) -> None:
    task = desk.post(required=2, reward=5, strategy="unanimous", quality=Quality(max_reports=2))
    desk.answer("cy", task)
    report(desk, "ann", task, "unclear")
    assert desk.state(task) == "open"
    report(desk, "bob", task, "broken", "no image")
    assert desk.state(task) == "failed"
    recorded = desk.recorded(task)
    error = journal.RecordedError.decode(recorded.error or "").exception("verify")
    assert isinstance(error, HumanTaskReported)
    assert str(error) == "verify: 2 workers reported a problem: unclear; broken: no image"
    assert (desk.earned("cy"), desk.reserved, desk.problems()) == (5, 0, [])


async def test_a_dismissed_report_does_not_count(desk: Desk) -> None:
    task, held = desk.post(quality=Quality(max_reports=2)), Reports(desk.store, desk.payer)
    report(desk, "ann", task)
    [said] = await held.list(task_id=task)
    with pytest.raises(ValueError, match="needs a reason"):
        await held.dismiss(said.id, by="boss", reason=" ")
    with pytest.raises(ReportNotFound):
        await Reports(desk.store, Payer("other")).dismiss(said.id, by="eve", reason="x")
    for _ in range(2):
        await held.dismiss(said.id, by="boss", reason="it works here")
    assert await held.list() == []
    [gone] = await held.list(dismissed=True)
    assert (gone.dismissed_by, gone.dismissal) == ("boss", "it works here")
    report(desk, "bob", task)
    assert desk.state(task) == "open"
    report(desk, "cy", task)
    assert desk.state(task) == "failed"


@pytest.mark.parametrize(("reason", "note", "said"), [("odd", "", "expected one of"), ("other", "x" * 2_001, "2,000")])
async def test_a_report_that_says_nothing_useful_is_refused(desk: Desk, reason: Problem, note: str, said: str) -> None:
    task, inbox = desk.post(), Inbox(desk.store)
    await inbox.claim("ann", task)
    with pytest.raises(ValueError, match=said):
        await inbox.report("ann", task, reason=reason, note=note)
    assert (await inbox.get(task, worker_id="ann")).part == "claimed"


async def test_a_report_on_gold_tells_of_its_item_and_counts_against_nobody(desk: Desk) -> None:
    stock(desk)
    desk.post(quality=quality(qualification_tasks=1))
    claim = desk.take_next("ann")
    assert claim is not None
    desk.do(lambda c: reports.report(c, claim.task_id, "ann", reason="unclear", note="", at=START))
    assert record(desk, "ann").answered == []
    assert await Reports(desk.store, desk.payer).list() == []
    assert sum(item.reported for item in desk.see(lambda c: gold_items.items_of(c, desk.payer, SET))) == 1
    again = desk.take_next("ann")
    assert again is not None
    assert again.task_id != claim.task_id
