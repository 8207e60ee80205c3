"""A document is fetched from public addresses only, in bounded size and time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.primitives.document_parse import parse_url
from intermezzo.primitives.fetch import Fetcher, is_public


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "2a00:1450:4001::5"])
def test_public_addresses_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255", "168.63.129.16", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1",
        "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1", "2001::1", "5f00::1",
        "fe80::1%eth0", "localhost", "",
    ],
)  # fmt: skip
def test_every_other_address_is_not(address: str) -> None:
    assert not is_public(address)


class Site:
    """A tiny web server on loopback: path → the raw answer."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.heads: list[str] = []
        self.port = 0
        self.ended = asyncio.Event()

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def fetcher(self, *, max_bytes: int = 1_000_000, timeout_seconds: float = 5.0) -> Fetcher:
        return Fetcher(
            max_bytes=max_bytes,
            timeout_seconds=timeout_seconds,
            ports=frozenset({self.port}),
            allows=lambda address: address in ("127.0.0.1", "::1"),
        )

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.heads.append(head)
        if answer := self.answers[head.split()[1]]:
            writer.write(answer)
        else:
            await self.ended.wait()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    probe = await asyncio.start_server(site.answer, "127.0.0.1", 0)
    site.port = probe.sockets[0].getsockname()[1]
    probe.close()
    # On every address that `localhost` stands for, with the same port: either may be asked first.
    async with await asyncio.start_server(site.answer, "localhost", site.port):
        yield site
        site.ended.set()
        await asyncio.sleep(0)


def ok(body: bytes, *headers: str) -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""])
    return head.encode() + body


def redirect(location: str) -> bytes:
    return (f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").encode()


async def test_a_fetched_document_is_parsed_and_says_where_it_came_from(site: Site) -> None:
    site.answers = {
        "/a": redirect("/b?x=1"),
        "/b?x=1": ok("grün".encode("latin-1"), "Content-Type: text/plain"),
    }
    output = await parse_url(f"{site.url}/a", None, site.fetcher())
    assert output.text == "grün"
    assert output.metadata["url"] == f"{site.url}/b?x=1"


async def test_the_host_is_named_though_the_address_is_connected_to(site: Site) -> None:
    site.answers = {"/": ok(b"x")}
    await site.fetcher().get(site.url)
    assert f"host: localhost:{site.port}" in site.heads[0].lower()


@pytest.mark.parametrize(
    "location",
    ["http://10.0.0.1:{port}/", "ftp://localhost/", "http://localhost:22/", "//user:pass@localhost:{port}/"],
)
async def test_every_redirect_is_checked_again(site: Site, location: str) -> None:
    site.answers = {"/": redirect(location.format(port=site.port))}
    with pytest.raises(InvalidInput, match="url: "):
        await site.fetcher().get(site.url)


async def test_endless_redirects_are_given_up(site: Site) -> None:
    site.answers = {"/": redirect("/")}
    with pytest.raises(ProviderError, match="redirects more than 5 times"):
        await site.fetcher().get(site.url)
    assert len(site.heads) == 6


async def test_the_size_cap_holds_while_the_document_comes_in(site: Site) -> None:
    site.answers = {"/": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + bytes(2_000_000)}
    with pytest.raises(ProviderError, match="more than the 1,000,000 bytes"):
        await site.fetcher().get(site.url)


async def test_a_server_that_never_answers_is_given_up_and_may_be_tried_again(site: Site) -> None:
    site.answers = {"/": b""}
    with pytest.raises(ProviderError, match=r"within 0\.2 seconds") as caught:
        await site.fetcher(timeout_seconds=0.2).get(site.url)
    assert caught.value.retryable


@pytest.mark.parametrize(("status", "retryable"), [("404 Not Found", False), ("503 Unavailable", True)])
async def test_an_error_status_says_whether_to_try_again(site: Site, status: str, *, retryable: bool) -> None:
    site.answers = {"/": f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()}
    with pytest.raises(ProviderError, match=status) as caught:
        await site.fetcher().get(site.url)
    assert caught.value.retryable is retryable


async def test_an_unreachable_server_may_be_tried_again() -> None:
    fetcher = Fetcher(max_bytes=10, ports=frozenset({9}), allows=bool)
    with pytest.raises(ProviderError, match="could not get") as caught:
        await fetcher.get("http://127.0.0.1:9/report.pdf?key=secret")
    assert caught.value.retryable
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/", "http://localhost/", "http://[::1]/", "http://2130706433/", "http://0x7f.1/",
        "http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/", "https://10.0.0.1/", "gopher://x/",
        "http://8.8.8.8:22/", "http://user@8.8.8.8/", "http://", "report.pdf",
    ],
)  # fmt: skip
async def test_addresses_that_are_not_public_are_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="url: "):
        await Fetcher(max_bytes=10).get(url)
