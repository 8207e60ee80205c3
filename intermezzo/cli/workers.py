"""`intermezzo workers` and `intermezzo guilds`: who works, and what they can do."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from intermezzo.cli.inputs import json_option
from intermezzo.cli.output import show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intermezzo.human_steps.gold_record import GoldAccuracy
    from intermezzo.human_steps.workers import Guild, Profile
    from intermezzo.human_steps.workforce import Workforce


@click.group()
def workers() -> None:
    """Say what workers can do: list, show, set, suspend, reinstate."""


@workers.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most workers to show.")
@json_option
def list_workers(*, limit: int, as_json: bool) -> None:
    """List workers of whom something is known."""
    found = asyncio.run(_workforce().list(limit=limit))
    show([_plain(profile) for profile in found], as_json=as_json, text=lambda: _workers_table(found))


@workers.command("show")
@click.argument("worker")
@json_option
def show_worker(worker: str, *, as_json: bool) -> None:
    """Show what is known of WORKER, and how often they were right in tasks whose answer is known."""
    workforce = _workforce()
    profile, gold = asyncio.run(workforce.get(worker)), asyncio.run(workforce.gold_accuracy(worker))
    shown = {**_plain(profile), "gold": [asdict(one) for one in gold]}
    show(shown, as_json=as_json, text=lambda: _worker(profile, gold))


@workers.command("set")
@click.argument("worker")
@click.option("--skill", "skills", multiple=True, metavar="NAME=LEVEL", help="A skill, with its level from 1 to 5.")
@click.option("--language", "languages", multiple=True, metavar="TAG", help="A language they speak, such as en.")
@click.option("--daily-limit", type=click.IntRange(0), help="Most answers in 24 hours; 0: as many as they like.")
@json_option
def set_worker(
    worker: str, *, skills: tuple[str, ...], languages: tuple[str, ...], daily_limit: int | None, as_json: bool
) -> None:
    """Set the skills, languages and limit of WORKER; of what is not given, nothing changes."""
    levels = dict(map(_level, skills)) or None
    profile = asyncio.run(
        _workforce().describe(worker, skills=levels, languages=languages or None, daily_limit=daily_limit)
    )
    show(_plain(profile), as_json=as_json, text=lambda: _workers_table([profile]))


def _level(given: str) -> tuple[str, int]:
    name, _, level = given.rpartition("=")
    if not name or not level.isdecimal():
        raise click.BadParameter(f"expected NAME=LEVEL such as law=3, got {given!r}", param_hint="'--skill'")
    return name, int(level)


@workers.command()
@click.argument("worker")
@click.option("--reason", required=True, help="For the worker.")
@click.option("--by", envvar="USER", default="operator", show_default=True, help="Who decides it.")
@json_option
def suspend(worker: str, *, reason: str, by: str, as_json: bool) -> None:
    """Keep WORKER from working; what they have not been paid for is open to others again."""
    asyncio.run(_workforce().suspend(worker, reason=reason, by=by))
    show({"worker": worker, "suspended": reason}, as_json=as_json, text=lambda: f"{worker} is suspended")


@workers.command()
@click.argument("worker")
@json_option
def reinstate(worker: str, *, as_json: bool) -> None:
    """Let WORKER work again."""
    asyncio.run(_workforce().reinstate(worker))
    show({"worker": worker, "suspended": None}, as_json=as_json, text=lambda: f"{worker} may work again")


@click.group()
def guilds() -> None:
    """Found guilds of workers: list, create, join, leave."""


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


def _plain(profile: "Profile") -> dict[str, object]:
    return {
        "id": profile.id,
        "skills": dict(profile.skills),
        "languages": sorted(profile.languages),
        "guilds": sorted(profile.guilds),
        "suspended": profile.suspended,
        "daily_limit": profile.daily_limit,
    }


def _worker(profile: "Profile", gold: "Sequence[GoldAccuracy]") -> Any:  # noqa: ANN401 (what rich can print)
    from rich.console import Group

    rows = [(one.gold_set, one.org, "test" if one.test else "", f"{one.right} of {one.answered}") for one in gold]
    known = [table(["gold set", "organisation", "", "right"], rows)] if rows else []
    return Group(_workers_table([profile]), *known)


def _workers_table(profiles: "Sequence[Profile]") -> Any:  # noqa: ANN401 (what rich can print)
    if not profiles:
        return "Nothing is known of any worker."
    rows = [
        (
            profile.id,
            ", ".join(f"{skill} {level}" for skill, level in profile.skills.items()),
            ", ".join(sorted(profile.languages)),
            ", ".join(sorted(profile.guilds)),
            profile.daily_limit,
            profile.suspended or "",
        )
        for profile in profiles
    ]
    return table(["worker", "skills", "languages", "guilds", "daily limit", "suspended"], rows)


def _guilds_table(found: "Sequence[Guild]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "There is no guild."
    rows = [(guild.id, guild.name, guild.kind, guild.members) for guild in found]
    return table(["guild", "name", "kind", "members"], rows, numbers=["members"])
