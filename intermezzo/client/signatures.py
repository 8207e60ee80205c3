"""Is this webhook ours? For whoever receives deliveries (spec: CS-36…CS-41)."""

import hashlib
import hmac
import time

from intermezzo.client.failures import ConfigurationError

_VERSIONS = ("v1", "v0")
"""The signature with the newest secret, and for a day after a rotation that with the one before."""


def verify_webhook(payload: bytes, secret: str, signature_header: str | None, tolerance: float = 300) -> bool:
    """Whether a delivery came from the server, recently.

    Args:
        payload: the body, as it came: not parsed and written again.
        secret: of the endpoint.
        signature_header: `X-Crowdsorcerer-Signature`; None, as of a request without one, is never valid.
        tolerance: seconds that a delivery may be old, or ahead of this machine's clock.

    Raises:
        ConfigurationError: the secret is empty; anybody could sign with that.
    """
    if not secret:
        raise ConfigurationError("expected the secret of the webhook endpoint, got an empty one")
    parts = [part.strip().partition("=") for part in (signature_header or "").split(",")]
    times = [value for name, _, value in parts if name == "t"]
    if len(times) != 1 or not (times[0].isascii() and times[0].isdigit()):
        return False
    if abs(time.time() - float(times[0])) > tolerance:
        return False
    expected = hmac.new(secret.encode(), f"{times[0]}.".encode() + payload, hashlib.sha256).hexdigest()
    given = [value for name, _, value in parts if name in _VERSIONS]
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in given)
