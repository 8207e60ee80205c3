"""A process hears what others commit, within milliseconds, and hears when it may have missed something."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

import psycopg
import pytest
from sqlalchemy import Connection, func, select, text

from intermezzo.store import Event, Store, emit, utc_now
from intermezzo.store.tables import outbox

SOON_SECONDS = 10


class Ear:
    """Subscribes, and waits for what comes."""

    def __init__(self, store: Store) -> None:
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.unsubscribe = store.subscribe(self._heard)

    def _heard(self, events: Sequence[Event]) -> None:
        for heard in events:
            self.events.put(heard)

    def wait_for(self, wanted: Callable[[Event], bool]) -> Event:
        deadline = time.monotonic() + SOON_SECONDS
        while True:
            heard = self.events.get(timeout=max(0.001, deadline - time.monotonic()))
            if wanted(heard):
                return heard


def test_a_subscriber_hears_of_events_of_its_own_process_once_they_are_committed(store: Store) -> None:
    ear = Ear(store)

    def undone(connection: Connection) -> None:
        emit(connection, [Event("task.closed", "undone")], at=utc_now())
        raise LookupError

    with pytest.raises(LookupError):
        store.write_now(undone)
    store.write_now(lambda c: emit(c, [Event("task.closed", "t1", "r1")], at=utc_now()))
    assert ear.wait_for(lambda e: e.topic == "task.closed") == Event("task.closed", "t1", "r1")


OTHER_PROCESS = """
import sys
from intermezzo.store import Event, Store, emit, utc_now

store = Store(sys.argv[1])
events = [Event("call.closed", "c1", "r1"), Event("run.cancel", "r2")]
store.write_now(lambda c: emit(c, events, at=utc_now()))
store.close()
"""


def test_a_subscriber_hears_of_events_of_another_process(store: Store, store_url: str) -> None:
    ear = Ear(store)
    subprocess.run([sys.executable, "-c", OTHER_PROCESS, store_url], check=True, timeout=60)
    assert ear.wait_for(lambda e: e.topic == "call.closed") == Event("call.closed", "c1", "r1")
    assert ear.wait_for(lambda e: e.topic == "run.cancel") == Event("run.cancel", "r2", None)


def test_what_was_committed_before_subscribing_is_not_heard(store: Store) -> None:
    store.write_now(lambda c: emit(c, [Event("task.opened", "old")], at=utc_now()))
    ear = Ear(store)
    store.write_now(lambda c: emit(c, [Event("task.opened", "new")], at=utc_now()))
    assert ear.wait_for(lambda e: e.topic == "task.opened").subject == "new"


def test_a_subscriber_that_ended_its_subscription_hears_nothing_more(store: Store) -> None:
    gone, still_there = Ear(store), Ear(store)
    gone.unsubscribe()
    gone.unsubscribe()  # twice does no harm
    store.write_now(lambda c: emit(c, [Event("task.opened", "t1")], at=utc_now()))
    still_there.wait_for(lambda e: e.subject == "t1")
    with pytest.raises(Empty):
        gone.events.get_nowait()


def test_a_subscriber_that_fails_does_not_deafen_the_others(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    """As one does whose event loop has ended."""

    def fail(_events: Sequence[Event]) -> None:
        raise RuntimeError("Event loop is closed")

    store.subscribe(fail)
    ear = Ear(store)
    for name in ("t1", "t2"):
        store.write_now(lambda c, name=name: emit(c, [Event("task.opened", name)], at=utc_now()))
        ear.wait_for(lambda e, name=name: e.subject == name)
    assert "Event loop is closed" in caplog.text


def test_emitting_nothing_changes_nothing(store: Store) -> None:
    store.write_now(lambda c: emit(c, [], at=utc_now()))
    assert store.read_now(lambda c: c.scalar(select(func.count()).select_from(outbox))) == 0


@pytest.mark.postgres
def test_after_a_lost_connection_one_event_says_that_any_may_have_been_missed(postgres_database: str) -> None:
    store = Store(postgres_database)
    try:
        ear = Ear(store)
        address = postgres_database.replace("postgresql+asyncpg", "postgresql")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        assert ear.wait_for(lambda e: e.topic == "*") == Event("*", "")
        store.write_now(lambda c: emit(c, [Event("task.closed", "t1")], at=utc_now()))
        assert ear.wait_for(lambda e: e.topic == "task.closed").subject == "t1"
    finally:
        store.close()


@pytest.mark.postgres
def test_a_strangers_notification_says_that_any_event_may_have_been_missed(postgres_database: str) -> None:
    store = Store(postgres_database)
    try:
        ear = Ear(store)
        store.write_now(lambda c: c.execute(text("NOTIFY intermezzo, 'hello'")))
        assert ear.wait_for(lambda _event: True) == Event("*", "")
    finally:
        store.close()


async def test_an_event_loop_hears_in_itself_what_it_asked_for(store: Store) -> None:
    heard: asyncio.Queue[tuple[int, str]] = asyncio.Queue()

    def note(events: Sequence[Event]) -> None:
        heard.put_nowait((threading.get_ident(), events[-1].subject))

    unsubscribe = store.subscribe_here(note, topics=("task.closed",))
    for event in (Event("task.opened", "t1"), Event("task.closed", "t1")):
        await store.write(lambda c, event=event: emit(c, [event], at=utc_now()))
    async with asyncio.timeout(SOON_SECONDS):
        assert await heard.get() == (threading.get_ident(), "t1")
    unsubscribe()
    assert heard.empty()


def test_a_subscriber_whose_event_loop_is_gone_does_not_deafen_the_others(store: Store) -> None:
    async def subscribe() -> None:
        store.subscribe_here(lambda _: None)

    asyncio.run(subscribe())
    ear = Ear(store)
    for subject in ("t1", "t2"):
        store.write_now(lambda c, subject=subject: emit(c, [Event("task.closed", subject)], at=utc_now()))
        ear.wait_for(lambda e, subject=subject: e.subject == subject)
