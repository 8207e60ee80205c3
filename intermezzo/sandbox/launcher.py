"""First code of a sandboxed process: limits itself, then becomes the program.

Run by `intermezzo.sandbox.baseline` as `python -I -S launcher.py LIMITS PROGRAM ARGUMENTS…`. Limits are set
here and not between fork and exec in the orchestrator, where running Python is unsafe once there are threads.
Needs nothing but the standard library, so that it starts in milliseconds.
"""

import os
import resource
import sys


def set_limits(limits: str) -> None:
    """Set resource limits, hard and soft, never above what is already in force.

    Args:
        limits: `NAME=VALUE` pairs with commas between them, such as `CPU=11,CORE=0`.
    """
    for pair in limits.split(","):
        name, _, value = pair.partition("=")
        kind = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(kind)[1]
        limit = int(value) if hard == resource.RLIM_INFINITY else min(int(value), hard)
        resource.setrlimit(kind, (limit, limit))


if __name__ == "__main__":
    set_limits(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - no shell is the point
