"""What is sent again and after how long, without a network."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.client import APIError, ClientError, ConfigurationError, ConnectionFailedError
from intermezzo.client.connection import Connection, connection
from intermezzo.client.exchange import MOST_PAUSE_SECONDS, Answer, Lost, Pause, Request, exchange

GET = Request("GET", "/v1/tasks")
BARE_POST = Request("POST", "/v1/worker/tasks/claim")


def pauses(request: Request, *came: Answer | Lost) -> list[float]:
    """How long a request pauses after each of these; fails if it ends before the last."""
    steps = exchange(request, retries=len(came))
    waited: list[float] = []
    assert next(steps) == request
    for one in came:
        step = steps.send(one)
        assert isinstance(step, Pause)
        waited.append(step.seconds)
        assert steps.send(None) == request
    return waited


def busy(status: int = 503, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


def test_pauses_grow_and_differ() -> None:
    waited = [pauses(GET, *[busy()] * 6) for _ in range(20)]
    for one in waited:
        assert all(later >= earlier for earlier, later in pairwise(one[:5]))
        assert max(one) <= 8
    assert len({one[0] for one in waited}) > 1


def test_what_the_server_says_wins() -> None:
    assert pauses(GET, busy(429, retry_after="7"), busy(503, retry_after="0")) == [7, 0]
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    [dated] = pauses(GET, busy(429, retry_after=at))
    assert 15 < dated <= 20


@pytest.mark.parametrize("came", [busy(429), Lost("refused", heard=False)])
def test_what_the_server_did_not_do_may_always_be_sent_again(came: Answer | Lost) -> None:
    assert len(pauses(BARE_POST, came)) == 1


@pytest.mark.parametrize("came", [busy(502), busy(503), busy(504), Lost("closed", heard=True)])
def test_what_the_server_may_have_done_is_sent_again_only_if_that_is_safe(came: Answer | Lost) -> None:
    steps = exchange(BARE_POST, retries=3)
    next(steps)
    with pytest.raises((APIError, ConnectionFailedError)):
        steps.send(came)
    assert len(pauses(Request("POST", "/v1/tasks", idempotency_key="k"), came)) == 1


@given(
    status=st.integers(100, 599),
    retry_after=st.one_of(st.none(), st.text(), st.floats().map(str), st.integers().map(str)),
    body=st.binary(),
)
def test_no_answer_ends_in_anything_but_an_answer_a_pause_or_an_error(
    status: int, retry_after: str | None, body: bytes
) -> None:
    steps = exchange(GET, retries=1)
    next(steps)
    headers = {} if retry_after is None else {"retry-after": retry_after}
    with suppress(StopIteration, ClientError):
        step = steps.send(Answer(status, headers, body))
        assert isinstance(step, Pause)
        assert 0 <= step.seconds <= MOST_PAUSE_SECONDS


@pytest.mark.parametrize("key", ["", "csk_a\nX: y", "csk_ü", "csk a"])
def test_a_key_that_cannot_be_one_is_refused(key: str) -> None:
    with pytest.raises(ConfigurationError, match="expected an API key"):
        connection(key, None, 30, 4)


@pytest.mark.parametrize("url", ["ftp://x", "localhost:8470", "http://", "http://a:b"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="expected the server's address"):
        connection("csk_x", url, 30, 4)


def test_the_environment_says_where_and_who(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROWDSOURCERER_API_KEY", "csk_documents")
    assert connection(None, None, 30, 4) == Connection("csk_documents", "http://127.0.0.1:8470", 30, 4)
    monkeypatch.setenv("INTERMEZZO_API_KEY", "csk_ours")
    monkeypatch.setenv("INTERMEZZO_URL", "https://example.com")
    known = connection(None, None, 30, 4)
    assert (known.api_key, known.base_url) == ("csk_ours", "https://example.com")
    assert "csk_ours" not in repr(known)
    assert connection("csk_given", "http://given", 30, 4).base_url == "http://given"
