"""The corpus: everything forbidden is refused before a connection is made, everything public gets through."""

from collections.abc import AsyncIterator

import httpx
import pytest

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.settings import settings
from intermezzo.web import Guard, fetch, post
from intermezzo.web.transport import GuardedTransport
from tests.web import corpus
from tests.web.internet import Internet
from tests.web.site import Site, ok, redirect, running_site

PUBLIC = "93.184.216.34"
NOT_PUBLIC = [address for group in corpus.NOT_PUBLIC_ADDRESSES.values() for address in group]
FORBIDDEN = [url for group in corpus.FORBIDDEN_URLS.values() for url in group]


@pytest.fixture
def internet(site: Site) -> Internet:
    """Every name is public, and every page says hello."""
    internet = Internet(site)
    internet.otherwise = [PUBLIC]
    site.otherwise = ok(b"hello")
    return internet


async def assert_refused(internet: Internet, url: str, dialled: list[tuple[str, int]] | None = None) -> None:
    """The address is refused as a mistake of the caller's, and nothing was connected to but what is said."""
    with pytest.raises(InvalidInput, match=r"^url: "):
        await internet.get(url)
    assert internet.dialled == (dialled or [])
    assert internet.site.connections == len(internet.dialled)


def literal(address: str) -> str:
    return f"http://[{address}]/" if ":" in address else f"http://{address}/"


@pytest.mark.parametrize("address", corpus.PUBLIC_ADDRESSES)
async def test_a_public_address_is_connected_to(internet: Internet, address: str) -> None:
    assert (await internet.get(literal(address))).content == b"hello"
    assert [host for host, _ in internet.dialled] == [address]
    assert internet.looked_up == []


@pytest.mark.parametrize("address", corpus.PUBLIC_ADDRESSES)
async def test_a_name_with_a_public_address_is_connected_to_there(internet: Internet, address: str) -> None:
    internet.names["example.com"] = [[address]]
    assert (await internet.get("http://example.com/")).content == b"hello"
    assert internet.dialled == [(address, 80)]


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_an_address_that_is_not_public_is_refused(internet: Internet, address: str) -> None:
    await assert_refused(internet, literal(address))


@pytest.mark.parametrize("address", NOT_PUBLIC)
async def test_a_name_whose_address_is_not_public_is_refused(internet: Internet, address: str) -> None:
    internet.names["example.com"] = [[address]]
    await assert_refused(internet, "http://example.com/")


@pytest.mark.parametrize("answers", corpus.MIXED_ANSWERS, ids=str)
async def test_one_address_that_is_not_public_refuses_the_name(internet: Internet, answers: list[str]) -> None:
    internet.names["example.com"] = [answers]
    await assert_refused(internet, "http://example.com/")


@pytest.mark.parametrize("url", FORBIDDEN, ids=lambda url: repr(url)[:60])
async def test_a_forbidden_url_is_refused(internet: Internet, url: str) -> None:
    await assert_refused(internet, url)
    assert internet.looked_up == []


@pytest.mark.parametrize("url", corpus.PUBLIC_URLS, ids=lambda url: repr(url)[:60])
async def test_a_public_url_gets_through(internet: Internet, url: str) -> None:
    assert (await internet.get(url)).content == b"hello"
    assert internet.dialled == [corpus.PUBLIC_URLS[url]]


@pytest.mark.parametrize("location", corpus.REDIRECTS)
async def test_a_redirect_to_what_is_forbidden_is_refused(internet: Internet, location: str) -> None:
    internet.names["inside.example.com"] = [["10.0.0.1"]]
    internet.site.answers["/start"] = redirect(location)
    with pytest.raises((InvalidInput, ProviderError)):
        await internet.get("http://example.com/start")
    assert internet.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize("status", [301, 303, 307, 308])
async def test_a_redirect_of_any_kind_to_what_is_forbidden_is_refused(internet: Internet, status: int) -> None:
    internet.site.answers["/start"] = redirect("http://10.0.0.1/").replace(b"302", b"%d" % status)
    await assert_refused(internet, "http://example.com/start", dialled=[(PUBLIC, 80)])


@pytest.mark.parametrize("status", [300, 304, 305, 306, 401, 407])
async def test_a_status_that_is_no_redirect_leads_nowhere(internet: Internet, status: int) -> None:
    internet.site.answers["/start"] = redirect("http://10.0.0.1/").replace(b"302", b"%d" % status)
    with pytest.raises(ProviderError, match=f"answered {status}"):
        await internet.get("http://example.com/start")
    assert internet.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize(
    "header", ["Location: http://10.0.0.1/", "Refresh: 0; url=http://10.0.0.1/", 'Alt-Svc: h2="10.0.0.1:443"']
)
async def test_a_header_of_a_page_leads_nowhere(internet: Internet, header: str) -> None:
    internet.site.otherwise = ok(b"hello", header)
    assert (await internet.get("http://example.com/")).content == b"hello"
    assert internet.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize("hops", [1, 2, 5])
async def test_a_forbidden_address_behind_public_ones_is_refused(internet: Internet, hops: int) -> None:
    for hop in range(hops):
        internet.site.answers[f"/{hop}"] = redirect(f"http://host{hop}.example.com/{hop + 1}")
    internet.site.answers[f"/{hops - 1}"] = redirect("http://192.168.0.1/")
    await assert_refused(internet, "http://example.com/0", dialled=[(PUBLIC, 80)] * hops)


# Rebinding: the name's owner answers the second look-up differently.


async def test_a_name_is_looked_up_once_and_its_first_answer_counts(internet: Internet) -> None:
    internet.names["rebind.example.com"] = [[PUBLIC], ["127.0.0.1"]]
    assert (await internet.get("http://rebind.example.com/")).content == b"hello"
    assert internet.looked_up == ["rebind.example.com"]
    assert internet.dialled == [(PUBLIC, 80)]


@pytest.mark.parametrize("second", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], ["::1"], ["169.254.169.254"]])
async def test_a_name_that_turns_private_between_two_redirects_is_refused(
    internet: Internet, second: list[str]
) -> None:
    internet.names["rebind.example.com"] = [[PUBLIC], second]
    internet.site.answers["/a"] = redirect("/b")
    await assert_refused(internet, "http://rebind.example.com/a", dialled=[(PUBLIC, 80)])


async def test_a_name_that_turns_private_between_two_requests_is_refused(internet: Internet) -> None:
    internet.names["rebind.example.com"] = [[PUBLIC], ["127.0.0.1"]]
    await post("http://rebind.example.com/", b"x", headers={}, transport=internet.transport())
    await assert_refused(internet, "http://rebind.example.com/", dialled=[(PUBLIC, 80)])


async def test_a_connection_that_ends_up_elsewhere_is_closed_before_anything_is_sent(internet: Internet) -> None:
    internet.diverted[PUBLIC] = "127.0.0.1"
    with pytest.raises(ProviderError, match="went to another address"):
        await internet.get("http://example.com/")
    assert internet.site.heads == []


async def test_a_connection_that_is_lost_at_once_may_be_tried_again(internet: Internet) -> None:
    internet.diverted[PUBLIC] = None
    with pytest.raises(ProviderError, match="lost as soon as it was made") as caught:
        await internet.get("http://example.com/")
    assert caught.value.retryable
    assert internet.site.heads == []


# Real sockets and the system's own resolver, with a server that listens wherever this machine can be reached.


@pytest.fixture
async def everywhere() -> AsyncIterator[Site]:
    async with running_site(host="") as site:
        site.otherwise = ok(b"inside")
        yield site


async def arrived(site: Site) -> int:
    """How many connections have come in, not counting those that make sure all of them have been accepted."""
    async with httpx.AsyncClient(trust_env=False) as unguarded:
        await unguarded.get(f"http://127.0.0.1:{site.port}/")
        await unguarded.get(f"http://[::1]:{site.port}/")
    return site.connections - 2


@pytest.mark.parametrize("template", corpus.LOOPBACK_URLS, ids=lambda url: repr(url)[:60])
async def test_no_spelling_of_this_machine_is_connected_to(everywhere: Site, template: str) -> None:
    url = template.replace("{port}", str(everywhere.port))
    guard = Guard(ports=frozenset({80, 443, everywhere.port}))
    with pytest.raises(InvalidInput, match=r"^url: "):
        await fetch(url, max_bytes=1_000, timeout_seconds=10, transport=GuardedTransport(guard))
    assert await arrived(everywhere) == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0", "localhost", "[::ffff:127.0.0.1]"])
async def test_without_the_guard_the_same_server_is_reached(everywhere: Site, host: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as unguarded:
        assert (await unguarded.get(f"http://{host}:{everywhere.port}/")).content == b"inside"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "[::1]", "localhost", "LOCALHOST"])
async def test_the_setting_for_development_opens_this_machine(
    everywhere: Site, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INTERMEZZO_ALLOW_LOOPBACK", "1")
    settings.cache_clear()
    assert (await fetch(f"http://{host}:{everywhere.port}/", max_bytes=1_000)).content == b"inside"


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://0.0.0.0/", "http://169.254.169.254/", "http://8.8.8.8:22/"]
)
async def test_the_setting_for_development_opens_nothing_else(internet: Internet, url: str) -> None:
    with pytest.raises(InvalidInput):
        await fetch(url, max_bytes=1_000, transport=internet.transport(guard=Guard(allow_loopback=True)))
    assert internet.dialled == []
