"""The database: tables, migrations, grouped transactions and change signals, on SQLite and PostgreSQL."""

from intermezzo.store.faults import reach
from intermezzo.store.store import Event, Store, emit, open_store, utc_now

__all__ = ["Event", "Store", "emit", "open_store", "reach", "utc_now"]
