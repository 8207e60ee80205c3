"""Credits: append-only transfers between accounts, guarded balances, and the audit that proves them."""

from intermezzo.ledger.accounts import Payer
from intermezzo.ledger.audit import AuditReport, audit
from intermezzo.ledger.moves import (
    Reservation,
    balance,
    capture,
    earned,
    free,
    grant,
    held,
    release,
    reserve,
    reward,
    settle,
)
from intermezzo.ledger.prices import human_price, platform_fee
from intermezzo.ledger.statements import Entry, Summary, entries, summary

__all__ = [
    "AuditReport",
    "Entry",
    "Payer",
    "Reservation",
    "Summary",
    "audit",
    "balance",
    "capture",
    "earned",
    "entries",
    "free",
    "grant",
    "held",
    "human_price",
    "platform_fee",
    "release",
    "reserve",
    "reward",
    "settle",
    "summary",
]
