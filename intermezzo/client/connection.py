"""Where the server is and who asks, and httpx's words for requests and answers."""

import os
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from intermezzo.client.exchange import Answer, Lost, Request
from intermezzo.client.failures import ConfigurationError

DEFAULT_URL = "http://127.0.0.1:8470"
"""Where `intermezzo serve` listens."""

_KEY_VARIABLES = ("INTERMEZZO_API_KEY", "CROWDSOURCERER_API_KEY")


@dataclass(frozen=True)
class Connection:
    """What a client is made with.

    Raises:
        ConfigurationError: there is no key, or the address or the key cannot be used.
    """

    api_key: str = field(repr=False)
    base_url: str
    timeout_seconds: float
    retries: int

    def __post_init__(self) -> None:
        if not self.api_key:
            raise ConfigurationError(f"expected an API key: give `api_key`, or set {_KEY_VARIABLES[0]}")
        if not self.api_key.isascii() or not self.api_key.isprintable() or " " in self.api_key:
            raise ConfigurationError("expected an API key, got text with characters that no key has")
        try:
            url = httpx.URL(self.base_url)
        except httpx.InvalidURL as error:
            raise ConfigurationError(f"expected the server's address, got {self.base_url!r}: {error}") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ConfigurationError(f"expected the server's address, http://… or https://…, got {self.base_url!r}")
        if self.timeout_seconds <= 0 or self.retries < 0:
            raise ConfigurationError("expected a positive timeout_seconds, and retries that are not negative")

    @property
    def options(self) -> dict[str, Any]:
        """Arguments of httpx's clients."""
        headers = {"Authorization": f"Bearer {self.api_key}", "User-Agent": "intermezzo-client"}
        return {"base_url": self.base_url, "headers": headers, "timeout": self.timeout_seconds}


def connection(api_key: str | None, base_url: str | None, timeout_seconds: float, retries: int) -> Connection:
    """What was given, else what the environment says."""
    known = (os.environ.get(name) for name in _KEY_VARIABLES)
    return Connection(
        api_key=api_key or next((key for key in known if key), ""),
        base_url=base_url or os.environ.get("INTERMEZZO_URL") or DEFAULT_URL,
        timeout_seconds=timeout_seconds,
        retries=retries,
    )


def arguments(request: Request, timeout_seconds: float) -> dict[str, Any]:
    """A request, as arguments of httpx."""
    headers = dict(request.headers)
    if request.idempotency_key:
        headers["Idempotency-Key"] = request.idempotency_key
    if request.text is not None:
        headers["Content-Type"] = "application/yaml"
    return {
        "method": request.method,
        "url": request.path,
        "params": dict(request.params),
        **({"json": request.body} if request.text is None else {"content": request.text.encode()}),
        "headers": headers,
        "timeout": httpx.Timeout(timeout_seconds, read=timeout_seconds + request.patience_seconds),
    }


def answer(response: httpx.Response) -> Answer:
    """A response of httpx."""
    return Answer(response.status_code, response.headers, response.content)


def lost(error: httpx.RequestError) -> Lost:
    """An error of httpx."""
    unheard = isinstance(
        error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.UnsupportedProtocol
    )
    return Lost(f"{type(error).__name__}: {error}".removesuffix(": "), heard=not unheard)


def new_idempotency_key() -> str:
    """One that nobody else uses."""
    return uuid4().hex
