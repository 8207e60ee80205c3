"""Answers from files: the cache of development, and recorded ones."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from intermezzo import AnswerRefused, AnswerTruncated, ProviderNotConfigured, ProviderUnavailable
from intermezzo.settings import settings
from tests.llm.conftest import PROMPT, ask
from tests.llm.server import FakeProvider, Reply


def kept() -> list[Path]:
    return [path for path in (settings().home_path / "llm-cache").rglob("*") if path.is_file()]


async def test_without_the_setting_nothing_is_kept(provider: FakeProvider) -> None:
    await ask()
    await ask()
    assert (len(provider.asked), kept()) == (2, [])


async def test_an_equal_request_is_answered_from_disk(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_CACHE", "1")
    assert await ask() == await ask()
    assert len(provider.asked) == 1
    [file] = kept()
    assert PROMPT not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_every_parameter_makes_another_request(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_CACHE", "1")
    provider.will(provider.wire.answer("{}"))
    await ask("one")
    await ask("two")
    await ask("one", temperature=0.1)
    await ask("one", max_tokens=9)
    await ask("one", system_prompt="Be short.")
    await ask(
        "one",
        model={"anthropic": "claude-sonnet-4-6", "gemini": "gemini-3.5-flash", "openai": "gpt-6-sol"}[
            provider.wire.name
        ],
    )
    await ask("one", output_schema={"type": "object"})
    assert len(provider.asked) == len(kept()) == 7


async def test_errors_are_not_kept_and_damaged_files_are_asked_for_again(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_CACHE", "1")
    provider.will(provider.wire.error(500), provider.wire.answer("Hi there."))
    with pytest.raises(ProviderUnavailable):
        await ask()
    assert kept() == []
    await ask()
    [file] = kept()
    file.write_text('{"text": "half')
    assert (await ask()).text == "Hi there."
    assert len(provider.asked) == 3


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], object]:
    """Writes the file that the provider `recorded` answers from."""
    file = tmp_path / "answers.jsonl"
    monkeypatch.setenv("LLM_PROVIDER", "recorded")
    monkeypatch.setenv("LLM_RECORDED", str(file))
    return file.write_text


async def test_the_first_recorded_line_that_fits_answers(record: Callable[[str], object]) -> None:
    record(
        '{"when": "capital of France", "text": "Paris.", "model": "old", "input_tokens": 9, "output_tokens": 2}\n\n'
        '{"text": "I do not know."}\n'
    )
    paris = await ask("What is the capital of France?")
    assert (paris.text, paris.provider, paris.model, paris.input_tokens) == ("Paris.", "recorded", "old", 9)
    assert (await ask("What is love?")).text == "I do not know."


async def test_a_request_without_a_recorded_answer_is_an_error_that_does_not_repeat_it(
    record: Callable[[str], object],
) -> None:
    record('{"when": "France", "text": "Paris."}')
    with pytest.raises(ProviderNotConfigured, match="has no answer to this request") as caught:
        await ask()
    assert PROMPT not in str(caught.value)


async def test_a_line_that_is_no_answer_is_named(record: Callable[[str], object]) -> None:
    record('{"text": "fine"}\n{"txt": "wrong"}\n')
    with pytest.raises(ProviderNotConfigured, match="line 2: text: field required"):
        await ask()


async def test_a_file_that_cannot_be_read_is_named(record: Callable[[str], object], tmp_path: Path) -> None:
    record("")
    (tmp_path / "answers.jsonl").write_bytes(b"\xff")
    with pytest.raises(ProviderNotConfigured, match=r"answers\.jsonl cannot be read"):
        await ask()


async def test_recorded_answers_end_like_any_other(record: Callable[[str], object]) -> None:
    record(
        '{"when": "long", "text": "Half", "stop_reason": "length"}\n'
        '{"when": "bad", "text": "", "stop_reason": "content_filter"}\n'
        '{"text": "one\u2028two"}\n'
    )
    with pytest.raises(AnswerTruncated):
        await ask("long")
    with pytest.raises(AnswerRefused):
        await ask("bad")
    assert (await ask("else")).text == "one\u2028two"


async def test_recorded_answers_can_be_mended_like_any_other(record: Callable[[str], object]) -> None:
    record('{"when": "cannot be used", "text": "[1]"}\n{"text": "one"}\n')
    assert (await ask("Count.", output_schema={"type": "array"})).data == [1]


async def test_a_hung_up_reply_is_not_kept(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLM_CACHE", "1")
    provider.will(Reply(body=provider.wire.answer("Hi there.").body, cut=True))
    with pytest.raises(ProviderUnavailable):
        await ask()
    assert kept() == []
