"""One call of a step: who it is, and how the code that works on it can tell."""

import hashlib
import uuid
from contextvars import ContextVar, Token
from dataclasses import dataclass

STEP_CALL_NAMESPACE = uuid.UUID("6f1f7d7e-5b0c-5d43-9a55-1a7f6b1f2d10")
"""Namespace of step-call ids: the same call of the same run has the same id in every attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCall:
    """One call of a step in a run, as a worker function may see it."""

    id: str
    """UUID, the same at every attempt: pass it to a provider as idempotency key."""
    run_id: str
    step: str
    key: str
    retry: int = 0
    """How often it has been tried before, in this attempt of the run (`with_options(retries=)`)."""


_current_call: ContextVar[StepCall | None] = ContextVar("intermezzo_step_call", default=None)


def current_call() -> StepCall | None:
    """The step call this code works for, or None outside of one."""
    return _current_call.get()


def begin_work(call: StepCall) -> Token[StepCall | None]:
    """Make `call` the current one; `end_work` takes it back."""
    return _current_call.set(call)


def end_work(token: Token[StepCall | None]) -> None:
    """The worker function has returned."""
    _current_call.reset(token)


def call_id(run_id: str, step: str, key: str) -> str:
    """The id of a step call: a UUID that depends on nothing but run, step name and key.

    Version 8 (RFC 9562: by our own rule); `uuid.uuid5` takes five times as long.
    """
    name = f"{run_id}\n{step}\n{key}".encode()
    digest = hashlib.blake2b(name, digest_size=16, key=STEP_CALL_NAMESPACE.bytes).hexdigest()
    variant = "89ab"[int(digest[16], 16) % 4]
    return f"{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:]}"
