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
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.inputs import INPUTS, Checkbox, Group, List, Radio, Select
from intermezzo.human_steps.json_values import join
from intermezzo.human_steps.options import Option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import JsonValue
    from rich.console import RenderableType

    from intermezzo.human_steps.attachment_rows import Attachment
    from intermezzo.human_steps.claims import Claimed
    from intermezzo.human_steps.inbox import InboxItem
    from intermezzo.human_steps.inputs import Input


def print_task(item: "InboxItem", claimed: "Claimed | None") -> None:
    """Print a human task for a worker at a terminal."""
    out = console()
    out.print(Rule(Text(printable(f"{item.name} {item.id}")), align="left"))
    if item.instructions:
        out.print(_markdown(item.instructions))
        out.print()
    form = Form.of_task(controls=item.controls, input=item.input, schema=item.answer_schema)
    for control in form.controls:
        if not isinstance(control, INPUTS):
            out.print(_rendered(control))
    for one in item.attachments:
        out.print(Text(printable(_attached(one))), soft_wrap=True)
    out.print(table(["answer", "", "expected", "about"], _rows(form.inputs)))
    if claimed is None:
        part = f"Your part is {item.part}. " if item.part else ""
        out.print(f"{part}To answer: intermezzo inbox claim {item.id}", soft_wrap=True)
    else:
        out.print(f"Yours until {claimed.lease_expires_at.astimezone():%Y-%m-%d %H:%M:%S}. To answer:")
        out.print(f"  intermezzo inbox submit {item.id} --answer {shlex.quote(_example(form.answers))}", soft_wrap=True)


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


def _attached(one: "Attachment") -> str:
    if one.url is not None:
        return f"[attached] {one.name} <{one.url}>"
    return f"[attached] {one.name} ({one.media_type}, {one.size_bytes:,} bytes): intermezzo inbox attachment {one.id}"


def _rows(inputs: "Sequence[Input]", parent: str = "") -> "Iterator[tuple[str, str, str, str]]":
    """A row for each field of the answer; those of an object or a list follow it: `items.*.name`."""
    for control in inputs:
        name = join(parent, control.id)
        about = " · ".join(text for text in (control.label, control.help) if text)
        yield name, "required" if control.required else "optional", _expected(control), about
        if isinstance(control, Group):
            yield from _rows(control.controls, name)
        if isinstance(control, List):
            yield from _rows([control.item.model_copy(update={"id": "*"})], name)


def _expected(control: "Input") -> str:
    told: dict[str, JsonValue] = control.model_dump(mode="json")
    options = control.options if isinstance(control, Radio | Select | Checkbox) else ()
    limits = [f"{field} {json_text(value)}" for field, value in told.items() if field not in _TOLD_ELSEWHERE]
    about = [control.type, *limits] if limits or not options or isinstance(control, Checkbox) else []
    return ": ".join(text for text in (", ".join(about), " | ".join(map(_option, options))) if text)


_TOLD_ELSEWHERE = {"type", "id", "label", "help", "required", "options", "controls", "item"}


def _option(option: Option) -> str:
    plain = json_text(option.value)
    return plain if option == Option.of(option.value) else f"{plain} ({option.label})"


def _example(schema: AnswerSchema) -> str:
    """An answer that fits, to be changed by the worker."""
    try:
        return json_text(schema.sample())
    except DefinitionError:
        return json.dumps(dict.fromkeys(schema.fields, "…"), ensure_ascii=False)
