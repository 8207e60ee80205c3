"""What may be connected to: the rules for addresses, names and ports, without any I/O.

The transport asks for every request and again for every connection.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from intermezzo.errors import InvalidInput
from intermezzo.web.addresses import IPAddress, is_loopback, is_public, parse_address
from intermezzo.web.urls import shown_url

if TYPE_CHECKING:
    import httpx

_DEFAULT_PORTS = {"http": 80, "https": 443}

_NAME = re.compile(r"(?=.{1,254}$)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?")

_LOCAL_DOMAINS = frozenset({
    "alt", "arpa", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "localhost", "onion",
    "private", "svc",
})  # fmt: skip
"""Top-level domains that the public internet does not have: whoever answers for them is nearby."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Rules for outgoing connections."""

    ports: frozenset[int] = frozenset({80, 443, 8080, 8443})
    """Ports that may be connected to; others serve things that are not documents."""
    allow_loopback: bool = False
    """Whether this machine's own addresses may be connected to as well, on any port; for development and tests."""

    @classmethod
    def from_settings(cls) -> "Guard":
        """The rules that the operator has set."""
        # Loaded here, so that a step which sends nothing starts without it.
        from intermezzo.settings import settings

        return cls(allow_loopback=settings().allow_loopback)

    def check_url(self, url: "httpx.URL") -> None:
        """Refuse an address that may not be asked for, before anything is looked up.

        Raises:
            InvalidInput: its scheme, host, port or address is not allowed, or it holds a password.
        """
        # As it is connected to: `url.host` would decode an international name, and fail on a malformed one.
        host = url.raw_host.decode("ascii")
        if url.scheme not in _DEFAULT_PORTS or not host:
            raise InvalidInput(f"expected an http or https address, got {shown_url(url)!r}")
        if url.userinfo:
            raise InvalidInput("names and passwords in the address are refused; use an address that needs none")
        port = _DEFAULT_PORTS[url.scheme] if url.port is None else url.port
        if literal := parse_address(host):
            self._check_address(host, port, literal)
        else:
            self._check_name(host, port)

    def check_answers(self, host: str, port: int, answers: Sequence[str]) -> list[IPAddress]:
        """Refuse a host unless every address it resolves to may be connected to.

        All of them, because otherwise whoever owns the name decides which one is used.

        Args:
            host: the name that was looked up, or an address.
            port: which port is wanted.
            answers: the addresses it stands for.

        Returns:
            The addresses, in order, each once.

        Raises:
            InvalidInput: one of them is not allowed, or there are none.
        """
        if not answers:
            raise InvalidInput(f"expected a public address, and {host!r} has none")
        addresses: dict[IPAddress, None] = {}
        for answer in answers:
            address = parse_address(answer)
            if address is None:
                raise InvalidInput(_not_public(host))
            self._check_address(host, port, address)
            addresses[address] = None
        return list(addresses)

    def _check_name(self, host: str, port: int) -> None:
        if not _NAME.fullmatch(host):
            raise InvalidInput(
                "expected a host name of letters, digits and hyphens, at most 63 between two dots, "
                f"got {host[:100]!r}; write it without percent signs, blanks and other characters"
            )
        labels = host.removesuffix(".").split(".")
        if labels[-1][0].isdigit():
            # No top-level domain begins so. Some would read `0x7f.1` and `017700000001` as addresses, others as names.
            raise InvalidInput(f"expected an IPv4 address as four decimal numbers, such as 192.0.2.1, got {host!r}")
        if self.allow_loopback and labels[-1] == "localhost":
            return
        if len(labels) == 1 or labels[-1] in _LOCAL_DOMAINS:
            raise InvalidInput(_not_public(host))
        if not self.allow_loopback:
            self._check_port(port)

    def _check_address(self, host: str, port: int, address: IPAddress) -> None:
        if self._opened(address):
            return
        if not is_public(address):
            raise InvalidInput(_not_public(host))
        self._check_port(port)

    def _check_port(self, port: int) -> None:
        if port not in self.ports:
            allowed = ", ".join(map(str, sorted(self.ports)))
            raise InvalidInput(f"expected one of the ports {allowed}, got {port}")

    def _opened(self, address: IPAddress) -> bool:
        return self.allow_loopback and is_loopback(address)


def _not_public(host: str) -> str:
    address = parse_address(host)
    loopback = is_loopback(address) if address else host.removesuffix(".").endswith("localhost")
    hint = "; for development and tests INTERMEZZO_ALLOW_LOOPBACK=1 opens this machine's own" if loopback else ""
    return f"expected a public address, and {host!r} is not{hint}"
