"""What happens to a worker who is late, quick, twice there or one of many."""

import json
from datetime import timedelta

import pytest

from intermezzo.errors import (
    ClaimLost,
    HumanTaskExpired,
    HumanTaskNotFound,
    InvalidResponse,
    NoConsensus,
    NotClaimable,
    StepError,
    WorkerError,
)
from intermezzo.human_steps.inbox import Inbox
from intermezzo.journal import RecordedError
from intermezzo.store.tables import outbox
from tests.desk import START, Desk

HALF_AN_HOUR = timedelta(minutes=30)


def error_of(desk: Desk, task: str) -> StepError:
    return RecordedError.decode(desk.recorded(task).error or "").exception("verify")


# --- claims are leases --------------------------------------------------------------------------------------


def test_a_claim_holds_a_slot_until_its_lease_is_over(desk: Desk) -> None:
    task = desk.post()
    claim = desk.take("ann", task)
    assert claim.lease_expires_at == START + HALF_AN_HOUR
    assert desk.state(task) == "claimed"
    with pytest.raises(NotClaimable, match="no free slot"):
        desk.take("bob", task)
    assert desk.lapse(at=START + HALF_AN_HOUR - timedelta(seconds=1)) == 0
    assert desk.lapse(at=START + HALF_AN_HOUR) == 1
    assert desk.state(task) == "open"
    assert desk.take_next("bob", at=START + HALF_AN_HOUR) is not None


def test_an_answer_that_comes_before_anybody_noticed_the_lapse_counts(desk: Desk) -> None:
    task = desk.post()
    desk.take("ann", task)
    much_later = START + timedelta(hours=5)
    assert desk.submit("ann", task, at=much_later) == "completed"
    assert desk.lapse(at=much_later) == 0
    assert desk.earned("ann") == 2


def test_a_claim_that_lapses_while_its_worker_submits_is_lost_and_can_be_taken_again(desk: Desk) -> None:
    task = desk.post()
    desk.take("ann", task)
    later = START + HALF_AN_HOUR
    desk.lapse(at=later)
    with pytest.raises(ClaimLost, match="lapsed; claim it again"):
        desk.submit("ann", task, at=later)
    assert desk.state(task) == "open"
    assert desk.answer("ann", task, at=later) == "completed"
    assert desk.problems() == []


def test_a_sweep_that_is_late_does_not_take_back_a_newer_claim(desk: Desk) -> None:
    task = desk.post(required=2, strategy="majority_vote")
    desk.take("ann", task)
    later = START + HALF_AN_HOUR
    desk.lapse(at=later)
    desk.take("ann", task, at=later)
    assert desk.lapse(at=later) == 0
    assert desk.submit("ann", task, at=later) == "open"


def test_a_claim_that_was_given_back_and_taken_again_in_the_same_instant_is_held(desk: Desk) -> None:
    task = desk.post()
    for _ in range(4):
        desk.take("ann", task)
        desk.release("ann", task)
    assert desk.answer("ann", task) == "completed"


def test_claiming_twice_is_the_same_claim(desk: Desk) -> None:
    task = desk.post(required=2)
    assert desk.take("ann", task) == desk.take("ann", task, at=START + timedelta(minutes=1))
    assert desk.open_slots(task) == 1


def test_giving_back_what_one_does_not_hold_is_refused(desk: Desk) -> None:
    task = desk.post()
    with pytest.raises(ClaimLost, match="no claim"):
        desk.release("ann", task)


def test_the_queue_gives_the_most_urgent_then_the_oldest(desk: Desk) -> None:
    later = START + timedelta(minutes=1)
    low, normal_later = desk.post(priority="low"), desk.post(at=later)
    normal, urgent = desk.post(), desk.post(priority="urgent", at=later)
    order = [claim.task_id for _ in range(4) if (claim := desk.take_next("ann", at=later)) is not None]
    assert order == [urgent, normal, normal_later, low]
    assert desk.take_next("ann", at=later) is None


def test_test_tasks_and_live_tasks_are_claimed_by_different_workers(desk: Desk) -> None:
    play = Desk(desk.store, test=True)
    task, test_task = desk.post(), play.post()
    assert (desk.take_next("ann"), desk.take_next("ann")) != (None, None)
    claimed = play.take_next("simulated-1")
    assert claimed is not None
    assert claimed.task_id == test_task
    with pytest.raises(NotClaimable, match="a live task, answered by people"):
        play.take("simulated-1", task)
    with pytest.raises(NotClaimable, match="a test task, answered by simulated workers"):
        desk.take("ann", test_task)


@pytest.mark.parametrize("worker", ["", "x" * 101, "two\nlines", "null\x00"])
def test_a_workers_id_that_no_account_could_be_named_after_is_refused(desk: Desk, worker: str) -> None:
    task = desk.post()
    with pytest.raises(WorkerError, match="1 to 100 printable characters"):
        desk.take(worker, task)
    with pytest.raises(WorkerError, match="1 to 100 printable characters"):
        desk.take_next(worker)
    assert desk.answer("x" * 100, task) == "completed"
    assert desk.problems() == []


def test_a_task_that_does_not_exist_is_named(desk: Desk) -> None:
    with pytest.raises(HumanTaskNotFound, match="'nothing'"):
        desk.take("ann", "nothing")
    with pytest.raises(HumanTaskNotFound, match="'nothing'"):
        desk.submit("ann", "nothing")


# --- answers ------------------------------------------------------------------------------------------------


def test_the_same_answer_sent_again_changes_nothing(desk: Desk) -> None:
    task = desk.post(required=3, strategy="majority_vote")
    assert desk.answer("ann", task, {"category": "good", "note": "clear"}) == "open"
    assert desk.submit("ann", task, {"note": "clear", "category": "good"}) == "open"
    assert desk.earned("ann") == 2
    assert desk.open_slots(task) == 2


def test_another_answer_of_the_same_worker_is_refused(desk: Desk) -> None:
    task = desk.post(required=3, strategy="majority_vote")
    desk.answer("ann", task, "good")
    with pytest.raises(ClaimLost, match="already answered"):
        desk.submit("ann", task, "bad")
    with pytest.raises(NotClaimable, match="already answered"):
        desk.take("ann", task)
    assert desk.take_next("ann") is None


def test_the_same_answer_sent_again_after_the_task_closed_gets_the_same_reply(desk: Desk) -> None:
    task = desk.post()
    assert desk.answer("ann", task) == "completed"
    assert desk.submit("ann", task) == "completed"
    assert desk.earned("ann") == 2


def test_an_answer_that_comes_after_the_task_closed_is_refused_and_not_paid(desk: Desk) -> None:
    task = desk.post(required=2)
    desk.take("bob", task)
    desk.answer("ann", task)
    with pytest.raises(ClaimLost, match="is completed; the answer came too late"):
        desk.submit("bob", task)
    with pytest.raises(NotClaimable, match="it is completed"):
        desk.take("bob", task)
    assert desk.earned("bob") == 0
    assert desk.problems() == []


def test_an_answer_without_a_claim_is_refused(desk: Desk) -> None:
    task = desk.post()
    with pytest.raises(ClaimLost, match="claim it first"):
        desk.submit("ann", task)


# --- settling -----------------------------------------------------------------------------------------------


def test_unused_slots_are_refunded_when_the_first_answer_is_enough(desk: Desk) -> None:
    task = desk.post(required=3, reward=5)
    assert desk.available == 1_000 - 18
    assert desk.answer("ann", task) == "completed"
    assert desk.available == 1_000 - 6
    assert (desk.earned("ann"), desk.balance(desk.payer.fee), desk.reserved) == (5, 1, 0)
    recorded = desk.recorded(task)
    assert recorded.state == "completed"
    assert json.loads(recorded.output or "")["summary"] == "good (1/1 workers agree)"
    assert desk.problems() == []


def test_a_majority_is_recorded_with_everybodys_answer(desk: Desk) -> None:
    task = desk.post(required=3, strategy="majority_vote")
    for worker, answer in (("ann", "good"), ("bob", "bad")):
        assert desk.answer(worker, task, answer) == "open"
    assert desk.answer("cy", task, "good") == "completed"
    output = json.loads(desk.recorded(task).output or "")
    assert output["answer"] == {"category": "good"}
    assert [(s["worker"], s["answer"]["category"]) for s in output["submissions"]] == [
        ("ann", "good"),
        ("bob", "bad"),
        ("cy", "good"),
    ]


def test_answers_that_do_not_agree_fail_the_call_and_are_paid(desk: Desk) -> None:
    task = desk.post(required=2, strategy="unanimous")
    desk.answer("ann", task, "good")
    assert desk.answer("bob", task, "bad") == "failed"
    error = error_of(desk, task)
    assert isinstance(error, NoConsensus)
    assert "not unanimous on category" in str(error)
    assert (desk.earned("ann"), desk.earned("bob"), desk.reserved) == (2, 2, 0)


def test_winning_fields_that_do_not_fit_together_fail_the_call(desk: Desk) -> None:
    """A majority is damaged, a majority names no part; but nobody said both, and the form forbids it."""
    damaged = {"properties": {"damaged": {"const": True}}, "required": ["damaged"]}
    form = {
        "type": "object",
        "properties": {"damaged": {"type": "boolean"}, "part": {"enum": ["none", "screen", "case"]}},
        "required": ["damaged", "part"],
        "if": damaged,
        "then": {"properties": {"part": {"enum": ["screen", "case"]}}},
    }
    task = desk.post(required=5, strategy="majority_vote", form=json.dumps(form))
    answers = [(True, "screen"), (True, "case"), (True, "case"), (False, "none"), (False, "none")]
    assert desk.answer("w0", task, {"damaged": True, "part": "screen"}) == "open"
    states = [
        desk.answer(f"w{n}", task, {"damaged": damaged, "part": part})
        for n, (damaged, part) in enumerate([(True, "screen"), (True, "case"), (False, "none"), (False, "none")], 1)
    ]
    assert len(answers) == len(states) + 1
    assert states[-1] == "failed"
    assert isinstance(error_of(desk, task), NoConsensus)
    assert desk.problems() == []


def test_an_expired_task_pays_the_one_who_answered_and_refunds_the_rest(desk: Desk) -> None:
    task = desk.post(required=3, strategy="majority_vote", reward=10)
    desk.answer("ann", task)
    assert desk.expire(at=START + HALF_AN_HOUR - timedelta(seconds=1)) == 0
    assert desk.expire(at=START + HALF_AN_HOUR) == 1
    assert desk.state(task) == "expired"
    assert (desk.earned("ann"), desk.balance(desk.payer.fee)) == (10, 2)
    assert (desk.available, desk.reserved) == (988, 0)
    error = error_of(desk, task)
    assert isinstance(error, HumanTaskExpired)
    assert "1 of 3 slots were taken when 30 minutes had passed" in str(error)
    assert desk.problems() == []


def test_a_task_whose_slots_are_all_taken_does_not_expire(desk: Desk) -> None:
    task = desk.post()
    desk.take("ann", task)
    assert desk.expire(at=START + timedelta(days=1)) == 0
    assert desk.state(task) == "claimed"


def test_a_cancelled_task_refuses_the_answer_that_was_on_its_way(desk: Desk) -> None:
    task = desk.post()
    desk.take("ann", task)
    assert desk.cancel(task) == 1
    assert desk.cancel(task) == 0
    with pytest.raises(ClaimLost, match="is cancelled; the answer came too late"):
        desk.submit("ann", task)
    assert (desk.available, desk.reserved) == (1_000, 0)


def test_a_void_call_is_posted_anew_and_its_old_task_changes_nothing_more(desk: Desk) -> None:
    task = desk.post(required=2)
    desk.take("bob", task)
    desk.cancel(task, void=True)
    again = desk.post(again=desk.recorded(task))
    assert again != task
    with pytest.raises(ClaimLost):
        desk.submit("bob", task)
    assert desk.recorded(task).state == "open"
    assert desk.answer("ann", again) == "completed"
    assert desk.recorded(task).state == "completed"
    assert desk.problems() == []


def test_everybody_hears_of_a_task_that_opens_and_closes(desk: Desk) -> None:
    task = desk.post()
    desk.answer("ann", task)
    heard = desk.see(lambda c: c.execute(outbox.select().order_by(outbox.c.seq)).all())
    assert [(row.topic, row.subject, row.run_id) for row in heard] == [
        ("run.started", desk.facts.id, desk.facts.id),
        *((f"task.{what}", task, desk.facts.id) for what in ("opened", "claimed", "submitted", "approved")),
        ("call.closed", task, desk.facts.id),
        ("task.closed", task, desk.facts.id),
    ]


# --- the inbox ----------------------------------------------------------------------------------------------


async def test_the_inbox_takes_a_worker_from_the_list_to_the_reward(desk: Desk) -> None:
    inbox, task = Inbox(desk.store), desk.post()
    [item] = await inbox.list()
    assert (item.id, item.input, item.reward_credits, item.part) == (task, {"text": "ok"}, 2, None)
    assert await inbox.list(worker_id="ann") == []
    claim = await inbox.claim_next("ann")
    assert claim is not None
    assert [held.id for held in await inbox.list(worker_id="ann")] == [task]
    assert await inbox.list() == []
    assert await inbox.submit("ann", task, {"category": "good"}) == "approved"
    assert await inbox.list(worker_id="ann") == []
    assert desk.earned("ann") == 2


@pytest.mark.parametrize("answer", [{"category": "great"}, {}, "good", None, {"category": "good", "x": 1}])
async def test_an_answer_that_does_not_fit_the_form_is_refused_and_the_claim_kept(desk: Desk, answer: object) -> None:
    inbox, task = Inbox(desk.store), desk.post()
    await inbox.claim("ann", task)
    with pytest.raises(InvalidResponse):
        await inbox.submit("ann", task, answer)
    assert await inbox.submit("ann", task, {"category": "bad"}) == "approved"


async def test_the_inbox_names_a_task_that_does_not_exist(desk: Desk) -> None:
    inbox = Inbox(desk.store)
    with pytest.raises(HumanTaskNotFound, match="inbox list"):
        await inbox.submit("ann", "nothing", {"category": "good"})
    with pytest.raises(HumanTaskNotFound, match="inbox list"):
        await inbox.get("nothing")


async def test_a_released_claim_is_in_the_list_again(desk: Desk) -> None:
    inbox, task = Inbox(desk.store), desk.post()
    await inbox.claim("ann", task)
    await inbox.release("ann", task)
    assert [item.id for item in await inbox.list()] == [task]
