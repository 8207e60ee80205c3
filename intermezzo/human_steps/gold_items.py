"""Items of gold sets: inputs whose right answer is known, kept by an organisation. Used by `gold_sets` and by posting.

Everything here is part of the caller's transaction.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from intermezzo.errors import InvalidInput
from intermezzo.human_steps.attachment_rows import check_files_of_inputs
from intermezzo.human_steps.json_values import canonical_json
from intermezzo.human_steps.terms import Terms
from intermezzo.ledger import Payer
from intermezzo.store import new_id
from intermezzo.store.tables import assignments, gold_items, reports


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGoldItem:
    """An item for a gold set: what a task of its type shows and asks, and the right answer."""

    type: str
    input: str
    controls: str | None
    answer_schema: str
    answer: dict[str, JsonValue]

    @property
    def digest(self) -> str:
        """Of what makes it the same item."""
        text = canonical_json([self.type, json.loads(self.input)])
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldItem:
    """An item of a gold set, and how workers did."""

    id: str
    type: str
    input: dict[str, JsonValue]
    answer: dict[str, JsonValue]
    answered: int
    right: int
    reported: int
    """How many workers said that something is wrong with it."""
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldSet:
    """A named set of items, and how workers did in all of them."""

    name: str
    types: tuple[str, ...]
    items: int
    """Those in use."""
    answered: int
    right: int


def put(connection: Connection, payer: Payer, gold_set: str, items: Sequence[NewGoldItem], *, at: datetime) -> int:
    """Add items to a set; one whose input is there with the same answer is there already.

    Returns:
        How many are new.

    Raises:
        InvalidInput: an input has two answers, naming each such line, or a file that was not stored; nothing was
            stored.
        AttachmentRefused: an input has too many files.
    """
    query = select(gold_items.c.digest, gold_items.c.id, gold_items.c.answer).where(
        *_of_set(payer, gold_set), gold_items.c.retired_at.is_(None)
    )
    known = {row.digest: (f"item {row.id}", json.loads(row.answer)) for row in connection.execute(query)}
    rows: list[dict[str, object]] = []
    problems: list[str] = []
    for number, item in enumerate(items, 1):
        if item.digest not in known:
            known[item.digest] = (f"line {number}", item.answer)
            rows.append(_row(payer, gold_set, item, at))
            continue
        where, answer = known[item.digest]
        if canonical_json(answer) != canonical_json(item.answer):
            problems.append(
                f"line {number}: {where} has the same input and another answer; retire or remove one of them"
            )
    if problems:
        raise InvalidInput("\n".join(problems))
    check_files_of_inputs(connection, payer.org, [item.input for item in items])
    if rows:
        connection.execute(insert(gold_items), rows)
    return len(rows)


def _row(payer: Payer, gold_set: str, item: NewGoldItem, at: datetime) -> dict[str, object]:
    return {
        "id": new_id(),
        "org": payer.org,
        "test": payer.test,
        "gold_set": gold_set,
        "type": item.type,
        "digest": item.digest,
        "input": item.input,
        "controls": item.controls,
        "answer_schema": item.answer_schema,
        "answer": json.dumps(item.answer, ensure_ascii=False),
        "created_at": at,
    }


def _of_set(payer: Payer, gold_set: str) -> "tuple[ColumnElement[bool], ...]":
    return (gold_items.c.org == payer.org, gold_items.c.test == payer.test, gold_items.c.gold_set == gold_set)


def check_gold(connection: Connection, terms: Terms, payer: Payer) -> None:
    """Refuse terms whose gold set has fewer items than they need; test tasks do without.

    Raises:
        InvalidInput: saying how many there are, and how to add some.
    """
    quality = terms.quality
    if quality is None or quality.gold_set is None or payer.test:
        return
    needed = max(1, quality.qualification_tasks)
    of_type = (gold_items.c.type == terms.type, gold_items.c.retired_at.is_(None))
    query = select(func.count()).where(*_of_set(payer, quality.gold_set), *of_type)
    count = connection.scalar(query) or 0
    if count < needed:
        raise InvalidInput(
            f"the gold set {quality.gold_set!r} of {payer.org!r} has {count} items of type {terms.type}, and {needed} "
            f"are needed: intermezzo gold add {quality.gold_set} FILE.jsonl --type {terms.type}"
        )


def all_sets(connection: Connection, payer: Payer) -> list[GoldSet]:
    """The gold sets of an organisation, by name."""
    by_name: dict[str, list[GoldItem]] = {}
    for name, item in _items(connection, gold_items.c.org == payer.org, gold_items.c.test == payer.test):
        by_name.setdefault(name, []).append(item)
    return [
        GoldSet(
            name=name,
            types=tuple(sorted({item.type for item in items})),
            items=sum(item.retired_at is None for item in items),
            answered=sum(item.answered for item in items),
            right=sum(item.right for item in items),
        )
        for name, items in sorted(by_name.items())
    ]


def items_of(connection: Connection, payer: Payer, gold_set: str) -> list[GoldItem]:
    """The items of a set: those in use first, and of these the least often right, which may be wrong themselves."""
    found = [item for _, item in _items(connection, *_of_set(payer, gold_set))]
    return sorted(found, key=lambda item: (item.retired_at is not None, _share(item), item.created_at, item.id))


def _share(item: GoldItem) -> float:
    return item.right / item.answered if item.answered else 1.0


def _items(connection: Connection, *where: "ColumnElement[bool]") -> list[tuple[str, GoldItem]]:
    """Items, each with the name of its set."""
    marks = select(func.count()).where(
        assignments.c.gold_id == gold_items.c.id, assignments.c.gold_correct.is_not(None)
    )
    reported = (
        select(func.count())
        .join_from(reports, assignments, assignments.c.task_id == reports.c.task_id)
        .where(assignments.c.gold_id == gold_items.c.id, assignments.c.state == "declined")
    )
    rows = connection.execute(
        select(
            gold_items,
            marks.scalar_subquery().label("answered"),
            marks.where(assignments.c.gold_correct).scalar_subquery().label("right"),
            reported.scalar_subquery().label("reported"),
        ).where(*where)
    )
    return [
        (
            row.gold_set,
            GoldItem(
                id=row.id,
                type=row.type,
                input=json.loads(row.input),
                answer=json.loads(row.answer),
                answered=row.answered,
                right=row.right,
                reported=row.reported,
                created_at=row.created_at,
                retired_at=row.retired_at,
            ),
        )
        for row in rows
    ]


def retire(connection: Connection, payer: Payer, item_id: str, *, at: datetime) -> bool:
    """Take an item out of use: it is given to nobody, and answers to it count for nobody any more.

    Returns:
        Whether it was in use.

    Raises:
        InvalidInput: the organisation has no item of that id.
    """
    mine = (gold_items.c.id == item_id, gold_items.c.org == payer.org, gold_items.c.test == payer.test)
    if connection.execute(select(gold_items.c.id).where(*mine)).first() is None:
        raise InvalidInput(f"there is no gold item {item_id!r}; `intermezzo gold show SET` lists those there are")
    this = update(gold_items).where(*mine, gold_items.c.retired_at.is_(None)).values(retired_at=at)
    return connection.execute(this).rowcount > 0
