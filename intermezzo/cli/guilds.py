"""`intermezzo guilds`: sets of workers, what they tell of themselves, and how their members did."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.inputs import json_option, test_option
from intermezzo.cli.output import printable, show, table
from intermezzo.cli.workers import reputation_text, score_text, told_as

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intermezzo.human_steps.guilds import GuildPage, PublicGuild
    from intermezzo.human_steps.workers import Guild
    from intermezzo.human_steps.workforce import Workforce


@click.group()
def guilds() -> None:
    """Found guilds of workers and find them: list, directory, show, create, set, join, leave."""


@guilds.command("list")
@json_option
def list_guilds(*, as_json: bool) -> None:
    """List all guilds."""
    found = asyncio.run(_workforce().guilds())
    show([asdict(guild) for guild in found], as_json=as_json, text=lambda: _guilds_table(found))


@guilds.command()
@click.argument("guild")
@click.option("--name", help="As people read it; the id by default.")
@click.option("--chartered", is_flag=True, help="Tasks are given to it, never to one of its members by name.")
@json_option
def create(guild: str, *, name: str | None, chartered: bool, as_json: bool) -> None:
    """Found GUILD, for tasks whose audience is `guild:GUILD`."""
    kind = "chartered" if chartered else "community"
    asyncio.run(_workforce().make_guild(guild, name=name or guild, kind=kind))
    show({"guild": guild, "kind": kind}, as_json=as_json, text=lambda: f"the guild {guild} is founded")


@guilds.command("set")
@click.argument("guild")
@click.option(
    "--profile",
    "told",
    required=True,
    metavar="JSON|@FILE|-",
    help='What it tells of itself, such as {"summary": "We label.", "domains": ["FIN"]}.',
)
@json_option
def set_guild(guild: str, *, told: str, as_json: bool) -> None:
    """Set what GUILD tells of itself."""
    from intermezzo.human_steps.background import GuildProfile

    profile = told_as(GuildProfile, told, option="--profile")
    asyncio.run(_workforce().describe_guild(guild, profile))
    show({"guild": guild, "profile": profile}, as_json=as_json, text=lambda: f"the guild {guild} is described")


@guilds.command("show")
@click.argument("guild")
@test_option
@json_option
def show_guild(guild: str, *, test: bool, as_json: bool) -> None:
    """Show what GUILD tells of itself, and how its members did together."""
    found = asyncio.run(_workforce().public_guild(guild, test=test))
    show(asdict(found), as_json=as_json, text=lambda: _whole(found))


@guilds.command()
@click.option("--text", metavar="WORDS", help="Somewhere in name, summary or description.")
@click.option("--kind", type=click.Choice(["community", "chartered"]), help="Of guild.")
@click.option("--domain", help="It serves.")
@click.option("--language", "languages", multiple=True, help="All of these are its.")
@click.option("--country", help="It works in.")
@click.option("--certification", "certifications", multiple=True, help="It has all of these.")
@click.option("--min-score", type=click.FloatRange(0, 10), help="Least average of its members.")
@click.option("--min-members", type=click.IntRange(0), default=0, help="Of those who may work.")
@click.option("--limit", type=click.IntRange(1, 100), default=50, show_default=True, help="Most guilds to show.")
@click.option("--cursor", help="Of the page before.")
@test_option
@json_option
def directory(*, limit: int, cursor: str | None, test: bool, as_json: bool, **wanted: Any) -> None:  # noqa: ANN401 (options of click)
    """Find guilds: those whose members have the best score first, then the most tasks."""
    from intermezzo.human_steps.guilds import GuildFilter

    found = asyncio.run(_workforce().directory(GuildFilter(**wanted), test=test, cursor=cursor, limit=limit))
    show(asdict(found), as_json=as_json, text=lambda: _found_table(found))


@guilds.command()
@click.argument("guild")
@click.argument("worker")
@json_option
def join(guild: str, worker: str, *, as_json: bool) -> None:
    """Make WORKER a member of GUILD."""
    asyncio.run(_workforce().join(guild, worker))
    show({"guild": guild, "worker": worker}, as_json=as_json, text=lambda: f"{worker} is a member of {guild}")


@guilds.command()
@click.argument("guild")
@click.argument("worker")
@json_option
def leave(guild: str, worker: str, *, as_json: bool) -> None:
    """End the membership of WORKER in GUILD."""
    asyncio.run(_workforce().leave(guild, worker))
    show({"guild": guild, "worker": worker}, as_json=as_json, text=lambda: f"{worker} is no member of {guild}")


def _workforce() -> "Workforce":
    from intermezzo.human_steps.workforce import Workforce
    from intermezzo.store import open_store

    return Workforce(open_store())


def _guilds_table(found: "Sequence[Guild]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "There is no guild."
    rows = [(guild.id, guild.name, guild.kind, guild.members) for guild in found]
    return table(["guild", "name", "kind", "members"], rows, numbers=["members"])


def _whole(guild: "PublicGuild") -> Any:  # noqa: ANN401 (what rich can print)
    from rich.console import Group

    head = f"{guild.name}, {guild.kind}, {guild.members} members who may work"
    told = guild.profile.model_dump(mode="json", exclude_defaults=True)
    about = [
        f"{name.replace('_', ' ')}: {value if isinstance(value, str) else ', '.join(value)}"
        for name, value in told.items()
    ]
    return Group(*map(printable, [head, *about]), reputation_text(guild.reputation))


def _found_table(found: "GuildPage") -> Any:  # noqa: ANN401 (what rich can print)
    from rich.console import Group

    if not found.guilds:
        return "There is no such guild."
    rows = [
        (
            guild.id,
            guild.kind,
            guild.members,
            score_text(guild.reputation.overall),
            guild.reputation.overall.tasks,
            guild.profile.summary or guild.name,
        )
        for guild in found.guilds
    ]
    numbers = ["members", "score", "tasks"]
    more = [f"More: --cursor {found.next_cursor}"] if found.next_cursor else []
    return Group(table(["guild", "kind", *numbers, "about"], rows, numbers=numbers), *more)
