"""Metrics for Prometheus: requests as they are answered, and how much work there is when somebody looks."""

import time

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from sqlalchemy import Connection, func, select
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from intermezzo.human_steps.open_counts import open_count
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import assignments
from intermezzo.webhooks.queue import lag_seconds

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 120)
"""Seconds; the last for those who wait."""


class Metrics:
    """The metrics of one server process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "intermezzo_http_requests",
            "Requests that were answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "intermezzo_http_request_seconds",
            "From a request to the beginning of its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.open_tasks = Gauge(
            "intermezzo_open_tasks", "Human tasks with a free slot.", ["mode"], registry=self.registry
        )
        self.claims = Gauge("intermezzo_claims", "Slots that workers hold.", registry=self.registry)
        self.reviews = Gauge("intermezzo_reviews_waiting", "Answers that wait for a review.", registry=self.registry)

        self.webhook_lag = Gauge(
            "intermezzo_webhook_lag_seconds",
            "How long the oldest event that webhooks are to tell of has waited, retries included.",
            registry=self.registry,
        )

    async def text(self, store: Store) -> bytes:
        """All of them, as Prometheus reads them."""
        live, test, claims, reviews = await store.read(_work)
        self.webhook_lag.set(await store.read(lambda c: lag_seconds(c, at=utc_now())))
        self.open_tasks.labels("live").set(live)
        self.open_tasks.labels("test").set(test)
        self.claims.set(claims)
        self.reviews.set(reviews)
        return generate_latest(self.registry)


def _work(connection: Connection) -> tuple[int, int, int, int]:
    def count(state: str) -> int:
        query = select(func.count()).where(assignments.c.state == state)
        return connection.scalar(query) or 0

    return (
        open_count(connection, test=False),
        open_count(connection, test=True),
        count("claimed"),
        count("submitted"),
    )


class Measured:
    """ASGI middleware that counts requests and how long their answers take.

    Args:
        app: what comes after it.
        metrics: where.
    """

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = _route_of(scope)
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self.metrics.requests.labels(method, route, str(message["status"])).inc()
                self.metrics.seconds.labels(route).observe(time.perf_counter() - began)
            await send(message)

        await self.app(scope, receive, measured)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _route_of(scope: Scope) -> str:
    """The route's pattern, never the address: labels must not be many."""
    return str(getattr(scope.get("route"), "path", "none"))
