"""Whatever is asked, in whatever order: no answer is a failure of the server, and none is undocumented."""

import pytest

from intermezzo.ledger import audit
from intermezzo.server import context
from intermezzo.settings import settings
from intermezzo.store import Store
from tests.client.live_server import serving
from tests.server.fuzzing import fuzz
from tests.server.memory_launcher import MemoryLauncher


def test_every_answer_is_as_it_is_described(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_REQUESTS_PER_MINUTE", "1000000")
    monkeypatch.setenv("INTERMEZZO_REQUESTS_AT_ONCE", "1000000")
    monkeypatch.setattr(context, "_STRANGERS_PER_MINUTE", 1_000_000)
    settings.cache_clear()
    with serving(store, launcher=MemoryLauncher()) as live:
        seen = fuzz(live, examples=3, steps=40, seed=1)
    done = [operation for operation, statuses in seen.items() if {200, 201, 202, 204} & statuses]
    assert len(done) > len(seen) / 2, seen
    assert store.read_now(audit).problems == []
