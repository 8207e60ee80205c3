"""How a command ends when something goes wrong: one line on stderr, an exit code, and no traceback.

What is wrong with a document takes a line each.
"""

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import click

from intermezzo.cli.output import json_text, printable
from intermezzo.errors import (
    AccessKeyNotFound,
    AttachmentNotFound,
    DefinitionError,
    HumanTaskNotFound,
    IntermezzoError,
    InvalidInput,
    InvalidResponse,
    UserError,
    WebhookNotFound,
)

_BAD_INPUT = (
    AccessKeyNotFound,
    AttachmentNotFound,
    DefinitionError,
    HumanTaskNotFound,
    InvalidInput,
    InvalidResponse,
    UserError,
    WebhookNotFound,
)

FAILED = 1
BAD_INPUT = 2
INTERRUPTED = 130
"""What shells report for a process that Ctrl-C ended."""


class NotFound(IntermezzoError, LookupError):
    """What was named on the command line does not exist."""


class RunEndedBadly(IntermezzoError):
    """A run ended in another state than completed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What is said about an error."""

    type: str
    message: str
    exit_code: int
    flaws: Sequence[Mapping[str, object]] = ()
    """Each thing that is wrong with a document, with its line and column."""

    def as_json(self) -> dict[str, object]:
        """As an error object."""
        return {"type": self.type, "message": self.message, **({"flaws": self.flaws} if self.flaws else {})}


def guarded(command: Callable[[], object], *, as_json: bool) -> int:
    """Run a command; returns its exit code, having said what went wrong."""
    try:
        code = command()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help() if error.ctx else "", err=True)
        return BAD_INPUT
    except click.Abort:
        return _report(Failure("Interrupted", "interrupted", INTERRUPTED), as_json=as_json)
    except Exception as error:  # noqa: BLE001 (the outermost boundary: nobody above could say it better)
        if isinstance(_first(error), BrokenPipeError):
            # Whoever read our output has left. What is still buffered goes nowhere, without a word at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        if os.environ.get("INTERMEZZO_DEBUG") == "1":
            traceback.print_exc()
        return _report(describe(error), as_json=as_json)
    return code if isinstance(code, int) else 0


def _report(failure: Failure, *, as_json: bool) -> int:
    shown = json_text({"error": failure.as_json()}) if as_json else f"error: {failure.message}"
    click.echo(shown, file=sys.stderr)
    return failure.exit_code


def describe(error: BaseException) -> Failure:
    """An exception as one line and an exit code: 2 for what the caller gave, 1 for what went wrong."""
    error = _first(error)
    if isinstance(error, click.ClickException):
        return Failure(type(error).__name__, _usage(error), BAD_INPUT)
    if isinstance(error, IntermezzoError):
        bad_input = isinstance(error, (*_BAD_INPUT, NotFound))
        code = BAD_INPUT if bad_input else FAILED
        if isinstance(error, DefinitionError):
            return _of_definition(error)
        return Failure(type(error).__name__, _one_line(str(error)), code)
    if isinstance(error, OSError) and error.filename:
        return Failure(type(error).__name__, f"{error.filename}: {error.strerror}", FAILED)
    return _foreign(error)


def _of_definition(error: DefinitionError) -> Failure:
    from intermezzo.pipelines import InvalidPipeline

    if not isinstance(error, InvalidPipeline):
        return Failure(type(error).__name__, _one_line(str(error)), BAD_INPUT)
    message = "\n".join(_one_line(line) for line in str(error).splitlines())
    return Failure(type(error).__name__, message, BAD_INPUT, [flaw.as_json() for flaw in error.flaws])


def _first(error: BaseException) -> BaseException:
    if not isinstance(error, BaseExceptionGroup):
        return error
    group = cast("BaseExceptionGroup[BaseException]", error)
    return _first(group.exceptions[0])


def _usage(error: click.ClickException) -> str:
    message = _one_line(error.format_message()).removesuffix(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message} (see `{context.command_path} --help`)" if context else message


def _foreign(error: BaseException) -> Failure:
    """Errors of the libraries beneath, in our words where they are to be expected."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError) and error.title == "Settings":
        from intermezzo.steps import explain

        return Failure("InvalidSettings", _one_line(f"environment: INTERMEZZO_… {explain(error)}"), BAD_INPUT)
    name, text = type(error).__name__, _one_line(str(error))
    package = type(error).__module__.partition(".")[0]
    if package == "sqlalchemy":
        cause = _one_line(str(getattr(error, "orig", None) or text))
        return Failure("StoreError", f"the store refused: {cause}; check INTERMEZZO_DATABASE_URL", FAILED)
    if package in ("httpx", "httpcore"):
        server = os.environ.get("PREFECT_API_URL", "the Prefect server")
        return Failure(name, f"cannot talk to {server}: {text or name}", FAILED)
    said = f"{name}: {text}" if text else name
    return Failure(name, f"unexpected {said} (INTERMEZZO_DEBUG=1 shows where)", FAILED)


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
