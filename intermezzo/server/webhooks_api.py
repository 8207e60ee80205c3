"""`/v1/webhooks`: who is told of what happens, and what became of it (spec: CS-33…CS-40)."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from intermezzo.access import Principal
from intermezzo.server import webhook_wire as wire
from intermezzo.server.context import Server, allowed
from intermezzo.server.reading import Route
from intermezzo.webhooks import Webhooks

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=Route)


def _webhooks(server: Server, principal: Annotated[Principal, Depends(allowed("webhooks"))]) -> Webhooks:
    return Webhooks(server.store, principal.payer)


Own = Annotated[Webhooks, Depends(_webhooks)]
"""The webhooks of whoever asks, live or test as the key is."""


@router.post("", status_code=HTTPStatus.CREATED, summary="Make a webhook")
async def create(new: wire.NewWebhook, webhooks: Own) -> wire.WebhookSecret:
    """Have an address told of what happens from now on. The answer holds the secret that signs, once."""
    made = await webhooks.create(new.url, events=new.events, max_retries=new.max_retries)
    return wire.WebhookSecret.with_secret(*made)


@router.get("", summary="List webhooks")
async def list_webhooks(webhooks: Own) -> wire.Webhooks:
    """All of them, the newest first; disabled ones too."""
    return wire.Webhooks(items=[wire.WebhookOut.of(endpoint) for endpoint in await webhooks.list()])


@router.get("/deliveries", summary="List deliveries")
async def list_deliveries(webhooks: Own, query: Annotated[wire.DeliveryQuery, Query()]) -> wire.DeliveryPage:
    """What was sent and is to be sent, the newest first."""
    found = await webhooks.deliveries(query.filter(), after=query.cursor, limit=query.limit + 1)
    items = [wire.DeliveryOut.of(delivery) for delivery in found[: query.limit]]
    return wire.DeliveryPage(items=items, next_cursor=items[-1].id if len(found) > query.limit else None)


@router.get("/deliveries/{delivery_id}", summary="Get a delivery")
async def get_delivery(delivery_id: str, webhooks: Own) -> wire.DeliveryStory:
    """One delivery, and every attempt of it."""
    return wire.DeliveryStory.of(*await webhooks.delivery(delivery_id))


@router.post("/deliveries/{delivery_id}/redeliver", status_code=HTTPStatus.ACCEPTED, summary="Deliver once more")
async def redeliver(delivery_id: str, webhooks: Own) -> wire.DeliveryOut:
    """The same id and body, to where its webhook is now."""
    return wire.DeliveryOut.of(await webhooks.redeliver(delivery_id))


@router.get("/{webhook_id}", summary="Get a webhook")
async def get(webhook_id: str, webhooks: Own) -> wire.WebhookOut:
    """One webhook, without its secret."""
    return wire.WebhookOut.of(await webhooks.get(webhook_id))


@router.patch("/{webhook_id}", summary="Change a webhook")
async def change(webhook_id: str, new: wire.WebhookChange, webhooks: Own) -> wire.WebhookOut:
    """Change what is given; the rest stays."""
    changed = await webhooks.change(
        webhook_id, url=new.url, events=new.events, max_retries=new.max_retries, disabled=new.disabled
    )
    return wire.WebhookOut.of(changed)


@router.delete("/{webhook_id}", status_code=HTTPStatus.NO_CONTENT, summary="Disable a webhook")
async def delete(webhook_id: str, webhooks: Own) -> Response:
    """Told of nothing more; what was delivered can still be looked up, and `PATCH` enables it again."""
    await webhooks.change(webhook_id, disabled=True)
    return Response(status_code=HTTPStatus.NO_CONTENT)


@router.post("/{webhook_id}/rotate", summary="Rotate the secret")
async def rotate(webhook_id: str, webhooks: Own) -> wire.WebhookSecret:
    """A new secret, shown only now; for 24 hours the old one signs as well, as `v0`."""
    return wire.WebhookSecret.with_secret(*await webhooks.rotate(webhook_id))


@router.post("/{webhook_id}/test", status_code=HTTPStatus.ACCEPTED, summary="Send a ping")
async def test(webhook_id: str, webhooks: Own) -> wire.DeliveryOut:
    """Tell it of the event `ping`, about no task."""
    return wire.DeliveryOut.of(await webhooks.test(webhook_id))
