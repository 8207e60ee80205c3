"""Deliveries of webhooks, accepted and refused (spec: CS-36…CS-41)."""

import hashlib
import hmac
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intermezzo.client import ConfigurationError, verify_webhook

BODY = b'{"task_id": "3f4a", "event": "task.completed"}'
SECRET = "whsec_new"


def signed(secret: str = SECRET, *, version: str = "v1", age_seconds: int = 0, body: bytes = BODY) -> str:
    at = int(time.time()) - age_seconds
    return f"t={at},{version}={hmac.new(secret.encode(), f'{at}.'.encode() + body, hashlib.sha256).hexdigest()}"


def test_a_delivery_is_verified_as_the_documents_show_it() -> None:
    assert verify_webhook(payload=BODY, secret=SECRET, signature_header=signed())


def test_during_a_rotation_either_secret_does() -> None:
    header = f"{signed()},{signed('whsec_old', version='v0').partition(',')[2]}"
    assert [verify_webhook(BODY, secret, header) for secret in (SECRET, "whsec_old", "other")] == [True, True, False]


def test_old_early_changed_and_foreign_deliveries_are_refused() -> None:
    assert not verify_webhook(BODY, SECRET, signed(age_seconds=400))
    assert not verify_webhook(BODY, SECRET, signed(age_seconds=-400))
    assert verify_webhook(BODY, SECRET, signed(age_seconds=400), tolerance=500)
    assert not verify_webhook(BODY + b" ", SECRET, signed())
    assert not verify_webhook(BODY, SECRET, signed("other"))
    assert not verify_webhook(BODY, SECRET, signed().replace("t=", "t=1,t="))
    assert not verify_webhook(BODY, SECRET, None)


@given(st.one_of(st.text(), st.from_regex(r"t=[0-9]{0,30},v1=.*"), st.just(f"t={int(time.time())},v1=ü")))
def test_no_header_but_a_signature_is_accepted(header: str) -> None:
    assert verify_webhook(BODY, SECRET, header) is False


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected the secret"):
        verify_webhook(BODY, "", signed(""))
