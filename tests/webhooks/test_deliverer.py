"""Many deliveries, bad receivers, several deliverers, and processes that are killed."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, func, select

from intermezzo.human_steps import tasks
from intermezzo.store import Store, utc_now
from intermezzo.store.tables import outbox, webhook_deliveries
from intermezzo.webhooks import Deliverer, DeliveryFilter, Webhooks, deliveries, endpoints, queue
from intermezzo.webhooks.dispatch import dispatch
from tests.desk import PLAIN_TASK, Desk
from tests.web.test_transport import certificates
from tests.webhooks.conftest import Clock
from tests.webhooks.receiver import OK, Receiver, running_receiver, status


@asynccontextmanager
async def serving(*deliverers: Deliverer) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(deliverer.serve()) for deliverer in deliverers]
    yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def pings(webhooks: Webhooks, endpoint_id: str, count: int) -> None:
    """Deliveries to an endpoint, all at once."""
    store, payer = webhooks.store, webhooks.payer

    def work(connection: Connection) -> None:
        endpoint = endpoints.find(connection, payer, endpoint_id)
        assert endpoint.url is not None
        at = utc_now()
        new = [deliveries.new_delivery(payer, endpoint, "ping", None, url=endpoint.url, at=at) for _ in range(count)]
        deliveries.add(connection, new)

    store.write_now(work)


async def test_an_answer_is_told_within_a_moment(desk: Desk, receiver: Receiver) -> None:
    async with serving(Deliverer(desk.store)):
        await asyncio.sleep(0.3)
        began = time.perf_counter()
        desk.answer("ann", desk.post_task(replace(PLAIN_TASK, webhook_url=receiver.url)))
        await until(lambda: bool(receiver.received))
        assert time.perf_counter() - began < 2


async def test_a_deliverer_with_nothing_to_do_hardly_looks(desk: Desk, receiver: Receiver) -> None:
    webhooks = Webhooks(desk.store, desk.payer)
    receiver.answer = lambda _: status(500)
    _, endpoint = await webhooks.create(receiver.url)
    await webhooks.test(endpoint.id)
    looks = list[float]()

    def counted(connection: Connection, *_: object) -> None:
        looks.append(time.perf_counter())

    async with serving(Deliverer(desk.store)):
        await until(lambda: bool(receiver.received))
        await asyncio.sleep(0.5)
        event.listen(Engine, "before_cursor_execute", counted)
        await asyncio.sleep(2.5)
        event.remove(Engine, "before_cursor_execute", counted)
    assert len(looks) < 20


async def test_a_server_that_keeps_silent_delays_nobody_else(desk: Desk, receiver: Receiver) -> None:
    webhooks = Webhooks(desk.store, desk.payer)
    async with running_receiver() as silent:
        silent.answer = lambda _: b""
        _, dead = await webhooks.create(silent.url)
        _, good = await webhooks.create(receiver.url)
        pings(webhooks, dead.id, 100)
        pings(webhooks, good.id, 100)
        async with serving(Deliverer(desk.store)):
            began = time.perf_counter()
            await until(lambda: len(receiver.received) == 100)
            assert time.perf_counter() - began < 9, "it waited for the silent one"
            assert len(silent.received) == 1
            assert 1 < receiver.most_busy <= 4


async def test_two_deliverers_share_the_work_and_send_nothing_twice(
    desk: Desk, receiver: Receiver, store_url_of_desk: str
) -> None:
    webhooks, other = Webhooks(desk.store, desk.payer), Store(store_url_of_desk)
    _, endpoint = await webhooks.create(receiver.url)
    await asyncio.gather(*(webhooks.test(endpoint.id) for _ in range(60)))
    for _ in range(20):
        desk.answer("ann", desk.post())
    async with serving(Deliverer(desk.store), Deliverer(other)):
        await until(lambda: len(receiver.received) == 80)
        await asyncio.sleep(0.2)
    assert max(Counter(one.id for one in receiver.received).values()) == 1
    assert len(await webhooks.deliveries(DeliveryFilter(state="delivered"), limit=100)) == 80
    other.close()


@pytest.fixture
def store_url_of_desk(desk: Desk) -> str:
    return desk.store.url.render_as_string(hide_password=False)


async def test_ten_thousand_pending_deliveries_cost_a_look_no_more_than_ten(desk: Desk, clock: Clock) -> None:
    webhooks = Webhooks(desk.store, desk.payer)
    _, endpoint = await webhooks.create("http://127.0.0.1:9/")
    pings(webhooks, endpoint.id, 10_000)

    def look() -> float:
        began = time.perf_counter()
        [lane] = desk.see(queue.lanes)
        assert len(desk.do(lambda c: queue.take(c, {lane: 4}, at=utc_now()))) == 4
        return time.perf_counter() - began

    assert min(look() for _ in range(5)) < 0.05


async def test_many_closed_tasks_become_deliveries_in_few_transactions(desk: Desk, clock: Clock) -> None:
    webhooks = Webhooks(desk.store, desk.payer, now=clock)
    await webhooks.create("http://127.0.0.1:9/")
    ids = desk.post_many(510)
    desk.do(lambda c: tasks.cancel(c, ids, reason="no", at=clock.at))
    counts = [desk.do(lambda c: dispatch(c, at=clock.at)) for _ in range(3)]
    assert counts == [500, 10, 0]
    assert desk.see(lambda c: c.scalar(select(func.count()).select_from(webhook_deliveries))) == 510


def endless(receiver: Receiver) -> None:
    receiver.answer = lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    receiver.endless = b"x" * 65_536


def endless_headers(receiver: Receiver) -> None:
    receiver.answer = lambda _: b"HTTP/1.1 200 OK\r\n"
    receiver.endless = b"X-Header: " + b"x" * 10_000 + b"\r\n"


def many_headers(receiver: Receiver) -> None:
    receiver.answer = lambda _: status(200, *(f"X-{n}: y" for n in range(1_000)))


def redirecting(receiver: Receiver) -> None:
    receiver.answer = lambda _: status(302, f"Location: http://127.0.0.1:{receiver.port}/elsewhere")


def not_http(receiver: Receiver) -> None:
    receiver.answer = lambda _: b"SSH-2.0-OpenSSH_9.6\r\n"


def slow_headers(receiver: Receiver) -> None:
    receiver.answer = lambda _: OK
    receiver.pause_seconds = 5


@pytest.mark.parametrize(
    ("misbehave", "state", "code", "error"),
    [
        (endless, "delivered", 200, None),
        (endless_headers, "pending", None, "does not answer as HTTP demands"),
        (many_headers, "pending", None, "answers with 1,002 headers"),
        (redirecting, "pending", 302, None),
        (not_http, "pending", None, "does not answer as HTTP demands"),
        (slow_headers, "pending", None, "did not answer in full within 0.5 seconds"),
    ],
)
async def test_a_bad_receiver_harms_nothing_but_its_own_delivery(
    misbehave: Callable[[Receiver], None],
    state: str,
    code: int | None,
    error: str | None,
    desk: Desk,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("intermezzo.webhooks.deliverer.DEADLINE_SECONDS", 0.5)
    misbehave(receiver)
    webhooks = Webhooks(desk.store, desk.payer)
    _, endpoint = await webhooks.create(receiver.url)
    ping = await webhooks.test(endpoint.id)
    await Deliverer(desk.store).deliver()
    [delivery] = await webhooks.deliveries()
    assert (delivery.id, delivery.state, delivery.last_status) == (ping.id, state, code)
    assert (error or "") in (delivery.last_error or "")
    assert bool(error) == bool(delivery.last_error)
    assert [one.path for one in receiver.received] == ["/hook"]


async def test_a_certificate_that_nobody_knows_is_not_accepted(desk: Desk, receiver: Receiver, tmp_path: Path) -> None:
    context, _ = certificates(tmp_path)
    server = await asyncio.start_server(receiver.handle, "127.0.0.1", 0, ssl=context)
    async with server:
        webhooks = Webhooks(desk.store, desk.payer)
        _, endpoint = await webhooks.create(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await webhooks.test(endpoint.id)
        await Deliverer(desk.store).deliver()
    [delivery] = await webhooks.deliveries()
    assert (delivery.state, receiver.received) == ("pending", [])
    assert "CERTIFICATE_VERIFY_FAILED" in (delivery.last_error or "")


DELIVERING = """
import asyncio, sys
from intermezzo.store import Store
from intermezzo.webhooks import Deliverer

asyncio.run(Deliverer(Store(sys.argv[1])).serve())
"""


def deliver_and_die(url: str, point: str) -> None:
    """A process that delivers, and is killed at that point."""
    environment = {**os.environ, "INTERMEZZO_CRASH_AT": point, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", DELIVERING, url], env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.crash
@pytest.mark.parametrize(("point", "times"), [("webhook.dispatched", 1), ("webhook.sent", 2)])
async def test_what_a_killed_process_has_begun_is_delivered_at_least_once_under_one_id(
    point: str, times: int, store: Store, store_url: str, receiver: Receiver, clock: Clock
) -> None:
    desk = Desk(store)
    webhooks = Webhooks(store, desk.payer)
    task_id = desk.post_task(replace(PLAIN_TASK, webhook_url=receiver.url))
    desk.answer("ann", task_id)
    await asyncio.to_thread(deliver_and_die, store_url, point)
    clock.at = utc_now()
    clock.forward(1)
    await Deliverer(store, now=clock).deliver()
    assert len(receiver.received) == 1
    clock.forward(30)  # the lease of the dead
    await Deliverer(store, now=clock).deliver()
    assert len(receiver.received) == times
    assert len({(one.id, one.body) for one in receiver.received}) == 1
    [delivery] = await webhooks.deliveries()
    assert (delivery.state, delivery.attempts) == ("delivered", 1)


async def test_an_answer_that_is_stored_is_told_even_if_nobody_delivered_then(
    store: Store, store_url: str, receiver: Receiver
) -> None:
    """Between answer and delivery there is nothing to lose: the mark is in the transaction of the answer."""
    desk = Desk(store)
    desk.answer("ann", desk.post_task(replace(PLAIN_TASK, webhook_url=receiver.url)))
    assert store.read_now(lambda c: c.scalar(select(func.count()).select_from(outbox).where(outbox.c.pending))) == 1
    other = Store(store_url)
    await Deliverer(other).deliver()
    assert len(receiver.received) == 1
    other.close()
