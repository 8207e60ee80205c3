"""Two sessions that move the same task at the same moment: one of them is first, and the books balance."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import event, select
from sqlalchemy.engine import ExceptionContext

from intermezzo.errors import ClaimLost, NotClaimable, NotReviewable, WorkerError
from intermezzo.human_steps import workers
from intermezzo.human_steps.terms import Terms
from intermezzo.store import Store
from intermezzo.store.tables import assignments
from tests.desk import START, Desk

ROUNDS = 12
LATE = START + timedelta(hours=1)

Act = Callable[[Desk], object]
Sessions = tuple[Desk, Desk]


@pytest.fixture
def sessions(desk: Desk) -> Iterator[Sessions]:
    """The same desk over two connections that write."""
    other = Store(desk.store.url.render_as_string(hide_password=False))
    there = Desk.__new__(Desk)
    there.__dict__ = {**desk.__dict__, "store": other}
    yield desk, there
    other.close()
    assert desk.problems() == []


def race(sessions: Sessions, one: Act, two: Act) -> tuple[str, str]:
    """Both at once; what each came to."""
    barrier = Barrier(2)

    def run(desk: Desk, act: Act) -> str:
        barrier.wait()
        try:
            return str(act(desk))
        except WorkerError as error:
            return type(error).__name__

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(run, sessions[0], one)
        second = pool.submit(run, sessions[1], two)
        return first.result(), second.result()


def part(desk: Desk, task: str, worker: str = "ann") -> str:
    return desk.assignment(task, worker) or ""


def test_of_an_approval_and_a_rejection_one_wins(sessions: Sessions) -> None:
    here, _ = sessions
    for _ in range(ROUNDS):
        task = here.post(required=2, strategy="unanimous", auto_approve_seconds=60)
        here.answer("ann", task)
        id = part(here, task)
        outcome = race(
            sessions,
            lambda desk, id=id: desk.review(id, approved=True, by="boss"),
            lambda desk, id=id: desk.review(id, approved=False, by="chief"),
        )
        assert sorted(outcome) == ["NotReviewable", "open"]
        assert here.open_slots(task) == (1 if outcome[0] == "open" else 2)
        here.cancel(task)


@pytest.mark.parametrize("strategy", ["any_first", "unanimous"])
def test_the_last_approval_and_the_end_of_a_task_settle_it_once(sessions: Sessions, strategy: str) -> None:
    here, _ = sessions
    for _ in range(ROUNDS):
        task = here.post(required=2, strategy=strategy, auto_approve_seconds=60)  # type: ignore[arg-type]
        here.answer("ann", task)
        id = part(here, task)
        race(sessions, lambda desk, id=id: desk.review(id, approved=True), lambda desk, t=task: desk.cancel(t))
        assert (here.reserved, here.balance(here.payer.fee)) == (0, here.earned("ann") // 2)


ENDS: dict[str, Callable[[Desk, str], object]] = {
    "lapse": lambda desk, _: desk.lapse(at=LATE),
    "cancel": lambda desk, task: desk.cancel(task),
    "escalate": lambda desk, _: desk.expire(at=LATE),
    "suspend": lambda desk, _: desk.suspend("ann"),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_answer_meets_the_end_of_its_claim_or_of_its_task(sessions: Sessions, end: str) -> None:
    here, _ = sessions
    later = Terms(type="label_text", reward_credits=2)
    first = later.model_copy(update={"deadline_seconds": 600, "escalation": later})
    for _ in range(ROUNDS // 2):
        task = here.post_under(first)
        here.take("ann", task)
        before = here.earned("ann")
        said, _ = race(sessions, lambda desk, t=task: desk.submit("ann", t), lambda desk, t=task: ENDS[end](desk, t))
        assert said in ("completed", ClaimLost.__name__)
        assert here.earned("ann") - before == (2 if said == "completed" else 0)
        here.cancel(task)
        here.do(lambda c: workers.set_suspended(c, "ann", None, at=START))
    assert here.reserved == 0


def test_a_decision_meets_a_review(sessions: Sessions) -> None:
    here, _ = sessions
    for _ in range(ROUNDS):
        task = here.post(required=2, strategy="unanimous", on_split="review", auto_approve_seconds=60)
        here.answer("ann", task, "good")
        here.answer("bob", task, "bad")
        id = part(here, task)
        decided, reviewed = race(
            sessions,
            lambda desk, t=task: desk.decide(t, "good"),
            lambda desk, id=id: desk.review(id, approved=False),
        )
        assert (decided, reviewed) in (("None", "completed"), (NotReviewable.__name__, "open"))
        here.cancel(task)
        here.approve_unreviewed(at=LATE)
    assert here.reserved == 0


def test_a_worker_who_is_suspended_while_claiming_is_paid_for_nothing(sessions: Sessions) -> None:
    here, _ = sessions
    for n in range(ROUNDS):
        task, worker = here.post(), f"w{n}"
        race(sessions, lambda desk, w=worker, t=task: desk.take(w, t), lambda desk, w=worker: desk.suspend(w))
        with pytest.raises(ClaimLost):
            here.submit(worker, task)
        here.lapse(at=LATE)
        assert here.state(task) == "open"
        with pytest.raises(NotClaimable):
            here.take(worker, task)


def test_a_worker_who_leaves_a_guild_while_claiming_holds_a_claim_or_none(sessions: Sessions) -> None:
    here, _ = sessions
    here.do(lambda c: workers.make_guild(c, "medics", name="Medics", kind="community", at=START))
    for _ in range(ROUNDS):
        task = here.post(audience="guild:medics")
        here.do(lambda c: workers.join(c, "medics", "ann", at=START))
        claimed, _ = race(
            sessions,
            lambda desk: desk.take_next("ann"),
            lambda desk: desk.do(lambda c: workers.leave(c, "medics", "ann")),
        )
        assert here.state(task) == ("open" if claimed == "None" else "claimed")
        here.cancel(task)


def test_sessions_that_move_many_tasks_wait_for_each_other_without_deadlock(sessions: Sessions) -> None:
    here, _ = sessions
    locked: list[str] = []

    def note(context: ExceptionContext) -> None:
        locked.append(str(context.original_exception))

    for desk in sessions:
        event.listen(desk.store.engine, "handle_error", note)
    tasks = [here.post(required=2) for _ in range(60)]
    for task in tasks:
        here.take("bob", task)

    def answer_all(desk: Desk) -> None:
        for task in reversed(tasks):
            with suppress(ClaimLost):
                desk.submit("bob", task)

    race(sessions, lambda desk: desk.cancel(*tasks), answer_all)
    assert here.reserved == 0
    assert locked == []


def test_two_sweeps_at_once_approve_and_close_everything_once(sessions: Sessions) -> None:
    here, _ = sessions
    tasks = [here.post(auto_approve_seconds=60, strategy="requester_review") for _ in range(40)]
    for task in tasks:
        here.answer("ann", task)
    race(sessions, lambda desk: desk.approve_unreviewed(at=LATE), lambda desk: desk.approve_unreviewed(at=LATE))
    assert here.earned("ann") == 80
    states = here.see(lambda c: Counter(c.scalars(select(assignments.c.state))))
    assert states == {"approved": 40}
