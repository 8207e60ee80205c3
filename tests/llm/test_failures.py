"""Each failure of a provider is an error of its own that says whether a retry helps, and tells no secrets."""

import logging
import socket
import traceback
from typing import Any

import pytest

from intermezzo import (
    AnswerRefused,
    InputTooLong,
    KeyRefused,
    ProviderError,
    ProviderOverloaded,
    ProviderTimedOut,
    ProviderUnavailable,
    QuotaExhausted,
    RateLimited,
    RequestRejected,
    UnknownModel,
)
from tests.llm.conftest import PROMPT, ask, working_on
from tests.llm.gemini_wire import GeminiWire
from tests.llm.server import KEY, FakeProvider, Reply, as_json, serving


@pytest.mark.parametrize(
    ("status", "kind", "error", "retryable"),
    [
        (400, "", RequestRejected, False),
        (401, "", KeyRefused, False),
        (403, "", KeyRefused, False),
        (404, "", UnknownModel, False),
        (429, "", RateLimited, True),
        (500, "", ProviderUnavailable, True),
        (503, "", ProviderOverloaded, True),
        (400, "context", InputTooLong, False),
        (400, "key", KeyRefused, False),
        (429, "quota", QuotaExhausted, False),
    ],
)
async def test_each_refusal_is_its_own_error(
    provider: FakeProvider, status: int, kind: str, error: type[ProviderError], retryable: bool
) -> None:
    if (provider.wire.name, status) == ("anthropic", 503):
        status = 529  # Anthropic's own number for being overloaded
    provider.will(provider.wire.error(status, kind=kind))
    with pytest.raises(ProviderError) as caught:
        await ask()
    assert (type(caught.value), caught.value.retryable) == (error, retryable)
    assert provider.wire.name in str(caught.value)
    assert f"HTTP {status}" in str(caught.value) or kind
    assert len(provider.asked) == 1  # the SDK does not try again by itself


@pytest.mark.parametrize("by_proxy", [True, False])
async def test_a_request_larger_than_the_provider_takes_is_too_long(provider: FakeProvider, *, by_proxy: bool) -> None:
    page = Reply(status=413, body=b"<html>Request Entity Too Large</html>", headers={"Content-Type": "text/html"})
    provider.will(page if by_proxy else provider.wire.error(413))
    with pytest.raises(InputTooLong, match="HTTP 413"):
        await ask()


@pytest.mark.parametrize(
    ("status", "error"), [(408, ProviderTimedOut), (502, ProviderUnavailable), (504, ProviderUnavailable)]
)
async def test_failures_of_a_proxy_are_passing_ones(
    provider: FakeProvider, status: int, error: type[ProviderError]
) -> None:
    provider.will(Reply(status=status, body=b"<html>", headers={"Content-Type": "text/html"}))
    with pytest.raises(error) as caught:
        await ask()
    assert caught.value.retryable


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
async def test_no_error_and_no_log_repeats_the_prompt_or_the_key(
    provider: FakeProvider, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider.will(provider.wire.error(status, f"you said {PROMPT} with {KEY}"))
    with pytest.raises(ProviderError) as caught:
        await ask()
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    assert PROMPT not in shown
    assert KEY not in shown


async def test_no_error_and_no_log_repeats_the_answer(provider: FakeProvider, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    provider.will(provider.wire.answer("my-secret-answer"))
    with pytest.raises(ProviderError, match="not valid JSON") as caught:
        await ask(output_schema={"type": "object"})
    await ask()
    assert "my-secret-answer" not in "".join(traceback.format_exception(caught.value)) + caplog.text


async def test_the_number_of_the_failed_request_is_told_for_the_providers_support(provider: FakeProvider) -> None:
    provider.will(provider.wire.error(500))
    with pytest.raises(ProviderUnavailable) as caught:
        await ask()
    assert ("request req_1" in str(caught.value)) == (provider.wire.name != "gemini")


@pytest.mark.parametrize(
    ("wire", "body", "place"),
    [
        ("anthropic", {"error": {"message": "max_tokens: 99999 > 64000"}}, "at max_tokens"),
        ("openai", {"error": {"message": "no", "param": "messages[0].content"}}, "at messages[0].content"),
        ("gemini", {"error": {"code": 400, "message": "* GenerateContentRequest.contents: no"}},
         "at GenerateContentRequest.contents"),
        ("openai", {"error": {"message": f"{PROMPT}: no"}}, "(HTTP 400)"),
        ("openai", {"error": [PROMPT]}, "(HTTP 400)"),
    ],
    indirect=["wire"],
)  # fmt: skip
async def test_a_rejected_request_says_which_field_was_wrong(
    provider: FakeProvider, body: dict[str, Any], place: str
) -> None:
    provider.will(as_json(body, status=400))
    with pytest.raises(RequestRejected) as caught:
        await ask()
    assert place in str(caught.value)
    assert PROMPT not in str(caught.value)


@pytest.mark.parametrize("wire", ["openai"], indirect=True)
@pytest.mark.parametrize("code", ["content_filter", "content_policy_violation"])
async def test_a_question_that_a_filter_stops_is_a_refusal(provider: FakeProvider, code: str) -> None:
    provider.will(as_json({"error": {"message": PROMPT, "type": None, "param": "prompt", "code": code}}, status=400))
    with pytest.raises(AnswerRefused, match=f"declined to answer .HTTP 400, {code}"):
        await ask(output_schema={"type": "object", "properties": {}})
    assert len(provider.asked) == 1


async def test_a_provider_that_does_not_answer_times_out(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_TIMEOUT_SECONDS", "0.3")
    provider.will(Reply(hang=True))
    with pytest.raises(ProviderTimedOut) as caught:
        await ask()
    assert caught.value.retryable
    assert isinstance(caught.value, TimeoutError)


async def test_an_answer_that_breaks_off_is_a_passing_failure(provider: FakeProvider) -> None:
    whole = provider.wire.answer("Hi there.")
    provider.will(Reply(body=whole.body, cut=True))
    with pytest.raises(ProviderUnavailable, match="connection") as caught:
        await ask()
    assert caught.value.retryable


async def test_a_provider_nobody_answers_for_is_a_passing_failure(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv(provider.wire.url_variable, f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(ProviderUnavailable, match="cannot be reached") as caught:
            await ask()
    assert caught.value.retryable


async def test_a_wrong_key_says_which_variable_to_check(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(provider.wire.key_variable, "wrong")
    with pytest.raises(KeyRefused, match=f"check {provider.wire.key_variable}") as caught:
        await ask()
    assert "wrong" not in str(caught.value)


async def test_the_pause_a_provider_asks_for_is_kept(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_RETRIES", "2")
    busy = provider.wire.error(429)
    provider.will(
        Reply(status=429, body=busy.body, headers={"Retry-After": "0"}),
        Reply(status=429, body=busy.body, headers={"retry-after": "0"}),
        provider.wire.answer("at last"),
    )
    answer = await ask()
    assert (answer.text, len(provider.asked)) == ("at last", 3)


async def test_a_pause_that_is_too_long_is_left_to_the_caller(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_RETRIES", "2")
    provider.will(Reply(status=429, body=provider.wire.error(429).body, headers={"Retry-After": "3600"}))
    with pytest.raises(RateLimited, match="asks to wait 3600 s") as caught:
        await ask()
    assert (caught.value.retry_after_seconds, len(provider.asked)) == (3600, 1)


async def test_the_pause_in_the_body_of_geminis_error_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    pause = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "4000s"}
    error = {"code": 429, "message": "no", "status": "RESOURCE_EXHAUSTED", "details": [pause]}
    with serving(GeminiWire()) as gemini:
        monkeypatch.setenv("GEMINI_API_KEY", KEY)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", gemini.url)
        gemini.will(as_json({"error": error}, status=429))
        with pytest.raises(RateLimited) as caught:
            await ask()
    assert (caught.value.retry_after_seconds, len(gemini.asked)) == (4000, 1)


async def test_the_engines_retries_ask_once_each(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_RETRIES", "2")
    provider.will(Reply(status=500, body=provider.wire.error(500).body, headers={"Retry-After": "0"}))
    for retry, asked in ((0, 3), (1, 4), (2, 5)):
        with working_on(retry=retry), pytest.raises(ProviderUnavailable):
            await ask()
        assert len(provider.asked) == asked
