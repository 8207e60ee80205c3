"""Workers who learn, join, leave and are suspended: each is given exactly what is theirs, and nothing of others."""

import asyncio
from collections.abc import Callable
from dataclasses import astuple
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection

from intermezzo.errors import (
    AssignmentNotFound,
    ClaimLost,
    HumanTaskNotFound,
    IntermezzoError,
    InvalidInput,
    InvalidResponse,
    NotClaimable,
)
from intermezzo.human_steps import claims, queues, workers
from intermezzo.human_steps.inbox import Inbox
from intermezzo.human_steps.review_queue import ReviewQueue
from intermezzo.human_steps.tasks import PRIORITIES, Priority
from intermezzo.human_steps.terms import Terms
from intermezzo.store import Store
from tests.desk import START, Desk, empty
from tests.human_steps.lifecycle_checks import Checks
from tests.human_steps.lifecycle_model import CATEGORIES, MOST_OF_ONE_TASK, TERMS, Expected, Person

if TYPE_CHECKING:
    from pydantic import JsonValue

GRANTED = 1_000
NAMES = ("ann~1", "böb~2", "cy~3")
"""Ids that are part of nothing else, so that they can be searched for."""
WORKERS = st.sampled_from(NAMES)
GUILDS = ("medics", "bureau")
"""A community, and a chartered guild."""
SKILLS = st.dictionaries(st.sampled_from(["law", "label_text"]), st.integers(1, 3))
LANGUAGES = st.sets(st.sampled_from(["en", "de"]))
SECRET = "secret of "

DEMANDS = st.fixed_dictionaries(
    {
        "audience": st.sampled_from(
            ["public", "public", "public", "guild:medics", "guild:bureau", NAMES[:1], NAMES[1:]]
        ),
        "skills": st.sampled_from([(), (), (), ("law",)]),
        "min_skill_level": st.sampled_from([1, 1, 1, 2]),
        "languages": st.sampled_from([(), (), (), ("de",), ("de", "en")]),
    }
)
URGENCY: st.SearchStrategy[Priority] = st.sampled_from(["low", "normal", "high", "urgent"])
OPENING = st.tuples(st.sampled_from([0, 0, 1, 2, 3]), TERMS, DEMANDS, DEMANDS, URGENCY)
"""Number of the desk, terms, what they ask for at first and after they escalate, priority."""


Opening = tuple[int, Terms, dict[str, object], dict[str, object], Priority]


Refusals = type[IntermezzoError] | tuple[type[IntermezzoError], ...]


class Eligibility(RuleBasedStateMachine):
    """Two organisations, one of them with two runs and a test run, and the same workers."""

    posted = Bundle("posted")

    def __init__(self, store: Store, eyes: asyncio.Runner) -> None:
        super().__init__()
        empty(store)
        self.store = store
        self.eyes = eyes
        self.desks = [
            Desk(store, granted=GRANTED, budget=GRANTED, org=org, test=test)
            for org, test in (("acme", False), ("acme", False), ("rival", False), ("acme", True))
        ]
        self.checks = Checks(self.desks)
        self.now = START
        self.tasks: dict[str, Expected] = {}
        self.people = {name: Person(name) for name in NAMES}
        self.watcher = NAMES[0]
        self.told = ""
        for id, kind in zip(GUILDS, ("community", "chartered"), strict=True):
            self.desks[0].do(lambda c, id=id, kind=kind: workers.make_guild(c, id, name=id, kind=kind, at=START))

    # --- tasks

    @initialize(target=posted, terms=TERMS, openings=st.lists(OPENING, min_size=2, max_size=4))
    def post_some(self, terms: Terms, openings: list[Opening]) -> object:
        self._post(self.desks[0], terms, "normal")
        for opening in openings:
            self.post(opening)
        return cast("object", multiple(*self.tasks))

    @rule(target=posted, opening=OPENING)
    @precondition(lambda self: len(self.tasks) < 8)
    def post(self, opening: Opening) -> object:
        desk, terms, first, then, priority = opening
        later = terms.escalation and terms.escalation.model_copy(update=then)
        terms = terms.model_copy(update={**first, "escalation": later})
        chartered = {person.id for person in self.people.values() if "bureau" in person.guilds}
        named = {id for link in terms.chain() if isinstance(link.audience, tuple) for id in link.audience}
        if named & chartered:
            with pytest.raises(InvalidInput, match="chartered guild 'bureau'"):
                self.desks[desk].post_under(terms, at=self.now)
            return cast("object", multiple())
        return self._post(self.desks[desk], terms, priority)

    def _post(self, desk: Desk, terms: Terms, priority: Priority) -> str:
        assert terms.price_credits <= MOST_OF_ONE_TASK
        id = desk.post_under(terms, priority=priority, at=self.now)
        self.tasks[id] = Expected(desk, id, id, 1, terms, PRIORITIES[priority], self.now, self.now)
        return id

    # --- who workers are

    @rule(worker=WORKERS, skills=SKILLS, languages=LANGUAGES)
    def describe(self, worker: str, skills: dict[str, int], languages: set[str]) -> None:
        self.desks[0].describe(worker, skills=skills, languages=sorted(languages))
        self.people[worker].skills, self.people[worker].languages = skills, languages

    @rule(worker=WORKERS, guild=st.sampled_from(GUILDS))
    def join_or_leave(self, worker: str, guild: str) -> None:
        person = self.people[worker]
        if guild in person.guilds:
            self.desks[0].do(lambda c: workers.leave(c, guild, worker))
        else:
            self.desks[0].do(lambda c: workers.join(c, guild, worker, at=self.now))
        person.guilds ^= {guild}

    @rule(worker=WORKERS, unpaid=st.booleans())
    @precondition(lambda self: not any(person.suspended for person in self.people.values()))
    def suspend(self, worker: str, unpaid: bool) -> None:
        waiting = [name for task in self.tasks.values() if not task.is_closed for name in task.of("submitted")]
        worker = waiting[0] if unpaid and waiting else worker
        self.desks[0].suspend(worker, at=self.now)
        self.people[worker].suspended = True
        for id in sorted(self.tasks):
            self.tasks[id].lose(worker, self.now)

    @rule()
    @precondition(lambda self: any(person.suspended for person in self.people.values()))
    def reinstate(self) -> None:
        for person in self.people.values():
            self.desks[0].do(lambda c, id=person.id: workers.set_suspended(c, id, None, at=self.now))
            person.suspended = False

    # --- what workers do

    def _may(self, worker: str, task: Expected, *, test: bool) -> bool:
        mine = task.desk.payer.test == test and (test or self.people[worker].may_do(task.terms))
        return mine and task.is_free(self.now) and worker not in task.workers

    def _next(self, worker: str, *, test: bool) -> list[str]:
        mine = [task for task in self.tasks.values() if self._may(worker, task, test=test)]
        return [task.id for task in sorted(mine, key=lambda task: task.order)]

    @rule(worker=WORKERS, test=st.sampled_from([False, False, True]))
    def claim_next(self, worker: str, test: bool) -> None:
        self.watcher = worker
        expected = self._next(worker, test=test)
        claimed = self.store.write_now(lambda c: claims.claim_next(c, worker, test=test, at=self.now))
        assert (claimed and claimed.task_id) == (expected[0] if expected else None)
        if claimed:
            self.tasks[claimed.task_id].take(worker, self.now)
            self.told += str(astuple(claimed))

    @rule(worker=WORKERS, category=CATEGORIES, test=st.sampled_from([False, False, True]))
    def answer_next(self, worker: str, category: str, test: bool) -> None:
        expected = self._next(worker, test=test)
        self.claim_next(worker, test)
        if expected:
            self.submit(expected[0], worker, category)

    @rule(id=posted, worker=WORKERS, test=st.sampled_from([False, False, True]))
    def claim(self, id: str, worker: str, test: bool) -> None:
        self.watcher, task = worker, self.tasks[id]

        def claim() -> claims.Claimed:
            return self.store.write_now(lambda c: claims.claim_task(c, worker, id, test=test, at=self.now))

        if worker in task.of("claimed") and task.desk.payer.test == test:
            assert claim().lease_expires_at == task.workers[worker].until
        elif self._may(worker, task, test=test):
            self.told += str(astuple(claim()))
            task.take(worker, self.now)
        else:
            self._refused(NotClaimable, claim)

    @rule(id=posted, worker=WORKERS, category=CATEGORIES)
    def submit(self, id: str, worker: str, category: str) -> None:
        self.watcher, task = worker, self.tasks[id]
        given = task.workers.get(worker)
        answer: dict[str, JsonValue] = {"category": category, "note": SECRET + worker}

        def submit() -> str:
            return task.desk.submit(worker, id, answer, at=self.now)

        if given is not None and given.state == "claimed":
            task.answer(worker, category, self.now)
            assert submit() == task.state
        elif given is not None and given.category == category:
            assert submit() == task.state
        else:
            self._refused(ClaimLost, submit)

    @rule(id=posted, worker=WORKERS)
    def answer_nonsense(self, id: str, worker: str) -> None:
        self.watcher = worker
        inbox = Inbox(self.store, test=self.tasks[id].desk.payer.test)
        task = self.tasks[id]
        sees = worker in task.workers or task.desk.payer.test or self.people[worker].may_do(task.terms)
        # Whoever had a part in it once sees it for ever.
        errors = InvalidResponse if sees else (InvalidResponse, HumanTaskNotFound)
        self._refused(errors, lambda: self.eyes.run(inbox.submit(worker, id, {"category": "ugly"})))

    @rule(id=posted, worker=WORKERS, good=st.booleans())
    def give_back(self, id: str, worker: str, good: bool) -> None:
        id = next((held for held, task in self.tasks.items() if worker in task.of("claimed")), id)
        self.watcher, task = worker, self.tasks[id]
        act = task.desk.release if good else task.desk.decline
        if worker not in task.of("claimed"):
            self._refused(ClaimLost, lambda: act(worker, id, at=self.now))
            return
        act(worker, id, at=self.now)
        (task.give_back if good else task.decline)(worker, self.now)

    # --- what requesters and time do

    @rule(id=posted, worker=WORKERS, approved=st.booleans())
    def review(self, id: str, worker: str, approved: bool) -> None:
        task, assignment = self.tasks[id], self.tasks[id].desk.assignment(id, worker)
        if assignment is None:
            return
        for desk in self.desks:
            if desk.payer != task.desk.payer:
                rival = ReviewQueue(self.store, desk.payer)
                with pytest.raises(AssignmentNotFound):
                    self.eyes.run(rival.approve(assignment, by="rival"))
        if worker in task.of("submitted"):
            task.review(worker, approved=approved, by="boss", at=self.now)
            assert task.desk.review(assignment, approved=approved, at=self.now) == task.state

    @rule(id=posted)
    @precondition(lambda self: self.tasks)
    def cancel(self, id: str) -> None:
        task = self.tasks[id]
        assert task.desk.cancel(id, at=self.now) == (not task.is_closed)
        if not task.is_closed:
            task.go("cancelled", self.now)

    @rule(minutes=st.sampled_from([1, 1, 6, 31]), somebody_looks=st.booleans())
    def time_passes(self, minutes: int, somebody_looks: bool) -> None:
        self.now += timedelta(minutes=minutes)
        if not somebody_looks:
            return
        for task in self.tasks.values():
            for worker, given in task.of("claimed").items():
                if given.until <= self.now:
                    task.give_back(worker, self.now)
        self.desks[0].lapse(at=self.now)
        for task in self.tasks.values():
            if not task.is_closed and task.expires is not None and task.expires <= self.now:
                task.time_is_over(self.now)
        self.desks[0].expire(at=self.now)

    # --- what must hold

    def _refused(self, errors: Refusals, act: Callable[[], object]) -> None:
        with pytest.raises(errors) as refusal:
            act()
        self.told += str(refusal.value)

    @invariant()
    def books_states_and_slots_are_right(self) -> None:
        self.store.read_now(lambda connection: self.checks.look(connection, self.tasks))

    @invariant()
    def whoever_acted_last_sees_what_is_theirs_and_nothing_of_others(self) -> None:
        worker = self.watcher
        for test in (False, True):
            inbox = Inbox(self.store, test=test)
            offered = self.eyes.run(inbox.offers(worker))
            held = self.eyes.run(inbox.list(worker_id=worker))
            shown = [self.eyes.run(inbox.get(item.id, worker_id=worker)) for item in (*offered[:1], *held[:1])]
            everything = self.eyes.run(inbox.list())
            self.told += str([astuple(item) for item in (*offered, *held, *shown, *everything)])
            self._check_offers(worker, test=test)
            mine = [t for t in self.tasks.values() if worker in t.of("claimed") and t.desk.payer.test == test]
            assert {item.id for item in held} == {task.id for task in mine}
        for word in (*NAMES, SECRET):
            assert word == worker or word not in self.told
        self.told = ""

    def _check_offers(self, worker: str, *, test: bool) -> None:
        def offers(connection: Connection) -> list[str]:
            profile = workers.profile_of(connection, worker)
            return [row.id for row in queues.offers(connection, profile, test=test, limit=100, at=self.now)]

        assert self.store.read_now(offers) == self._next(worker, test=test)


def test_whatever_changes_everybody_gets_what_is_theirs_and_learns_nothing_of_others(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "NOTED_EVERY", 1)
    examples = 15 if desk.store.dialect == "sqlite" else 6
    with asyncio.Runner() as eyes:
        run_state_machine_as_test(
            cast("type[RuleBasedStateMachine]", lambda: Eligibility(desk.store, eyes)),
            settings=settings(
                max_examples=examples,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=[
                    HealthCheck.too_slow,
                    HealthCheck.data_too_large,
                    HealthCheck.filter_too_much,
                ],
            ),
        )
