"""A document is sent once, as it is, under the same rules as fetching, and what came of it is a status."""

import math

import pytest

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.web import Posted, post
from tests.web.internet import Internet
from tests.web.site import ok, redirect

PUBLIC = "93.184.216.34"


@pytest.fixture
def internet(internet: Internet) -> Internet:
    internet.otherwise = [PUBLIC]
    internet.names["inside.example.com"] = [["10.0.0.1"]]
    internet.site.otherwise = ok(b"thanks")
    return internet


@pytest.mark.parametrize("content", [b"", b'{"task_id": 1}', bytes(range(256)) * 4, bytes(1_000_000)])
async def test_what_is_sent_arrives_byte_for_byte_with_its_headers(internet: Internet, content: bytes) -> None:
    headers = {"X-Signature": "t=1,v1=ab", "content-type": "application/json", "User-Agent": "hook/1"}
    transport = internet.transport()
    assert await post("http://example.com/hook?a=%41", content, headers=headers, transport=transport) == Posted(200)
    head = internet.site.heads[0]
    assert head.startswith("POST /hook?a=%41 HTTP/1.1\r\nhost: example.com\r\n")
    assert all(f"\r\n{name}: {value}\r\n" in head for name, value in headers.items())
    assert head.lower().count("user-agent") == 1
    assert internet.site.bodies == [content]


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204),
        (b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", 410),
        (b"HTTP/1.1 503 x\r\n\r\n", 503),
        (redirect("http://127.0.0.1/"), 302),
        (redirect("http://a:b:c/"), 302),
        (redirect("http://\u202e.com/"), 302),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx", 200),
        (ok(b"not gzip", "Content-Encoding: gzip"), 200),
        (ok(b"x", "Content-Encoding: br, zstd"), 200),
    ],
)
async def test_every_answer_is_a_status_and_no_redirect_is_followed(
    internet: Internet, answer: bytes, status: int
) -> None:
    internet.site.answers = {"/": answer}
    assert await post("http://example.com/", b"x", headers={}, transport=internet.transport()) == Posted(status)
    assert internet.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("7", 7), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("soon", None), ("-1", None), ("", None), ("9" * 400, math.inf)],
)
async def test_a_receiver_says_when_to_come_again(internet: Internet, said: str, seconds: float | None) -> None:
    internet.site.answers = {"/": f"HTTP/1.1 503 x\r\nRetry-After: {said}\r\n\r\n".encode()}
    answered = await post("http://example.com/", b"x", headers={}, transport=internet.transport())
    assert answered == Posted(503, seconds)


@pytest.mark.parametrize(
    "url",
    [
        "http://inside.example.com/hook", "http://127.0.0.1/", "http://a:b@example.com/", "http://example.com:22/",
        "http://a:b:c/", "/hook", "", "http://xn--zzzzzz99999.local/",
    ],
)  # fmt: skip
async def test_what_may_not_be_fetched_may_not_be_sent_to(internet: Internet, url: str) -> None:
    with pytest.raises(InvalidInput, match=r"^url: "):
        await post(url, b"x", headers={}, transport=internet.transport())
    assert internet.dialled == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "internal"), ("content-length", "2"), ("Transfer-Encoding", "chunked"), ("Connection", "upgrade"),
        ("", "secret"), ("X Y", "secret"), ("X:", "secret"), ("Ü", "secret"), ("X\r\nY", "secret"),
        ("X", "secret\r\nY: z"), ("X", "sécret"), ("X", "secret\0"), ("X", " secret"), ("X", "secret "),
    ],
)  # fmt: skip
async def test_a_header_that_would_be_another_is_refused(internet: Internet, name: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=r"^headers: expected") as caught:
        await post("http://example.com/", b"x", headers={name: value}, transport=internet.transport())
    assert "cret" not in str(caught.value)
    assert internet.dialled == []


async def test_a_receiver_that_does_not_answer_is_given_up_and_may_be_tried_again(internet: Internet) -> None:
    internet.site.otherwise = b""
    with pytest.raises(ProviderError, match=r"within 0\.1 seconds") as caught:
        await post("http://example.com/", b"x", headers={}, timeout_seconds=0.1, transport=internet.transport())
    assert caught.value.retryable
