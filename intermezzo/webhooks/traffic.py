"""How much may be under way at once, and which servers are left alone for a while; in the memory of a process."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST = 64
"""Under way at once."""
MOST_OF_ORG = 16
"""Of one organisation: many servers that keep silent hold up nobody else's."""
MOST_OF_LANE = 4
"""Of one lane, whose server has answered."""

_FAILURES = 5
"""In a row, until a server is left alone."""
_FIRST_PAUSE = timedelta(seconds=10)
_LONGEST_PAUSE = timedelta(minutes=5)
_MOST_REMEMBERED = 10_000
_MOST_CHOSEN = 4 * MOST_OF_ORG
"""Lanes of one organisation, of which it may have any number."""

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Lane:
    busy: int = 0
    failures: int = 0
    """In a row."""
    has_answered: bool = False
    paused_until: datetime = _NEVER


class Traffic:
    """What is under way, by lane."""

    def __init__(self) -> None:
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()
        self._of_org: Counter[str] = Counter()
        self.busy = 0
        """Under way at once, of all."""

    def free_at(self, name: str) -> datetime:
        """Until when a lane is left alone; long past if it is not."""
        lane = self._lanes.get(name)
        return lane.paused_until if lane else _NEVER

    def choose(self, due: Mapping[str, datetime], *, at: datetime) -> dict[str, datetime]:
        """The lanes worth looking into next: of each organisation the first that are not left alone."""
        chosen: dict[str, datetime] = {}
        of_org = Counter[str]()
        for name, due_at in due.items():
            org = _org(name)
            if of_org[org] < _MOST_CHOSEN and self.free_at(name) <= at:
                of_org[org] += 1
                chosen[name] = due_at
        return chosen

    def plan(self, names: Iterable[str], *, at: datetime) -> dict[str, int]:
        """How many of each lane may begin now; those named first come first."""
        room: dict[str, int] = {}
        of_org = self._of_org.copy()
        left = MOST - self.busy
        for name in names:
            org = _org(name)
            may_begin = min(self._room(name, at), MOST_OF_ORG - of_org[org], left)
            if may_begin > 0:
                room[name] = may_begin
                of_org[org] += may_begin
                left -= may_begin
        return room

    def _room(self, name: str, at: datetime) -> int:
        """A server that has not answered yet, or did not when it was last asked, gets one at a time."""
        lane = self._lanes.get(name) or _Lane()
        if at < lane.paused_until:
            return 0
        return (MOST_OF_LANE if lane.has_answered and not lane.failures else 1) - lane.busy

    def begin(self, name: str) -> None:
        """One more of a lane is under way."""
        lane = self._lanes.setdefault(name, _Lane())
        lane.busy += 1
        self._of_org[_org(name)] += 1
        self.busy += 1

    def end(self, name: str, *, answered: bool | None, rest_until: datetime | None = None, at: datetime) -> None:
        """One of a lane has come to its end.

        Args:
            answered: whether the server is well; None: nobody knows.
            rest_until: the server asked to be left alone until then.
        """
        lane = self._lanes[name]
        lane.busy -= 1
        self.busy -= 1
        self._of_org[_org(name)] -= 1
        if not self._of_org[_org(name)]:
            del self._of_org[_org(name)]
        if answered is not None:
            lane.has_answered = answered or lane.has_answered
            lane.failures = 0 if answered else lane.failures + 1
            pause = at + _pause(lane.failures) if lane.failures >= _FAILURES else _NEVER
            lane.paused_until = max(pause, rest_until or _NEVER)
        self._lanes.move_to_end(name)
        if len(self._lanes) > _MOST_REMEMBERED:
            self._forget()

    def _forget(self) -> None:
        longest_unused = next((name for name, lane in self._lanes.items() if not lane.busy), None)
        if longest_unused is not None:
            del self._lanes[longest_unused]


def _org(lane: str) -> str:
    return lane.partition(" ")[0]


def _pause(failures: int) -> timedelta:
    return min(_FIRST_PAUSE * 2 ** min(failures - _FAILURES, 10), _LONGEST_PAUSE)
