"""The events of a run, read from a stream without a network; over as many connections as it takes."""

from intermezzo.client.exchange import Answer, Lost, Pause, Request, Steps, call, failure, pause_seconds, segment
from intermezzo.client.pipeline_results import Run, RunEvent

_LONGEST_SILENCE_SECONDS = 30.0
"""The server says something every 15 s."""
_MOST_SEEN = 5_000
"""Ids that may come again: after a lost connection a server repeats fewer."""
_REST_SECONDS = 0.5
"""Before a stream that a server has ended is asked for again."""


class Following:
    """One run, followed to its end.

    Args:
        run_id: of the run.
        after: `id` of the last event that is known.
        retries: how often in a row a connection may fail.
    """

    def __init__(self, run_id: str, after: str | None, *, retries: int) -> None:
        self._path = f"/v1/pipelines/runs/{segment(run_id)}"
        self._last_id = after
        self._seen: dict[str, None] = {} if after is None else {after: None}
        self._event = ""
        self._retries = retries
        self._failed = 0
        self._fields: dict[str, str] = {}

    def request(self) -> Request:
        """What to ask for next."""
        headers = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
        return Request("GET", f"{self._path}/events", headers=headers, patience_seconds=_LONGEST_SILENCE_SECONDS)

    def line(self, text: str) -> RunEvent | None:
        """Read a line of the stream; gives an event when it is complete and new."""
        if text:
            name, _, value = text.partition(":")
            self._fields[name] = value.removeprefix(" ")
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields or "id" not in fields:
            return None
        self._failed = 0
        self._last_id, self._event = fields["id"], fields.get("event", "")
        if self._last_id in self._seen:
            return None
        self._seen[self._last_id] = None
        if len(self._seen) > _MOST_SEEN:
            del self._seen[next(iter(self._seen))]
        event = RunEvent.model_validate_json(fields["data"])
        return event.model_copy(update={"id": self._last_id})

    def ended(self, came: Answer | Lost | None) -> Steps[bool]:
        """Whether the run has ended, now that a stream has.

        Args:
            came: why it could not be read, or not to its end; None: the server has ended it.

        Raises:
            ClientError: it cannot be read.
        """
        self._fields = {}
        if came is None:
            if self._event == "run.closed":
                return True
            run = yield from call(Request("GET", self._path), Run, retries=self._retries)
            if run.ending is None:
                yield Pause(_REST_SECONDS)
            return run.ending is not None
        pause = pause_seconds(self.request(), came, self._failed)
        if pause is None or self._failed == self._retries:
            raise failure(self.request(), came)
        self._failed += 1
        yield Pause(pause)
        return False
