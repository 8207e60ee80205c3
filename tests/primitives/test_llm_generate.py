"""`llm_generate` at its door and in a pipeline; what providers do is tested in tests/llm."""

import json
from pathlib import Path
from typing import Any

import pytest

from intermezzo import InvalidInput, llm_generate

HELLO = [{"role": "user", "content": "Hello?"}]


@pytest.fixture(autouse=True)
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text(json.dumps({"text": f"Hi  there.\n{'x' * 600}"}))
    monkeypatch.setenv("LLM_PROVIDER", "recorded")
    monkeypatch.setenv("LLM_RECORDED", str(file))


@pytest.mark.parametrize(
    ("input", "said"),
    [
        ({}, "messages: field required"),
        ({"messages": ["hi"]}, "messages.0: input should be a valid dictionary, got 'hi'"),
        ({"messages": []}, "messages: list should have at least 1 item"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "role: input should be 'system', 'user' or 'assistant'"),
        ({"messages": [{"role": "user", "content": " "}]}, "a message must say something"),
        ({"messages": [{"role": "system", "content": "x"}]}, "at least one message must be of the role user"),
        ({"messages": HELLO, "temperature": 2.1}, "temperature: input should be less than or equal to 2"),
        ({"messages": HELLO, "temperature": -0.1}, "temperature: input should be greater than or equal to 0"),
        ({"messages": HELLO, "max_tokens": 0}, "max_tokens: input should be greater than or equal to 1"),
        ({"messages": HELLO, "max_tokens": 10**30}, "max_tokens: input should be less than or equal to 1000000"),
        ({"messages": HELLO, "model": " "}, "model: string should have at least 1 character"),
        ({"messages": HELLO, "system_prompt": "x" * 2_000_001}, "system_prompt: string should have at most 2000000"),
        ({"messages": HELLO, "output_schema": {"type": "text"}}, "output_schema: not a JSON Schema"),
        ({"messages": HELLO, "top_p": 1}, "top_p: unknown field; the fields are messages, system_prompt"),
    ],
)
def test_bad_input_is_refused_with_field_and_bound(input: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        llm_generate.parse(input)
    assert said in str(caught.value)


def test_the_defaults_are_those_of_the_specification() -> None:
    parsed = llm_generate.parse(messages=HELLO)
    assert (parsed.temperature, parsed.max_tokens, parsed.model, parsed.system_prompt) == (0.7, 2048, None, None)
    assert llm_generate.price(parsed) == 1


async def test_the_summary_is_one_line_of_at_most_500_characters() -> None:
    answer = await llm_generate.perform(llm_generate.parse(messages=HELLO))
    assert answer.summary.startswith("Hi there. xxx")
    assert len(answer.summary) == 500
    assert len(answer.text) > 600
