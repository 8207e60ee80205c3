"""Everything that happens to a task is remembered: who did it, what they saw, what they answered."""

from datetime import timedelta

import pytest

from intermezzo.errors import HumanTaskNotFound
from intermezzo.human_steps.history import Story, story
from intermezzo.human_steps.terms import Terms
from tests.desk import FORM, START, Desk


def told(desk: Desk, task: str) -> Story:
    return desk.see(lambda c: story(c, desk.payer, task))


def lines(desk: Desk, task: str) -> list[tuple[str, str | None]]:
    return [(event.what, event.actor) for event in told(desk, task).happened]


def test_a_task_tells_its_story_from_opening_to_closing(desk: Desk) -> None:
    task = desk.post(required=2, strategy="unanimous", on_split="review", auto_approve_seconds=3600)
    desk.take("ann", task)
    desk.release("ann", task)
    desk.answer("ann", task, "good")
    desk.take("cy", task)
    desk.decline("cy", task)
    desk.answer("bob", task, "bad")
    desk.review(desk.assignment(task, "ann") or "", approved=False, note="look again")
    desk.answer("dee", task, "good", at=START + timedelta(minutes=1))
    desk.approve_unreviewed(at=START + timedelta(hours=1))
    desk.decide(task, "good")
    assert lines(desk, task) == [
        ("opened", None), ("claimed", "ann"), ("released", "ann"), ("claimed", "ann"), ("submitted", "ann"),
        ("claimed", "cy"), ("declined", "cy"), ("claimed", "bob"), ("submitted", "bob"), ("rejected", "boss"),
        ("claimed", "dee"), ("submitted", "dee"), ("approved", None), ("decided", "boss"), ("closed", None),
    ]  # fmt: skip
    found = told(desk, task)
    assert found.happened[-1].detail == {"state": "completed"}
    assert {(part.worker, part.state, str(part.answer)) for part in found.parts} == {
        ("ann", "released", "None"),
        ("ann", "rejected", "{'category': 'good'}"),
        ("cy", "declined", "None"),
        ("bob", "approved", "{'category': 'bad'}"),
        ("dee", "submitted", "{'category': 'good'}"),
    }


def test_it_tells_what_a_worker_saw_by_its_digest(desk: Desk) -> None:
    same, other = desk.post(), desk.post(form=FORM.replace("good", "best"))
    again = desk.post()
    for task in (same, other, again):
        desk.take("ann", task)
    saw = [told(desk, task).happened[1].detail["saw"] for task in (same, other, again)]
    assert saw[0] == saw[2] != saw[1]


def test_it_tells_of_ties_escalations_and_claims_that_lapse(desk: Desk) -> None:
    later = Terms(type="label_text", reward_credits=5)
    task = desk.post_under(later.model_copy(update={"reward_credits": 1, "escalation": later}))
    desk.take("ann", task)
    desk.lapse(at=START + timedelta(minutes=30))
    desk.expire(at=START + timedelta(hours=1))
    assert lines(desk, task) == [
        ("opened", None), ("claimed", "ann"), ("lapsed", "ann"), ("escalated", None), ("opened", None),
    ]  # fmt: skip
    tied = desk.post(required=2, strategy="majority_vote", max_assignments=3)
    desk.answer("ann", tied, "good")
    desk.answer("bob", tied, "bad")
    extended = told(desk, tied).happened[-1]
    assert (extended.what, extended.detail["slots"]) == ("extended", 3)


def test_there_is_no_story_of_what_is_not_there(desk: Desk) -> None:
    with pytest.raises(HumanTaskNotFound):
        told(desk, "nothing")
