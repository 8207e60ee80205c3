"""Named points between writes at which a test may kill the process.

`INTERMEZZO_CRASH_AT=capture.before:3` sends SIGKILL to the process the third time it reaches that point. Outside of
crash tests the variable is not set and a point costs one comparison.
"""

import os
import signal

POINTS = (
    "attempt.claim",
    "attempt.claimed",
    "reserve.before",
    "reserve.after",
    "work.before",
    "work.after",
    "capture.before",
    "capture.after",
    "post.before",
    "post.after",
    "suspend.before",
    "suspend.marked",
    "suspend.proposed",
    "answer.before",
    "answer.stored",
    "answer.outbox",
    "answer.after",
    "resume.before",
    "resume.after",
    "settle.before",
    "settle.after",
)
"""Every point of a run, in the order it meets them."""

WEBHOOK_POINTS = ("webhook.dispatched", "webhook.sent")
"""Those of a delivery: after it was made, and between its answer and the note of it."""

LAUNCH_POINTS = ("launch.placed", "launch.created", "launch.begun", "launch.released")
"""Those between a run that was ordered and a run that a worker may take."""

_point = ""
_left = 0


def arm(where: str) -> None:
    """Die at the `nth` arrival at a point, given as `POINT` or `POINT:nth`; the empty string disarms."""
    global _point, _left  # noqa: PLW0603 (of the process, as its death is)
    _point, _, nth = where.partition(":")
    _left = int(nth or 1)


arm(os.environ.get("INTERMEZZO_CRASH_AT", ""))


def reach(point: str) -> None:
    """Die here if a test asked for it."""
    if _point != point:
        return
    global _left  # noqa: PLW0603 (the same)
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
