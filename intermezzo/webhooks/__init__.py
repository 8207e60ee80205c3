"""Webhooks: organisations are told what happened to their tasks and runs, signed and retried."""

from intermezzo.webhooks.deliverer import Deliverer
from intermezzo.webhooks.deliveries import Attempt, Delivery, DeliveryFilter, DeliveryState
from intermezzo.webhooks.endpoints import Endpoint
from intermezzo.webhooks.events import EVENTS, WebhookEvent
from intermezzo.webhooks.webhooks import Webhooks

__all__ = [
    "EVENTS",
    "Attempt",
    "Deliverer",
    "Delivery",
    "DeliveryFilter",
    "DeliveryState",
    "Endpoint",
    "WebhookEvent",
    "Webhooks",
]
