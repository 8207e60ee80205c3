"""The guarded connections as httpx and TLS see them, whatever is sent over them."""

import asyncio
import datetime as dt
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.web import Guard, fetch, post
from intermezzo.web.transport import GuardedNetwork, real_network, system_resolver
from tests.web.internet import Internet
from tests.web.site import Site, ok, redirect, running_site

PUBLIC = "93.184.216.34"


async def test_the_host_is_named_though_the_address_is_connected_to(internet: Internet) -> None:
    internet.names = {"example.com": [[PUBLIC]]}
    internet.site.answers = {"/": ok(b"x")}
    await internet.get("http://Example.com:8080/")
    assert "host: example.com:8080\r\n" in internet.site.heads[0].lower()


async def test_a_proxy_in_the_environment_is_not_used(
    internet: Internet, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{site.port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    internet.names = {"example.com": [[PUBLIC]]}
    site.answers = {"/": ok(b"direct")}
    await internet.get("http://example.com/")
    await post("http://example.com/", b"", headers={}, transport=internet.transport())
    # Who asks a proxy gives it the whole address.
    assert [head.split("\r\n")[0] for head in site.heads] == ["GET / HTTP/1.1", "POST / HTTP/1.1"]


async def test_passwords_of_netrc_are_not_sent(
    internet: Internet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine example.com login ann password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    internet.names = {"example.com": [[PUBLIC]]}
    internet.site.answers = {"/": ok(b"x")}
    await internet.get("http://example.com/")
    assert "authorization" not in internet.site.heads[0].lower()


async def test_a_cookie_is_brought_back_where_it_came_from_and_nowhere_else(internet: Internet) -> None:
    internet.otherwise = [PUBLIC]
    cookie = redirect("/b").replace(b"Connection", "Set-Cookie: seen=jüst\r\nConnection".encode())
    internet.site.answers = {"/a": cookie, "/b": redirect("http://other.example/c"), "/c": ok(b"x")}
    await internet.get("http://example.com/a")
    assert ["cookie: seen=jüst" in head.lower() for head in internet.site.heads] == [False, True, False]


async def test_an_address_where_nobody_answers_gives_way_to_the_next(internet: Internet) -> None:
    internet.names = {"example.com": [["2606:4700:4700::1111", PUBLIC]]}
    internet.dead = {"2606:4700:4700::1111"}
    internet.site.answers = {"/": ok(b"x")}
    await internet.get("http://example.com/")
    assert internet.dialled == [("2606:4700:4700::1111", 80), (PUBLIC, 80)]


async def test_an_address_that_swallows_packets_leaves_time_for_the_next(internet: Internet) -> None:
    internet.names = {"example.com": [["2606:4700:4700::1111", PUBLIC]]}
    internet.dead = {"2606:4700:4700::1111"}
    network = GuardedNetwork(Guard(), internet.resolve, internet)
    stream = await network.connect_tcp("example.com", 80, timeout=10.0)
    await stream.aclose()
    first, second = internet.patience
    assert first is not None
    assert second is not None
    assert first <= 5.0 < second <= 10.0


async def test_not_all_of_many_addresses_are_tried(internet: Internet) -> None:
    answers = [f"8.8.8.{number}" for number in range(50)]
    internet.names = {"example.com": [answers]}
    internet.dead = set(answers)
    with pytest.raises(ProviderError, match="did not answer in time") as caught:
        await internet.get("http://example.com/")
    assert caught.value.retryable
    assert len(internet.dialled) == 4


async def test_a_look_up_that_takes_too_long_is_given_up(internet: Internet) -> None:
    async def never(_host: str, _port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    network = GuardedNetwork(Guard(), never, internet)
    with pytest.raises(ProviderError, match="cannot find the host") as caught:
        await network.connect_tcp("example.com", 80, timeout=0.01)
    assert caught.value.retryable


async def test_look_ups_that_hang_hold_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    quick = socket.getaddrinfo

    def look_up(host: str, *args: Any, **options: Any) -> Any:
        if host == "hangs.example.com":
            released.wait(60)
        return quick("127.0.0.1", *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    hanging = [asyncio.create_task(system_resolver("hangs.example.com", 80)) for _ in range(40)]
    try:
        async with asyncio.timeout(10):
            assert await system_resolver("example.com", 80) == ["127.0.0.1"]
            await asyncio.to_thread(int)
    finally:
        released.set()
        await asyncio.gather(*hanging)


async def test_a_name_that_does_not_exist_is_not_worth_another_try() -> None:
    with pytest.raises(ProviderError, match=r"cannot find the host 'nothing\.invalid'"):
        await system_resolver("nothing.invalid", 80)


async def test_socket_files_are_refused(internet: Internet) -> None:
    network = GuardedNetwork(Guard(), internet.resolve, real_network())
    with pytest.raises(ProviderError, match="socket files are refused"):
        await network.connect_unix_socket("/run/docker.sock")


@pytest.mark.parametrize(
    "headers",
    [[f"X-{number}: x" for number in range(300)], [f"X-{number}: {'x' * 7_000}" for number in range(11)]],
)
async def test_too_many_or_too_large_headers_are_refused(internet: Internet, headers: list[str]) -> None:
    internet.site.answers = {"/": ok(b"x", *headers)}
    with pytest.raises(ProviderError, match=r"headers of [\d,]+ bytes; at most"):
        await internet.get("http://8.8.8.8/")


async def test_a_header_without_end_is_given_up(internet: Internet) -> None:
    internet.site.answers = {"/": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000}
    with pytest.raises(ProviderError, match="does not answer as HTTP demands"):
        await internet.get("http://8.8.8.8/")


async def test_little_is_read_at_once_whatever_is_in_it(internet: Internet) -> None:
    internet.site.answers = {"/": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 999}
    with pytest.raises(ProviderError, match="broke off"):
        await internet.get("http://8.8.8.8/")
    assert max(internet.read_sizes) <= 16 * 1024


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"])
async def test_a_fetch_that_is_cancelled_leaves_nothing_open(internet: Internet, start: bytes) -> None:
    internet.site.answers = {"/": start + b"and so on"}
    internet.site.pause_seconds = 0.005
    tasks = asyncio.all_tasks()
    fetching = asyncio.create_task(internet.get("http://8.8.8.8/"))
    while not internet.open_lines:
        await asyncio.sleep(0.001)
    await asyncio.sleep(0.005 * len(start) / 2)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert internet.open_lines == set()
    await internet.site.end()
    assert asyncio.all_tasks() == tasks


async def test_many_are_fetched_at_once_and_slow_ones_delay_no_other(internet: Internet) -> None:
    internet.site.answers = {"/slow": b"", "/": ok(b"x")}
    slow = [asyncio.create_task(internet.get("http://8.8.8.8/slow")) for _ in range(20)]
    async with asyncio.timeout(5):
        assert {
            each.content for each in await asyncio.gather(*[internet.get("http://8.8.8.8/") for _ in range(50)])
        } == {b"x"}
    for each in slow:
        each.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert internet.open_lines == set()


# TLS


def certificates(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's and a client's context, with a certificate for `secure.example.com` and 8.8.8.8."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "secure.example.com")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("secure.example.com"), x509.IPAddress(ip_address("8.8.8.8"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = folder / "chain.pem"
    chain.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    return server, ssl.create_default_context(cadata=certificate.public_bytes(serialization.Encoding.PEM).decode())


class Secure:
    """The small internet with TLS, and the server names it was asked for."""

    def __init__(self, internet: Internet, trust: ssl.SSLContext, server: ssl.SSLContext) -> None:
        self.internet = internet
        self.trust = trust
        self.server_names: list[str | None] = []
        server.sni_callback = lambda _socket, name, _context: self.server_names.append(name)

    async def get(self, url: str) -> bytes:
        transport = self.internet.transport(ssl_context=self.trust)
        return (await fetch(url, max_bytes=100, timeout_seconds=10, transport=transport)).content


@pytest.fixture
async def secure(tmp_path: Path) -> AsyncIterator[Secure]:
    server, trust = certificates(tmp_path)
    async with running_site(tls=server) as site:
        site.answers = {"/": ok(b"secret"), "/down": redirect("http://secure.example.com/")}
        internet = Internet(site)
        internet.names = {"secure.example.com": [[PUBLIC]], "other.example.com": [[PUBLIC]]}
        yield Secure(internet, trust, server)


@pytest.mark.parametrize("host", ["secure.example.com", "secure.example.com."])
async def test_tls_names_the_host_and_checks_its_certificate(secure: Secure, host: str) -> None:
    assert await secure.get(f"https://{host}/") == b"secret"
    assert secure.server_names == ["secure.example.com"]
    assert secure.internet.dialled == [(PUBLIC, 443)]


async def test_tls_to_a_literal_address_checks_the_certificate_for_it(secure: Secure) -> None:
    assert await secure.get("https://8.8.8.8/") == b"secret"


async def test_a_certificate_of_another_host_is_refused(secure: Secure) -> None:
    with pytest.raises(ProviderError, match="certificate verify failed") as caught:
        await secure.get("https://other.example.com/?key=hidden")
    assert not caught.value.retryable
    assert "hidden" not in str(caught.value)
    assert secure.internet.site.heads == []


async def test_a_redirect_from_https_to_http_is_refused(secure: Secure) -> None:
    with pytest.raises(InvalidInput, match=r"^url: .* redirects to http://secure.example.com/, which is not encrypted"):
        await secure.get("https://secure.example.com/down")
    assert secure.internet.dialled == [(PUBLIC, 443)]


async def test_a_connection_that_is_given_up_while_tls_is_agreed_on_is_closed(internet: Internet) -> None:
    with pytest.raises(ProviderError, match=r"within 0\.1 seconds"):
        await fetch("https://8.8.8.8/", max_bytes=10, timeout_seconds=0.1, transport=internet.transport())
    async with asyncio.timeout(5):
        await internet.site.end()
    assert internet.site.connections == 1


async def test_a_server_that_hangs_up_instead_of_agreeing_on_tls_may_be_tried_again(internet: Internet) -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        internet.site.port = server.sockets[0].getsockname()[1]
        with pytest.raises(
            ProviderError, match=r"cannot connect to https://8\.8\.8\.8/: the connection was closed"
        ) as caught:
            await internet.get("https://8.8.8.8/")
    assert caught.value.retryable
