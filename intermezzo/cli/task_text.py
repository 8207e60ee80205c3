"""A human task as text: what the worker sees, what the answer is made of, and the commands that go on."""

import json
import shlex
from typing import TYPE_CHECKING, assert_never

from rich.markdown import Markdown
from rich.rule import Rule
from rich.text import Text

from intermezzo.cli.output import console, json_text, printable, table
from intermezzo.errors import DefinitionError
from intermezzo.human_steps import controls as c
from intermezzo.human_steps.answers import AnswerSchema

if TYPE_CHECKING:
    from rich.console import RenderableType

    from intermezzo.human_steps.claims import Claimed
    from intermezzo.human_steps.inbox import InboxItem


def print_task(item: "InboxItem", claimed: "Claimed | None") -> None:
    """Print a human task for a worker at a terminal."""
    out = console()
    out.print(Rule(Text(printable(f"{item.name} {item.id}")), align="left"))
    if item.instructions:
        out.print(_markdown(item.instructions))
        out.print()
    shown = c.parse_controls(item.controls) if item.controls else c.default_controls(item.input)
    for control in shown:
        out.print(_rendered(control))
    schema = AnswerSchema.of(item.answer_schema)
    required = item.answer_schema.get("required")
    names = required if isinstance(required, list) else []
    rows = [(name, "required" if name in names else "optional", _expected(schema, name)) for name in schema.fields]
    out.print(table(["answer", "", "expected"], rows))
    if claimed is None:
        state = f"{item.state}, {item.open_slots} of {item.assignments_required} slots free"
        out.print(f"The task is {state}. To answer: intermezzo inbox claim {item.id}", soft_wrap=True)
    else:
        out.print(f"Yours until {claimed.lease_expires_at.astimezone():%Y-%m-%d %H:%M:%S}. To answer:")
        out.print(f"  intermezzo inbox submit {item.id} --answer {shlex.quote(_example(schema))}", soft_wrap=True)


def _markdown(text: str) -> Markdown:
    return Markdown(printable(text), hyperlinks=False)


def _rendered(control: c.Control) -> "RenderableType":
    match control:
        case c.Title():
            return Text(printable(control.value), style="bold")
        case c.Markdown():
            return _markdown(control.value)
        case c.Divider():
            return Rule()
        case c.Link():
            return Text(printable(f"{control.text} <{control.url}>" if control.text != control.url else control.url))
        case c.Image():
            return Text(printable(f"[image{f': {control.alt}' if control.alt else ''}] <{control.url}>"))
        case c.Audio():
            return Text(printable(f"[audio] <{control.url}>"))
        case _:
            assert_never(control)


def _expected(schema: AnswerSchema, name: str) -> str:
    options = schema.options(name)
    if options is not None:
        return " | ".join(json_text(option) for option in options)
    field = schema.fields[name]
    about = [str(field[key]) for key in ("type", "format", "description") if key in field]
    return ", ".join(about) or "anything"


def _example(schema: AnswerSchema) -> str:
    """An answer that fits, to be changed by the worker."""
    try:
        return json_text(schema.sample())
    except DefinitionError:
        return json.dumps(dict.fromkeys(schema.fields, "…"), ensure_ascii=False)
