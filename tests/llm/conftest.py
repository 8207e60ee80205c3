"""The three providers as local servers, and calls of a run to ask them in."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import certifi
import pytest

from intermezzo import StepCall, llm_generate
from intermezzo.llm.choice import say_once
from intermezzo.primitives import LlmGenerateOutput
from intermezzo.steps import begin_work, end_work
from tests.llm.anthropic_wire import AnthropicWire
from tests.llm.gemini_wire import GeminiWire
from tests.llm.openai_wire import OpenAIWire
from tests.llm.server import KEY, FakeProvider, Wire, serving

WIRES: dict[str, Wire] = {"anthropic": AnthropicWire(), "gemini": GeminiWire(), "openai": OpenAIWire()}

PROMPT = "my-secret-prompt"


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Each client reads all certificate authorities when it is made: 20 ms each, and nothing here speaks TLS."""
    end = "-----END CERTIFICATE-----\n"
    file = tmp_path_factory.mktemp("tls") / "authority.pem"
    file.write_text(Path(certifi.where()).read_text("utf-8").partition(end)[0] + end)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(params=sorted(WIRES))
def wire(request: pytest.FixtureRequest) -> Wire:
    """Each wire format in turn."""
    return WIRES[request.param]


@pytest.fixture
def provider(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    """A server of the wire format, which the environment names with its key; our own retries are off."""
    say_once.cache_clear()
    with serving(wire) as server:
        monkeypatch.setenv(wire.key_variable, KEY)
        monkeypatch.setenv(wire.url_variable, server.url)
        monkeypatch.setenv("LLM_MODEL", wire.model)
        monkeypatch.setenv("LLM_RETRIES", "0")
        yield server


async def ask(content: str = PROMPT, **rest: Any) -> LlmGenerateOutput:
    """One user message to whichever provider is configured."""
    return await llm_generate.perform(llm_generate.parse(messages=[{"role": "user", "content": content}], **rest))


@contextmanager
def working_on(id: str = "call-1", *, retry: int = 0) -> Generator[None]:
    """As the engine does a call."""
    token = begin_work(StepCall(id=id, run_id="run", step="llm_generate", key="key", retry=retry))
    try:
        yield
    finally:
        end_work(token)
