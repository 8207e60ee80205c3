"""Webhooks on the wire: endpoints, and what was delivered to them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Self

from pydantic import AwareDatetime, ConfigDict, Field

from intermezzo.server.task_wire import Wired
from intermezzo.web import MAX_RECEIVER_CHARACTERS
from intermezzo.webhooks import Attempt, Delivery, DeliveryFilter, DeliveryState, Endpoint, WebhookEvent
from intermezzo.webhooks.endpoints import DEFAULT_RETRIES, MOST_RETRIES
from intermezzo.webhooks.events import ENDS

Url = Annotated[str, Field(min_length=1, max_length=MAX_RECEIVER_CHARACTERS)]
Retries = Annotated[int, Field(ge=0, le=MOST_RETRIES)]
Events = Annotated[list[WebhookEvent], Field(min_length=1)]


class NewWebhook(Wired):
    """An address to tell of what happens from now on."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://example.com/webhook", "events": ["task.completed", "task.failed"]}]
        },
    )

    url: Url | None = None
    """A public https address; null: the `webhook_url`s of single tasks, to know the secret that signs for them."""
    events: Events = Field(default_factory=lambda: list(ENDS))
    max_retries: Retries = DEFAULT_RETRIES
    """After the first attempt: some 5, 25, 125 … seconds later."""


class WebhookChange(Wired):
    """What is to be different from now on."""

    model_config = ConfigDict(
        use_attribute_docstrings=True, extra="forbid", json_schema_extra={"examples": [{"disabled": False}]}
    )

    url: Url | None = None
    events: Events | None = None
    max_retries: Retries | None = None
    disabled: bool | None = None
    """Told of nothing more; what is on its way is not sent."""


class WebhookOut(Wired):
    """An endpoint; its secret is not shown."""

    id: str
    url: str | None
    """Null: the `webhook_url`s of single tasks."""
    events: list[WebhookEvent]
    max_retries: int
    created_at: AwareDatetime
    rotated_at: AwareDatetime | None
    disabled_at: AwareDatetime | None

    @classmethod
    def of(cls, endpoint: Endpoint) -> Self:
        """An endpoint as it goes over the wire."""
        return cls.model_validate(asdict(endpoint))


class WebhookSecret(WebhookOut):
    """An endpoint with the secret that was made just now."""

    secret: str
    """Shown only now."""

    @classmethod
    def with_secret(cls, secret: str, endpoint: Endpoint) -> Self:
        """The answer to whoever made it."""
        return cls.model_validate({"secret": secret, **asdict(endpoint)})


class Webhooks(Wired):
    """The endpoints, the newest first."""

    items: list[WebhookOut]


class DeliveryOut(Wired):
    """One event on its way to one address."""

    id: str
    """As in the header `X-Crowdsorcerer-Delivery`, the same at every attempt."""
    webhook_id: str
    url: str
    event: str
    subject: str | None
    """The task or run."""
    body: str
    """As it is sent, every time."""
    state: DeliveryState
    attempts: int
    max_attempts: int
    next_attempt_at: AwareDatetime | None
    last_status: int | None
    last_error: str | None
    created_at: AwareDatetime
    delivered_at: AwareDatetime | None

    @classmethod
    def of(cls, delivery: Delivery) -> Self:
        """A delivery as it goes over the wire."""
        return cls.model_validate({"webhook_id": delivery.endpoint_id, **asdict(delivery)})


class AttemptOut(Wired):
    """One attempt to deliver."""

    n: int
    at: AwareDatetime
    status: int | None
    """Of the answer; null: there was none."""
    error: str | None
    milliseconds: int


class DeliveryStory(Wired):
    """A delivery, and every attempt of it."""

    delivery: DeliveryOut
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, delivery: Delivery, attempts: Sequence[Attempt]) -> Self:
        """All that is known of a delivery."""
        tried = [AttemptOut.model_validate(asdict(attempt)) for attempt in attempts]
        return cls(delivery=DeliveryOut.of(delivery), attempts=tried)


class DeliveryPage(Wired):
    """Deliveries, the newest first."""

    items: list[DeliveryOut]
    next_cursor: str | None
    """Give it as `cursor` for the page after this one; null: there is none."""


class DeliveryQuery(Wired):
    """Which deliveries to list."""

    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")

    state: DeliveryState | None = None
    webhook_id: Annotated[str | None, Field(max_length=36)] = None
    subject: Annotated[str | None, Field(max_length=80)] = None
    """The task or run."""
    cursor: Annotated[str | None, Field(max_length=36)] = None
    """`next_cursor` of the page before."""
    limit: Annotated[int, Field(ge=1, le=100)] = 20

    def filter(self) -> DeliveryFilter:
        """The same, as the service layer says it."""
        return DeliveryFilter(state=self.state, endpoint_id=self.webhook_id, subject=self.subject)
