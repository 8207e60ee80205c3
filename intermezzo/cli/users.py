"""`intermezzo users`: people who log in."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import click

from intermezzo.cli.inputs import json_option, org_option, payer_of
from intermezzo.cli.output import show, table

if TYPE_CHECKING:
    from intermezzo.access import Access

_password_option = click.option(
    "--password",
    envvar="INTERMEZZO_PASSWORD",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    help="10 to 200 characters (default: $INTERMEZZO_PASSWORD, else it is asked for).",
)


@click.group()
def users() -> None:
    """Let people log in: add, list, password, disable, enable."""


@users.command()
@click.argument("email")
@click.option(
    "--role",
    type=click.Choice(["owner", "member", "reader", "worker", "operator"]),
    default="member",
    show_default=True,
    help="What they may do.",
)
@click.option("--worker", "worker_id", metavar="NAME", help="As whom they work.")
@_password_option
@org_option
@json_option
def add(email: str, *, role: str, worker_id: str | None, password: str, org: str | None, as_json: bool) -> None:
    """Let EMAIL log in."""
    user = asyncio.run(
        _access().add_user(
            email, password, org=payer_of(org, test=False).org, role=cast("Any", role), worker_id=worker_id
        )
    )
    show(asdict(user), as_json=as_json, text=lambda: f"{user.email} may log in as {user.role} of {user.org}")


@users.command("list")
@json_option
def list_users(*, as_json: bool) -> None:
    """List everybody who may log in."""
    found = asyncio.run(_access().users())
    rows = [(user.email, user.org, user.role, user.worker_id or "", "no" if user.disabled else "yes") for user in found]
    columns = ["user", "organisation", "role", "worker", "may log in"]
    show([asdict(user) for user in found], as_json=as_json, text=lambda: table(columns, rows))


@users.command()
@click.argument("email")
@_password_option
@json_option
def password(email: str, *, password: str, as_json: bool) -> None:
    """Set the password of EMAIL; their sessions are over."""
    _changed(email, as_json=as_json, said="has a new password", password=password)


@users.command()
@click.argument("email")
@json_option
def disable(email: str, *, as_json: bool) -> None:
    """Keep EMAIL from logging in; their sessions are over."""
    _changed(email, as_json=as_json, said="may not log in any more", disabled=True)


@users.command()
@click.argument("email")
@json_option
def enable(email: str, *, as_json: bool) -> None:
    """Let EMAIL log in again."""
    _changed(email, as_json=as_json, said="may log in", disabled=False)


def _changed(
    email: str, *, as_json: bool, said: str, password: str | None = None, disabled: bool | None = None
) -> None:
    user = asyncio.run(_access().change_user(email, password=password, disabled=disabled))
    show(asdict(user), as_json=as_json, text=lambda: f"{user.email} {said}")


def _access() -> "Access":
    from intermezzo.access import Access
    from intermezzo.store import open_store

    return Access(open_store())
