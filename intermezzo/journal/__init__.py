"""The durable record of runs and step calls: what makes a replay cheap and a charge happen once."""

from intermezzo.journal.calls import (
    Closing,
    NewCall,
    RecordedCall,
    RecordedError,
    close_human_call,
    close_primitives,
    open_calls,
    read_calls,
    ready_runs,
    set_waves,
)
from intermezzo.journal.runs import Claim, RunFacts, RunState, claim_run, create_run, enter_run, hold, renew_leases, request_cancel, stay, suspend_run, uncommit

__all__ = [
    "Claim",
    "Closing",
    "NewCall",
    "RecordedCall",
    "RecordedError",
    "RunFacts",
    "RunState",
    "claim_run",
    "close_human_call",
    "close_primitives",
    "create_run",
    "enter_run",
    "hold",
    "open_calls",
    "read_calls",
    "ready_runs",
    "renew_leases",
    "request_cancel",
    "set_waves",
    "stay",
    "suspend_run",
    "uncommit",
]
