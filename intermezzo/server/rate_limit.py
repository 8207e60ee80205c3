"""How many requests one key or address may make: a bucket of tokens for each, in this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MOST_BUCKETS = 100_000
"""Those who have asked longest ago are forgotten first: by then their buckets are full anyway."""


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimit:
    """A limit for each of many.

    Args:
        per_minute: how many requests come in a minute, on average.
        burst: how many may come at once.
        now: a clock that never goes back, in seconds.
    """

    def __init__(self, per_minute: float, burst: int, *, now: Callable[[], float] = time.monotonic) -> None:
        self.per_second = per_minute / 60
        self.burst = burst
        self._now = now
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_seconds(self, who: str) -> float:
        """Take a token; 0 if there was one, else after how many seconds there will be."""
        now = self._now()
        bucket = self._buckets.pop(who, None) or _Bucket(self.burst, now)
        self._buckets[who] = bucket
        if len(self._buckets) > _MOST_BUCKETS:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self.burst, bucket.tokens + (now - bucket.filled_at) * self.per_second)
        bucket.filled_at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return 0.0
        return (1 - bucket.tokens) / self.per_second
