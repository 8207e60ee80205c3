"""`intermezzo types`: what kinds of work people can be asked to do, and what each takes, gives and costs."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from intermezzo.cli.inputs import json_option
from intermezzo.cli.output import show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from intermezzo.human_steps.type_sheet import SheetField, TypeSheet


@click.group()
def types() -> None:
    """See the kinds of work that people can be asked to do."""


@types.command("list")
@json_option
def list_types(*, as_json: bool) -> None:
    """List the human step types, with their price for one answer."""
    from intermezzo.human_steps.type_sheet import TypeSheet, human_types

    sheets = [TypeSheet.of(step) for step in human_types()]
    rows = [
        {
            "name": sheet.name,
            "family": sheet.family,
            "work": sheet.work,
            "reward_credits": sheet.reward_credits,
            "price_credits": sheet.price_credits,
        }
        for sheet in sheets
    ]
    cells = [(sheet.name, sheet.family, sheet.price_credits[1], sheet.work) for sheet in sheets]
    show(rows, as_json=as_json, text=lambda: table(["type", "family", "credits", "work"], cells, numbers=["credits"]))


@types.command("show")
@click.argument("name", metavar="NAME")
@json_option
def show_type(name: str, *, as_json: bool) -> None:
    """Show what the type NAME takes, what workers answer, and what it costs; with --json, the schemas."""
    from intermezzo.human_steps.type_sheet import TypeSheet, human_types

    known = {step.type: step for step in human_types()}
    if name not in known:
        raise click.UsageError(_unknown(name, sorted(known)))
    sheet = TypeSheet.of(known[name])
    show(asdict(sheet), as_json=as_json, text=lambda: _sheet_text(sheet))


def _unknown(name: str, known: "Sequence[str]") -> str:
    from intermezzo.steps import registered_types

    if name in registered_types():
        return f"{name} is an AI step, which no person does: see `intermezzo step {name}`"
    return f"there is no human step type {name!r}; known: {', '.join(known)}"


def _sheet_text(sheet: "TypeSheet") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    deadline = f"; wanted within {sheet.deadline}" if sheet.deadline else ""
    return Group(
        Text(f"{sheet.name} ({sheet.family})", style="bold"),
        sheet.instructions,
        f"\n{sheet.prices}{deadline}.",
        _fields_table("input", sheet.input_fields) if sheet.input_fields else "\nThe input may have any fields.\n",
        _fields_table("answer", sheet.answer_fields),
        f"A call gives {', '.join(sheet.output_fields)}; and summary, agreement, agreement_by_field, submissions.\n",
        f"Example: {json.dumps(sheet.example, ensure_ascii=False, indent=2)}",
    )


def _fields_table(heading: str, fields: "Sequence[SheetField]") -> "RenderableType":
    rows = [
        (field.name, "required" if field.required else field.default or "optional", field.expected, field.about)
        for field in fields
    ]
    return table([heading, "default", "expected", "meaning"], rows)
