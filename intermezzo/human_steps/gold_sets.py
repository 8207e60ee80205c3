"""What an operator does about gold sets: tasks whose answer is known; for the command line, pages and HTTP."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from intermezzo.errors import InvalidInput, InvalidResponse
from intermezzo.human_steps import gold_items
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.gold_items import GoldItem, GoldSet, NewGoldItem
from intermezzo.human_steps.human_step import HumanStep
from intermezzo.human_steps.quality import GOLD_SET
from intermezzo.ledger import Payer
from intermezzo.store import Store, utc_now

if TYPE_CHECKING:
    from pydantic import BaseModel, JsonValue

MOST_PROBLEMS = 20
"""Bad lines that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedGold:
    """What became of lines that were added to a set."""

    new: int
    known: int
    """Whose input was there with the same answer."""


class GoldSets:
    """The gold sets of one organisation.

    Args:
        store: where they are.
        payer: the organisation; live and test tasks have sets of their own.
    """

    def __init__(self, store: Store, payer: Payer) -> None:
        self.store = store
        self.payer = payer

    async def add(self, gold_set: str, step: HumanStep[..., Any, Any], lines: Sequence[object]) -> AddedGold:
        """Add items to a set: all of them or none.

        Args:
            gold_set: its name; it is made with the first item.
            step: whose type the tasks are of.
            lines: `{"input": …, "answer": …}` each.

        Raises:
            InvalidInput: naming the bad lines, or that cannot be a set's name; nothing was stored.
        """
        if GOLD_SET.fullmatch(gold_set) is None:
            raise InvalidInput(
                f"a gold set's name has 1 to 64 letters, digits, dots, dashes or underscores, got {gold_set[:100]!r}"
            )
        items: list[NewGoldItem] = []
        problems: list[str] = []
        for number, line in enumerate(lines, 1):
            try:
                items.append(_new_item(step, line))
            except (InvalidInput, InvalidResponse) as error:
                problems.append(f"line {number}: {error}")
        if problems:
            more = len(problems) - MOST_PROBLEMS
            shown = problems[:MOST_PROBLEMS] + ([f"and {more} more bad lines"] if more > 0 else [])
            raise InvalidInput("\n".join(shown))
        new = await self.store.write(lambda c: gold_items.put(c, self.payer, gold_set, items, at=utc_now()))
        return AddedGold(new=new, known=len(items) - new)

    async def list(self) -> "Sequence[GoldSet]":
        """All sets, by name."""
        return await self.store.read(lambda c: gold_items.all_sets(c, self.payer))

    async def show(self, gold_set: str) -> "Sequence[GoldItem]":
        """The items of a set: those in use first, and of these the least often right, which may be wrong themselves."""
        return await self.store.read(lambda c: gold_items.items_of(c, self.payer, gold_set))

    async def retire(self, item_id: str) -> bool:
        """Take an item out of use: nobody is given it, and answers to it count for nobody any more.

        Returns:
            Whether it was in use.

        Raises:
            InvalidInput: the organisation has no item of that id.
        """
        return await self.store.write(lambda c: gold_items.retire(c, self.payer, item_id, at=utc_now()))


def _new_item(step: HumanStep[..., Any, Any], line: object) -> NewGoldItem:
    """An item, shown and asked as a task of that step would be.

    Raises:
        InvalidInput: the line is not an input with its answer, or the input does not fit the type.
        InvalidResponse: the answer does not fit the form.
    """
    if not isinstance(line, Mapping) or set(cast("Mapping[str, object]", line)) != {"input", "answer"}:
        raise InvalidInput(f'expected {{"input": …, "answer": …}}, got {json.dumps(line, default=repr)[:100]}')
    given = cast("Mapping[str, Any]", line)
    if not isinstance(given["input"], Mapping):
        raise InvalidInput(f"input: expected an object, got {json.dumps(given['input'])[:100]}")
    input: BaseModel = step.parse(cast("Mapping[str, object]", given["input"]))
    task = step.new_task(input, id="")
    answer: dict[str, JsonValue] = AnswerSchema.of(json.loads(task.answer_schema)).validate(given["answer"])
    return NewGoldItem(
        type=task.type, input=task.input, controls=task.controls, answer_schema=task.answer_schema, answer=answer
    )
