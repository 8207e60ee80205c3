"""Moves of money: each happens once or not at all, and every price follows from the rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from intermezzo import ledger
from intermezzo.errors import InsufficientCredits
from intermezzo.human_steps.native_types import label_text
from intermezzo.ledger import Payer, human_price, platform_fee
from tests.desk import START, Desk, held
from tests.plans import plans

# --- prices (spec: CS-25, CS-26, K3) ------------------------------------------------------------------------


def test_label_text_by_three_workers_costs_seven_credits() -> None:
    step = label_text.with_options(assignments_required=3)
    assert step.price(step.parse(text="ok", categories=["a", "b"])) == 2 * 3 + 1 == 7


@pytest.mark.parametrize(
    ("reward", "assignments", "fee"),
    [
        (2, 0, 0),
        (0, 3, 1),
        (2, 1, 1),
        (2, 3, 1),
        (5, 1, 1),
        (5, 2, 2),
        (3, 3, 1),
        (7, 2, 2),
        (10_000, 20, 40_000),
    ],
)
def test_the_fee_is_a_fifth_of_the_rewards_rounded_down_but_at_least_one(
    reward: int, assignments: int, fee: int
) -> None:
    assert platform_fee(reward * assignments, assignments) == fee


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(0, 20))
def test_what_is_reserved_covers_whatever_number_of_answers_is_paid(reward: int, required: int, paid: int) -> None:
    paid = min(paid, required)
    assert human_price(reward, required) >= reward * paid + platform_fee(reward, paid)


# --- moves --------------------------------------------------------------------------------------------------


def test_granted_credits_are_available_and_come_from_the_world(desk: Desk) -> None:
    assert desk.available == 1_000
    assert desk.balance(desk.payer.world) == -1_000
    assert desk.problems() == []


@pytest.mark.parametrize("credits", [0, -1])
def test_a_grant_below_one_credit_is_refused(desk: Desk, credits: int) -> None:
    with pytest.raises(ValueError, match="1 credit or more"):
        desk.do(lambda c: ledger.grant(c, desk.payer, credits, subject="g", at=START))


def test_the_same_grant_happens_once(desk: Desk) -> None:
    desk.do(lambda c: ledger.grant(c, desk.payer, 5, subject="invoice 7", at=START))
    with pytest.raises(IntegrityError):
        desk.do(lambda c: ledger.grant(c, desk.payer, 5, subject="invoice 7", at=START))
    assert desk.available == 1_005
    assert desk.problems() == []


def test_a_call_reserves_its_price_and_spends_it_when_it_is_done(desk: Desk) -> None:
    call = desk.call(price=5)
    assert (desk.available, desk.reserved) == (995, 5)
    desk.close(call, output="1")
    assert (desk.available, desk.reserved, desk.balance(desk.payer.ai)) == (995, 0, 5)
    assert desk.problems() == []


def test_a_call_that_fails_gets_its_price_back(desk: Desk) -> None:
    call = desk.call(price=5)
    desk.close(call, error="{}")
    assert (desk.available, desk.reserved, desk.balance(desk.payer.ai)) == (1_000, 0, 0)
    assert desk.problems() == []


def test_a_free_call_moves_nothing(desk: Desk) -> None:
    desk.close(desk.call(price=0), output="1")
    desk.close(desk.call(price=0), error="{}")
    assert (desk.available, desk.reserved) == (1_000, 0)
    assert desk.problems() == []


def test_reserving_more_than_is_available_is_refused_and_says_what_is_missing(desk: Desk) -> None:
    with pytest.raises(InsufficientCredits, match="credits grant 1") as caught:
        desk.call(price=1_001)
    assert (caught.value.needed_credits, caught.value.available_credits) == (1_001, 1_000)
    assert (desk.available, desk.reserved) == (1_000, 0)
    desk.call(price=1_000)
    assert (desk.available, desk.reserved) == (0, 1_000)


def test_an_organisation_without_an_account_has_nothing_to_spend(desk: Desk) -> None:
    with pytest.raises(InsufficientCredits) as caught:
        desk.do(lambda c: ledger.reserve(c, Payer("stranger"), held("s", 1), at=START))
    assert caught.value.available_credits == 0


def test_reservations_are_made_all_or_none(desk: Desk) -> None:
    with pytest.raises(InsufficientCredits):
        desk.do(lambda c: ledger.reserve(c, desk.payer, held("a", 600) + held("b", 600), at=START))
    assert desk.reserved == 0


def test_a_negative_reservation_is_refused(desk: Desk) -> None:
    with pytest.raises(IntegrityError):
        desk.do(lambda c: ledger.reserve(c, desk.payer, held("a", -5), at=START))
    assert (desk.available, desk.reserved) == (1_000, 0)
    assert desk.problems() == []


@pytest.mark.parametrize("move", [ledger.reserve, ledger.capture, ledger.release])
def test_no_move_of_a_call_happens_twice(desk: Desk, move: object) -> None:
    call = desk.call(price=5)
    if move is ledger.reserve:
        with pytest.raises(IntegrityError):
            desk.do(lambda c: ledger.reserve(c, desk.payer, held(call.reservation_id, 5), at=START))
        return
    once = ledger.capture if move is ledger.capture else ledger.release
    desk.do(lambda c: once(c, desk.payer, held(call.reservation_id, 5), at=START))
    with pytest.raises(IntegrityError):
        desk.do(lambda c: once(c, desk.payer, held(call.reservation_id, 5), at=START))


def test_test_credits_and_live_credits_never_mix(desk: Desk) -> None:
    play = Desk(desk.store, granted=10, test=True)
    play.close(play.call(price=4), output="1")
    with pytest.raises(InsufficientCredits):
        play.call(price=7)
    assert (play.available, play.balance(play.payer.ai)) == (6, 4)
    assert (desk.available, desk.balance(desk.payer.ai)) == (1_000, 0)
    assert desk.problems() == []


def test_settling_a_human_task_pays_its_fee_once_and_gives_the_rest_back(desk: Desk) -> None:
    task = desk.post(required=3, strategy="majority_vote", reward=10)
    assert desk.reserved == 36
    desk.answer("ann", task)
    desk.cancel(task)
    assert desk.earned("ann") == 10
    assert desk.balance(desk.payer.fee) == 2
    assert (desk.available, desk.reserved) == (988, 0)
    with pytest.raises(IntegrityError):
        desk.do(lambda c: ledger.settle(c, desk.payer, task, fee_credits=2, at=START))
    assert desk.problems() == []


def test_an_answer_that_earns_nothing_still_costs_the_least_fee(desk: Desk) -> None:
    task = desk.post(reward=0)
    desk.answer("ann", task)
    assert (desk.earned("ann"), desk.balance(desk.payer.fee), desk.reserved) == (0, 1, 0)
    assert desk.problems() == []


def test_what_a_worker_earned_is_found_by_an_index(new_desk: Desk) -> None:
    new_desk.answer("ann", new_desk.post(reward=3))
    assert (new_desk.earned("ann"), new_desk.earned("bob")) == (3, 0)
    [plan] = plans(new_desk, lambda c: ledger.earned(c, new_desk.payer.worker("ann")), tables="transfers")
    assert "ix_transfers_rewards" in plan
