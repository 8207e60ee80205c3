"""What the requester does with answers, and what happens when nobody does anything in time."""

from datetime import timedelta

import pytest

from intermezzo.errors import AssignmentNotFound, HumanTaskExpired, InvalidResponse, NoConsensus, NotReviewable
from intermezzo.human_steps.review_queue import ReviewQueue
from intermezzo.human_steps.terms import Terms
from intermezzo.journal import RecordedError
from tests.desk import START, Desk

TWO_DAYS = timedelta(hours=48)


def reviewed(
    desk: Desk, *, required: int = 1, strategy: str = "requester_review", after: int | None = 48 * 3600
) -> str:
    """A task whose answers are reviewed, for 2 credits each."""
    return desk.post(required=required, strategy=strategy, auto_approve_seconds=after)  # type: ignore[arg-type]


def assignment(desk: Desk, task: str, worker: str = "ann") -> str:
    found = desk.assignment(task, worker)
    assert found is not None
    return found


def ended(desk: Desk, task: str) -> tuple[str, str]:
    """What the flow gets: the summary, or the error."""
    recorded = desk.recorded(task)
    if recorded.error is not None:
        error = RecordedError.decode(recorded.error).exception("verify")
        return type(error).__name__, str(error)
    assert recorded.output is not None
    return "", recorded.output


# --- approving and rejecting --------------------------------------------------------------------------------


def test_an_answer_is_paid_when_it_is_approved_and_not_before(desk: Desk) -> None:
    task = reviewed(desk)
    assert desk.answer("ann", task) == "submitted"
    assert (desk.earned("ann"), desk.reserved) == (0, 3)
    assert desk.review(assignment(desk, task), approved=True) == "completed"
    assert (desk.earned("ann"), desk.reserved, desk.balance(desk.payer.fee)) == (2, 0, 1)
    assert desk.problems() == []


def test_a_rejected_answer_is_not_paid_and_its_slot_is_open_to_somebody_else(desk: Desk) -> None:
    task = reviewed(desk)
    desk.answer("ann", task)
    assert desk.review(assignment(desk, task), approved=False, note="that is not a category") == "open"
    assert desk.take_next("ann") is None
    assert desk.answer("bob", task) == "submitted"
    desk.review(assignment(desk, task, "bob"), approved=True)
    assert (desk.earned("ann"), desk.earned("bob"), desk.state(task)) == (0, 2, "completed")
    assert desk.problems() == []


def test_the_same_decision_again_changes_nothing_and_the_other_is_refused(desk: Desk) -> None:
    task = reviewed(desk, required=2)
    desk.answer("ann", task)
    id = assignment(desk, task)
    assert desk.review(id, approved=True) == desk.review(id, approved=True) == "open"
    assert desk.earned("ann") == 2
    with pytest.raises(NotReviewable, match="is approved; only a submitted answer is reviewed"):
        desk.review(id, approved=False)


def test_a_rejection_says_why(desk: Desk) -> None:
    task = reviewed(desk)
    desk.answer("ann", task)
    with pytest.raises(ValueError, match="needs a reason"):
        desk.review(assignment(desk, task), approved=False, note=" ")
    with pytest.raises(AssignmentNotFound):
        desk.review("nothing", approved=True)


def test_what_nobody_reviews_in_time_is_approved(desk: Desk) -> None:
    task = reviewed(desk)
    desk.answer("ann", task)
    assert desk.approve_unreviewed(at=START + TWO_DAYS - timedelta(seconds=1)) == 0
    assert desk.approve_unreviewed(at=START + TWO_DAYS) == 1
    assert (desk.state(task), desk.earned("ann")) == ("completed", 2)


def test_an_answer_may_wait_for_its_review_for_ever(desk: Desk) -> None:
    task = reviewed(desk, after=None)
    desk.answer("ann", task)
    assert desk.approve_unreviewed(at=START + timedelta(days=10_000)) == 0
    assert desk.expire(at=START + timedelta(days=10_000)) == 0
    assert desk.state(task) == "submitted"


def test_the_flow_goes_on_with_an_outcome_while_its_answers_are_reviewed(desk: Desk) -> None:
    task = reviewed(desk, required=3, strategy="majority_vote")
    for worker in ("ann", "bob", "cy"):
        state = desk.answer(worker, task)
    assert state == "completed"
    assert desk.reserved == 7
    desk.review(assignment(desk, task, "ann"), approved=True)
    desk.review(assignment(desk, task, "bob"), approved=False)
    assert (desk.reserved, desk.balance(desk.payer.fee)) == (3, 0)
    desk.approve_unreviewed(at=START + TWO_DAYS)
    assert [desk.earned(worker) for worker in ("ann", "bob", "cy")] == [2, 0, 2]
    assert (desk.reserved, desk.balance(desk.payer.fee)) == (0, 1)
    assert desk.problems() == []


def test_slots_that_nobody_took_are_refunded_when_the_task_closes_not_when_it_is_reviewed(desk: Desk) -> None:
    task = reviewed(desk, required=5, strategy="any_first")
    desk.answer("ann", task)
    assert (desk.state(task), desk.reserved) == ("completed", 3)


# --- answers that do not agree ------------------------------------------------------------------------------


def test_one_more_worker_is_asked_after_a_tie_up_to_the_most(desk: Desk) -> None:
    task = desk.post(required=2, strategy="majority_vote", max_assignments=3)
    desk.answer("ann", task, "good")
    assert desk.answer("bob", task, "bad") == "open"
    assert desk.open_slots(task) == 1
    assert desk.answer("cy", task, "bad") == "completed"
    assert '"bad (2/3 workers agree)"' in ended(desk, task)[1]
    assert desk.problems() == []


def test_a_tie_among_the_most_workers_fails(desk: Desk) -> None:
    task = desk.post(required=1, strategy="majority_vote", max_assignments=2)
    desk.answer("ann", task, "good")
    assert desk.state(task) == "completed"
    tied = desk.post(required=2, strategy="majority_vote", max_assignments=2)
    desk.answer("ann", tied, "good")
    assert desk.answer("bob", tied, "bad") == "failed"
    assert ended(desk, tied)[0] == NoConsensus.__name__


def test_the_requester_decides_what_workers_do_not_agree_on(desk: Desk) -> None:
    task = desk.post(required=2, strategy="unanimous", on_split="review")
    desk.answer("ann", task, "good")
    assert desk.answer("bob", task, "bad") == "submitted"
    with pytest.raises(InvalidResponse, match="category"):
        desk.decide(task, "ugly")
    desk.decide(task, "bad")
    assert '"decided by the requester (1/2 workers agree)"' in ended(desk, task)[1]
    assert (desk.earned("ann"), desk.earned("bob"), desk.reserved) == (2, 2, 0)
    with pytest.raises(NotReviewable, match="is completed"):
        desk.decide(task, "bad")


def test_how_far_each_answer_agrees_with_the_outcome_is_kept(desk: Desk) -> None:
    task = desk.post(required=3, strategy="majority_vote")
    for worker, category in (("ann", "bad"), ("bob", "good"), ("cy", "bad")):
        desk.answer(worker, task, category)
    assert desk.agreements(task) == {"ann": 1, "bob": 0, "cy": 1}
    assert '"agreement_by_field": {"category": 0.6666666666666666}' in ended(desk, task)[1]


def test_a_single_answer_has_nothing_to_agree_with(desk: Desk) -> None:
    task = desk.post(required=2)
    desk.answer("ann", task)
    assert (desk.state(task), desk.agreements(task)) == ("completed", {"ann": None})


def test_a_decision_of_the_requester_is_what_answers_are_compared_with(desk: Desk) -> None:
    task = desk.post(required=2, strategy="unanimous", on_split="review")
    desk.answer("ann", task, "good")
    desk.answer("bob", task, "bad")
    assert desk.agreements(task) == {"ann": None, "bob": None}
    desk.decide(task, "bad")
    assert desk.agreements(task) == {"ann": 0, "bob": 1}


def test_two_transcripts_that_differ_in_a_letter_make_an_outcome(desk: Desk) -> None:
    form = '{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}'
    task = desk.post(required=2, strategy="majority_vote", form=form)
    desk.answer("ann", task, {"text": "ten cows"})
    assert desk.answer("bob", task, {"text": "Ten cow"}) == "completed"
    assert desk.agreements(task) == {"ann": 1, "bob": 0.875}
    assert '"agreement": 0.9375' in ended(desk, task)[1]


# --- when the time is over ----------------------------------------------------------------------------------


def test_a_deadline_closes_a_task_that_somebody_works_on(desk: Desk) -> None:
    task = desk.post(minutes=30, deadline_seconds=600)
    assert desk.take("ann", task).lease_expires_at == START + timedelta(minutes=10)
    assert desk.expire(at=START + timedelta(minutes=10)) == 1
    assert ended(desk, task) == (
        HumanTaskExpired.__name__,
        "verify: 1 of 1 slots were taken when its deadline was there",
    )
    assert desk.reserved == 0


def test_a_default_answer_is_given_when_nobody_came(desk: Desk) -> None:
    task = desk.post(default_answer={"category": "bad"})
    desk.expire(at=START + timedelta(minutes=30))
    error, output = ended(desk, task)
    assert (error, desk.state(task), desk.reserved) == ("", "completed", 0)
    assert '"answer": {"category": "bad"}, "agreement": 0.0' in output


def test_a_task_escalates_to_a_higher_reward_and_keeps_what_was_answered(desk: Desk) -> None:
    terms = Terms(
        type="label_text",
        consensus_strategy="majority_vote",
        assignments_required=2,
        max_assignments=2,
        reward_credits=2,
        deadline_seconds=600,
    )
    later = terms.model_copy(update={"reward_credits": 10, "deadline_seconds": None})
    task = desk.post_under(terms.model_copy(update={"escalation": later}))
    assert desk.reserved == 24
    desk.answer("ann", task)
    desk.take("bob", task)
    after = START + timedelta(minutes=10)
    assert desk.expire(at=after) == 1
    assert (desk.state(task), desk.open_slots(task)) == ("open", 1)
    assert desk.answer("cy", task, at=after) == "completed"
    assert (desk.earned("ann"), desk.earned("bob"), desk.earned("cy")) == (2, 0, 10)
    assert desk.balance(desk.payer.fee) == 2
    assert desk.problems() == []


# --- what the requester sees --------------------------------------------------------------------------------


async def test_the_queue_shows_answers_that_wait_and_how_long(desk: Desk) -> None:
    forever, soon = reviewed(desk, after=None), reviewed(desk, after=3600)
    for task in (forever, soon):
        desk.answer("ann", task, "good")
    queue = ReviewQueue(desk.store, desk.payer)
    first, second = await queue.list()
    assert (first.task_id, first.review_due_at) == (soon, START + timedelta(hours=1))
    assert (second.task_id, second.review_due_at) == (forever, None)
    assert (first.worker, first.answer, first.task_state) == ("ann", {"category": "good"}, "submitted")
    assert await queue.approve(first.assignment_id, by="boss", score=9) == "completed"
    assert await queue.reject(second.assignment_id, by="boss", reason="no") == "open"
    assert await queue.list() == []


def test_what_a_rejection_after_the_end_leaves_over_goes_back_at_once(desk: Desk) -> None:
    task = desk.post(required=3, strategy="majority_vote", reward=5, auto_approve_seconds=None)
    for worker in ("ann", "bob", "cy"):
        desk.answer(worker, task)
    assert (desk.state(task), desk.reserved) == ("completed", 18)
    ids = [desk.assignment(task, worker) or "" for worker in ("ann", "bob", "cy")]
    desk.review(ids[0], approved=False)
    assert (desk.reserved, desk.available) == (12, 988)
    desk.review(ids[1], approved=False)
    assert (desk.reserved, desk.available) == (6, 994)
    desk.review(ids[2], approved=True)
    assert (desk.reserved, desk.earned("cy"), desk.available, desk.problems()) == (0, 5, 994, [])
