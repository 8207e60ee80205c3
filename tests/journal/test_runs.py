"""Who may write for a run, what it may spend, and when it can go on."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError

from intermezzo import errors, journal
from intermezzo.errors import (
    AttemptSuperseded,
    BudgetExceeded,
    HumanTaskExpired,
    IntermezzoError,
    MapFailed,
    NoConsensus,
    StepError,
    StepFailed,
    StepTimedOut,
)
from intermezzo.journal import RecordedError, RunFacts
from intermezzo.journal.summary import summarize
from intermezzo.ledger import Payer
from intermezzo.store import Store, new_id
from intermezzo.store.tables import runs
from tests.desk import LEASE, START, Desk, new_call


def row_of(desk: Desk) -> "Row[tuple[object, ...]]":
    return desk.see(lambda c: c.execute(select(runs).where(runs.c.id == desk.facts.id)).one())


def end(desk: Desk, state: str) -> None:
    desk.do(lambda c: c.execute(update(runs).where(runs.c.id == desk.facts.id).values(state=state)))


# --- attempts -----------------------------------------------------------------------------------------------


def test_every_attempt_takes_the_next_epoch_and_reads_the_journal(desk: Desk) -> None:
    done, opened = desk.call(), desk.call()
    desk.close(done, output='"bonjour"')
    claim = desk.attempt()
    assert claim.epoch == desk.claim.epoch + 1
    assert {id: call.state for id, call in claim.calls.items()} == {done.id: "completed", opened.id: "open"}
    assert claim.calls[done.id].output == '"bonjour"'


def test_a_superseded_attempt_can_neither_open_nor_close_a_call(desk: Desk) -> None:
    call = desk.call()
    desk.attempt()
    with pytest.raises(AttemptSuperseded):
        desk.call()
    with pytest.raises(AttemptSuperseded):
        desk.close(call, output="1")
    with pytest.raises(AttemptSuperseded):
        desk.do(lambda c: journal.suspend_run(c, desk.claim, lease=LEASE, at=START))
    assert desk.recorded(call.id).state == "open"
    assert (desk.available, desk.reserved) == (995, 5)
    assert desk.problems() == []


def test_an_attempt_that_suspended_can_write_nothing_more(desk: Desk) -> None:
    desk.do(lambda c: journal.suspend_run(c, desk.claim, lease=LEASE, at=START))
    with pytest.raises(AttemptSuperseded):
        desk.call()


@pytest.mark.parametrize("price", [0, 5])
def test_a_call_is_closed_once(desk: Desk, price: int) -> None:
    completed, failed = desk.call(price=price), desk.call(price=price)
    desk.close(completed, output="1")
    desk.close(failed, error="{}")
    for call in (completed, failed):
        with pytest.raises((AttemptSuperseded, IntegrityError)):
            desk.close(call, output="2")
        with pytest.raises((AttemptSuperseded, IntegrityError)):
            desk.close(call, error="{}")
    assert desk.recorded(completed.id).output == "1"
    assert desk.recorded(failed.id).state == "failed"
    assert desk.problems() == []


def test_a_call_that_failed_is_opened_again_with_a_reserve_of_its_own(desk: Desk) -> None:
    call = desk.call()
    desk.close(call, error="{}")
    desk.claim = desk.attempt(again=True)
    assert desk.recorded(call.id).state == "void"
    again = new_call(price=7, again=call)
    desk.open([again])
    assert desk.reserved == 7
    desk.close(again, output="1")
    assert desk.recorded(call.id).generation == 2
    assert desk.balance(desk.payer.ai) == 7
    assert desk.problems() == []


def test_failed_calls_are_final_while_the_run_goes_on(desk: Desk) -> None:
    call = desk.call()
    desk.close(call, error="{}")
    assert desk.attempt().calls[call.id].state == "failed"
    end(desk, "failed")
    assert desk.attempt().calls[call.id].state == "void"


def test_the_same_call_is_opened_once(desk: Desk) -> None:
    call = desk.call()
    with pytest.raises(IntegrityError):
        desk.open([call])
    assert desk.reserved == 5


def test_two_processes_that_see_a_new_run_at_the_same_time_both_get_an_epoch(desk: Desk) -> None:
    stores = [Store(desk.store.url.render_as_string(hide_password=False)) for _ in range(4)]
    facts = RunFacts(id=new_id(), flow_name="triage", deployed=True, payer=Payer("acme"))

    def claim(store: Store) -> int:
        return store.write_now(lambda c: journal.claim_run(c, facts, holder="here", lease=LEASE, at=START)).epoch

    def enter_or_claim(n: int) -> int:
        return claim(stores[n]) if n % 2 else enter(stores[n])

    def enter(store: Store) -> int:
        store.write_now(lambda c: journal.enter_run(c, facts, holder="here", lease=LEASE, at=START))
        return 0

    try:
        with ThreadPoolExecutor(4) as pool:
            epochs = sorted(pool.map(enter_or_claim, range(4)))
    finally:
        for store in stores:
            store.close()
    assert epochs == [0, 0, 1, 2]


def test_a_process_that_enters_a_run_shows_its_death_from_then_on(desk: Desk) -> None:
    later = START + timedelta(minutes=1)
    desk.do(lambda c: journal.enter_run(c, desk.facts, holder="there", lease=LEASE, at=later))
    assert row_of(desk).holder == "there"
    assert row_of(desk).lease_expires_at == later + LEASE
    desk.do(lambda c: journal.renew_leases(c, "here", [desk.facts.id], until=later))
    assert row_of(desk).lease_expires_at == later + LEASE
    desk.do(lambda c: journal.renew_leases(c, "there", [desk.facts.id], until=later + 2 * LEASE))
    assert row_of(desk).lease_expires_at == later + 2 * LEASE


def test_a_run_is_asked_to_cancel_only_while_it_has_not_ended(desk: Desk) -> None:
    assert desk.do(lambda c: journal.request_cancel(c, desk.facts.id, at=START))
    assert desk.attempt().cancel_requested
    end(desk, "cancelled")
    assert not desk.do(lambda c: journal.request_cancel(c, desk.facts.id, at=START))
    assert not desk.do(lambda c: journal.request_cancel(c, "no such run", at=START))


def test_a_cancelled_run_that_somebody_starts_again_is_not_cancelled_again(desk: Desk) -> None:
    desk.do(lambda c: journal.request_cancel(c, desk.facts.id, at=START))
    end(desk, "cancelled")
    assert not desk.attempt().cancel_requested
    assert not row_of(desk).cancel_requested


# --- budgets ------------------------------------------------------------------------------------------------


def test_a_budget_refuses_what_it_does_not_cover_and_nothing_is_reserved(desk: Desk) -> None:
    run = Desk(desk.store, granted=0, budget=12)
    run.call(price=10)
    with pytest.raises(BudgetExceeded, match="needs 3 credits and has 2 left") as caught:
        run.call(price=3)
    assert (caught.value.needed_credits, caught.value.left_credits) == (3, 2)
    assert (run.committed, run.reserved) == (10, 10)
    run.call(price=2)
    assert run.committed == 12


def test_a_used_up_budget_still_lets_a_run_close_its_calls_and_make_free_ones(desk: Desk) -> None:
    run = Desk(desk.store, granted=0, budget=5)
    call = run.call(price=5)
    run.close(call, output="1")
    run.call(price=0)
    assert run.committed == 5


def test_what_a_failed_call_releases_can_be_spent_again(desk: Desk) -> None:
    run = Desk(desk.store, granted=0, budget=5)
    run.close(run.call(price=5), error="{}")
    assert run.committed == 0
    run.call(price=5)


def test_what_a_human_task_gives_back_can_be_spent_again(desk: Desk) -> None:
    run = Desk(desk.store, granted=0, budget=36)
    task = run.post(required=3, reward=10)
    assert run.committed == 36
    run.answer("ann", task)
    assert run.committed == 12


def test_a_superseded_attempt_cannot_use_the_budget(desk: Desk) -> None:
    run = Desk(desk.store, granted=0, budget=5)
    run.attempt()
    with pytest.raises(AttemptSuperseded):
        run.call(price=5)
    assert run.committed == 0


# --- waiting ------------------------------------------------------------------------------------------------


def suspend(desk: Desk) -> None:
    desk.do(lambda c: journal.suspend_run(c, desk.claim, lease=LEASE, at=START))


def test_a_suspended_run_can_go_on_when_a_wave_of_its_calls_is_closed(desk: Desk) -> None:
    first, second, alone = desk.post(), desk.post(), desk.post()
    desk.do(lambda c: journal.set_waves(c, {first: "wave", second: "wave", alone: "other"}))
    suspend(desk)
    assert desk.see(journal.ready_runs) == {}
    desk.answer("ann", first)
    assert desk.see(journal.ready_runs) == {}
    desk.answer("ann", second)
    assert desk.see(journal.ready_runs) == {desk.facts.id: 1}
    assert desk.see(lambda c: journal.ready_runs(c, [desk.facts.id])) == {desk.facts.id: 1}
    assert desk.see(lambda c: journal.ready_runs(c, ["another"])) == {}


def test_a_run_that_has_seen_its_answers_does_not_wake_again(desk: Desk) -> None:
    first, second = desk.post(), desk.post()
    suspend(desk)
    desk.answer("ann", first)
    desk.claim = desk.attempt()
    suspend(desk)
    assert desk.see(journal.ready_runs) == {}
    desk.answer("ann", second)
    assert desk.see(journal.ready_runs) == {desk.facts.id: 2}


def test_an_active_run_is_not_woken(desk: Desk) -> None:
    desk.answer("ann", desk.post())
    assert desk.see(journal.ready_runs) == {}


# --- what is recorded ---------------------------------------------------------------------------------------


class CustomError(StepError):
    """An author's own."""


@pytest.mark.parametrize(
    "raised",
    [
        StepError("no luck"),
        StepTimedOut("too slow"),
        HumanTaskExpired("nobody came"),
        NoConsensus("tied"),
        StepFailed("translate", type="KeyError", message="'x'"),
        StepFailed("translate", type="KeyError", message=""),
    ],
)
def test_a_recorded_error_is_the_same_at_every_replay(raised: StepError) -> None:
    again = RecordedError.decode(RecordedError.of(raised).encode()).exception("translate")
    assert type(again) is type(raised)
    assert str(again) == str(raised)


@pytest.mark.parametrize("raised", [KeyError("x"), CustomError("mine"), MapFailed("inner", [StepError("a")])])
def test_an_error_that_cannot_be_made_again_comes_back_as_a_failed_step(raised: Exception) -> None:
    again = RecordedError.decode(RecordedError.of(raised).encode()).exception("translate")
    assert isinstance(again, StepFailed)
    assert again.type == type(raised).__name__
    assert again.message == str(raised)


def test_every_kind_of_step_error_can_be_recorded() -> None:
    kinds = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, StepError)]
    for kind in kinds:
        again = RecordedError(kind.__name__, "X", "text").exception("translate")
        assert isinstance(again, IntermezzoError)


def test_a_summary_counts_calls_and_credits_of_each_step(desk: Desk) -> None:
    done, failed, task, waiting = desk.call(), desk.call(price=3), desk.post(), desk.post()
    desk.call(price=4)
    desk.close(done, output="1")
    desk.close(failed, error="{}")
    desk.answer("ann", task)
    summary = {s.step: s for s in desk.see(lambda c: summarize(c, desk.facts.id))}
    translate, verify = summary["translate"], summary["verify"]
    assert (translate.calls, translate.completed, translate.failed, translate.open) == (3, 1, 1, 1)
    assert (translate.spent_credits, translate.reserved_credits) == (5, 4)
    assert (verify.calls, verify.completed, verify.open) == (2, 1, 1)
    assert (verify.spent_credits, verify.reserved_credits) == (3, 3)
    assert desk.recorded(waiting).state == "open"


def test_thousands_of_calls_are_read_by_their_ids(desk: Desk) -> None:
    calls = [new_call() for _ in range(1_200)]
    desk.open(calls)
    ids = [call.id for call in calls]
    found = desk.see(lambda c: journal.read_calls(c, desk.facts.id, ids))
    assert {call.id for call in found} == set(ids)
    assert desk.see(lambda c: journal.read_calls(c, desk.facts.id, [])) == []
