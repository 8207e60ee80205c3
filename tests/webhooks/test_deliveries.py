"""What an organisation is told of, where, how often, and what it sees of that."""

import json
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from intermezzo.errors import InvalidInput, WebhookNotFound
from intermezzo.flows.settling import settle
from intermezzo.human_steps import tasks
from intermezzo.human_steps.reports import report
from intermezzo.ledger import Payer
from intermezzo.settings import settings
from intermezzo.store import Store, new_id
from intermezzo.store.tables import outbox, webhook_deliveries
from intermezzo.webhooks import EVENTS, Deliverer, DeliveryFilter, Webhooks, dispatch, queue
from tests.desk import PLAIN_TASK, START, Desk
from tests.human_steps.gold_desk import quality, stock
from tests.webhooks.conftest import Clock, body
from tests.webhooks.receiver import OK, Receiver, status


def post_with_url(desk: Desk, url: str) -> str:
    return desk.post_task(replace(PLAIN_TASK, webhook_url=url))


async def test_a_task_that_is_answered_is_told_to_its_own_address_and_to_every_endpoint(
    desk: Desk, webhooks: Webhooks, deliverer: Deliverer, receiver: Receiver
) -> None:
    await webhooks.create(receiver.url + "/all")
    await webhooks.create(receiver.url + "/failures", events=["task.failed"])
    task_id = post_with_url(desk, receiver.url + "/own")
    desk.answer("ann", task_id)
    await deliverer.deliver()
    assert sorted(one.path for one in receiver.received) == ["/hook/all", "/hook/own"]
    assert {one.body for one in receiver.received} == {body(task_id, "task.completed")}
    assert len({one.id for one in receiver.received}) == 2
    [headers, _] = [one.headers for one in receiver.received]
    assert headers["content-type"] == "application/json"
    assert headers["x-crowdsorcerer-signature"].startswith(f"t={headers['x-crowdsorcerer-timestamp']},v1=")
    assert headers["x-crowdsorcerer-timestamp"] == str(int(START.timestamp()))
    await deliverer.deliver()
    assert len(receiver.received) == 2


async def test_however_a_task_ends_it_is_told(
    desk: Desk, webhooks: Webhooks, deliverer: Deliverer, receiver: Receiver
) -> None:
    await webhooks.create(receiver.url, events=list(EVENTS))
    split = desk.post(required=2, strategy="unanimous")
    desk.answer("ann", split, "good")
    desk.answer("bob", split, "bad")
    late, unwanted, reviewed = desk.post(minutes=1), desk.post(), desk.post(auto_approve_seconds=60)
    desk.answer("cy", reviewed)
    desk.do(lambda c: tasks.cancel(c, [unwanted], reason="no", at=START))
    desk.do(lambda c: tasks.expire(c, at=START + timedelta(minutes=2)))
    await deliverer.deliver()
    told = {json.loads(one.body)["task_id"] + " " + json.loads(one.body)["event"] for one in receiver.received}
    assert told == {
        f"{split} task.failed",
        f"{late} task.expired",
        f"{unwanted} task.cancelled",
        f"{reviewed} task.submitted",
        f"{reviewed} task.completed",
    }


async def test_a_reported_problem_is_told_and_gold_tasks_are_not(
    desk: Desk, webhooks: Webhooks, deliverer: Deliverer, receiver: Receiver
) -> None:
    await webhooks.create(receiver.url, events=list(EVENTS))
    stock(desk)
    desk.post(quality=quality())
    gold = desk.take_next("ann")
    assert gold is not None
    desk.submit("ann", gold.task_id, "bad")
    real = desk.post()
    desk.take("bob", real)
    desk.do(lambda c: report(c, real, "bob", reason="unclear", at=START))
    await deliverer.deliver()
    assert [one.body for one in receiver.received] == [body(real, "task.reported")]


async def test_a_run_that_ends_is_told_once(
    desk: Desk, webhooks: Webhooks, deliverer: Deliverer, receiver: Receiver
) -> None:
    await webhooks.create(receiver.url)
    for _ in "12":
        desk.do(lambda c: settle(c, desk.facts.id, "crashed", at=START))
    await deliverer.deliver()
    assert [json.loads(one.body) for one in receiver.received] == [{"run_id": desk.facts.id, "event": "run.failed"}]


async def test_nobody_is_told_of_what_is_not_theirs_or_was_before_they_asked(
    desk: Desk, webhooks: Webhooks, deliverer: Deliverer, receiver: Receiver, clock: Clock
) -> None:
    for payer in (Payer("other"), Payer("acme", test=True)):
        await Webhooks(desk.store, payer, now=clock).create(receiver.url)
    desk.answer("ann", desk.post())
    clock.forward(1)
    await webhooks.create(receiver.url)
    await deliverer.deliver()
    assert receiver.received == []
    assert desk.see(lambda c: c.scalar(select(func.count()).select_from(outbox).where(outbox.c.pending))) == 0


async def test_a_failed_delivery_is_tried_three_more_times_with_the_same_bytes(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, clock: Clock, webhooks: Webhooks
) -> None:
    receiver.answer = lambda _: status(500)
    desk.answer("ann", post_with_url(desk, receiver.url))
    for seconds in (0, 5 * 1.2, 25 * 1.2, 125 * 1.2, 10_000):
        clock.forward(seconds)
        await deliverer.deliver()
        await deliverer.deliver()
    assert len(receiver.received) == 4
    assert len({(one.body, one.id) for one in receiver.received}) == 1
    assert len({one.signature for one in receiver.received}) == 4
    [delivery] = await webhooks.deliveries(DeliveryFilter(state="failed"))
    assert (delivery.attempts, delivery.last_status, delivery.next_attempt_at) == (4, 500, None)
    _, attempts = await webhooks.delivery(delivery.id)
    waits = [(b.at - a.at).total_seconds() for a, b in pairwise(attempts)]
    assert waits == [6, 30, 150]
    assert [(one.n, one.status, one.error) for one in attempts] == [(n, 500, None) for n in (1, 2, 3, 4)]


async def test_the_lag_is_that_of_the_oldest_that_waits(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, clock: Clock
) -> None:
    def lag(seconds: float = 0) -> float:
        return desk.see(lambda c: queue.lag_seconds(c, at=clock() + timedelta(seconds=seconds)))

    assert lag() == 0
    receiver.answer = lambda _: status(500)
    desk.answer("ann", post_with_url(desk, receiver.url))
    waiting = lag(60)
    assert waiting > 0
    await deliverer.deliver()
    clock.forward(6)
    await deliverer.deliver()
    assert lag() >= 6
    receiver.answer = lambda _: OK
    clock.forward(30)
    await deliverer.deliver()
    assert lag(60) == 0


async def test_retries_do_not_come_before_their_time(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, clock: Clock
) -> None:
    receiver.answer = lambda _: status(404)
    desk.answer("ann", post_with_url(desk, receiver.url))
    for expected, seconds in ((1, 0), (1, 3.9), (2, 2.2), (2, 19.9), (3, 10.2), (3, 99.9), (4, 50.2)):
        clock.forward(seconds)
        await deliverer.deliver()
        assert len(receiver.received) == expected


@pytest.mark.parametrize(
    ("code", "said", "seconds"), [(503, "60", 60), (429, "7200", 3_600), (429, "0", 4), (404, "60", 4)]
)
async def test_a_receiver_that_cannot_take_more_is_left_alone_as_long_as_it_asks_but_not_for_ever(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, clock: Clock, code: int, said: str, seconds: float
) -> None:
    receiver.answer = lambda _: status(code, f"Retry-After: {said}")
    desk.answer("ann", post_with_url(desk, receiver.url))
    await deliverer.deliver()
    clock.forward(seconds - 0.1)
    await deliverer.deliver()
    assert len(receiver.received) == 1
    receiver.answer = lambda _: OK
    clock.forward(0.1 + 2)
    await deliverer.deliver()
    assert len(receiver.received) == 2


async def test_a_receiver_that_asks_for_rest_is_told_of_nothing_else_meanwhile(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, clock: Clock
) -> None:
    receiver.answer = lambda _: status(503, "Retry-After: 60")
    desk.answer("ann", post_with_url(desk, receiver.url))
    await deliverer.deliver()
    receiver.answer = lambda _: OK
    desk.answer("ann", post_with_url(desk, receiver.url))
    clock.forward(59)
    await deliverer.deliver()
    assert len(receiver.received) == 1
    clock.forward(3)
    await deliverer.deliver()
    assert len(receiver.received) == 3


async def test_a_delivery_that_failed_can_be_made_again_to_where_its_endpoint_is_now(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, webhooks: Webhooks
) -> None:
    receiver.answer = lambda one: OK if one.path == "/hook/right" else status(410)
    _, endpoint = await webhooks.create(receiver.url + "/wrong", max_retries=0)
    desk.answer("ann", desk.post())
    await deliverer.deliver()
    [delivery] = await webhooks.deliveries()
    assert delivery.state == "failed"
    await webhooks.change(endpoint.id, url=receiver.url + "/right")
    assert (await webhooks.redeliver(delivery.id)).state == "pending"
    await deliverer.deliver()
    again, attempts = await webhooks.delivery(delivery.id)
    assert (again.state, again.attempts, again.delivered_at) == ("delivered", 2, START)
    assert [one.status for one in attempts] == [410, 200]
    assert [one.path for one in receiver.received] == ["/hook/wrong", "/hook/right"]
    assert len({(one.id, one.body) for one in receiver.received}) == 1


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://metadata.internal/", "ftp://x", "http://a:b:c/", ""])
async def test_an_address_of_a_task_that_may_not_be_told_fails_at_once(
    desk: Desk, deliverer: Deliverer, webhooks: Webhooks, url: str
) -> None:
    desk.answer("ann", post_with_url(desk, url))
    await deliverer.deliver()
    [delivery] = await webhooks.deliveries()
    assert (delivery.state, delivery.attempts) == ("failed", 1)
    assert str(delivery.last_error).startswith("url: expected ")


async def test_a_disabled_endpoint_is_told_nothing_more(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, webhooks: Webhooks, clock: Clock
) -> None:
    receiver.answer = lambda _: status(503)
    _, endpoint = await webhooks.create(receiver.url)
    desk.answer("ann", desk.post())
    await deliverer.deliver()
    assert (await webhooks.change(endpoint.id, disabled=True)).disabled_at == START
    desk.answer("ann", desk.post())
    clock.forward(100)
    await deliverer.deliver()
    assert len(receiver.received) == 1
    [delivery] = await webhooks.deliveries()
    assert (delivery.state, delivery.last_error) == ("failed", "the webhook was disabled")
    with pytest.raises(InvalidInput, match="is disabled; enable it first"):
        await webhooks.redeliver(delivery.id)
    with pytest.raises(InvalidInput, match="is disabled"):
        await webhooks.test(endpoint.id)
    await webhooks.change(endpoint.id, disabled=False)
    await webhooks.redeliver(delivery.id)
    await deliverer.deliver()
    assert len(receiver.received) == 2


async def test_what_cannot_be_delivered_for_a_day_has_failed(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, webhooks: Webhooks, clock: Clock
) -> None:
    receiver.answer = lambda _: status(500)
    desk.answer("ann", post_with_url(desk, receiver.url))
    await deliverer.deliver()
    clock.forward(24 * 3600)
    await deliverer.deliver()
    [delivery] = await webhooks.deliveries()
    assert (delivery.state, delivery.attempts) == ("failed", 1)
    assert delivery.last_error == "it could not be delivered within a day"


async def test_a_ping_comes_at_once_and_is_about_nothing(
    deliverer: Deliverer, receiver: Receiver, webhooks: Webhooks
) -> None:
    _, endpoint = await webhooks.create(receiver.url)
    delivery = await webhooks.test(endpoint.id)
    await deliverer.deliver()
    assert [(one.id, one.body) for one in receiver.received] == [(delivery.id, body(None, "ping"))]


async def test_pages_of_deliveries_follow_one_another(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, webhooks: Webhooks
) -> None:
    _, endpoint = await webhooks.create(receiver.url)
    made = [(await webhooks.test(endpoint.id)).id for _ in range(5)]
    await deliverer.deliver()
    found: list[str] = []
    while page := await webhooks.deliveries(after=found[-1] if found else None, limit=2):
        found += [one.id for one in page]
    assert found == made[::-1]
    assert await webhooks.deliveries(DeliveryFilter(state="pending")) == []
    assert await webhooks.deliveries(DeliveryFilter(endpoint_id=new_id())) == []
    assert len(await webhooks.deliveries(DeliveryFilter(endpoint_id=endpoint.id), limit=3)) == 3


async def test_another_organisations_webhooks_are_not_there(
    desk: Desk, deliverer: Deliverer, receiver: Receiver, webhooks: Webhooks
) -> None:
    secret, endpoint = await webhooks.create(receiver.url)
    delivery = await webhooks.test(endpoint.id)
    for payer in (Payer("other"), Payer("acme", test=True)):
        stranger = Webhooks(desk.store, payer)
        for call in (
            stranger.get(endpoint.id),
            stranger.change(endpoint.id, disabled=True),
            stranger.rotate(endpoint.id),
            stranger.test(endpoint.id),
            stranger.delivery(delivery.id),
            stranger.redeliver(delivery.id),
        ):
            with pytest.raises(WebhookNotFound):
                await call
        assert (await stranger.list(), await stranger.deliveries()) == ([], [])
    assert await webhooks.get(endpoint.id) == endpoint
    assert secret not in str(await webhooks.list()) + str(await webhooks.deliveries())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://example.com/", None),
        ("https://10.0.0.1/", "expected a public address"),
        ("https://169.254.169.254/latest", "expected a public address"),
        ("https://intranet/", "expected a public address"),
        ("https://user:pass@example.com/", "names and passwords"),
        ("https://example.com:22/", "expected one of the ports"),
        ("gopher://example.com/", "expected an http or https address"),
        ("", "expected an http or https address"),
        ("https://example.com/" + "x" * 2_048, "expected at most 2,048 characters"),
    ],
)
async def test_an_endpoint_that_could_never_be_told_is_not_made(
    webhooks: Webhooks, url: str, said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("INTERMEZZO_ALLOW_LOOPBACK")
    settings.cache_clear()
    with pytest.raises(InvalidInput, match=f"^url: {said or 'expected an https address'}"):
        await webhooks.create(url)
    with pytest.raises(InvalidInput, match=r"^url: expected a public address.*INTERMEZZO_ALLOW_LOOPBACK"):
        await webhooks.create("http://127.0.0.1:8080/")
    assert await webhooks.list() == []


async def test_what_no_endpoint_can_be_is_refused(webhooks: Webhooks) -> None:
    with pytest.raises(InvalidInput, match=r"events: expected some of task\.completed.*, got task\.none"):
        await webhooks.create("https://example.com/", events=["task.none"])  # type: ignore[list-item]
    with pytest.raises(InvalidInput, match="got none"):
        await webhooks.create("https://example.com/", events=[])
    with pytest.raises(InvalidInput, match="max_retries: expected 0 to 5, got 6"):
        await webhooks.create("https://example.com/", max_retries=6)
    _, of_tasks = await webhooks.create(None)
    with pytest.raises(InvalidInput, match="already; rotate its secret"):
        await webhooks.create(None)
    with pytest.raises(InvalidInput, match="addresses of single tasks; create another"):
        await webhooks.change(of_tasks.id, url="https://example.com/")
    with pytest.raises(InvalidInput, match="has no address of its own"):
        await webhooks.test(of_tasks.id)
    for _ in range(49):
        await webhooks.create("https://example.com/")
    with pytest.raises(InvalidInput, match="at most 50 webhooks"):
        await webhooks.create("https://example.com/")


async def test_what_is_to_be_told_is_marked_in_a_row_that_is_written_anyway(desk: Desk) -> None:
    desk.answer("ann", desk.post())
    marked = select(outbox.c.topic).where(outbox.c.pending)
    assert desk.see(lambda c: c.scalars(marked).all()) == ["task.closed"]


async def test_looking_for_news_and_for_what_is_due_reads_no_more_than_there_is(store: Store) -> None:
    if store.dialect != "sqlite":
        pytest.skip("PostgreSQL plans by the number of rows")
    queries = [
        str(select(outbox.c.seq).where(dispatch.PENDING).order_by(outbox.c.seq).limit(1)),
        str(queue.DUE),
        str(
            select(webhook_deliveries.c.id).where(
                queue.PENDING, webhook_deliveries.c.give_up_at <= func.current_timestamp()
            )
        ),
    ]
    for query in queries:
        plan = store.read_now(lambda c, q=query: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {q}".replace(":param_1", "1")))
        for row in plan:
            assert "SCAN outbox" not in row.detail or "ix_outbox_pending" in row.detail, row.detail
            assert "webhook_deliveries" not in row.detail or "USING" in row.detail, row.detail
