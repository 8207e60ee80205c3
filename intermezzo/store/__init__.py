"""The database: tables, migrations, grouped transactions and change signals, on SQLite and PostgreSQL."""

from intermezzo.store.dialect import follow_indexes, insert_into
from intermezzo.store.faults import reach
from intermezzo.store.ids import new_id, sibling_of
from intermezzo.store.prepared import Prepared, one_of
from intermezzo.store.store import Event, Store, emit, open_store, utc_now

__all__ = [
    "Event",
    "Prepared",
    "Store",
    "emit",
    "follow_indexes",
    "insert_into",
    "new_id",
    "one_of",
    "open_store",
    "reach",
    "sibling_of",
    "utc_now",
]
