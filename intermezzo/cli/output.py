"""What commands print: one line of JSON for programs, tables for people, and never a control character."""

import json
import os
import re
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_BREAKS_LINES = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WIDTH_OF_FILES = 160
"""Columns of what is not shown on a terminal."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def json_text(value: object, *, indent: int | None = None) -> str:
    """A value as JSON: on one line, in whatever way the reader tells lines apart, unless it is indented."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)
    return _BREAKS_LINES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _plain(value: object) -> object:
    """Times, paths, models, dataclasses: as pydantic writes them; anything else as it shows itself."""
    from pydantic_core import to_json

    return json.loads(to_json(value, fallback=repr, inf_nan_mode="constants"))


def printable(text: str) -> str:
    """A text that cannot move the cursor, ring, or write to the clipboard of the terminal it is shown on."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def show(value: object, *, as_json: bool, text: "Callable[[], RenderableType | None]") -> None:
    """Print a command's result.

    Args:
        value: the result for programs.
        as_json: whether a program reads it.
        text: makes the result for a person, with rich; None prints nothing.
    """
    if as_json:
        click.echo(json_text(value))
    elif (rendered := text()) is not None:
        console().print(rendered)


def console() -> "Console":
    """The terminal; what is printed on it is text, not markup."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_FILES
    return Console(markup=False, highlight=False, emoji=False, width=width)


def table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, numbers: Sequence[str] = ()
) -> "RenderableType":
    """A table for a person.

    Args:
        numbers: headings of columns that are aligned to the right.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    made = Table(box=SIMPLE_HEAD, pad_edge=False)
    for index, heading in enumerate(headings):
        side = "right" if heading in numbers else "left"
        # The first column is what one copies into the next command.
        made.add_column(heading, justify=side, overflow="fold", no_wrap=index == 0)
    for row in rows:
        made.add_row(*(printable(_cell(value)) for value in row))
    return made


def _cell(value: object) -> str:
    from datetime import datetime

    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)


@contextmanager
def own_stdout(*, as_json: bool) -> Generator[None]:
    """Keep stdout for the result while code of others runs that may print."""
    if not as_json:
        yield
        return
    with redirect_stdout(sys.stderr):
        yield
