"""`intermezzo gold`: tasks whose answer is known, to be mixed in among the real ones."""

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.inputs import json_option, open_lines, org_option, payer_of, test_option
from intermezzo.cli.output import json_text, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intermezzo.human_steps.gold_items import GoldItem, GoldSet
    from intermezzo.human_steps.gold_sets import GoldSets
    from intermezzo.human_steps.human_step import HumanStep


@click.group()
def gold() -> None:
    """Keep tasks whose answer is known: add, list, show, retire."""


@gold.command()
@click.argument("gold_set", metavar="SET")
@click.argument("path", metavar="FILE.jsonl|-")
@click.option("--type", required=True, metavar="TYPE", help="Of the tasks.")
@org_option
@test_option
@json_option
def add(gold_set: str, path: str, *, type: str, org: str | None, test: bool, as_json: bool) -> None:
    """Add to SET the lines of a file, {"input": …, "answer": …} each: all of them or none."""
    step, lines = _step(type), _lines(path)
    added = asyncio.run(_gold_sets(org, test=test).add(gold_set, step, lines))
    told = f"{added.new} new, {added.known} were there"
    show({"set": gold_set, **asdict(added)}, as_json=as_json, text=lambda: told)


@gold.command("list")
@org_option
@test_option
@json_option
def list_sets(*, org: str | None, test: bool, as_json: bool) -> None:
    """List all sets, and how often workers were right."""
    found = asyncio.run(_gold_sets(org, test=test).list())
    show([asdict(one) for one in found], as_json=as_json, text=lambda: _sets_table(found))


@gold.command("show")
@click.argument("gold_set", metavar="SET")
@org_option
@test_option
@json_option
def show_set(gold_set: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Show the items of SET, the least often right first: these may be wrong themselves."""
    found = asyncio.run(_gold_sets(org, test=test).show(gold_set))
    show([asdict(item) for item in found], as_json=as_json, text=lambda: _items_table(found))


@gold.command()
@click.argument("item_id", metavar="ITEM")
@org_option
@test_option
@json_option
def retire(item_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Take ITEM out of use: nobody is given it, and answers to it count for nobody any more."""
    retired = asyncio.run(_gold_sets(org, test=test).retire(item_id))
    outcome = {"item_id": item_id, "retired": retired}
    show(outcome, as_json=as_json, text=lambda: "retired" if retired else "it was retired already")


def _gold_sets(org: str | None, *, test: bool) -> "GoldSets":
    from intermezzo.human_steps.gold_sets import GoldSets
    from intermezzo.store import open_store

    return GoldSets(open_store(), payer_of(org, test=test))


def _step(type: str) -> "HumanStep[..., Any, Any]":
    from intermezzo.errors import DefinitionError
    from intermezzo.human_steps.human_step import HumanStep
    from intermezzo.steps import registered

    step = registered(type)
    if not isinstance(step, HumanStep):
        raise DefinitionError(f"{type} is done by a function, not by people")
    return step


def _lines(path: str) -> list[object]:
    """The lines of a file as JSON, blank ones left out."""
    from intermezzo.errors import InvalidInput

    lines: list[object] = []
    with open_lines(path, option="FILE.jsonl") as file:
        for number, line in enumerate(file, 1):
            try:
                if line.strip():
                    lines.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise InvalidInput(f"line {number}: not JSON: {error}") from None
    return lines


def _sets_table(found: "Sequence[GoldSet]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "There is no gold set; `intermezzo gold add` makes one."
    rows = [(one.name, ", ".join(one.types), one.items, one.answered, one.right) for one in found]
    return table(["set", "types", "items", "answered", "right"], rows, numbers=["items", "answered", "right"])


def _items_table(found: "Sequence[GoldItem]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "There is no such gold set; `intermezzo gold list` shows those there are."
    rows = [(item.id, json_text(item.input), json_text(item.answer), _marks(item)) for item in found]
    return table(["item", "input", "answer", "right"], rows)


def _marks(item: "GoldItem") -> str:
    """How it fared, in few words: a terminal is not wide."""
    reported = f"{item.reported} reported" if item.reported else ""
    return ", ".join(filter(None, [f"{item.right} of {item.answered}", reported, "retired" if item.retired_at else ""]))
