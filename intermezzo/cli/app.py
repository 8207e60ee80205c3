"""The root of the command line: which commands there are, each imported only when it is asked for."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from intermezzo.cli.failures import guarded

EPILOG = """\b
Examples:
  intermezzo demo
  intermezzo step pii_detect --input '{"text": "call 555-0100", "mask": true}'
  intermezzo credits grant 1000 --test
  intermezzo run pipeline.py:triage --param reviews='["Great!"]' --test
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    section: str
    command: str
    """Where the click command is, as `module:attribute`."""
    help: str
    """Its line in `intermezzo --help`, said here so that showing it imports nothing."""


_COMMANDS = {
    "demo": _Entry("Run", "intermezzo.cli.demo:demo", "See it work: real documents, AI steps and people."),
    "run": _Entry("Run", "intermezzo.cli.run:run", "Run a flow, here or on a server."),
    "pipelines": _Entry(
        "Run", "intermezzo.cli.pipelines:pipelines", "Check, price, draw and run pipelines that are documents."
    ),
    "step": _Entry("Run", "intermezzo.cli.step:step", "Do one AI step on one input, or on a file of them."),
    "serve": _Entry("Operate", "intermezzo.cli.serve:serve", "Run deployed flows until Ctrl-C."),
    "runs": _Entry("Operate", "intermezzo.cli.runs:runs", "List, show and cancel runs."),
    "credits": _Entry("Operate", "intermezzo.cli.credits:credits", "See, grant and audit credits."),
    "keys": _Entry("Operate", "intermezzo.cli.keys:keys", "Make, list and revoke API keys."),
    "users": _Entry("Operate", "intermezzo.cli.users:users", "Let people log in."),
    "webhooks": _Entry("Operate", "intermezzo.cli.webhooks:webhooks", "Have addresses told of what happens."),
    "inbox": _Entry("Work", "intermezzo.cli.inbox:inbox", "Answer human tasks."),
    "tasks": _Entry("Work", "intermezzo.cli.tasks:tasks", "Ask people something, and follow it."),
    "review": _Entry("Work", "intermezzo.cli.review:review", "Approve, score, reject and decide what was answered."),
    "disputes": _Entry("Work", "intermezzo.cli.disputes:disputes", "Say who is right about disputed answers."),
    "workers": _Entry(
        "Work", "intermezzo.cli.workers:workers", "Say what workers can do, find them, see how they did."
    ),
    "guilds": _Entry("Work", "intermezzo.cli.guilds:guilds", "Found guilds of workers, find them, say who is in them."),
    "gold": _Entry(
        "Work", "intermezzo.cli.gold:gold", "Keep tasks whose answer is known, and see who gets them right."
    ),
    "types": _Entry("Work", "intermezzo.cli.human_types:types", "See what people can be asked to do."),
}


class Root(click.Group):
    """The group of all commands; whatever goes wrong below it ends as one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click calls it)
        """Names of the commands that are installed."""
        return [name for name, entry in _COMMANDS.items() if find_spec(entry.command.partition(":")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module, _, attribute = _COMMANDS[cmd_name].command.partition(":")
        return getattr(import_module(module), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by what people come for."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            sections.setdefault(_COMMANDS[name].section, []).append((name, _COMMANDS[name].help))
        width = max(len(name) for name in _COMMANDS)
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), help) for name, help in rows])

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]  # noqa: ANN401 (click's own signature, overloaded beyond what can be repeated)
        """Run a command line and exit."""
        given = list(sys.argv[1:] if args is None else args)
        if not extra.pop("standalone_mode", True):
            return super().main(given, standalone_mode=False, **extra)
        run: Callable[..., object] = super().main
        options = given[: given.index("--")] if "--" in given else given
        code = guarded(lambda: run(given, standalone_mode=False, **extra), as_json="--json" in options)
        sys.exit(code)


def _print_version(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 (click calls it)
    if wanted:
        from importlib import metadata

        try:
            version = metadata.version("intermezzo")
        except metadata.PackageNotFoundError:
            version = "(not installed)"
        click.echo(f"intermezzo {version}")
        ctx.exit()


@click.group(
    cls=Root,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version.",
)
def cli() -> None:
    """Pipelines of AI steps and human steps, every step charged exactly once.

    Every command takes --json: one line of JSON on stdout, and errors as JSON on stderr.
    """


def main() -> None:
    """Run the command line of this process."""
    cli.main(prog_name="intermezzo")
