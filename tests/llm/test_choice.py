"""Which provider is asked."""

import logging
from pathlib import Path

import pytest

from intermezzo import ProviderNotConfigured
from intermezzo.llm import Choice, choose, is_configured, llm_settings
from tests.llm.conftest import ask
from tests.llm.server import KEY, FakeProvider


def chosen(model: str | None = None) -> Choice:
    return choose(model, llm_settings())


def test_without_any_key_the_error_names_all_variables() -> None:
    assert not is_configured()
    with pytest.raises(ProviderNotConfigured) as caught:
        chosen()
    for variable in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY", "OPENAI_BASE_URL", "LLM_PROVIDER",
                     "LLM_LOCAL_MODEL"):  # fmt: skip
        assert variable in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "provider"),
    [("ANTHROPIC_API_KEY", "anthropic"), ("GEMINI_API_KEY", "gemini"), ("OPENAI_API_KEY", "openai")],
)
def test_the_key_that_is_set_decides(variable: str, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, KEY)
    assert is_configured()
    assert (chosen().provider, chosen().because) == (provider, f"{variable} is set")
    assert KEY not in repr(chosen())


async def test_of_several_keys_the_log_and_the_output_say_which_was_picked(
    provider: FakeProvider, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for variable in ("ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(variable, KEY)
    if provider.wire.name != "anthropic":
        monkeypatch.delenv("ANTHROPIC_API_KEY")
    if provider.wire.name == "openai":
        monkeypatch.delenv("GEMINI_API_KEY")
        monkeypatch.setenv("OPENAI_BASE_URL", provider.url)
    caplog.set_level(logging.WARNING, "intermezzo.llm")
    answers = [await ask(), await ask()]
    if provider.wire.name == "openai":
        assert answers[0].provider_reason == "OPENAI_API_KEY is set"
        assert caplog.messages == []
        return
    assert "are set" in answers[0].provider_reason
    assert f"{provider.wire.name} comes first" in answers[0].provider_reason
    [said] = caplog.messages  # once, however many are asked
    assert answers[0].provider_reason in said


def test_llm_provider_wins_over_the_keys_that_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("LLM_PROVIDER", " OpenAI ")
    assert (chosen().provider, chosen().because) == ("openai", "LLM_PROVIDER is set")


@pytest.mark.parametrize("blank", ["", " \n"])
def test_a_blank_variable_is_as_good_as_none(blank: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LLM_PROVIDER", "LLM_MODEL", "ANTHROPIC_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(variable, blank)
    assert not is_configured()
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    assert (chosen().provider, chosen().model) == ("gemini", "gemini-3.8-flash")


def test_blanks_around_a_key_came_with_copying_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", f" {KEY}\r\n")
    assert chosen().key == KEY


def test_the_model_is_that_of_the_call_else_of_the_environment_else_the_providers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    assert chosen().model == "claude-haiku-4-5"
    monkeypatch.setenv("LLM_MODEL", "configured")
    assert chosen().model == "configured"
    assert chosen("of-the-call").model == "of-the-call"


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LLM_PROVIDER": "hal"}, "provider: input should be 'anthropic', 'gemini', 'openai', 'local' or 'recorded'"),
        ({"LLM_PROVIDER": "gemini"}, "LLM_PROVIDER is set, and gemini needs GEMINI_API_KEY"),
        ({"OPENAI_BASE_URL": "https://api.openai.com/v1"}, "OPENAI_BASE_URL is set, and openai needs OPENAI_API_KEY"),
        ({"OPENAI_API_KEY": "schlüssel"}, "OPENAI_API_KEY has characters that no key has"),
        ({"OPENAI_BASE_URL": "localhost:11434/v1", "LLM_MODEL": "m"}, "OPENAI_BASE_URL must be an address such as"),
        ({"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": "http://[::1"}, "ANTHROPIC_BASE_URL must be an address"),
        ({"LLM_PROVIDER": "local", "LLM_LOCAL_MODEL": ""}, "LLM_PROVIDER=local needs LLM_LOCAL_MODEL"),
        ({"LLM_PROVIDER": "local", "LLM_LOCAL_MODEL": "/no/model.gguf"}, "'/no/model.gguf', which is not a file"),
        ({"LLM_PROVIDER": "recorded"}, "LLM_PROVIDER=recorded needs LLM_RECORDED"),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, "set LLM_MODEL"),
        ({"LLM_RETRIES": "many"}, "retries: input should be a valid integer"),
        ({"LLM_DEADLINE_SECONDS": "inf"}, "deadline_seconds: input should be a finite number"),
        ({"LLM_TIMEOUT_SECONDS": "0"}, "timeout_seconds: input should be greater than 0"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    environment: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ProviderNotConfigured) as caught:
        chosen()
    assert said in str(caught.value)


def test_local_and_recorded_are_never_chosen_by_themselves(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    file.write_text('{"text": "recorded"}\n')
    monkeypatch.setenv("LLM_RECORDED", str(file))
    monkeypatch.setenv("LLM_LOCAL_MODEL", str(file))
    assert not is_configured()
    with pytest.raises(ProviderNotConfigured):
        chosen()
    monkeypatch.setenv("LLM_PROVIDER", "recorded")
    assert (chosen().provider, chosen().model) == ("recorded", str(file))
