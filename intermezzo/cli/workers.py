"""`intermezzo workers`: who works, what they can do, and how they did."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeVar

import click

from intermezzo.cli.inputs import json_option, json_value, test_option
from intermezzo.cli.output import json_text, printable, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import BaseModel

    from intermezzo.human_steps.gold_record import GoldAccuracy
    from intermezzo.human_steps.public_profiles import PublicProfile
    from intermezzo.human_steps.reputation import Reputation, Standing
    from intermezzo.human_steps.worker_search import WorkerPage
    from intermezzo.human_steps.workers import Profile
    from intermezzo.human_steps.workforce import Workforce

M = TypeVar("M", bound="BaseModel")


@click.group()
def workers() -> None:
    """Say what workers can do, and see how they did: list, search, show, set, suspend, reinstate."""


@workers.command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="Most workers to show.")
@json_option
def list_workers(*, limit: int, as_json: bool) -> None:
    """List workers of whom something is known."""
    found = asyncio.run(_workforce().list(limit=limit))
    show([_plain(profile) for profile in found], as_json=as_json, text=lambda: _workers_table(found))


@workers.command("show")
@click.argument("worker")
@test_option
@json_option
def show_worker(worker: str, *, test: bool, as_json: bool) -> None:
    """Show all that is known of WORKER, and their reputation."""

    async def look() -> "tuple[Profile, PublicProfile, Sequence[GoldAccuracy]]":
        workforce = _workforce()
        gold = await workforce.gold_accuracy(worker)
        return await workforce.get(worker), await workforce.public_profile(worker, test=test), gold

    profile, public, gold = asyncio.run(look())
    whole = {
        **_plain(profile),
        "reputation": asdict(public.reputation),
        "gold": [asdict(one) for one in gold],
    }
    show(whole, as_json=as_json, text=lambda: _whole(profile, public.reputation, gold))


@workers.command()
@click.option("--skill", "skills", multiple=True, metavar="NAME", help="Who has one of these.")
@click.option("--language", "languages", multiple=True, metavar="TAG", help="Who speaks one of these.")
@click.option("--country", help="As they say it.")
@click.option("--min-availability", type=click.IntRange(0, 168), default=0, help="Hours a week.")
@click.option("--max-rate-cents", type=click.IntRange(0), help="Most that their hourly rate begins at.")
@click.option("--min-experience", type=click.IntRange(0, 80), default=0, help="Years.")
@click.option("--worker-type", type=click.Choice(["freelancer", "chartered"]), help="By the guilds they are in.")
@click.option("--min-score", type=click.FloatRange(0, 10), help="Least average.")
@click.option("--domain", help="Who has worked in it.")
@click.option("--type", "type", help="Who has done tasks of it.")
@click.option("--min-tasks", type=click.IntRange(0), default=0, help="Least number of accepted answers.")
@click.option("--guild", help="Who is a member of it.")
@click.option("--limit", type=click.IntRange(1, 100), default=25, show_default=True, help="Most workers to show.")
@click.option("--cursor", help="Of the page before.")
@test_option
@json_option
def search(
    *,
    limit: int,
    cursor: str | None,
    test: bool,
    as_json: bool,
    min_availability: int,
    min_experience: int,
    **wanted: Any,  # noqa: ANN401 (options of click)
) -> None:
    """Find workers, as others may see them: the best score first, then the most tasks."""
    from intermezzo.human_steps.worker_search import WorkerFilter

    chosen = WorkerFilter(min_availability_hours=min_availability, min_years_experience=min_experience, **wanted)
    found = asyncio.run(_workforce().search(chosen, test=test, cursor=cursor, limit=limit))
    show(asdict(found), as_json=as_json, text=lambda: _found_table(found))


@workers.command("set")
@click.argument("worker")
@click.option("--skill", "skills", multiple=True, metavar="NAME=LEVEL", help="A skill, with its level from 1 to 5.")
@click.option("--language", "languages", multiple=True, metavar="TAG", help="A language they speak, such as en.")
@click.option("--email", metavar="ADDRESS", help="Where they are reached; others never see it. Empty: forget it.")
@click.option(
    "--profile", "told", metavar="JSON|@FILE|-", help='What they tell of themselves, such as {"country": "Peru"}.'
)
@click.option("--daily-limit", type=click.IntRange(0), help="Most answers in 24 hours; 0: as many as they like.")
@json_option
def set_worker(
    worker: str,
    *,
    skills: tuple[str, ...],
    languages: tuple[str, ...],
    email: str | None,
    told: str | None,
    daily_limit: int | None,
    as_json: bool,
) -> None:
    """Set what is known of WORKER; of what is not given, nothing changes."""
    from intermezzo.human_steps.background import Background

    profile = asyncio.run(
        _workforce().describe(
            worker,
            skills=dict(map(_level, skills)) or None,
            languages=languages or None,
            background=None if told is None else told_as(Background, told, option="--profile"),
            email=email,
            daily_limit=daily_limit,
        )
    )
    show(_plain(profile), as_json=as_json, text=lambda: _workers_table([profile]))


def told_as(model: type[M], given: str, *, option: str) -> M:
    """What somebody tells of themselves, from the JSON of an option.

    Raises:
        click.BadParameter: it is not JSON, or not what the model takes.
    """
    from pydantic import ValidationError

    from intermezzo.steps import explain

    try:
        return model.model_validate_json(json_text(json_value(given, option=option)))
    except ValidationError as error:
        known = list(model.model_fields)
        raise click.BadParameter(explain(error, known=known), param_hint=f"'{option}'") from None


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
        "email": profile.email,
        "background": profile.background.model_dump(mode="json", exclude_defaults=True),
        "suspended": profile.suspended,
        "daily_limit": profile.daily_limit,
    }


def _whole(profile: "Profile", reputation: "Reputation", gold: "Sequence[GoldAccuracy]") -> Any:  # noqa: ANN401 (what rich can print)
    from rich.console import Group

    told = profile.background.model_dump(mode="json", exclude_defaults=True)
    about = [
        f"{name.replace('_', ' ')}: {value if isinstance(value, str) else json_text(value)}"
        for name, value in told.items()
    ]
    rows = [(one.gold_set, one.org, "test" if one.test else "", f"{one.right} of {one.answered}") for one in gold]
    known = [table(["gold set", "organisation", "", "right"], rows)] if rows else []
    return Group(_workers_table([profile]), *map(printable, about), reputation_text(reputation), *known)


def reputation_text(reputation: "Reputation") -> Any:  # noqa: ANN401 (what rich can print)
    """A reputation for a person: a table of standings."""
    from rich.console import Group

    if reputation.first_active_on is None:
        return "No answer was given yet."
    standings = [
        ("all", reputation.overall),
        *((f"domain {name}", standing) for name, standing in reputation.by_domain.items()),
        *((f"type {name}", standing) for name, standing in reputation.by_type.items()),
    ]
    rows = [
        (
            name,
            one.tasks,
            score_text(one),
            one.scores_given,
            one.answers,
            one.rejected,
            _disputes_text(one),
            _share(one.agreement),
            _share(one.gold_accuracy),
        )
        for name, one in standings
    ]
    numbers = ["tasks", "score", "given", "answers", "rejected", "agreement", "gold"]
    headings = ["accepted", "tasks", "score", "given", "answers", "rejected", "disputed", "agreement", "gold"]
    days = f"active from {reputation.first_active_on} to {reputation.last_active_on}"
    return Group(table(headings, rows, numbers=numbers), days)


def _disputes_text(standing: "Standing") -> str:
    if not standing.disputes:
        return ""
    return f"{standing.disputes} ({standing.disputes_upheld} upheld, {standing.disputes_dismissed} dismissed)"


def score_text(standing: "Standing") -> str:
    """An average score for a person."""
    return "" if standing.score_average is None else f"{standing.score_average:.2f}"


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _found_table(found: "WorkerPage") -> Any:  # noqa: ANN401 (what rich can print)
    from rich.console import Group

    if not found.workers:
        return "No such worker is known."
    rows = [
        (
            worker.id,
            score_text(worker.reputation.overall),
            worker.reputation.overall.tasks,
            ", ".join(worker.skills),
            ", ".join(worker.languages),
            worker.background.country or "",
            ", ".join(guild.id for guild in worker.guilds),
        )
        for worker in found.workers
    ]
    headings = ["worker", "score", "tasks", "skills", "languages", "country", "guilds"]
    more = [f"More: --cursor {found.next_cursor}"] if found.next_cursor else []
    return Group(table(headings, rows, numbers=["score", "tasks"]), *more)


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
