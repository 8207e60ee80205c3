"""What commands are given: options that several share, and JSON from arguments, files and standard input."""

import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import click

if TYPE_CHECKING:
    from intermezzo.ledger import Payer

F = TypeVar("F", bound=Callable[..., Any])

json_option = click.option("--json", "as_json", is_flag=True, help="Print one line of JSON.")
org_option = click.option(
    "--org", metavar="ORG", help="Organisation that pays (default: $INTERMEZZO_ORG, else `default`)."
)
test_option = click.option("--test", is_flag=True, help="Test credits and test tasks instead of live ones.")

MAX_WORKER_NAME = 200
"""As many characters as the store keeps."""


def payer_of(org: str | None, *, test: bool) -> "Payer":
    """Who pays: as the options say, else as the environment does."""
    from pydantic import ValidationError

    from intermezzo.ledger import Payer
    from intermezzo.settings import Settings, settings

    known = settings()
    if org is None:
        return Payer(known.org, test=test or known.test_mode)
    try:
        Settings(org=org)
    except ValidationError:
        raise click.BadParameter(
            f"an organisation is 1 to 64 letters, digits and . _ -, got {org!r}", param_hint="'--org'"
        ) from None
    return Payer(org, test=test or known.test_mode)


def json_value(given: str, *, option: str) -> object:
    """The JSON of an option: the text itself, `@file`, or `-` for standard input.

    Raises:
        click.BadParameter: no such file, or not JSON.
    """
    hint = f"'{option}'"
    if given == "-":
        text, where = sys.stdin.buffer.read(), "standard input"
    elif given.startswith("@"):
        text, where = _file_bytes(given[1:], hint), given[1:]
    else:
        text, where = given.encode("utf-8", "surrogateescape"), "the value"
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.BadParameter(f"{where} is not JSON: {error}", param_hint=hint) from None


def _file_bytes(path: str, hint: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error, hint) from None


def _unreadable(path: str, error: OSError, hint: str) -> click.BadParameter:
    return click.BadParameter(f"cannot read {path!r}: {error.strerror}", param_hint=hint)


def open_lines(path: str, *, option: str) -> BinaryIO:
    """A file to read line by line; `-` is standard input.

    Raises:
        click.BadParameter: it cannot be read.
    """
    if path != "-":
        try:
            return Path(path).open("rb")
        except OSError as error:
            raise _unreadable(path, error, f"'{option}'") from None
    stream = sys.stdin.buffer
    try:
        # A reader of its own: a thread that waits for a line must not hold the lock of sys.stdin at exit.
        return os.fdopen(stream.fileno(), "rb", closefd=False)
    except (OSError, io.UnsupportedOperation):
        return stream


def parameters_of(pairs: Sequence[str]) -> dict[str, object]:
    """Flow parameters from `name=value` pairs: a value is JSON where it parses as such, else text.

    Raises:
        click.BadParameter: not a pair, or a name given twice.
    """
    parameters: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name.isidentifier():
            raise click.BadParameter(f"give parameters as name=value, got {pair!r}", param_hint="'--param'")
        if name in parameters:
            raise click.BadParameter(f"parameter {name!r} is given twice", param_hint="'--param'")
        try:
            parameters[name] = json.loads(text)
        except (ValueError, RecursionError):
            parameters[name] = text
    return parameters


def worker_option(command: F) -> F:
    """The option that says who works."""
    return click.option(
        "--worker",
        envvar="INTERMEZZO_WORKER",
        metavar="NAME",
        default=_login_name,
        callback=_checked_worker,
        help="Who you are (default: $INTERMEZZO_WORKER, else your login name).",
    )(command)


def _login_name() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise click.UsageError("you have no login name here; say who you are with --worker NAME") from None


def _checked_worker(_ctx: click.Context, _option: click.Parameter, name: str) -> str:
    if not name.strip() or not name.isprintable() or len(name) > MAX_WORKER_NAME:
        raise click.BadParameter(f"a worker's name is 1 to {MAX_WORKER_NAME} printable characters, got {name!r}")
    return name
