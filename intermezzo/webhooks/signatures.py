"""Signatures by which a receiver knows that a delivery is ours (spec: CS-36…CS-40)."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

PREFIX = "whsec_"
_SECRET_BYTES = 32

ROTATION = timedelta(hours=24)
"""How long both secrets sign after a rotation."""

SIGNATURE_HEADER = "X-Crowdsorcerer-Signature"
TIMESTAMP_HEADER = "X-Crowdsorcerer-Timestamp"


def new_secret() -> str:
    """A secret to sign with."""
    return PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def sign(body: bytes, secret: str, *, previous_secret: str | None = None, at: datetime) -> dict[str, str]:
    """The headers that sign a body.

    Args:
        body: as it is sent.
        secret: makes `v1`.
        previous_secret: makes `v0`, within a day of the rotation.
        at: when it is sent; receivers refuse what is older than 300 s.
    """
    timestamp = str(int(at.timestamp()))
    parts = [f"t={timestamp}", f"v1={_digest(timestamp, body, secret)}"]
    if previous_secret is not None:
        parts.append(f"v0={_digest(timestamp, body, previous_secret)}")
    return {SIGNATURE_HEADER: ",".join(parts), TIMESTAMP_HEADER: timestamp}


def _digest(timestamp: str, body: bytes, secret: str) -> str:
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
