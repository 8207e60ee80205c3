"""Receivers of deliveries on this machine, and an organisation that has them told."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta

import pytest

from intermezzo.settings import settings
from intermezzo.webhooks import Deliverer, Webhooks
from tests.desk import START, Desk
from tests.webhooks.receiver import Receiver, running_receiver


@pytest.fixture(autouse=True)
def loopback(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine's own addresses may be told."""
    monkeypatch.setenv("INTERMEZZO_ALLOW_LOOPBACK", "1")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with running_receiver() as receiver:
        yield receiver


class Clock:
    """A time that passes when it is told to."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def webhooks(desk: Desk, clock: Clock) -> Webhooks:
    return Webhooks(desk.store, desk.payer, now=clock)


@pytest.fixture
def deliverer(desk: Desk, clock: Clock) -> Deliverer:
    return Deliverer(desk.store, now=clock)


def body(task_id: str | None, event: str) -> bytes:
    """What is sent."""
    return json.dumps({"task_id": task_id, "event": event}).encode()
