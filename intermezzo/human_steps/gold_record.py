"""How right a worker was in tasks whose answer is known, and what follows from it. Read when they claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, select

from intermezzo.human_steps.quality import Quality
from intermezzo.ledger import Payer
from intermezzo.store.tables import assignments, gold_items

RECENT_ANSWERS = 20
"""Newest answers of a worker that count for the least accuracy, …"""
FEWEST_ANSWERS = 5
"""… of which there must be so many: one slip of a newcomer says nothing."""

GIVEN_BACK = ("released", "expired")
"""States of an assignment whose task comes to the same worker again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A worker's part in one gold task."""

    state: str
    """Of the assignment."""
    right: bool | None
    """None: there is no answer."""
    counts: bool = True
    """Whether its item is still in use; a retired one may have been wrong itself."""


@dataclass(frozen=True, slots=True)
class GoldRecord:
    """A worker's parts in the tasks of one gold set, the earliest first."""

    marks: Sequence[Mark]

    @property
    def answered(self) -> "Sequence[Mark]":
        """Those with an answer."""
        return [mark for mark in self.marks if mark.right is not None]

    @property
    def taken(self) -> int:
        """How many they hold, have answered or declined."""
        return sum(mark.state not in GIVEN_BACK for mark in self.marks)

    @property
    def held(self) -> int:
        """How many they have claimed and not answered."""
        return sum(mark.state == "claimed" for mark in self.marks)


Standing = Literal["new", "qualified"]


def standing(quality: Quality, record: GoldRecord) -> Standing:
    """Whether a worker who is not refused has answered all qualification tasks."""
    return "qualified" if len(record.answered) >= quality.qualification_tasks else "new"


def refusal(quality: Quality, record: GoldRecord) -> str | None:
    """Why a worker with this record gets no task; None: they do."""
    first = record.answered[: quality.qualification_tasks]
    if first and len(first) == quality.qualification_tasks:
        right, of = _right(first)
        if right < quality.qualification_accuracy * of:
            return f"{right} of {of} qualification tasks were right, {quality.qualification_accuracy:.0%} is asked for"
    if quality.min_gold_accuracy is not None:
        right, of = _right([mark for mark in record.answered if mark.counts][-RECENT_ANSWERS:])
        if of >= FEWEST_ANSWERS and right < quality.min_gold_accuracy * of:
            return (
                f"of the last {of} answers that could be checked {right} were right, "
                f"{quality.min_gold_accuracy:.0%} is asked for"
            )
    return None


def _right(marks: Sequence[Mark]) -> tuple[int, int]:
    """How many were right, and of how many."""
    counted = [mark.right for mark in marks if mark.counts]
    return sum(map(bool, counted)), len(counted)


def record_of(connection: Connection, worker_id: str, payer: Payer, gold_set: str) -> GoldRecord:
    """A worker's record in one gold set of an organisation."""
    rows = connection.execute(
        select(assignments.c.state, assignments.c.gold_correct, gold_items.c.retired_at)
        .join(gold_items, gold_items.c.id == assignments.c.gold_id)
        .where(
            assignments.c.worker_id == worker_id,
            assignments.c.gold_id.is_not(None),
            gold_items.c.org == payer.org,
            gold_items.c.test == payer.test,
            gold_items.c.gold_set == gold_set,
        )
        .order_by(assignments.c.claimed_at, assignments.c.id)
    )
    return GoldRecord(
        tuple(Mark(state=row.state, right=row.gold_correct, counts=row.retired_at is None) for row in rows)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldAccuracy:
    """How often a worker was right in one gold set."""

    org: str
    test: bool
    gold_set: str
    answered: int
    """Answers to items that are in use."""
    right: int


def accuracy_of(connection: Connection, worker_id: str) -> list[GoldAccuracy]:
    """How often a worker was right, by gold set."""
    rows = connection.execute(
        select(gold_items.c.org, gold_items.c.test, gold_items.c.gold_set, assignments.c.gold_correct)
        .join(gold_items, gold_items.c.id == assignments.c.gold_id)
        .where(
            assignments.c.worker_id == worker_id,
            assignments.c.gold_id.is_not(None),
            assignments.c.gold_correct.is_not(None),
            gold_items.c.retired_at.is_(None),
        )
    )
    by_set: dict[tuple[str, bool, str], list[bool]] = {}
    for row in rows:
        by_set.setdefault((row.org, row.test, row.gold_set), []).append(row.gold_correct)
    return [
        GoldAccuracy(org=org, test=test, gold_set=name, answered=len(marks), right=sum(marks))
        for (org, test, name), marks in sorted(by_set.items())
    ]
