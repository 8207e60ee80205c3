"""Corrections, the deadline, and how many requests a provider gets at a time."""

import asyncio
import threading
from typing import Any

import pytest

from intermezzo import AnswerInvalid, ProviderTimedOut, RateLimited
from tests.llm.conftest import ask
from tests.llm.server import FakeProvider, Reply

AGE: dict[str, Any] = {"type": "object", "properties": {"age": {"type": "integer", "minimum": 0}}, "required": ["age"]}


async def test_a_model_may_mend_its_answer_twice(provider: FakeProvider) -> None:
    answer = provider.wire.answer
    provider.will(answer("About forty."), answer('{"age": -1}'), answer('{"age": 40}'))
    mended = await ask("How old?", output_schema=AGE)
    assert mended.data == {"age": 40}
    assert (mended.input_tokens, mended.output_tokens) == (36, 9)  # of all three answers
    last = provider.asked[2].turns
    assert [role for role, _ in last] == ["user", "assistant", "user", "assistant", "user"]
    assert last[1] == ("assistant", "About forty.")
    assert "not valid JSON" in last[2][1]
    assert "-1 is less than the minimum of 0" in last[4][1]


async def test_a_third_answer_that_does_not_fit_is_an_error(provider: FakeProvider) -> None:
    provider.will(provider.wire.answer('{"age": "secret"}'))
    with pytest.raises(AnswerInvalid, match="output_schema demands at properties/age/type") as caught:
        await ask(output_schema=AGE)
    assert not caught.value.retryable
    assert "secret" not in str(caught.value)
    assert len(provider.asked) == 3


async def test_everything_together_ends_at_the_deadline(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_DEADLINE_SECONDS", "0.5")
    monkeypatch.setenv("LLM_RETRIES", "9")
    provider.will(Reply(hang=True))
    with pytest.raises(ProviderTimedOut, match=r"no answer within 0\.5 s, all tries included"):
        await ask()


async def test_a_pause_beyond_the_deadline_is_not_waited_for(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_DEADLINE_SECONDS", "30")
    monkeypatch.setenv("LLM_RETRIES", "9")
    provider.will(Reply(status=429, body=provider.wire.error(429).body, headers={"Retry-After": "40"}))
    with pytest.raises(RateLimited, match="asks to wait 40 s"):
        await ask()


async def test_a_provider_gets_as_many_requests_at_a_time_as_configured(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_CONCURRENCY", "2")
    provider.together = threading.Barrier(2)  # no answer before two are asked
    await asyncio.gather(*(ask() for _ in range(8)))
    assert (provider.most_under_way, len(provider.asked)) == (2, 8)


async def test_a_cancelled_question_gives_its_place_back(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_CONCURRENCY", "1")
    provider.will(Reply(hang=True), provider.wire.answer("Hi there."))
    waiting = asyncio.create_task(ask())
    while not provider.asked:
        await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await ask()).text == "Hi there."
