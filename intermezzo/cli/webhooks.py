"""`intermezzo webhooks`: who is told of what happens, and what became of it."""

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

import click

from intermezzo.cli.inputs import json_option, org_option, payer_of, test_option
from intermezzo.cli.output import show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from intermezzo.webhooks import Delivery, Endpoint, Webhooks


@click.group()
def webhooks() -> None:
    """Have addresses told of what happens to tasks and runs."""


@webhooks.command()
@click.argument("url", required=False)
@click.option("--event", "events", multiple=True, metavar="EVENT", help="Of what (default: of everything that ends).")
@click.option("--retries", type=click.IntRange(0, 5), default=3, show_default=True, help="After the first attempt.")
@org_option
@test_option
@json_option
def create(
    url: str | None, *, events: tuple[str, ...], retries: int, org: str | None, test: bool, as_json: bool
) -> None:
    """Have URL told from now on, and print the secret that signs, once.

    Without URL: the secret that signs what goes to the addresses of single tasks (`webhook_url`).
    """
    from intermezzo.webhooks.events import ENDS

    own = _webhooks(org, test=test)
    secret, made = asyncio.run(own.create(url, events=cast("Any", events) or ENDS, max_retries=retries))
    show({"secret": secret, **asdict(made)}, as_json=as_json, text=lambda: f"{made.id}\n{secret}")


@webhooks.command("list")
@org_option
@test_option
@json_option
def list_webhooks(*, org: str | None, test: bool, as_json: bool) -> None:
    """List the webhooks, the newest first; disabled ones too."""
    found = asyncio.run(_webhooks(org, test=test).list())
    show([asdict(endpoint) for endpoint in found], as_json=as_json, text=lambda: _endpoints_table(found))


@webhooks.command()
@click.argument("webhook_id")
@org_option
@test_option
@json_option
def rotate(webhook_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Print a new secret for WEBHOOK_ID, once; for 24 hours the old one signs as well."""
    secret, endpoint = asyncio.run(_webhooks(org, test=test).rotate(webhook_id))
    show({"secret": secret, **asdict(endpoint)}, as_json=as_json, text=lambda: secret)


@webhooks.command()
@click.argument("webhook_id")
@org_option
@test_option
@json_option
def disable(webhook_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Tell WEBHOOK_ID nothing more."""
    endpoint = asyncio.run(_webhooks(org, test=test).change(webhook_id, disabled=True))
    show(asdict(endpoint), as_json=as_json, text=lambda: f"{endpoint.id} is disabled")


@webhooks.command()
@click.argument("webhook_id")
@org_option
@test_option
@json_option
def enable(webhook_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Tell WEBHOOK_ID again, of what happens from now on."""
    endpoint = asyncio.run(_webhooks(org, test=test).change(webhook_id, disabled=False))
    show(asdict(endpoint), as_json=as_json, text=lambda: f"{endpoint.id} is enabled")


@webhooks.command()
@click.argument("webhook_id")
@org_option
@test_option
@json_option
def ping(webhook_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Have `intermezzo serve` send WEBHOOK_ID the event `ping`."""
    delivery = asyncio.run(_webhooks(org, test=test).test(webhook_id))
    show(asdict(delivery), as_json=as_json, text=lambda: f"{delivery.id} is on its way to {delivery.url}")


@webhooks.command()
@click.option("--state", type=click.Choice(["pending", "delivered", "failed"]), help="Only those.")
@click.option("--webhook", "endpoint_id", metavar="ID", help="Only those to it.")
@click.option("--about", "subject", metavar="ID", help="Only those about this task or run.")
@click.option("--after", metavar="ID", help="The last delivery of the page before.")
@click.option("--limit", type=click.IntRange(1, 100), default=50, show_default=True)
@org_option
@test_option
@json_option
def deliveries(
    *,
    state: str | None,
    endpoint_id: str | None,
    subject: str | None,
    after: str | None,
    limit: int,
    org: str | None,
    test: bool,
    as_json: bool,
) -> None:
    """List what was sent and is to be sent, the newest first."""
    from intermezzo.webhooks import DeliveryFilter

    wanted = DeliveryFilter(state=cast("Any", state), endpoint_id=endpoint_id, subject=subject)
    found = asyncio.run(_webhooks(org, test=test).deliveries(wanted, after=after, limit=limit))
    show([asdict(delivery) for delivery in found], as_json=as_json, text=lambda: _deliveries_table(found))


@webhooks.command()
@click.argument("delivery_id")
@org_option
@test_option
@json_option
def redeliver(delivery_id: str, *, org: str | None, test: bool, as_json: bool) -> None:
    """Have `intermezzo serve` deliver DELIVERY_ID once more: the same id and body."""
    delivery = asyncio.run(_webhooks(org, test=test).redeliver(delivery_id))
    show(asdict(delivery), as_json=as_json, text=lambda: f"{delivery.id} is on its way to {delivery.url}")


def _webhooks(org: str | None, *, test: bool) -> "Webhooks":
    from intermezzo.store import open_store
    from intermezzo.webhooks import Webhooks

    return Webhooks(open_store(), payer_of(org, test=test))


def _endpoints_table(found: "Sequence[Endpoint]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "There is no webhook; `intermezzo webhooks create URL` makes one."
    rows = [
        (one.id, one.url or "(of single tasks)", ", ".join(one.events), "disabled" if one.disabled_at else "good")
        for one in found
    ]
    return table(["id", "url", "told of", "state"], rows)


def _deliveries_table(found: "Sequence[Delivery]") -> Any:  # noqa: ANN401 (what rich can print)
    if not found:
        return "Nothing was delivered yet."
    rows = [
        (
            one.id,
            one.event,
            one.subject,
            one.url,
            one.state,
            f"{one.attempts} of {one.max_attempts}",
            one.last_error or one.last_status,
        )
        for one in found
    ]
    return table(["id", "event", "about", "url", "state", "attempts", "last answer"], rows)
