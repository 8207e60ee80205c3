"""What every provider must do, with its real SDK against its documented wire format."""

import json
from typing import Any

import pytest

from intermezzo import AnswerInvalid, AnswerRefused, AnswerTruncated, ProviderUnavailable, llm_generate
from tests.llm.conftest import ask, working_on
from tests.llm.openai_wire import OpenAIWire
from tests.llm.server import FakeProvider, Reply, Wire, as_json, serving

CONVERSATION: dict[str, Any] = {
    "system_prompt": "Be short.",
    "messages": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hello?"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "How are you?"},
        {"role": "system", "content": "Be honest."},
    ],
    "temperature": 0.25,
    "max_tokens": 50,
}


async def test_the_conversation_and_its_options_arrive(provider: FakeProvider) -> None:
    await llm_generate.perform(llm_generate.parse(CONVERSATION))
    [asked] = provider.asked
    assert asked.model == provider.wire.model
    assert asked.system == "Be short.\n\nBe kind.\n\nBe honest."
    assert asked.turns == [("user", "Hello?"), ("assistant", "Yes?"), ("user", "How are you?")]
    assert (asked.temperature, asked.max_tokens) == (0.25, 50)


async def test_the_answer_comes_in_the_same_shape(provider: FakeProvider) -> None:
    answer = await ask()
    assert answer.model_dump() == {
        "summary": "Hi there.",
        "text": "Hi there.",
        "data": None,
        "model": "answering-model",
        "provider": provider.wire.name,
        "provider_reason": f"{provider.wire.key_variable} is set",
        "input_tokens": 12,
        "output_tokens": 3,
        "stop_reason": "stop",
    }


async def test_the_model_of_the_call_wins_over_the_configured_one(provider: FakeProvider) -> None:
    models = {"anthropic": "claude-sonnet-4-6", "gemini": "gemini-3.5-flash-lite", "openai": "gpt-6.1-sol"}
    model = models[provider.wire.name]
    await ask(model=model)
    assert provider.asked[0].model == model


async def test_a_blank_system_prompt_is_as_good_as_none(provider: FakeProvider) -> None:
    await ask(system_prompt=" \n")
    assert provider.asked[0].system == ""


async def test_messages_of_the_same_role_in_a_row_are_accepted(provider: FakeProvider) -> None:
    messages = [{"role": "user", "content": text} for text in ("one", "two")]
    await llm_generate.perform(llm_generate.parse(messages=messages))
    assert "".join(text for _, text in provider.asked[0].turns).replace("\n", "") == "onetwo"


async def test_the_highest_temperature_is_accepted_everywhere(provider: FakeProvider) -> None:
    await ask(temperature=2)
    assert provider.asked[0].temperature == (1 if provider.wire.name == "anthropic" else 2)


MODELS = {
    "anthropic": ["claude-haiku-4-5", "claude-haiku-5-5", "claude-opus-5-5", "a-model-nobody-knows"],
    "gemini": ["gemini-3.8-flash", "gemini-3.1-pro-preview", "gemini-3.5-flash-lite", "a-model-nobody-knows"],
    "openai": ["gpt-6-luna", "gpt-6.1-sol", "gpt-5-mini", "gpt-4.1-mini", "o3", "a-model-nobody-knows"],
}


async def test_models_that_take_no_temperature_or_cannot_but_think_are_asked_all_the_same(
    provider: FakeProvider,
) -> None:
    provider.will(provider.wire.answer('{"colour": "red"}'))
    models = MODELS[provider.wire.name]
    for model in models:
        await ask(model=model, temperature=0.5)
        await ask(model=model, temperature=0.5, output_schema=COLOUR)
    assert [asked.model for asked in provider.asked] == [model for model in models for _ in range(2)]


async def test_a_longer_answer_than_allowed_is_an_error(provider: FakeProvider) -> None:
    provider.will(provider.wire.answer("Half of an ans", ending="length"))
    with pytest.raises(AnswerTruncated, match="longer than max_tokens=2048") as caught:
        await ask()
    assert not caught.value.retryable


async def test_a_refusal_is_an_error(provider: FakeProvider) -> None:
    provider.will(provider.wire.answer("", ending="refusal"))
    with pytest.raises(AnswerRefused, match="declined to answer") as caught:
        await ask()
    assert not caught.value.retryable


@pytest.mark.parametrize("text", ["", " \n"])
async def test_an_empty_answer_is_an_error_that_a_retry_may_help_against(provider: FakeProvider, text: str) -> None:
    provider.will(provider.wire.answer(text))
    with pytest.raises(AnswerInvalid, match="the answer is empty") as caught:
        await ask()
    assert caught.value.retryable


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b'{"half": '), id="half JSON"),
        pytest.param(Reply(body=b"[]"), id="a list"),
        pytest.param(Reply(body=b"{}"), id="an empty object"),
        pytest.param(as_json({"choices": [], "candidates": [], "content": None}), id="no answer in it"),
        pytest.param(as_json({"content": [{"type": "not invented yet"}]}), id="unknown content"),
        pytest.param(Reply(body=b"<html>", headers={"Content-Type": "text/html"}), id="a page"),
        pytest.param(Reply(body=b""), id="nothing"),
    ],
)
async def test_a_body_that_makes_no_sense_is_an_error_that_a_retry_may_help_against(
    provider: FakeProvider, reply: Reply
) -> None:
    provider.will(reply)
    with pytest.raises((ProviderUnavailable, AnswerInvalid)) as caught:
        await ask()
    assert caught.value.retryable


COLOUR: dict[str, Any] = {
    "type": "object",
    "properties": {"colour": {"enum": ["red", "green"]}},
    "required": ["colour"],
    "additionalProperties": False,
}


async def test_a_typed_answer_is_held_to_its_schema_by_the_provider(provider: FakeProvider) -> None:
    provider.will(provider.wire.answer('{"colour": "red"}'))
    answer = await ask(output_schema=COLOUR)
    assert answer.data == {"colour": "red"}
    assert answer.text == '{"colour": "red"}'
    [asked] = provider.asked
    assert asked.schema is not None
    assert asked.schema["required"] == ["colour"]
    compatible = provider.wire.name == "openai"  # one at another address, which may not know schemas
    assert (json.dumps(COLOUR) in asked.system) == compatible


@pytest.mark.parametrize(
    ("schema", "text", "data"),
    [
        ({"type": "array", "items": {"type": "integer"}}, "[1, 2]", [1, 2]),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, '{"a": 1}', {"a": 1}),
        ({"enum": ["yes", "no"]}, '"yes"', "yes"),
    ],
)
async def test_a_schema_that_providers_do_not_take_is_asked_for_in_words(
    provider: FakeProvider, schema: dict[str, Any], text: str, data: object
) -> None:
    provider.will(provider.wire.answer(text))
    answer = await ask(output_schema=schema, system_prompt="Be exact.")
    assert answer.data == data
    [asked] = provider.asked
    assert asked.schema is None
    assert "response_format" not in asked.body  # OpenAI's `json_object` would keep it from being anything else
    assert asked.system.startswith("Be exact.\n\nAnswer with one JSON value that fits")
    assert asked.system.endswith(json.dumps(schema))


async def test_a_schema_the_provider_rejects_is_asked_for_in_words(provider: FakeProvider) -> None:
    provider.will(provider.wire.error(400, "schema is too complex"), provider.wire.answer('{"colour": "green"}'))
    answer = await ask(output_schema=COLOUR)
    assert answer.data == {"colour": "green"}
    first, second = provider.asked
    assert first.schema is not None
    assert second.schema is None
    assert "colour" in second.system


async def test_the_id_of_the_step_call_is_the_idempotency_key(provider: FakeProvider) -> None:
    provider.will(provider.wire.answer("[]"), provider.wire.answer('{"colour": "red"}'))
    with working_on("call-1"):
        await ask(output_schema=COLOUR)
    await ask()
    sent = [asked.headers.get("idempotency-key") for asked in provider.asked]
    takes_one = provider.wire.name != "gemini"
    assert sent == (["call-1", "call-1-repair-1", None] if takes_one else [None, None, None])


async def test_a_compatible_server_needs_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(OpenAIWire()) as ollama:
        monkeypatch.setenv("OPENAI_BASE_URL", ollama.url)
        answer = await ask(model="llama3.2:1b", max_tokens=77)
        assert (answer.provider, answer.provider_reason) == ("openai", "OPENAI_BASE_URL is set")
        [asked] = ollama.asked
    assert (asked.model, asked.body["max_tokens"]) == ("llama3.2:1b", 77)
    assert asked.temperature == 0.7


def test_connections_end_with_the_event_loop(provider: FakeProvider) -> None:
    import asyncio
    import gc

    for _ in range(3):
        asyncio.run(ask())
    gc.collect()  # an open socket would be a ResourceWarning, and warnings are errors
    assert len(provider.asked) == 3


def test_all_wires_are_tested(wire: Wire) -> None:
    from intermezzo.llm.choice import REMOTE

    assert (REMOTE[wire.name].key, REMOTE[wire.name].base_url) == (wire.key_variable, wire.url_variable)  # pyright: ignore[reportArgumentType]
