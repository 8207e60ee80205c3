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
from intermezzo.human_steps.input_schemas import schema_of
from intermezzo.human_steps.inputs import INPUTS, Group, List
from intermezzo.human_steps.json_values import join
from intermezzo.steps.schema_words import in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
    mode = " --test" if item.test else ""
    if claimed is None:
        part = f"Your part is {item.part}. " if item.part else ""
        out.print(f"{part}To answer: intermezzo inbox claim {item.id}{mode}", soft_wrap=True)
    else:
        out.print(f"Yours until {claimed.lease_expires_at.astimezone():%Y-%m-%d %H:%M:%S}. To answer:")
        answer = shlex.quote(_example(form.answers))
        out.print(f"  intermezzo inbox submit {item.id}{mode} --answer {answer}", soft_wrap=True)


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
        yield name, "required" if control.required else "optional", printable(in_words(schema_of(control), {})), about
        if isinstance(control, Group):
            yield from _rows(control.controls, name)
        if isinstance(control, List):
            yield from _rows([control.item.model_copy(update={"id": "*"})], name)


def _example(schema: AnswerSchema) -> str:
    """An answer that fits, to be changed by the worker."""
    try:
        return json_text(schema.sample())
    except DefinitionError:
        return json.dumps(dict.fromkeys(schema.fields, "…"), ensure_ascii=False)
