"""Names of the accounts that credits move between."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Payer:
    """The organisation that pays for a run, in live or in test credits; the two never mix."""

    org: str
    test: bool = False

    @property
    def _prefix(self) -> str:
        return "test:" if self.test else ""

    @property
    def available(self) -> str:
        """What the organisation may spend. The only account that is guarded against going below zero."""
        return f"{self._prefix}org:{self.org}:available"

    @property
    def reserved(self) -> str:
        """What open step calls hold."""
        return f"{self._prefix}org:{self.org}:reserved"

    @property
    def ai(self) -> str:
        """Where captured prices of primitives go."""
        return f"{self._prefix}platform:ai"

    @property
    def fee(self) -> str:
        """Where fees on human tasks go."""
        return f"{self._prefix}platform:fee"

    @property
    def world(self) -> str:
        """Where granted credits come from; its balance is minus everything ever granted."""
        return f"{self._prefix}world"

    def worker(self, worker_id: str) -> str:
        """What a worker has earned."""
        return f"{self._prefix}worker:{worker_id}"
