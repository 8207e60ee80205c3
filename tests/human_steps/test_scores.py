"""What the requester says of answers: scores in time, by default, and never of what was not approved."""

from datetime import timedelta

import pytest

from intermezzo.errors import AssignmentNotFound, NotReviewable, WorkerError
from intermezzo.human_steps import review
from intermezzo.human_steps.history import Part, story
from intermezzo.human_steps.scores import SCORE_WINDOW
from tests.desk import START, Desk

LATER = START + timedelta(hours=47)
TOO_LATE = START + SCORE_WINDOW


def answered(desk: Desk, *, after: int | None = 0) -> str:
    """An assignment of ann's, approved at once or after so many seconds."""
    task = desk.post(auto_approve_seconds=after)
    desk.answer("ann", task)
    return desk.assignment(task, "ann") or ""


def part(desk: Desk, assignment: str, *, hours: float = 0) -> Part:
    at = START + timedelta(hours=hours)
    task = desk.do(lambda c: review.lock_assignment(c, assignment)[0].id)
    [found] = desk.see(lambda c: story(c, desk.payer, task, at=at)).parts
    return found


def test_an_answer_that_was_approved_at_once_is_scored_afterwards(desk: Desk) -> None:
    id = answered(desk)
    assert part(desk, id).score is None
    desk.score(id, 7, note="a little terse", at=LATER)
    found = part(desk, id, hours=48)
    assert (found.score, found.score_defaulted, found.note) == (7, False, "a little terse")


def test_an_answer_is_approved_with_a_score(desk: Desk) -> None:
    id = answered(desk, after=None)
    desk.do(lambda c: review.review(c, id, approved=True, by="boss", note="fine", score=9, at=LATER))
    assert (part(desk, id).score, part(desk, id).note, desk.earned("ann")) == (9, "fine", 2)
    with pytest.raises(NotReviewable, match="is approved; only an answer that waits"):
        desk.dispute(id)


def test_a_score_is_said_anew_within_its_time_and_history_keeps_both(desk: Desk) -> None:
    id = answered(desk)
    desk.score(id, 7, note="terse")
    desk.score(id, 7, note="terse")
    desk.score(id, 3, at=LATER)
    assert (part(desk, id).score, part(desk, id).note) == (3, "terse")
    task = desk.do(lambda c: review.lock_assignment(c, id)[0].id)
    told = [event.detail for event in desk.see(lambda c: story(c, desk.payer, task)).happened if event.what == "scored"]
    assert [(detail["score"], detail.get("note")) for detail in told] == [(7, "terse"), (3, None)]


def test_an_approval_said_again_with_another_score_only_changes_the_score(desk: Desk) -> None:
    id = answered(desk, after=None)
    for score in (9, 4):
        desk.do(lambda c, s=score: review.review(c, id, approved=True, by="boss", score=s, at=START))
    assert (part(desk, id).score, desk.earned("ann")) == (4, 2)
    assert desk.problems() == []


@pytest.mark.parametrize("before", [None, 4])
def test_after_its_time_an_answer_is_not_scored_any_more(desk: Desk, before: int | None) -> None:
    id = answered(desk)
    if before is not None:
        desk.score(id, before)
    with pytest.raises(NotReviewable, match=rf"until 2030-01-03 00:00 UTC, 48 hours .* counts as {before or 10}"):
        desk.score(id, 5, at=TOO_LATE)
    if before is not None:
        desk.score(id, before, at=TOO_LATE)  # the same again


def test_an_answer_is_approved_without_a_score_when_it_is_too_late_for_one(desk: Desk) -> None:
    id = answered(desk, after=None)
    with pytest.raises(NotReviewable, match="could be scored until"):
        desk.do(lambda c: review.review(c, id, approved=True, by="boss", score=2, at=TOO_LATE))
    assert (part(desk, id).state, desk.earned("ann")) == ("submitted", 0)
    desk.review(id, approved=True, at=TOO_LATE)
    assert (part(desk, id, hours=48).score, part(desk, id, hours=48).score_defaulted) == (10, True)


def test_what_nobody_scored_in_time_has_the_best_score_without_anybody_writing_it(desk: Desk) -> None:
    id = answered(desk)
    assert part(desk, id, hours=47.9).score is None
    assert (part(desk, id, hours=48).score, part(desk, id, hours=48).score_defaulted) == (10, True)


def test_only_what_was_approved_has_a_score(desk: Desk) -> None:
    id = answered(desk, after=None)
    with pytest.raises(NotReviewable, match="is submitted; only an approved answer is scored"):
        desk.score(id, 5)
    with pytest.raises(ValueError, match="only an answer that is approved has a score"):
        desk.do(lambda c: review.review(c, id, approved=False, by="boss", note="no", score=0, at=START))
    desk.review(id, approved=False)
    with pytest.raises(NotReviewable, match="is rejected"):
        desk.score(id, 5)
    assert part(desk, id, hours=100).score is None


@pytest.mark.parametrize(
    ("score", "said"),
    [(11, "from 0 to 10, got 11"), (-1, "from 0 to 10, got -1"), (True, "got True")],
)
def test_a_score_that_is_none_is_refused(desk: Desk, score: int, said: str) -> None:
    id = answered(desk)
    with pytest.raises(ValueError, match=said):
        desk.score(id, score)
    with pytest.raises(WorkerError, match="a note has at most 5,000 characters"):
        desk.score(id, 5, note="x" * 5_001)
    with pytest.raises(AssignmentNotFound):
        desk.score("nothing", 5)
