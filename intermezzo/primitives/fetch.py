"""Getting a document from a public address, and from nowhere else; called by `document_parse`.

Every hop is resolved once, refused if any answer is not public, and connected to at that very address, so
that a name cannot point elsewhere between the check and the connection.
"""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput, ProviderError

if TYPE_CHECKING:
    import httpx

MAX_URL_CHARACTERS = 8_192

_NOT_PUBLIC_V4 = [
    ip_network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/3",
    )
]  # fmt: skip
_PUBLIC_V6 = ip_network("2000::/3")
_NOT_PUBLIC_V6 = [
    ip_network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]  # fmt: skip


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet.

    Python's own `is_global` counts multicast and addresses that wrap a private one (6to4, NAT64) as global.
    """
    try:
        ip: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        return ip.scope_id is None and ip in _PUBLIC_V6 and not any(ip in block for block in _NOT_PUBLIC_V6)
    return not any(ip in block for block in _NOT_PUBLIC_V4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A document as it came."""

    url: str
    """Where it came from, after redirects."""
    content: bytes
    content_type: str
    """What the server says it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """A guarded GET."""

    max_bytes: int
    """Largest document, counted after decompression while it comes in."""
    timeout_seconds: float = 30.0
    """For everything together, redirects too."""
    max_redirects: int = 5
    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    """Ports that may be asked; others serve things that are not documents."""
    allows: Callable[[str], bool] = is_public
    """Whether an address may be connected to."""

    async def get(self, url: str) -> Fetched:
        """Get a document.

        Raises:
            InvalidInput: the address is not public, or not one of a document.
            ProviderError: the server failed, was too slow, or sent too much.
        """
        import httpx

        try:
            async with asyncio.timeout(self.timeout_seconds), _client() as client:
                return await self._follow(client, url)
        except TimeoutError:
            message = f"{_shown(url)} did not answer in full within {self.timeout_seconds:g} seconds"
            raise ProviderError(message, retryable=True) from None
        except httpx.InvalidURL as error:
            raise InvalidInput(f"url: expected an http or https address, got {_shown(url)!r}: {error}") from None
        except httpx.HTTPError as error:
            message = f"could not get {_shown(url)}: {type(error).__name__}: {str(error)[:200]}"
            raise ProviderError(message, retryable=isinstance(error, httpx.TransportError)) from error

    async def _follow(self, client: "httpx.AsyncClient", url: str) -> Fetched:
        import httpx

        target = httpx.URL(url)
        for _ in range(self.max_redirects + 1):
            request = await self._request(client, target)
            response = await client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    content = await self._read(response, str(target))
                    return Fetched(
                        url=str(target),
                        content=content,
                        content_type=response.headers.get("content-type", ""),
                    )
                target = target.join(response.headers["location"])
            finally:
                await response.aclose()
        raise ProviderError(f"{_shown(url)} redirects more than {self.max_redirects} times")

    async def _request(self, client: "httpx.AsyncClient", url: "httpx.URL") -> "httpx.Request":
        """A request to the checked literal address, in the name of the host."""
        if url.scheme not in ("http", "https") or not url.host:
            raise InvalidInput(f"url: expected an http or https address, got {_shown(str(url))!r}")
        if url.userinfo:
            raise InvalidInput("url: names and passwords in the address are refused; use a link that needs none")
        port = url.port or (443 if url.scheme == "https" else 80)
        if port not in self.ports:
            allowed = ", ".join(map(str, sorted(self.ports)))
            raise InvalidInput(f"url: expected one of the ports {allowed}, got {port}")
        address = await self._resolve(url.host, port)
        return client.build_request(
            "GET",
            url.copy_with(host=address),
            headers={"host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.raw_host.decode("ascii")},
        )

    async def _resolve(self, host: str, port: int) -> str:
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise ProviderError(f"cannot find the host {host!r}: {error}", retryable=True) from error
        addresses = [str(answer[4][0]) for answer in answers]
        # One private answer refuses all: which one is used must not be up to the name's owner.
        if not addresses or not all(map(self.allows, addresses)):
            raise InvalidInput(f"url: expected a public address, and {host!r} is not; send it as content_base64")
        return addresses[0]

    async def _read(self, response: "httpx.Response", url: str) -> bytes:
        if not response.is_success:
            status = response.status_code
            message = f"{_shown(url)} answered {status} {response.reason_phrase}"
            raise ProviderError(message, retryable=response.is_server_error or status in (408, 425, 429))
        if "," in response.headers.get("content-encoding", ""):
            raise ProviderError(f"{_shown(url)} compresses its answer more than once, which is refused")
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > self.max_bytes:
                raise ProviderError(f"{_shown(url)} sends more than the {self.max_bytes:,} bytes a document may have")
        return bytes(content)


def _client() -> "httpx.AsyncClient":
    import httpx

    # `trust_env` off: a proxy from the environment would resolve names itself, unchecked.
    return httpx.AsyncClient(
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(10.0),
        headers={"user-agent": "intermezzo", "accept-encoding": "identity"},
    )


def _shown(url: str) -> str:
    """An address for an error message: without its query, which may hold a key."""
    return url.partition("?")[0].partition("#")[0][:200]
