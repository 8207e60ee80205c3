"""An organisation's own side of webhooks: its endpoints and what was delivered; for shell and HTTP."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection

from intermezzo.errors import InvalidInput
from intermezzo.ledger import Payer
from intermezzo.store import Event, Store, emit, utc_now
from intermezzo.web import check_receiver
from intermezzo.webhooks import deliveries, endpoints
from intermezzo.webhooks.deliveries import Attempt, Delivery, DeliveryFilter
from intermezzo.webhooks.endpoints import DEFAULT_RETRIES, Endpoint
from intermezzo.webhooks.events import ENDS, WebhookEvent


class Webhooks:
    """The webhooks of one organisation.

    Args:
        store: where they are.
        payer: the organisation, live or test; it sees nothing of anybody else.
        now: the clock.
    """

    def __init__(self, store: Store, payer: Payer, *, now: Callable[[], datetime] = utc_now) -> None:
        self.store = store
        self.payer = payer
        self._now = now

    async def create(
        self, url: str | None, *, events: Collection[WebhookEvent] = ENDS, max_retries: int = DEFAULT_RETRIES
    ) -> tuple[str, Endpoint]:
        """Have an address told of what happens from now on.

        Args:
            url: a public https address; None: for the `webhook_url`s of single tasks, whose endpoint is otherwise
                made when one is first told.
            events: of what; by default of everything that ends.
            max_retries: after the first attempt, 0 to 5.

        Returns:
            The secret that signs, shown only now, and the endpoint.

        Raises:
            InvalidInput: the address could never be told, or the organisation has enough of them.
        """
        if url is not None:
            check_receiver(url)
        return await self.store.write(
            lambda c: endpoints.make(c, self.payer, url, events=events, max_retries=max_retries, at=self._now())
        )

    async def list(self) -> Sequence[Endpoint]:
        """The endpoints, the newest first; disabled ones too."""
        return await self.store.read(lambda c: endpoints.of_payer(c, self.payer))

    async def get(self, endpoint_id: str) -> Endpoint:
        """One endpoint.

        Raises:
            WebhookNotFound: the organisation has none of that id.
        """
        return await self.store.read(lambda c: endpoints.find(c, self.payer, endpoint_id))

    async def change(
        self,
        endpoint_id: str,
        *,
        url: str | None = None,
        events: Collection[WebhookEvent] | None = None,
        max_retries: int | None = None,
        disabled: bool | None = None,
    ) -> Endpoint:
        """Change what is given; what is on its way to an endpoint that is disabled is not sent any more.

        Raises:
            WebhookNotFound: the organisation has none of that id.
            InvalidInput: as in `create`.
        """
        if url is not None:
            check_receiver(url)

        def work(connection: Connection) -> Endpoint:
            changed = endpoints.change(
                connection,
                self.payer,
                endpoint_id,
                url=url,
                events=events,
                max_retries=max_retries,
                disabled=disabled,
                at=self._now(),
            )
            if disabled:
                deliveries.drop(connection, endpoint_id)
            return changed

        return await self.store.write(work)

    async def rotate(self, endpoint_id: str) -> tuple[str, Endpoint]:
        """Change the secret; for a day both sign (spec: CS-40).

        Returns:
            The new secret, shown only now, and the endpoint.

        Raises:
            WebhookNotFound: the organisation has none of that id.
        """
        return await self.store.write(lambda c: endpoints.rotate(c, self.payer, endpoint_id, at=self._now()))

    async def test(self, endpoint_id: str) -> Delivery:
        """Send an endpoint the event `ping`, about no task.

        Raises:
            WebhookNotFound: the organisation has none of that id.
            InvalidInput: it has no address of its own, or is disabled.
        """

        def work(connection: Connection) -> Delivery:
            endpoint = endpoints.find(connection, self.payer, endpoint_id)
            if endpoint.url is None or endpoint.disabled_at is not None:
                why = "has no address of its own" if endpoint.url is None else "is disabled; enable it first"
                raise InvalidInput(f"the webhook {endpoint_id} {why}")
            at = self._now()
            new = deliveries.new_delivery(self.payer, endpoint, "ping", None, url=endpoint.url, at=at)
            deliveries.add(connection, [new])
            emit(connection, [Event("webhook.due", new["id"])], at=at)
            return deliveries.find(connection, self.payer, new["id"])

        return await self.store.write(work)

    async def deliveries(
        self, wanted: DeliveryFilter | None = None, *, after: str | None = None, limit: int = 50
    ) -> Sequence[Delivery]:
        """What was sent and is to be sent, the newest first.

        Args:
            wanted: which of them; None: all.
            after: id of the last delivery of the page before.
            limit: most to return, 1 to 100.
        """
        chosen = wanted or DeliveryFilter()
        return await self.store.read(lambda c: deliveries.newest(c, self.payer, chosen, after=after, limit=limit))

    async def delivery(self, delivery_id: str) -> tuple[Delivery, Sequence[Attempt]]:
        """One delivery, and every attempt of it.

        Raises:
            WebhookNotFound: the organisation has none of that id.
        """
        return await self.store.read(
            lambda c: (deliveries.find(c, self.payer, delivery_id), deliveries.attempts_of(c, delivery_id))
        )

    async def redeliver(self, delivery_id: str) -> Delivery:
        """Deliver once more, whatever came of it before: the same id and body, to where its endpoint is now.

        Raises:
            WebhookNotFound: the organisation has none of that id.
            InvalidInput: its endpoint is disabled.
        """

        def work(connection: Connection) -> Delivery:
            at = self._now()
            delivery = deliveries.again(connection, self.payer, delivery_id, at=at)
            emit(connection, [Event("webhook.due", delivery_id)], at=at)
            return delivery

        return await self.store.write(work)
