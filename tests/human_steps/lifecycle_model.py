"""What the state machines believe of workers and human tasks: the rules of the lifecycle, told a second time."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.consensus import Agreed, ConsensusStrategy, Split, consensus
from intermezzo.human_steps.scores import SCORE_WINDOW
from intermezzo.human_steps.terms import Terms
from intermezzo.ledger import platform_fee
from tests.desk import FORM, Desk

if TYPE_CHECKING:
    from pydantic import JsonValue

MOST_OF_ONE_TASK = 80
"""Credits that a task of these terms can cost."""
LEAVES = AnswerSchema.of(json.loads(FORM)).leaves
HOLDING = ("claimed", "submitted", "disputed", "approved")
"""States of a worker's part that take a slot."""
CLOSED = ("completed", "expired", "cancelled", "failed")
CATEGORIES = st.sampled_from(["good", "good", "bad"])

STRATEGIES: st.SearchStrategy[ConsensusStrategy] = st.sampled_from(
    ["any_first", "majority_vote", "majority_vote", "unanimous", "requester_review"]
)


@dataclass
class Person:
    """What the test believes of one worker."""

    id: str
    skills: dict[str, int] = field(default_factory=dict[str, int])
    languages: set[str] = field(default_factory=set[str])
    guilds: set[str] = field(default_factory=set[str])
    suspended: bool = False

    def may_do(self, terms: Terms) -> bool:
        """Whether tasks under these terms are for them."""
        least = terms.min_skill_level
        skills = terms.skills or ((terms.type,) if least > 1 else ())
        return (
            not self.suspended
            and (
                terms.audience == "public"
                or (isinstance(terms.audience, tuple) and self.id in terms.audience)
                or terms.audience in {f"guild:{guild}" for guild in self.guilds}
            )
            and all(self.skills.get(skill, 0) >= least for skill in skills)
            and self.languages.issuperset(terms.languages)
        )


@dataclass
class Given:
    """What the test believes of one worker's part in a task."""

    reward: int
    until: datetime
    state: str = "claimed"
    category: str = ""
    review_due: datetime | None = None
    reviewed_by: str | None = None
    score_until: datetime | None = None
    score: int | None = None
    upheld: bool | None = None
    """What became of its dispute."""


@dataclass
class Expected:
    """What the test believes of one task."""

    desk: Desk
    id: str
    call_id: str
    generation: int
    terms: Terms
    priority: int
    created_at: datetime
    now: datetime
    slots: int = 0
    price: int = 0
    state: str = "open"
    void: bool = False
    deadline: datetime | None = None
    expires: datetime | None = None
    workers: dict[str, Given] = field(default_factory=dict[str, Given])
    """By worker, in the order of their answers."""

    def __post_init__(self) -> None:
        self.price, self.slots = self.terms.price_credits, self.terms.assignments_required
        self.enter(self.terms, self.now)

    def enter(self, terms: Terms, at: datetime) -> None:
        self.terms = terms
        self.deadline = at + timedelta(seconds=terms.deadline_seconds) if terms.deadline_seconds else None
        self.touch(at)

    def touch(self, at: datetime) -> None:
        unclaimed = at + timedelta(seconds=self.terms.claim_timeout_seconds)
        if self.state == "open":
            self.expires = min(unclaimed, self.deadline) if self.deadline else unclaimed
        else:
            self.expires = self.deadline

    def of(self, *states: str) -> dict[str, Given]:
        return {worker: given for worker, given in self.workers.items() if given.state in states}

    @property
    def free(self) -> int:
        return self.slots - len(self.of(*HOLDING))

    def is_free(self, at: datetime) -> bool:
        """Whether a slot of it may be claimed."""
        return self.state == "open" and (self.deadline is None or self.deadline > at)

    @property
    def order(self) -> tuple[int, datetime, str]:
        """Its place in the queue."""
        return (-self.priority, self.created_at, self.id)

    @property
    def is_closed(self) -> bool:
        return self.state in CLOSED

    @property
    def is_settled(self) -> bool:
        return self.is_closed and not self.of("submitted", "disputed")

    @property
    def committed(self) -> int:
        """What counts against the run's budget: everything until it closes, then what is or may be paid."""
        if not self.is_closed:
            return self.price
        payable = self.of("approved", "submitted", "disputed")
        rewards = sum(given.reward for given in payable.values())
        return rewards + platform_fee(rewards, len(payable))

    @property
    def paid(self) -> int:
        """What its workers got."""
        return sum(given.reward for given in self.of("approved").values())

    @property
    def held(self) -> int:
        """What is reserved for it."""
        return 0 if self.is_settled else self.committed - self.paid

    def go(self, state: str, at: datetime) -> None:
        self.state = state
        if state in CLOSED:
            for worker in self.of("claimed"):
                del self.workers[worker]
        else:
            self.touch(at)

    def take(self, worker: str, at: datetime) -> None:
        until = at + timedelta(seconds=self.terms.claim_timeout_seconds)
        self.workers[worker] = Given(self.terms.reward_credits, min(until, self.deadline) if self.deadline else until)
        self.go("open" if self.free else "claimed", at)

    def give_back(self, worker: str, at: datetime) -> None:
        del self.workers[worker]
        self.go("open", at)

    def answer(self, worker: str, category: str, at: datetime) -> None:
        given = self.workers.pop(worker)
        wait = self.terms.auto_approve_seconds
        given.category, given.state = category, "approved" if wait == 0 else "submitted"
        given.review_due = None if wait is None or wait == 0 else at + timedelta(seconds=wait)
        given.score_until = at + SCORE_WINDOW
        self.workers[worker] = given
        self.weigh(at)

    def decline(self, worker: str, at: datetime) -> None:
        self.workers[worker].state = "declined"
        self.go("open", at)

    def lose(self, worker: str, at: datetime) -> None:
        """The worker is suspended."""
        if worker in self.of("claimed"):
            self.give_back(worker, at)
        elif worker in self.of("submitted") and not self.is_closed:
            self.review(worker, approved=False, by="boss", at=at)

    def review(self, worker: str, *, approved: bool, by: str | None = None, at: datetime) -> None:
        self.workers[worker].state = "approved" if approved else "rejected"
        self.workers[worker].reviewed_by = by
        if self.is_closed:
            return
        if not approved:
            self.go("open", at)
        self.weigh(at)

    def dispute(self, worker: str) -> None:
        """Stops time and the requester; the answer counts no more, and will have no score."""
        given = self.workers[worker]
        given.state, given.score_until = "disputed", None

    def resolve(self, worker: str, *, upheld: bool, by: str, at: datetime) -> None:
        self.workers[worker].upheld = upheld
        self.review(worker, approved=not upheld, by=by, at=at)

    def was_reviewed(self, worker: str, *, approved: bool) -> bool:
        """Whether somebody has already decided so."""
        given = self.workers.get(worker)
        if given is None or given.reviewed_by is None:
            return False
        return given.state == ("approved" if approved else "rejected")

    def weigh(self, at: datetime) -> None:
        by_requester = self.terms.consensus_strategy == "requester_review"
        counted = self.of("approved") if by_requester else self.of("approved", "submitted")
        answers = [{"category": given.category} for given in counted.values()]
        outcome = consensus(self.terms.consensus_strategy, answers, LEAVES, self.slots)
        tied = isinstance(outcome, Split)
        if isinstance(outcome, Agreed):
            self.go("completed", at)
        elif tied and self.terms.consensus_strategy == "majority_vote" and self.slots < self.terms.max_assignments:
            self.slots += 1
            self.go("open", at)
        elif tied and self.terms.on_split == "fail":
            self.go("failed", at)
        elif not self.free and not self.of("claimed") and self.state != "submitted":
            self.go("submitted", at)

    def time_is_over(self, at: datetime) -> None:
        if self.terms.escalation and self.state != "submitted":
            for worker in self.of("claimed"):
                del self.workers[worker]
            self.state = "open"
            self.enter(self.terms.escalation, at)
        elif self.terms.default_answer:
            self.go("completed", at)
        else:
            self.go("expired", at)


def random_terms(draw: st.DrawFn) -> Terms:
    required, reward = draw(st.integers(1, 3)), draw(st.integers(0, 5))
    minutes = st.sampled_from([5, 30, 480])
    deadline = st.sampled_from([None, None, 20 * 60, 600 * 60])
    default: st.SearchStrategy[dict[str, JsonValue] | None] = st.sampled_from([None, {"category": "bad"}])
    later = Terms(
        type="label_text",
        consensus_strategy=draw(STRATEGIES),
        assignments_required=required,
        max_assignments=required + draw(st.sampled_from([0, 0, 2])),
        reward_credits=reward * 2,
        claim_timeout_seconds=draw(minutes) * 60,
        deadline_seconds=draw(deadline),
        auto_approve_seconds=draw(st.sampled_from([0, 3600, 3600, None])),
        on_split=draw(st.sampled_from(["fail", "review"])),
        default_answer=draw(default),
    )
    if draw(st.booleans()):
        return later
    first = {"reward_credits": reward, "deadline_seconds": draw(deadline), "default_answer": None}
    return later.model_copy(update={**first, "claim_timeout_seconds": draw(minutes) * 60, "escalation": later})


TERMS = st.composite(random_terms)()
