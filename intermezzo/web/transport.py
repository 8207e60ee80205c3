"""Connections that are checked where they are made: an httpx transport over httpcore's network backend.

Used by `fetch` and `post`. A name is looked up once, every answer is checked, and the connection goes to
one of those very addresses, so that no name can point elsewhere between the check and the connection. Host header
and TLS keep the name.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, cast

import httpcore
import httpx

from intermezzo.errors import ProviderError
from intermezzo.web.addresses import IPAddress, parse_address
from intermezzo.web.guard import Guard
from intermezzo.web.urls import shown_url

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Looks up a host for a port: the IP addresses it stands for; raises ProviderError when it finds none."""

MAX_HEADER_BYTES = 64 * 1024
MAX_HEADERS = 200

_MAX_TRIED_ADDRESSES = 4

_READ_BYTES = 16 * 1024
"""Read at once. What is in it, such as thousands of chunks of one byte, is taken apart before anything else runs."""


async def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that the operating system knows for a host.

    Raises:
        ProviderError: it knows none; retryable when it could not ask.
    """
    # Nothing ends a look-up: in asyncio's few threads, some names whose servers keep silent would hold up all else.
    thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="look-up")
    try:
        answers = await asyncio.get_running_loop().run_in_executor(
            thread, socket.getaddrinfo, host, port, socket.AF_UNSPEC, socket.SOCK_STREAM
        )
    except (OSError, UnicodeError) as error:
        later = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
        raise ProviderError(
            f"cannot find the host {host!r}: {error}; check its spelling, and the network of this machine",
            retryable=later,
        ) from None
    finally:
        thread.shutdown(wait=False)
    return [str(answer[4][0]) for answer in answers]


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Makes connections to checked literal addresses."""

    def __init__(self, guard: Guard, resolver: Resolver, network: httpcore.AsyncNetworkBackend) -> None:
        self._guard = guard
        self._resolver = resolver
        self._network = network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Look up the host once, check all it stands for, and connect to the first address that answers.

        Args:
            host: a name or an address.
            port: where to.
            timeout: seconds for all of it.
            local_address: which of this machine's addresses to use.
            socket_options: for the socket.

        Raises:
            InvalidInput: an address is not allowed.
            ProviderError: there is none, or the connection went elsewhere.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout if timeout is not None else None
        addresses = self._guard.check_answers(host, port, await self._answers(host, port, timeout))
        tried = addresses[:_MAX_TRIED_ADDRESSES]
        for index, address in enumerate(tried):
            # An address that swallows packets must leave time for the next one.
            share = (deadline - loop.time()) / (len(tried) - index) if deadline is not None else None
            try:
                stream = await self._network.connect_tcp(
                    str(address), port, timeout=share, local_address=local_address, socket_options=socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if index == len(tried) - 1:
                    raise
            else:
                await _check_peer(stream, address, port)
                return _Stream(stream)
        raise AssertionError("the guard lets no host without addresses pass")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002 - as above
    ) -> httpcore.AsyncNetworkStream:
        """Refused: what listens on a socket file is never public.

        Raises:
            ProviderError: always.
        """
        raise ProviderError(f"connections to socket files are refused, got {path!r}")

    async def sleep(self, seconds: float) -> None:
        """Wait; httpcore's way of pausing before it tries again."""
        await self._network.sleep(seconds)

    async def _answers(self, host: str, port: int, seconds: float | None) -> Sequence[str]:
        if parse_address(host):
            return [host]
        try:
            async with asyncio.timeout(seconds):
                return await self._resolver(host, port)
        except TimeoutError:
            raise ProviderError(f"cannot find the host {host!r} within {seconds} seconds", retryable=True) from None


def real_network() -> httpcore.AsyncNetworkBackend:
    """What makes real connections."""
    # Its class is declared in two ways, one of them for where anyio is missing.
    return cast("httpcore.AsyncNetworkBackend", httpcore.AnyIOBackend())


async def _check_peer(stream: httpcore.AsyncNetworkStream, address: IPAddress, port: int) -> None:
    """Close a connection that did not go where it was sent."""
    peer = cast("Sequence[object] | None", stream.get_extra_info("server_addr"))
    if peer is None:
        await stream.aclose()
        raise ProviderError(f"the connection to {address} was lost as soon as it was made", retryable=True)
    if (parse_address(str(peer[0])), peer[1]) != (address, port):
        await stream.aclose()
        raise ProviderError("the connection went to another address than the one that was checked; it was closed")


class _Stream(httpcore.AsyncNetworkStream):
    """A connection that is read in small pieces, and closed if it is given up while TLS is being agreed on."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's signature
        return await self._stream.read(min(max_bytes, _READ_BYTES), timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - as above
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - as above
    ) -> httpcore.AsyncNetworkStream:
        try:
            return await self._stream.start_tls(ssl_context, server_hostname, timeout)
        except asyncio.CancelledError:
            # httpcore closes it after errors only.
            await self.aclose()
            raise

    def get_extra_info(self, info: str) -> object:
        return self._stream.get_extra_info(info)


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests, each checked anew, over a pool of guarded connections; its failures are ours.

    Args:
        guard: what may be connected to; None: what the settings say.
        resolver: looks up names; None: the operating system's.
        network: makes connections, to literal addresses only; None: the real one.
        ssl_context: whose certificates are trusted; None: certifi's.
    """

    def __init__(
        self,
        guard: Guard | None = None,
        *,
        resolver: Resolver | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.guard = guard or Guard.from_settings()
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context or _trusting_certifi(),
            network_backend=GuardedNetwork(self.guard, resolver or system_resolver, network or real_network()),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request.

        Raises:
            InvalidInput: it may not be sent.
            ProviderError: it failed.
        """
        self.guard.check_url(request.url)
        with _failures_of(request.url):
            response = await self._pool.handle_async_request(_wire_request(request))
        answer = httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(response, request.url),
            extensions=dict(cast("dict[str, Any]", response.extensions)),  # pyright: ignore[reportUnknownMemberType]
        )
        try:
            _check_headers(answer, request.url)
        except ProviderError:
            await response.aclose()
            raise
        return answer

    async def aclose(self) -> None:
        """Close all connections."""
        await self._pool.aclose()


class _Body(httpx.AsyncByteStream):
    """A response's body, whose failures are ours."""

    def __init__(self, response: httpcore.Response, url: httpx.URL) -> None:
        self._response = response
        self._url = url

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _failures_of(self._url):
            async for chunk in self._response.aiter_stream():
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


@cache
def _trusting_certifi() -> ssl.SSLContext:
    # Once: reading the certificates takes longer than many a request.
    return httpx.create_ssl_context(trust_env=False)


def _wire_request(request: httpx.Request) -> httpcore.Request:
    url = request.url
    assert isinstance(request.stream, httpx.AsyncByteStream)
    extensions: dict[str, Any] = dict(request.extensions)
    if url.raw_host.endswith(b"."):
        # Certificates know a name without its final dot only.
        extensions["sni_hostname"] = url.raw_host.decode("ascii").removesuffix(".")
    return httpcore.Request(
        method=request.method,
        url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
        headers=request.headers.raw,
        content=request.stream,
        extensions=extensions,
    )


def _check_headers(response: httpx.Response, url: httpx.URL) -> None:
    headers = response.headers.raw
    size = sum(len(name) + len(value) for name, value in headers)
    if size > MAX_HEADER_BYTES or len(headers) > MAX_HEADERS:
        raise ProviderError(
            f"{shown_url(url)} answers with {len(headers):,} headers of {size:,} bytes; "
            f"at most {MAX_HEADERS:,} of {MAX_HEADER_BYTES:,} bytes are read"
        )


@contextlib.contextmanager
def _failures_of(url: httpx.URL) -> Generator[None, None, None]:
    """Turn what goes wrong with a request into a ProviderError that says so and whether to try again.

    The libraries' own texts may quote what the server sent, which may repeat the query, so only those about the
    connection are passed on.
    """
    try:
        yield
    except httpcore.TimeoutException:
        raise ProviderError(f"{shown_url(url)} did not answer in time", retryable=True) from None
    except httpcore.ConnectError as error:
        # Its cause is taken away on the way here.
        distrusted = isinstance(error.__context__, ssl.SSLCertVerificationError)
        message = f"cannot connect to {shown_url(url)}: {str(error)[:200] or 'the connection was closed'}"
        raise ProviderError(message, retryable=not distrusted) from None
    except httpcore.ProtocolError:
        message = f"{shown_url(url)} broke off, or does not answer as HTTP demands"
        raise ProviderError(message, retryable=True) from None
    except (httpcore.NetworkError, OSError) as error:
        message = f"the connection to {shown_url(url)} was lost: {type(error).__name__}"
        raise ProviderError(message, retryable=True) from None
