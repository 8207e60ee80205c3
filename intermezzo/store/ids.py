"""Ids of rows that somebody will look up by them. Called by everybody who makes such rows."""

import secrets
import time


def new_id() -> str:
    """A UUID that sorts by the time it was made (RFC 9562, version 7).

    Rows made one after another so lie side by side in their indexes: with random ids every commit of a thousand rows
    rewrites a thousand pages of a large index.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    digits = f"{milliseconds:012x}7{(rest << 12) // 1_000_000:03x}{1 << 63 | secrets.randbits(62):016x}"
    return _spelled(digits)


def sibling_of(id: str) -> str:
    """An id that looks as if it had been made together with another one: at the same time, by `new_id`."""
    made_at = id.replace("-", "")[:12]
    return _spelled(f"{made_at}7{secrets.randbits(12):03x}{1 << 63 | secrets.randbits(62):016x}")


def _spelled(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
