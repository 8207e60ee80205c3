"""The header `Retry-After`: when whoever asked too much, or too early, may ask again; for all that sends requests."""

from email.utils import parsedate_to_datetime
from time import time


def retry_after_seconds(said: str | None) -> float | None:
    """How many seconds to wait.

    Args:
        said: the header: seconds, or a date of HTTP.

    Returns:
        0 if it has passed; None: nothing was said that can be read.
    """
    text = (said or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time())
    except (ValueError, OverflowError):
        return None
