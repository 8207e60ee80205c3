"""What is said of workers is what their history adds up to, and nothing of whom they worked for."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from intermezzo.human_steps import reputation, workers
from intermezzo.human_steps.public_profiles import profiles
from intermezzo.human_steps.reputation import Reputation, Standing
from intermezzo.human_steps.scores import DEFAULT_SCORE, SCORE_WINDOW
from intermezzo.human_steps.terms import Terms
from intermezzo.store.tables import assignments
from tests.desk import START, Desk

LATER = START + timedelta(days=30)

End = Literal["approved", "rejected", "waiting", "disputed", "upheld", "dismissed", "claimed"]


@dataclass(frozen=True, kw_only=True)
class Work:
    """One answer, and what became of it."""

    worker: str = "ann"
    domain: str = ""
    type: str = "label_text"
    end: End = "approved"
    score: int | None = None
    day: int = 0
    agreement: float | None = None
    gold: bool | None = None


def done(desk: Desk, work: Work) -> None:
    """Make it happen, on its day."""
    at = START + timedelta(days=work.day)
    terms = Terms(type=work.type, domain=work.domain, reward_credits=1, auto_approve_seconds=None)
    task = desk.post_under(terms, at=at)
    desk.take(work.worker, task, at=at)
    if work.end == "claimed":
        return
    desk.submit(work.worker, task, at=at)
    id = desk.assignment(task, work.worker) or ""
    values = {"agreement": work.agreement, "gold_correct": work.gold}
    desk.do(lambda c: c.execute(update(assignments).where(assignments.c.id == id).values(values)))
    if work.end in ("approved", "rejected"):
        desk.review(id, approved=work.end == "approved", at=at)
    elif work.end != "waiting":
        dispute = desk.dispute(id, at=at)
        if work.end != "disputed":
            desk.resolve(dispute.id, upheld=work.end == "upheld", at=at)
    if work.end == "approved" and work.score is not None:
        desk.score(id, work.score, at=at)


def of(desk: Desk, worker: str = "ann", *, at: datetime = LATER, test: bool = False) -> Reputation:
    return desk.see(lambda c: reputation.of_workers(c, [worker], test=test, at=at))[worker]


def test_of_somebody_without_a_history_there_is_nothing_to_say(desk: Desk) -> None:
    done(desk, Work(end="claimed"))
    assert of(desk) == of(desk, "bob") == Reputation()


def test_scores_given_and_defaulted_make_the_average_and_only_those_given_are_counted(desk: Desk) -> None:
    for work in (Work(score=4), Work(score=7), Work()):
        done(desk, work)
    before = of(desk, at=START + SCORE_WINDOW - timedelta(seconds=1)).overall
    assert before == Standing(tasks=3, score_average=5.5, scores_given=2, answers=3)
    assert of(desk, at=START + SCORE_WINDOW).overall == replace(before, score_average=7.0)


def test_standings_are_told_by_domain_and_by_type(desk: Desk) -> None:
    for work in (
        Work(domain="FIN", score=4),
        Work(domain="FIN", type="rate_quality", score=8),
        Work(domain="TEC"),
        Work(score=2),
    ):
        done(desk, work)
    found = of(desk)
    assert found.overall == Standing(tasks=4, score_average=6.0, scores_given=3, answers=4)
    assert found.by_domain == {
        "FIN": Standing(tasks=2, score_average=6.0, scores_given=2, answers=2),
        "TEC": Standing(tasks=1, score_average=10.0, answers=1),
    }
    assert found.by_type == {
        "label_text": Standing(tasks=3, score_average=16 / 3, scores_given=2, answers=3),
        "rate_quality": Standing(tasks=1, score_average=8.0, scores_given=1, answers=1),
    }


def test_disputed_answers_are_counted_apart_whoever_was_right(desk: Desk) -> None:
    for end in ("approved", "rejected", "waiting", "disputed", "upheld", "dismissed", "dismissed"):
        done(desk, Work(end=end))
    assert of(desk).overall == Standing(
        tasks=1, score_average=10.0, answers=7, rejected=2, disputes=4, disputes_upheld=1, disputes_dismissed=2
    )


def test_who_errs_in_one_domain_is_not_thought_less_of_in_another(desk: Desk) -> None:
    for work in (
        Work(domain="FIN", agreement=0.25, gold=False),
        Work(domain="FIN", end="upheld"),
        Work(domain="TEC", type="rate_quality", agreement=0.75, gold=True),
    ):
        done(desk, work)
    found = of(desk)
    assert (found.overall.agreement, found.overall.gold_accuracy, found.overall.disputes) == (0.5, 0.5, 1)
    for good in (found.by_domain["TEC"], found.by_type["rate_quality"]):
        assert (good.agreement, good.gold_accuracy, good.disputes) == (0.75, 1.0, 0)
    for bad in (found.by_domain["FIN"], found.by_type["label_text"]):
        assert (bad.agreement, bad.gold_accuracy, bad.disputes_upheld) == (0.25, 0.0, 1)


def test_agreement_accuracy_and_days_are_those_of_the_answers(desk: Desk) -> None:
    for work in (
        Work(day=2, agreement=1.0, gold=True),
        Work(day=5, agreement=0.5, gold=False),
        Work(day=3, gold=True, end="rejected"),
        Work(day=9, end="claimed"),
    ):
        done(desk, work)
    found = of(desk)
    assert (found.overall.agreement, found.overall.gold_accuracy) == (0.75, 2 / 3)
    assert (found.first_active_on, found.last_active_on) == (date(2030, 1, 3), date(2030, 1, 6))


def test_live_and_test_work_never_mix(desk: Desk) -> None:
    play = Desk(desk.store, test=True)
    done(desk, Work(score=2))
    done(play, Work(score=8))
    assert of(desk).overall.score_average == 2.0
    assert of(desk, test=True).overall.score_average == 8.0


def test_a_guild_is_as_its_members_are_together(desk: Desk) -> None:
    desk.do(lambda c: workers.make_guild(c, "medics", name="Medics", kind="community", at=START))
    for worker in ("ann", "bob"):
        desk.do(lambda c, w=worker: workers.join(c, "medics", w, at=START))
    for work in (
        Work(score=4),
        Work(worker="bob", score=9),
        Work(worker="bob", end="upheld"),
        Work(worker="cy", score=0),
    ):
        done(desk, work)
    of_guild = desk.see(lambda c: reputation.of_guilds(c, ["medics", "none"], test=False, at=LATER))
    assert of_guild["medics"].overall == Standing(
        tasks=2, score_average=6.5, scores_given=2, answers=3, rejected=1, disputes=1, disputes_upheld=1
    )
    assert of_guild["none"] == Reputation()
    desk.do(lambda c: workers.leave(c, "medics", "bob"))
    of_guild = desk.see(lambda c: reputation.of_guilds(c, ["medics"], test=False, at=LATER))
    assert of_guild["medics"].overall.tasks == 1


def test_others_see_no_address_no_money_no_requester_and_no_task(desk: Desk) -> None:
    desk.do(lambda c: workers.describe(c, "w1", skills={"law": 3}, email="ann@example.com", at=START))
    done(desk, Work(worker="w1", domain="FIN", end="upheld"))
    desk.suspend("w1")
    [found] = desk.see(lambda c: profiles(c, ["w1"], test=False, at=LATER))
    shown = json.dumps(asdict(found), default=str)
    task = desk.see(lambda c: c.scalar(assignments.select().with_only_columns(assignments.c.task_id)))
    secrets = ("ann@example.com", "acme", "answers at random", "off the point", "I looked", "boss", "ops", str(task))
    assert [secret for secret in secrets if secret in shown] == []


# --- any history ------------------------------------------------------------------------------------------------

WORK = st.builds(
    Work,
    worker=st.sampled_from(["ann", "bob"]),
    domain=st.sampled_from(["", "FIN", "TEC"]),
    type=st.sampled_from(["label_text", "rate_quality"]),
    end=st.sampled_from(End.__args__),
    score=st.none() | st.integers(0, 10),
    day=st.integers(0, 5),
    agreement=st.none() | st.sampled_from([0.0, 0.25, 1.0]),
    gold=st.none() | st.booleans(),
)


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def standing(given: Sequence[Work], at: datetime) -> Standing:
    accepted = [work for work in given if work.end == "approved"]
    ends = [work.end for work in given]
    return Standing(
        tasks=len(accepted),
        score_average=mean(
            [
                DEFAULT_SCORE if work.score is None else work.score
                for work in accepted
                if work.score is not None or at >= START + timedelta(days=work.day) + SCORE_WINDOW
            ]
        ),
        scores_given=sum(work.score is not None for work in accepted),
        answers=len(given),
        rejected=ends.count("rejected") + ends.count("upheld"),
        disputes=ends.count("disputed") + ends.count("upheld") + ends.count("dismissed"),
        disputes_upheld=ends.count("upheld"),
        disputes_dismissed=ends.count("dismissed"),
        agreement=mean([work.agreement for work in given if work.agreement is not None]),
        gold_accuracy=mean([work.gold for work in given if work.gold is not None]),
    )


def recomputed(history: Sequence[Work], at: datetime) -> Reputation:
    """The reputation of one worker, the plain way."""
    given = [work for work in history if work.end != "claimed"]
    if not given:
        return Reputation()
    days = [START.date() + timedelta(days=work.day) for work in given]

    def grouped(name: str) -> dict[str, Standing]:
        values: set[Any] = {getattr(work, name) for work in given} - {""}
        return {value: standing([work for work in given if getattr(work, name) == value], at) for value in values}

    return Reputation(
        overall=standing(given, at),
        by_domain=grouped("domain"),
        by_type=grouped("type"),
        first_active_on=min(days),
        last_active_on=max(days),
    )


def test_a_reputation_is_what_any_history_adds_up_to(desk: Desk) -> None:
    store = desk.store

    @settings(max_examples=25 if store.dialect == "sqlite" else 8)
    @given(st.lists(WORK, max_size=12), st.integers(0, 9))
    def holds(history: list[Work], day: int) -> None:
        fresh = Desk(store)
        names = {worker: f"{worker}-{fresh.facts.id}" for worker in ("ann", "bob")}
        for work in history:
            done(fresh, replace(work, worker=names[work.worker]))
        at = START + timedelta(days=day)
        for worker, name in names.items():
            assert of(fresh, name, at=at) == recomputed([work for work in history if work.worker == worker], at)
        assert fresh.problems() == []

    holds()
