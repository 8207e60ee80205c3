"""The service that delivers; `intermezzo serve` runs one, and any number of processes share the work."""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from intermezzo.errors import InvalidInput, ProviderError
from intermezzo.store import Store, reach, utc_now
from intermezzo.web import Posted, post
from intermezzo.webhooks import dispatch, queue
from intermezzo.webhooks.queue import Taken, Tried
from intermezzo.webhooks.signatures import sign
from intermezzo.webhooks.traffic import Traffic

DEADLINE_SECONDS = 10.0
"""For an answer, from looking up the name on."""

DELIVERY_HEADER = "X-Crowdsorcerer-Delivery"

_POLL_SECONDS = 2.0
"""For what nobody was woken by, and for retries of others that have died."""
_FIRST_RETRY_SECONDS = 5.0
_RETRY_FACTOR = 5.0
_JITTER = 0.2
_LEAST_WAIT_SECONDS = 0.01
_PAUSE_PER_READING = 4.0
"""Between two readings of the lanes, as a multiple of what one takes: 10,000 lanes take some 0.3 s."""
_AFTER_FAILURE_SECONDS = 1.0
_TOPICS = frozenset({"task.closed", "task.submitted", "task.reported", "run.closed", "webhook.due"})
_LONGEST_REST_SECONDS = 3_600.0
"""Receivers may ask for more; what they are told of should not be too old by then."""
_OK = range(200, 300)
_TOO_MANY_REQUESTS = 429
_BROKEN = range(500, 600)

logger = logging.getLogger("intermezzo.webhooks")


class Deliverer:
    """Makes deliveries of what has happened, and sends those that are due.

    Args:
        store: where they are.
        now: the clock of leases, retries and signatures.
    """

    def __init__(self, store: Store, *, now: Callable[[], datetime] = utc_now) -> None:
        self.store = store
        self._now = now
        self._traffic = Traffic()
        self._wake = asyncio.Event()
        self._look_at = 0.0
        """When to look for news again, monotonic seconds."""
        self._due: dict[str, datetime] = {}
        """Lanes to look into, as they were last read, the longest due first; without those that were emptied since."""
        self._read_at = 0.0
        """When they may be read again, monotonic seconds."""
        self._sending: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Deliver until cancelled."""
        unsubscribe = self.store.subscribe_here(lambda _: self._news(), topics=_TOPICS)
        try:
            while True:
                self._wake.clear()
                wait_seconds = await self._guarded_round()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait_seconds):
                        await self._wake.wait()
        finally:
            unsubscribe()
            await self._stop()

    async def deliver(self) -> None:
        """Deliver what is due, and wait for what is under way; what fails now is due again later."""
        while True:
            self._look_at = self._read_at = 0.0
            await self._round()
            if not self._sending:
                return
            await asyncio.wait(self._sending)

    def _news(self) -> None:
        self._look_at = 0.0
        self._wake.set()

    async def _guarded_round(self) -> float:
        try:
            return await self._round()
        except Exception:  # the database may be restarting; what was not done now is done then
            logger.exception("webhooks could not be looked after; trying again")
            return _AFTER_FAILURE_SECONDS

    async def _round(self) -> float:
        """Look once; returns after how many seconds to look again, if nothing happens before."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _POLL_SECONDS
            await self._dispatch()
        at = self._now()
        too_early_seconds = await self._read_lanes(at)
        room = self._traffic.plan([lane for lane, due_at in self._due.items() if due_at <= at], at=at)
        if room:
            taken = await self.store.write(lambda c: queue.take(c, room, at=at))
            for one in taken:
                self._begin(one)
            counts = Counter(one.lane for one in taken)
            for lane in room:
                if counts[lane] < room[lane]:
                    del self._due[lane]
        return too_early_seconds or self._wait_seconds(at)

    async def _read_lanes(self, at: datetime) -> float:
        """Read which lanes have something due; an organisation with very many must not hold up the others by that.

        Returns:
            By how many seconds it was too early for that; 0: they were read.
        """
        began = time.monotonic()
        if began < self._read_at:
            return self._read_at - began
        self._due = self._traffic.choose(await self.store.read(queue.lanes), at=at)
        ended = time.monotonic()
        self._read_at = ended + (ended - began) * _PAUSE_PER_READING
        return 0.0

    async def _dispatch(self) -> None:
        at = self._now()
        while await self.store.read(dispatch.is_waiting):
            count = await self.store.write(lambda c: dispatch.dispatch(c, at=at))
            reach("webhook.dispatched")
            if count < dispatch.MOST_AT_ONCE:
                break
        if await self.store.read(lambda c: queue.has_expired(c, at=at)):
            await self.store.write(lambda c: queue.give_up(c, at=at))

    def _wait_seconds(self, at: datetime) -> float:
        """Until the next delivery is due; what is under way wakes us by itself."""
        ahead = [(due_at - at).total_seconds() for due_at in self._due.values() if due_at > at]
        return max(min([*ahead, _POLL_SECONDS]), _LEAST_WAIT_SECONDS)

    def _begin(self, one: Taken) -> None:
        self._traffic.begin(one.lane)
        task = asyncio.create_task(self._attempt(one), name=f"webhook {one.id}")
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)
        task.add_done_callback(lambda _: self._wake.set())

    async def _attempt(self, one: Taken) -> None:
        answered = rest_until = None
        try:
            tried, rest_until = await self._try(one)
            answered = tried.status is not None and not _is_unwell(tried.status)
            reach("webhook.sent")
            # Not synced: what a power cut takes is sent once more.
            await self.store.add(queue.note, tried, synced=False)
        except Exception:  # one delivery's mishap must not stop the others; its lease runs out, and it is made again
            logger.exception("the delivery %s could not be attempted", one.id)
        finally:
            self._traffic.end(one.lane, answered=answered, rest_until=rest_until, at=self._now())

    async def _try(self, one: Taken) -> tuple[Tried, datetime | None]:
        """Attempt a delivery; tells until when the receiver wants to be left alone, too."""
        at, began = self._now(), time.monotonic()
        status = error = rest_until = None
        may_retry = True
        try:
            posted = await post(one.url, one.body, headers=_headers(one, at), timeout_seconds=DEADLINE_SECONDS)
            status, rest_until = posted.status, _rest_until(posted, self._now())
        except InvalidInput as refused:
            error, may_retry = str(refused), False
        except ProviderError as failed:
            error = str(failed)
        delivered = status in _OK
        again = may_retry and one.n < one.max_attempts
        due_at = self._now() + _retry_after(one.n)
        tried = Tried(
            id=one.id,
            n=one.n,
            state="delivered" if delivered else "pending" if again else "failed",
            at=at,
            due_at=max(due_at, rest_until or due_at),
            status=status,
            error=error,
            milliseconds=round((time.monotonic() - began) * 1000),
        )
        return tried, rest_until

    async def _stop(self) -> None:
        """Break off what is under way: whoever delivers next makes those attempts again, under the same ids."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)


def _headers(one: Taken, at: datetime) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Intermezzo-Webhooks/1",
        DELIVERY_HEADER: one.id,
        **sign(one.body, one.secret, previous_secret=one.previous_secret, at=at),
    }


def _is_unwell(status: int) -> bool:
    """Whether an answer is about the server, rather than about what it was asked."""
    return status == _TOO_MANY_REQUESTS or status in _BROKEN


def _rest_until(posted: Posted, at: datetime) -> datetime | None:
    """Until when a receiver that cannot take more now has asked to be left alone."""
    if posted.retry_after_seconds is None or not _is_unwell(posted.status):
        return None
    return at + timedelta(seconds=min(posted.retry_after_seconds, _LONGEST_REST_SECONDS))


def _retry_after(n: int) -> timedelta:
    """How long after the nth attempt the next one comes: 5, 25, 125 … s (spec: CS-35), a little more or less."""
    spread = random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 (keeps retries apart, guards nothing)
    return timedelta(seconds=_FIRST_RETRY_SECONDS * _RETRY_FACTOR ** (n - 1) * spread)
