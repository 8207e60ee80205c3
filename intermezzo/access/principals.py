"""Whoever asks for something, once it is known who that is."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from intermezzo.errors import NotAllowed
from intermezzo.ledger import Payer

Scope = Literal[
    "tasks:read",
    "tasks:write",
    "pipelines:read",
    "pipelines:write",
    "credits:read",
    "webhooks",
    "keys",
    "work",
    "operate",
]
"""What a key or a session may be used for."""

SCOPES: dict[Scope, str] = {
    "tasks:read": "see the organisation's human tasks",
    "tasks:write": "post, cancel and review them",
    "pipelines:read": "see the organisation's pipelines and runs",
    "pipelines:write": "store, run and cancel them",
    "credits:read": "see the organisation's credits",
    "webhooks": "see and change its webhooks",
    "keys": "see, make and revoke its API keys",
    "work": "claim and answer human tasks, as one worker",
    "operate": "grant credits, look after workers, guilds and disputes",
}

Role = Literal["owner", "member", "reader", "worker", "operator"]

_OF_REQUESTERS: tuple[Scope, ...] = ("tasks:read", "tasks:write", "pipelines:read", "pipelines:write", "credits:read")

_OF_ROLES: dict[Role, tuple[Scope, ...]] = {
    "owner": (*_OF_REQUESTERS, "webhooks", "keys"),
    "member": _OF_REQUESTERS,
    "reader": ("tasks:read", "pipelines:read", "credits:read"),
    "worker": ("work",),
    "operator": ("operate",),
}


def scopes_of(role: Role) -> frozenset[Scope]:
    """What a role may do."""
    return frozenset(_OF_ROLES[role])


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, on whose behalf, and what they may do."""

    org: str
    test: bool
    """They see and spend test credits; live ones otherwise."""
    scopes: frozenset[Scope]
    name: str
    """For histories: of the key, or the e-mail address of the user."""
    worker_id: str | None = None
    """The worker as whom they work, with the scope `work`."""
    key_id: str | None = None
    user_id: str | None = None

    @property
    def payer(self) -> Payer:
        """Whose credits they spend."""
        return Payer(self.org, test=self.test)

    def require(self, *scopes: Scope) -> None:
        """Go on only with all of these scopes.

        Raises:
            NotAllowed: naming those that are missing.
        """
        missing = [scope for scope in scopes if scope not in self.scopes]
        if missing:
            raise NotAllowed(
                f"this needs the scope {', '.join(missing)}; {self.name!r} has {listed(self.scopes)}", scopes=missing
            )

    @property
    def worker(self) -> str:
        """The worker as whom they work.

        Raises:
            NotAllowed: they are no worker.
        """
        self.require("work")
        if self.worker_id is None:
            raise NotAllowed(f"{self.name!r} is no worker: make a key with a worker's id", scopes=["work"])
        return self.worker_id


def listed(scopes: Iterable[Scope]) -> str:
    """Scopes in words."""
    return ", ".join(sorted(scopes)) or "none"
