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
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
