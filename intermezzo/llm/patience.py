"""When to ask a provider again: pauses with jitter, `Retry-After`, and an end."""

import asyncio
import logging
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from intermezzo.errors import ProviderError
from intermezzo.llm.settings import LlmSettings

T = TypeVar("T")

logger = logging.getLogger("intermezzo.llm")

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_OWN_PAUSE_SECONDS = 20.0
"""Of pauses we choose ourselves; a provider may ask for a longer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often and how long to try."""

    retries: int
    longest_wait_seconds: float
    left_seconds: Callable[[], float] = lambda: math.inf
    """Time until the deadline."""
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random
    """Draws from 0 to 1."""

    @classmethod
    def of(cls, settings: LlmSettings, *, earlier_tries: int, left_seconds: Callable[[], float]) -> "Patience":
        """The patience that is left of a call.

        The engine's retries of a step (`with_options(retries=)`) do not multiply with those here, they add up: only
        the engine's first try has any, and its later ones, with their own growing pauses, ask once each.

        Args:
            settings: the operator's.
            earlier_tries: how often the engine has tried this call before.
            left_seconds: time until the deadline.
        """
        return cls(
            retries=0 if earlier_tries else settings.retries,
            longest_wait_seconds=settings.longest_wait_seconds,
            left_seconds=left_seconds,
        )

    async def persist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until there is an answer, or an error that a retry does not help against.

        Raises:
            ProviderError: the last one.
        """
        for retry in range(self.retries):
            try:
                return await ask()
            except ProviderError as error:
                pause = self._pause(error, retry)
                if not error.retryable or pause > min(self.longest_wait_seconds, self.left_seconds()):
                    raise
                logger.warning("%s: trying again in %.1f s", type(error).__name__, pause)
            await self.sleep(pause)
        return await ask()

    def _pause(self, error: ProviderError, retry: int) -> float:
        """Seconds until the next try: spread, so that callers who failed together do not come back together."""
        own = min(_FIRST_PAUSE_SECONDS * 2**retry, _LONGEST_OWN_PAUSE_SECONDS)
        if error.retry_after_seconds is None:
            return own * (0.5 + self.random() / 2)
        # Never earlier than asked for.
        return error.retry_after_seconds + own * self.random() / 2
