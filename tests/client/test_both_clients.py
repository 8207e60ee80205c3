"""The two clients are one: what holds for either is said of both."""

import inspect

import pytest

from intermezzo.client import (
    AsyncClient,
    Client,
    async_client,
    async_pipelines,
    async_worker,
    sync_client,
    sync_pipelines,
    sync_worker,
)

PAIRS = [
    (sync_client.Tasks, async_client.AsyncTasks),
    (sync_client.Credits, async_client.AsyncCredits),
    (sync_worker.Worker, async_worker.AsyncWorker),
    (sync_pipelines.Pipelines, async_pipelines.AsyncPipelines),
    (sync_pipelines.Runs, async_pipelines.AsyncRuns),
]


@pytest.mark.parametrize(("plain", "awaited"), PAIRS)
def test_both_clients_have_the_same_calls_with_the_same_arguments_and_words(plain: type, awaited: type) -> None:
    calls = [name for name in vars(plain) if not name.startswith("_")]
    assert calls == [name for name in vars(awaited) if not name.startswith("_")]
    for name in calls:
        here, there = (inspect.signature(getattr(kind, name)) for kind in (plain, awaited))
        assert here.parameters == there.parameters
        assert getattr(plain, name).__doc__ == getattr(awaited, name).__doc__
        streams = inspect.isasyncgenfunction(getattr(awaited, name))
        assert streams == inspect.isgeneratorfunction(getattr(plain, name))
        assert streams or inspect.iscoroutinefunction(getattr(awaited, name))
        assert streams or here.return_annotation == there.return_annotation


@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_a_client_does_not_show_its_key(kind: type[Client] | type[AsyncClient]) -> None:
    assert repr(kind("csk_secret")) == f"{kind.__name__}(base_url='http://127.0.0.1:8470')"
