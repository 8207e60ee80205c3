"""`intermezzo keys`: API keys of an organisation."""

import asyncio
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import click

from intermezzo.cli.inputs import json_option, org_option, payer_of, test_option
from intermezzo.cli.output import show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intermezzo.access import Access, ApiKey


@click.group()
def keys() -> None:
    """Make, list and revoke the API keys of an organisation."""


@keys.command()
@click.option("--name", default="", help="To tell it from others, and for histories.")
@click.option(
    "--dialect",
    type=click.Choice(["native", "humanrail", "sanctifai", "scale"]),
    default="native",
    show_default=True,
    help="Whose documents tell the client how to talk to us.",
)
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may do, such as tasks:read.")
@click.option("--worker", "worker_id", metavar="NAME", help="As whom it claims and answers human tasks.")
@click.option("--days", type=click.IntRange(1, 3650), help="After how many it ends; without, never.")
@org_option
@test_option
@json_option
def create(
    *,
    name: str,
    dialect: str,
    scopes: tuple[str, ...],
    worker_id: str | None,
    days: int | None,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """Make an API key and print it, once: it is kept nowhere."""
    from intermezzo.store import utc_now

    payer = payer_of(org, test=test)
    key, kept = asyncio.run(
        _access().create_key(
            payer.org,
            test=payer.test,
            name=name,
            scopes=cast("Any", scopes) or None,
            dialect=cast("Any", dialect),
            worker_id=worker_id,
            expires_at=None if days is None else utc_now() + timedelta(days=days),
        )
    )
    show({"key": key, **_plain(kept)}, as_json=as_json, text=lambda: key)


@keys.command("list")
@org_option
@json_option
def list_keys(*, org: str | None, as_json: bool) -> None:
    """List the keys of an organisation, live and test, the newest first."""
    found = asyncio.run(_access().keys(payer_of(org, test=False).org))
    show([_plain(key) for key in found], as_json=as_json, text=lambda: _keys_table(found))


@keys.command()
@click.argument("key_id")
@org_option
@json_option
def revoke(key_id: str, *, org: str | None, as_json: bool) -> None:
    """End the key KEY_ID at once."""
    revoked = asyncio.run(_access().revoke_key(payer_of(org, test=False).org, key_id))
    show(_plain(revoked), as_json=as_json, text=lambda: f"{revoked.prefix}… is revoked")


def _access() -> "Access":
    from intermezzo.access import Access
    from intermezzo.store import open_store

    return Access(open_store())


def _plain(key: "ApiKey") -> dict[str, Any]:
    return {**asdict(key), "scopes": sorted(key.scopes)}


def _keys_table(keys: "Sequence[ApiKey]") -> Any:  # noqa: ANN401 (what rich can print)
    if not keys:
        return "There is no API key; `intermezzo keys create` makes one."
    rows = [
        (key.id, f"{key.prefix}…", key.name, _state(key), ", ".join(sorted(key.scopes)), key.last_used_at or "never")
        for key in keys
    ]
    return table(["id", "key", "name", "state", "may", "last used"], rows)


def _state(key: "ApiKey") -> str:
    from intermezzo.store import utc_now

    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= utc_now() else "good"
