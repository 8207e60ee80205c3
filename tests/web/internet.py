"""A small internet for tests: names that resolve as scripted, and public addresses that lead to a local server.

Everything between is real: httpx, httpcore, the guard, sockets. Only the system's resolver is replaced, and the last
step of a connection, which goes to the local server whatever address is dialled, and writes that address down.
"""

import ssl
from collections.abc import Iterable
from typing import Any

import httpcore

from intermezzo.errors import ProviderError
from intermezzo.web import Fetched, Guard, fetch
from intermezzo.web.transport import GuardedTransport, real_network
from tests.web.site import Site


class _Line(httpcore.AsyncNetworkStream):
    """A connection to the local server that believes it goes to the address which was dialled."""

    def __init__(self, stream: httpcore.AsyncNetworkStream, peer: tuple[str, int] | None, internet: "Internet") -> None:
        self._stream = stream
        self._peer = peer
        self._internet = internet
        internet.open_lines.add(self)

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        self._internet.read_sizes.append(max_bytes)
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        self._internet.open_lines.discard(self)
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> httpcore.AsyncNetworkStream:
        return await self._stream.start_tls(ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        return self._peer if info == "server_addr" else self._stream.get_extra_info(info)


class Internet(httpcore.AsyncNetworkBackend):
    """Scripted names in front of one local server."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.names: dict[str, list[list[str]]] = {}
        """Name → what each look-up answers; the last one stays."""
        self.otherwise: list[str] | None = None
        """What any other name answers."""
        self.looked_up: list[str] = []
        self.dialled: list[tuple[str, int]] = []
        self.patience: list[float | None] = []
        """How many seconds each of those was given."""
        self.dead: set[str] = set()
        """Addresses where nobody answers."""
        self.diverted: dict[str, str | None] = {}
        """Addresses whose connections end up elsewhere, or nowhere."""
        self.read_sizes: list[int] = []
        """How many bytes were asked for at once."""
        self.open_lines: set[httpcore.AsyncNetworkStream] = set()
        """Connections that nobody has closed."""

    def transport(self, *, guard: Guard | None = None, ssl_context: ssl.SSLContext | None = None) -> GuardedTransport:
        return GuardedTransport(guard or Guard(), resolver=self.resolve, network=self, ssl_context=ssl_context)

    async def get(self, url: str) -> Fetched:
        return await fetch(url, max_bytes=1_000, timeout_seconds=10, transport=self.transport())

    async def resolve(self, host: str, _port: int) -> list[str]:
        self.looked_up.append(host)
        if answers := self.names.get(host.removesuffix(".")):
            return answers.pop(0) if len(answers) > 1 else answers[0]
        if self.otherwise is None:
            raise ProviderError(f"cannot find the host {host!r}")
        return self.otherwise

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002 - as above
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.AsyncNetworkStream:
        self.dialled.append((host, port))
        self.patience.append(timeout)
        if host in self.dead:
            raise httpcore.ConnectTimeout
        stream = await real_network().connect_tcp("127.0.0.1", self.site.port, timeout)
        end = self.diverted.get(host, host)
        return _Line(stream, (end, port) if end else None, self)
