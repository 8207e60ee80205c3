"""`intermezzo step`: one primitive from the shell, without journal or charge.

It starts at once, so it must import neither Prefect nor the store.
"""

import asyncio
import gc
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, cast

import click

from intermezzo.cli.inputs import json_option, json_value, open_lines
from intermezzo.cli.output import json_text
from intermezzo.cli.step_text import write_type, write_types

if TYPE_CHECKING:
    from intermezzo.steps import Primitive

_WINDOW = 4
"""Inputs read ahead, per one worked on: a slow one at the front does not idle the others."""

_READ_AHEAD = 16
"""Lines that wait to become inputs."""


class _Step(click.Command):
    """Its help tells the types, or all about one of them."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the general help, or what the TYPE on the command line takes and gives."""
        type = ctx.params.get("type")
        if type is None:
            super().format_help(ctx, formatter)
            write_types(formatter, _primitives())
        else:
            formatter.write_usage(f"{ctx.command_path} {type}", "(--input JSON|@FILE|- | --batch FILE|-) [OPTIONS]")
            write_type(formatter, _primitive(type))


def _show_help(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 (click calls it)
    if wanted:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


@click.command(cls=_Step, add_help_option=False)
@click.argument("type", metavar="TYPE", required=False, is_eager=True)
@click.option("--input", "given", metavar="JSON|@FILE|-", help="The input: JSON, a file of it, or - for stdin.")
@click.option("--batch", metavar="FILE|-", help="Many inputs: one JSON object a line.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 1000),
    default=16,
    show_default=True,
    help="Inputs worked on at once.",
)
@json_option
@click.option(
    "-h",
    "--help",
    is_flag=True,
    expose_value=False,
    # Not eager: the TYPE comes first.
    callback=_show_help,
    help="Show this message; after a TYPE, its fields, their bounds and its price.",
)
def step(type: str | None, *, given: str | None, batch: str | None, concurrency: int, as_json: bool) -> None:
    """Do the AI step TYPE on one input, or on every line of a file.

    Nothing is journaled or charged. A batch skips empty lines, writes one line per input, in order, and exits with 0
    when it ran, whatever single lines say:

    {"index": 0, "ok": true, "output": {…}}

    {"index": 1, "ok": false, "error": {"type": "…", "message": "…"}}
    """
    if type is None:
        raise click.UsageError(f"missing argument TYPE, one of {', '.join(_primitives())}")
    if (given is None) == (batch is None):
        raise click.UsageError("give either --input or --batch")
    primitive = _primitive(type)
    if given is not None:
        output = _once(primitive, json_value(given, option="--input"))
        click.echo(json_text(output, indent=None if as_json else 2))
    elif batch is not None:
        asyncio.run(_batch(primitive, open_lines(batch, option="--batch"), concurrency=concurrency))


def _primitives() -> "dict[str, Primitive[..., Any, Any]]":
    # Looking for plugins, pydantic reads the metadata of every installed package: a quarter of the start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    gc.disable()  # importing makes many objects and no garbage
    package = import_module("intermezzo.primitives")
    gc.enable()
    from intermezzo.steps import Primitive

    found = {name: cast("object", step) for name, step in sorted(vars(package).items()) if isinstance(step, Primitive)}
    return cast("dict[str, Primitive[..., Any, Any]]", found)


def _primitive(type: str) -> "Primitive[..., Any, Any]":
    from intermezzo.steps import registered_types

    primitives = _primitives()
    if type not in primitives:
        known = ", ".join(primitives)
        if type in registered_types():
            raise click.UsageError(f"{type} is done by people: call it in a flow; `step` does {known}")
        raise click.UsageError(f"there is no step type {type!r}; known: {known}")
    return primitives[type]


def _once(primitive: "Primitive[..., Any, Any]", value: object) -> object:
    async def work() -> object:
        return await primitive.perform(primitive.parse(value))

    return json.loads(primitive.dump(asyncio.run(work())))


async def _batch(primitive: "Primitive[..., Any, Any]", lines: BinaryIO, *, concurrency: int) -> None:
    """Read, work and write at the same time, with a bounded number of inputs in memory."""
    free = asyncio.Semaphore(concurrency)
    results: asyncio.Queue[asyncio.Task[str] | None] = asyncio.Queue(concurrency * _WINDOW)

    async def result(index: int, line: bytes) -> str:
        async with free:
            return await _result(primitive, index, line)

    async def read() -> None:
        index = 0
        async for line in _read_lines(lines):
            if line.strip():
                await results.put(group.create_task(result(index, line)))
                index += 1
        await results.put(None)

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        while (task := await results.get()) is not None:
            sys.stdout.write(f"{await task}\n")
            if results.empty():
                sys.stdout.flush()
        sys.stdout.flush()


async def _result(primitive: "Primitive[..., Any, Any]", index: int, line: bytes) -> str:
    from intermezzo.errors import InvalidInput

    try:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(f"not JSON: {error}") from None
        output = json.loads(primitive.dump(await primitive.perform(primitive.parse(value))))
    except Exception as error:  # noqa: BLE001 (one bad line is a result of its own, not the end of the batch)
        failure = {"type": type(error).__name__, "message": str(error)}
        return json_text({"index": index, "ok": False, "error": failure})
    return json_text({"index": index, "ok": True, "output": output})


async def _read_lines(lines: BinaryIO) -> AsyncIterator[bytes]:
    """Lines as they come; waiting for one keeps nobody from working or from ending."""
    loop = asyncio.get_running_loop()
    came: asyncio.Queue[bytes | OSError | None] = asyncio.Queue()
    room = threading.Semaphore(_READ_AHEAD)

    def put(item: bytes | OSError | None) -> None:
        room.acquire()
        loop.call_soon_threadsafe(came.put_nowait, item)

    _in_background(lambda: _hand_over(lines, put))
    while (item := await came.get()) is not None:
        if isinstance(item, OSError):
            raise item
        room.release()
        yield item


def _hand_over(lines: BinaryIO, put: Callable[[bytes | OSError | None], None]) -> None:
    with suppress(RuntimeError):  # the batch has ended before its input, and its loop with it
        try:
            for line in lines:
                put(line)
        except OSError as error:
            put(error)
        if lines is not sys.stdin.buffer:
            # By this thread: no other could, while it waits for a line.
            lines.close()
        put(None)


def _in_background(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="intermezzo-reader", daemon=True).start()
