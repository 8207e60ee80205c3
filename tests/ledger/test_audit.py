"""The audit finds whatever somebody changed behind the ledger's back."""

from dataclasses import dataclass

import pytest
from sqlalchemy import ColumnElement, Connection, delete, insert, update

from intermezzo import ledger
from intermezzo.errors import AuditFailed
from intermezzo.ledger import Payer
from intermezzo.store import new_id
from intermezzo.store.tables import accounts, assignments, human_tasks, step_calls, transfers
from tests.desk import START, Desk, held, reservation_of


@dataclass(frozen=True)
class Books:
    """Some of everything, all of it in order."""

    desk: Desk
    done: str
    failed: str
    running: str
    answered: str
    half_answered: str
    cancelled: str


@pytest.fixture
def books(desk: Desk) -> Books:
    done, failed, running = desk.call(price=5), desk.call(price=6), desk.call(price=7)
    desk.close(done, output="1")
    desk.close(failed, error="{}")
    answered, half_answered, cancelled = (desk.post(required=3, reward=2, strategy="majority_vote") for _ in range(3))
    for worker in ("ann", "bob", "cy"):
        desk.answer(worker, answered)
    desk.answer("ann", half_answered)
    desk.answer("ann", cancelled)
    desk.cancel(cancelled)
    assert desk.problems() == []
    return Books(desk, done.id, failed.id, running.id, answered, half_answered, cancelled)


def is_for(id: str) -> ColumnElement[bool]:
    return transfers.c.subject.in_([id, reservation_of(id)])


def forget(books: Books, subject: str, move: str) -> None:
    books.desk.do(lambda c: c.execute(delete(transfers).where(is_for(subject), transfers.c.move == move)))


def problem(books: Books) -> str:
    found = books.desk.problems()
    assert found, "the audit found nothing"
    return "; ".join(found)


def test_clean_books_say_so_and_derive_every_balance(books: Books) -> None:
    report = books.desk.see(ledger.audit)
    assert report.clean
    report.require_clean()
    assert sum(report.balances.values()) == 0
    assert report.balances["worker:ann"] == 6
    assert report.balances["platform:ai"] == 5


def test_unclean_books_raise_an_error_that_names_the_problem(books: Books) -> None:
    forget(books, books.done, "capture")
    with pytest.raises(AuditFailed, match=books.done):
        books.desk.see(ledger.audit).require_clean()


def test_a_changed_balance_is_found(books: Books) -> None:
    changed = update(accounts).values(balance=accounts.c.balance + 1)
    books.desk.do(lambda c: c.execute(changed))
    assert "org:acme:available keeps" in problem(books)


def test_a_deleted_account_is_found(books: Books) -> None:
    books.desk.do(lambda c: c.execute(delete(accounts)))
    assert "no running balance" in problem(books)


@pytest.mark.parametrize(
    ("subject", "move"),
    [
        ("done", "reserve"),
        ("done", "capture"),
        ("failed", "reserve"),
        ("failed", "release"),
        ("running", "reserve"),
        ("answered", "reserve"),
        ("answered", "reward"),
        ("answered", "fee"),
        ("half_answered", "reserve"),
        ("half_answered", "reward"),
        ("cancelled", "reserve"),
        ("cancelled", "reward"),
        ("cancelled", "fee"),
        ("cancelled", "release"),
    ],
)
def test_a_deleted_transfer_is_found_and_its_subject_named(books: Books, subject: str, move: str) -> None:
    id = getattr(books, subject)
    forget(books, id, move)
    assert id in problem(books)


def test_a_deleted_grant_is_found(books: Books) -> None:
    books.desk.do(lambda c: c.execute(delete(transfers).where(transfers.c.move == "grant")))
    assert "org:acme:available" in problem(books)


def test_a_changed_amount_is_found(books: Books) -> None:
    changed = update(transfers).where(is_for(books.done)).values(credits=50)
    books.desk.do(lambda c: c.execute(changed))
    assert books.done in problem(books)


def test_the_capture_of_a_failed_call_is_found(books: Books) -> None:
    desk = books.desk
    desk.do(lambda c: ledger.capture(c, desk.payer, held(reservation_of(books.failed), 6), at=START))
    assert f"call {books.failed} of translate is failed" in problem(books)


def test_the_capture_of_a_call_that_still_runs_is_found(books: Books) -> None:
    desk = books.desk
    desk.do(lambda c: ledger.capture(c, desk.payer, held(reservation_of(books.running), 7), at=START))
    assert books.running in problem(books)


def test_a_second_capture_is_found(books: Books) -> None:
    desk = books.desk
    desk.do(lambda c: ledger.capture(c, desk.payer, held(reservation_of(books.done), 5, n=2), at=START))
    assert books.done in problem(books)


@pytest.mark.parametrize("subject", ["answered", "half_answered", "cancelled"])
def test_a_double_reward_is_found(books: Books, subject: str) -> None:
    desk, task = books.desk, getattr(books, subject)
    desk.do(lambda c: ledger.reward(c, desk.payer, task, "ann", 2, n=9, at=START))
    assert task in problem(books)


def test_a_reward_that_went_to_somebody_else_is_found(books: Books) -> None:
    stolen = update(transfers).where(transfers.c.subject == books.answered, transfers.c.target == "worker:bob")
    books.desk.do(lambda c: c.execute(stolen.values(target="worker:mallory")))
    assert f"worker bob is owed 2 for human task {books.answered}, but was paid 0" in problem(books)


@pytest.mark.parametrize("target", ["worker:mallory", "test:platform:ai", "org:acme:available", "org:evil:reserved"])
def test_a_move_that_ended_in_a_wrong_account_is_found(books: Books, target: str) -> None:
    diverted = update(transfers).where(is_for(books.done), transfers.c.move == "capture")
    books.desk.do(lambda c: c.execute(diverted.values(target=target)))
    assert f"capture of {reservation_of(books.done)} went from org:acme:reserved to {target}" in problem(books)


def test_a_call_that_was_called_done_without_being_paid_for_is_found(books: Books) -> None:
    changed = update(step_calls).where(step_calls.c.id == books.failed).values(state="completed")
    books.desk.do(lambda c: c.execute(changed))
    assert books.failed in problem(books)


def test_an_answer_that_was_approved_without_being_paid_for_is_found(books: Books) -> None:
    def approve(connection: Connection) -> None:
        connection.execute(
            insert(assignments).values(
                id=new_id(),
                task_id=books.cancelled,
                worker_id="mallory",
                test=False,
                type="label_text",
                domain="",
                state="approved",
                reward_credits=2,
                claimed_at=START,
                lease_expires_at=START,
            )
        )

    books.desk.do(approve)
    assert books.cancelled in problem(books)


def test_a_task_that_was_closed_without_its_money_is_found(books: Books) -> None:
    changed = update(human_tasks).where(human_tasks.c.id == books.half_answered).values(state="cancelled")
    books.desk.do(lambda c: c.execute(changed))
    assert books.half_answered in problem(books)


def test_money_for_nothing_is_found(books: Books) -> None:
    desk = books.desk
    desk.do(lambda c: ledger.reserve(c, desk.payer, held("no such call", 5), at=START))
    assert "reserve of no such call belongs to no step call and no human task" in problem(books)


def test_an_account_below_zero_is_found(books: Books) -> None:
    desk = books.desk
    desk.do(lambda c: ledger.capture(c, Payer("poor"), held(reservation_of(books.done), 3, n=7), at=START))
    assert "org:poor:reserved is at -3" in problem(books)


@pytest.mark.parametrize("worker", ["world", "acme:available", "org:acme:available", "x' OR '1'='1", "100%"])
def test_workers_may_have_any_name_without_confusing_the_audit(desk: Desk, worker: str) -> None:
    desk.answer(worker, desk.post())
    assert desk.earned(worker) == 2
    assert desk.problems() == []
