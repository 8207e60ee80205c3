"""Whoever verifies as the documents say accepts what we send, and nothing else."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.store import utc_now
from intermezzo.webhooks import Deliverer, Webhooks
from intermezzo.webhooks.signatures import SIGNATURE_HEADER, TIMESTAMP_HEADER, new_secret, sign
from tests.desk import PLAIN_TASK, Desk
from tests.webhooks.conftest import Clock
from tests.webhooks.printed import PYTHON, TYPESCRIPT
from tests.webhooks.receiver import Received, Receiver

Verify = Callable[[bytes, str, str], bool]


def printed_python() -> Verify:
    names: dict[str, Any] = {}
    exec(PYTHON, names)  # noqa: S102 (the printed code itself)
    return names["verify_webhook"]


def node(body: bytes, secret: str, header: str) -> bool:
    """The printed TypeScript, whose types Node takes away by itself or we do."""
    plain = TYPESCRIPT.replace(": Record<string, string>", "").replace("): boolean {", ") {")
    plain = re.sub(r"(payloadBytes|secret|sigHeader): (Buffer|string)", r"\1", plain)
    given = json.dumps([body.decode(), secret, header])
    call = f"const [b, s, h] = {given};\nconsole.log(verifyWebhook(Buffer.from(b), s, h));"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", plain + call], capture_output=True, text=True, check=True, timeout=30
    )
    return json.loads(done.stdout)


def verify_v0(received: Received, secret: str) -> bool:
    """As the documents say for the day after a rotation: with the old secret, against `v0`."""
    old = re.sub(r"v1=[^,]*,v0=", "v1=", received.signature)
    return printed_python()(received.body, secret, old)


@pytest.mark.parametrize("language", ["python", "node"])
async def test_the_printed_code_accepts_our_deliveries_and_no_others(
    language: str, desk: Desk, receiver: Receiver
) -> None:
    if language == "node" and shutil.which("node") is None:
        pytest.skip("there is no Node on this machine")
    verify: Verify = printed_python() if language == "python" else node
    webhooks = Webhooks(desk.store, desk.payer)
    secret, endpoint = await webhooks.create(receiver.url)
    await webhooks.test(endpoint.id)
    await Deliverer(desk.store).deliver()
    [received] = receiver.received
    assert verify(received.body, secret, received.signature)
    assert not verify(received.body + b" ", secret, received.signature)
    assert not verify(received.body, new_secret(), received.signature)
    for age, good in ((290, True), (310, False)):
        header = sign(received.body, secret, at=utc_now() - timedelta(seconds=age))[SIGNATURE_HEADER]
        assert verify(received.body, secret, header) is good


async def test_for_a_day_after_a_rotation_both_secrets_sign(desk: Desk, receiver: Receiver, clock: Clock) -> None:
    clock.at = utc_now()
    webhooks, deliverer = Webhooks(desk.store, desk.payer, now=clock), Deliverer(desk.store, now=clock)
    old, endpoint = await webhooks.create(receiver.url)

    async def told() -> Received:
        await webhooks.test(endpoint.id)
        await deliverer.deliver()
        return receiver.received[-1]

    assert "v0=" not in (await told()).signature
    new, rotated = await webhooks.rotate(endpoint.id)
    assert rotated.rotated_at == clock.at
    both = await told()
    assert printed_python()(both.body, new, both.signature)
    assert not printed_python()(both.body, old, both.signature)
    assert verify_v0(both, old)
    clock.forward(24 * 3600 - 1)
    assert ",v0=" in (await told()).signature
    clock.forward(1)
    assert "v0=" not in (await told()).signature


async def test_the_secret_of_single_tasks_is_shown_when_it_is_made_or_rotated(desk: Desk, receiver: Receiver) -> None:
    webhooks = Webhooks(desk.store, desk.payer)
    desk.answer("ann", desk.post_task(replace(PLAIN_TASK, webhook_url=receiver.url)))
    await Deliverer(desk.store).deliver()
    [endpoint] = await webhooks.list()
    assert endpoint.url is None
    secret, _ = await webhooks.rotate(endpoint.id)
    [delivery] = await webhooks.deliveries()
    await webhooks.redeliver(delivery.id)
    await Deliverer(desk.store).deliver()
    assert printed_python()(receiver.received[-1].body, secret, receiver.received[-1].signature)


@given(st.binary(max_size=200), st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 (the strategy adds the zone)
def test_a_signature_says_when_it_was_made_and_fits_one_body_only(body: bytes, at: datetime) -> None:
    secret = new_secret()
    headers = sign(body, secret, previous_secret=new_secret(), at=at)
    assert re.fullmatch(r"t=(\d+),v1=[0-9a-f]{64},v0=[0-9a-f]{64}", headers[SIGNATURE_HEADER])
    assert headers[TIMESTAMP_HEADER] == str(int(at.timestamp()))
    assert sign(body, secret, at=at)[SIGNATURE_HEADER] == headers[SIGNATURE_HEADER].rpartition(",")[0]
    assert sign(body + b"x", secret, at=at)[SIGNATURE_HEADER] != sign(body, secret, at=at)[SIGNATURE_HEADER]
