"""A document is fetched in bounded size and time, and every failure says whose it is and whether to try again."""

import subprocess
import sys
import time
import zlib

import pytest

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.primitives.document_parse import document_parse
from intermezzo.settings import settings
from intermezzo.web import Fetched, fetch
from tests.web.site import Site, gzipped, ok, redirect


@pytest.fixture(autouse=True)
def open_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_ALLOW_LOOPBACK", "1")
    settings.cache_clear()


async def get(site: Site, path: str = "/", *, max_bytes: int = 1_000_000, timeout_seconds: float = 10.0) -> Fetched:
    return await fetch(f"{site.url}{path}", max_bytes=max_bytes, timeout_seconds=timeout_seconds)


async def test_a_fetched_document_is_parsed_and_says_where_it_came_from(site: Site) -> None:
    site.answers = {
        "/a": redirect("/b?x=1"),
        "/b?x=1": ok("grün".encode("latin-1"), "Content-Type: text/plain"),
    }
    output = await document_parse.fn(url=f"{site.url}/a")
    assert output.text == "grün"
    assert output.metadata["url"] == f"{site.url}/b?x=1"


async def test_a_document_comes_with_its_type_and_time(site: Site) -> None:
    site.answers = {"/": ok(b"%PDF-", "Content-Type: application/pdf")}
    fetched = await get(site)
    assert (fetched.content, fetched.content_type, fetched.url) == (b"%PDF-", "application/pdf", f"{site.url}/")
    assert fetched.fetched_at.utcoffset() is not None


# Redirects


async def test_up_to_five_redirects_are_followed(site: Site) -> None:
    site.answers = {f"/{hop}": redirect(f"/{hop + 1}") for hop in range(5)} | {"/5": ok(b"there")}
    assert (await get(site, "/0")).url == f"{site.url}/5"


async def test_endless_redirects_are_given_up(site: Site) -> None:
    site.answers = {"/": redirect("/")}
    with pytest.raises(ProviderError, match="redirects more than 5 times"):
        await get(site)
    assert len(site.heads) == 6


@pytest.mark.parametrize("location", ["b", "./b", "/b", "?b", "//localhost:{port}/b", "http://localhost:{port}/b#c"])
async def test_a_redirect_may_be_relative(site: Site, location: str) -> None:
    site.answers = {"/a": redirect(location.format(port=site.port)), "/b": ok(b"x"), "/a?b": ok(b"x")}
    assert (await get(site, "/a")).content == b"x"


@pytest.mark.parametrize("location", ["http://a:b:c/", "http://\xe4\xf6.\u202e/", "/" + "x" * 9_000])
async def test_a_redirect_to_nonsense_is_the_servers_fault(site: Site, location: str) -> None:
    site.answers = {"/": redirect(location)}
    with pytest.raises(ProviderError, match="redirects to something that is not an address"):
        await get(site)


async def test_no_cookie_takes_long_to_read(site: Site) -> None:
    site.answers = {"/": ok(b"x", "Set-Cookie: a=b", *[f"Set-Cookie2: {'a,' * 6_000}"] * 5)}
    before = time.process_time()
    assert (await get(site)).content == b"x"
    assert time.process_time() - before < 0.2


# Size


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(2_000_000),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"fffff\r\n" + bytes(0xFFFFF) + b"\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n",
        gzipped(bytes(2_000_000)),
        ok(zlib.compress(bytes(2_000_000)), "Content-Encoding: deflate"),
    ],
    ids=["to the end", "chunked", "declared", "gzip", "deflate"],
)
async def test_the_size_cap_holds_while_the_document_comes_in(site: Site, answer: bytes) -> None:
    site.answers = {"/": answer}
    with pytest.raises(ProviderError, match="more than the 1,000,000 bytes"):
        await get(site)


@pytest.mark.parametrize("answer", [ok(bytes(1_000_000)), gzipped(bytes(1_000_000))], ids=["as it is", "gzip"])
async def test_a_document_as_large_as_the_cap_is_taken(site: Site, answer: bytes) -> None:
    site.answers = {"/": answer}
    assert (await get(site)).content == bytes(1_000_000)


# Compression


TEXT = b"".join(b"line %d of a text that compresses a little\n" % number for number in range(20_000))


def raw_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzipped(TEXT).partition(b"\r\n\r\n")[2]),
        ("GZIP", gzipped(TEXT).partition(b"\r\n\r\n")[2]),
        ("x-gzip", gzipped(TEXT).partition(b"\r\n\r\n")[2]),
        ("identity, gzip", gzipped(TEXT).partition(b"\r\n\r\n")[2]),
        (
            "gzip",
            b"".join(gzipped(TEXT[i : i + 99_999]).partition(b"\r\n\r\n")[2] for i in range(0, len(TEXT), 99_999)),
        ),
        ("gzip", gzipped(TEXT).partition(b"\r\n\r\n")[2] + bytes(100)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("identity", TEXT),
    ],
    ids=["gzip", "GZIP", "x-gzip", "with identity", "members", "padding", "deflate", "raw deflate", "identity"],
)
async def test_one_layer_of_compression_is_unpacked(site: Site, encoding: str, body: bytes) -> None:
    site.answers = {"/": ok(body, f"Content-Encoding: {encoding}")}
    assert (await get(site)).content == TEXT


async def test_a_compressed_body_may_come_byte_by_byte(site: Site) -> None:
    site.answers = {"/": gzipped(b"drop by drop")}
    site.pause_seconds = 1e-6
    assert (await get(site)).content == b"drop by drop"


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Encoding: gzip, gzip"],
        ["Content-Encoding: gzip", "Content-Encoding: gzip"],
        ["Content-Encoding: deflate, gzip"],
        ["Content-Encoding: br"],
        ["Content-Encoding: zstd"],
        ["Content-Encoding: secret"],
    ],
)
async def test_other_compression_is_refused(site: Site, headers: list[str]) -> None:
    site.answers = {"/": ok(gzipped(b"x"), *headers)}
    with pytest.raises(ProviderError, match="expected gzip or deflate, once, or nothing"):
        await get(site)


@pytest.mark.parametrize(
    ("body", "said", "retryable"),
    [
        (gzipped(TEXT).partition(b"\r\n\r\n")[2][:-9], "cut short", True),
        (b"\x1f", "cut short", True),
        (b"not gzip at all", "damaged", False),
        (gzipped(TEXT).partition(b"\r\n\r\n")[2][:-8] + bytes(8), "damaged", False),
        (gzipped(b"").partition(b"\r\n\r\n")[2] * 2_000, "damaged", False),
    ],
    ids=["cut", "one byte", "text", "wrong checksum", "thousands of members"],
)
async def test_a_damaged_body_is_refused(site: Site, body: bytes, said: str, *, retryable: bool) -> None:
    site.answers = {"/": ok(body, "Content-Encoding: gzip")}
    with pytest.raises(ProviderError, match=f"a gzip body that is {said}") as caught:
        await get(site)
    assert caught.value.retryable is retryable


BOMB = """
import asyncio, resource, sys, zlib
from intermezzo.errors import ProviderError
from intermezzo.web import fetch
from tests.web.site import ok, running_site

def bomb():
    stream = zlib.compressobj(9, wbits=31)
    start = stream.compress(bytes(2**20)) + stream.flush(zlib.Z_FULL_FLUSH)
    again = stream.compress(bytes(2**20)) + stream.flush(zlib.Z_FULL_FLUSH)
    return ok(start + again * 1023 + stream.flush(), "Content-Encoding: gzip")

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

async def main():
    async with running_site() as site:
        site.answers = {"/": ok(b"small"), "/bomb": bomb()}
        await fetch(site.url, max_bytes=20 * 2**20)
        before = peak()
        try:
            await fetch(site.url + "/bomb", max_bytes=20 * 2**20)
        except ProviderError as error:
            assert "more than the 20,971,520 bytes" in str(error), error
            print(peak() - before)

asyncio.run(main())
"""


def test_a_bomb_of_a_gibibyte_costs_little_memory() -> None:
    ran = subprocess.run([sys.executable, "-c", BOMB], check=True, capture_output=True, text=True, timeout=60)
    assert int(ran.stdout) < 20_000_000


# Time and failures


async def test_a_server_that_never_answers_is_given_up_and_may_be_tried_again(site: Site) -> None:
    site.answers = {"/": b""}
    with pytest.raises(ProviderError, match=r"within 0\.2 seconds") as caught:
        await get(site, timeout_seconds=0.2)
    assert caught.value.retryable


async def test_a_server_that_trickles_is_given_up_in_time(site: Site) -> None:
    site.answers = {"/": ok(bytes(1_000))}
    site.pause_seconds = 0.05
    with pytest.raises(ProviderError, match=r"within 0\.3 seconds"):
        await get(site, timeout_seconds=0.3)


@pytest.mark.parametrize(
    ("status", "shown", "retryable"),
    [
        ("404 Gone fishing", "404 Not Found", False),
        ("503 Unavailable", "503 Service Unavailable", True),
        ("429 x", "429 Too Many Requests", True),
        ("304 x", "304 Not Modified", False),
        ("599 x", "599", True),
    ],
)
async def test_an_error_status_says_whether_to_try_again(
    site: Site, status: str, shown: str, *, retryable: bool
) -> None:
    site.answers = {"/": f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()}
    with pytest.raises(ProviderError, match=f"answered {shown}$") as caught:
        await get(site)
    assert caught.value.retryable is retryable


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"<p>HTTP/0.9", b"HTTP/1.1 2000 OK\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"HTTP/1.1 200 OK\r\nX",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        *(
            b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nhello"
            for length in (b"-5", b"+5", b"0x5", b"5, 6", b"6\r\nContent-Length: 5", b"9" * 5_000, b"500")
        ),
        CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        *(
            CHUNKED + b"\r\n" + chunks
            for chunks in (
                b"-5\r\nhello", b"F" * 30 + b"\r\nhello", b"5\r\nhello0\r\n\r\n", b"5\r\nhello\r\n",
                b"0\r\n" + b"X: y\r\n" * 30_000,
            )
        ),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1_000,
    ],
    ids=lambda answer: repr(answer[-30:]),
)  # fmt: skip
async def test_an_answer_that_is_not_http_may_be_asked_for_again(site: Site, answer: bytes) -> None:
    site.answers = {"/": answer}
    with pytest.raises(ProviderError, match="broke off, or does not answer as HTTP demands") as caught:
        await get(site)
    assert caught.value.retryable


SECRET_REQUESTS = {
    "an error status": b"HTTP/1.1 500 /?key=secret\r\nContent-Length: 0\r\n\r\n",
    "its own request as an answer": b"GET /?key=secret HTTP/1.1\r\n\r\n",
    "a header that is none": b"HTTP/1.1 200 OK\r\n?key=secret\r\n\r\n",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n?key=secret",
    "nothing": b"\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.9 ?key=secret\r\n",
    "compression": ok(b"x", "Content-Encoding: gzip"),
    "a redirect": redirect("ftp://localhost/?key=secret"),
    "a redirect to a password": redirect("http://ann:secret@localhost/"),
}


@pytest.mark.parametrize("name", SECRET_REQUESTS)
async def test_no_message_repeats_the_query(site: Site, name: str) -> None:
    site.answers = {"/?key=secret": SECRET_REQUESTS[name]}
    with pytest.raises((ProviderError, InvalidInput)) as caught:
        await get(site, "/?key=secret")
    assert f"http://localhost:{site.port}/" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/?key=secret", "http://ann:secret@localhost/", "http://ann:secret@[::1/", "ftp://a/?secret",
        "http://ann:secret@local host/", "http:\\\\ann:secret@localhost/", "?secret", "http://localhost:80/#secret",
        "ann:secret@localhost", "http://127.1/?secret", "http://8.8.8.8:22/?secret",
    ],
)  # fmt: skip
async def test_no_refusal_repeats_a_query_or_a_password(url: str) -> None:
    with pytest.raises((InvalidInput, ProviderError)) as caught:
        await fetch(url, max_bytes=10)
    assert "secret" not in str(caught.value)


async def test_an_unreachable_server_may_be_tried_again() -> None:
    with pytest.raises(ProviderError, match=r"cannot connect to http://127\.0\.0\.1:9/report\.pdf: ") as caught:
        await fetch("http://127.0.0.1:9/report.pdf?key=secret", max_bytes=10)
    assert caught.value.retryable
