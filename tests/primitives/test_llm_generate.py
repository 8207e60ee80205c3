"""llm_generate with the providers' real SDKs, against a local server that speaks their documented wire formats."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from intermezzo import ProviderError, llm_generate
from intermezzo.primitives.llm_generate import chosen_provider

ASK = {
    "system_prompt": "Be short.",
    "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello?"}],
    "temperature": 0.2,
    "max_tokens": 50,
}


class FakeProvider(ThreadingHTTPServer):
    """Records what it is asked and answers as told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeProvider  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, body))
        if self.server.status != 200:
            answer: dict[str, Any] = {"type": "error", "error": {"type": "x", "message": "no", "code": "x"}}
        elif self.path.endswith("/messages"):
            answer = {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": body["model"],
                "content": [{"type": "text", "text": "Hi there."}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 12, "output_tokens": 3},
            }
        elif "generateContent" in self.path:
            answer = {
                "candidates": [
                    {"content": {"role": "model", "parts": [{"text": "Hi there."}]}, "finishReason": "STOP"}
                ],
                "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 3, "totalTokenCount": 15},
                "modelVersion": "gemini-2.5-flash",
            }
        else:
            answer = {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1700000000,
                "model": body["model"],
                "choices": [
                    {
                        "index": 0,
                        "message": {"role": "assistant", "content": "Hi there."},
                        "finish_reason": "stop",
                    }
                ],
                "usage": {"prompt_tokens": 12, "completion_tokens": 3, "total_tokens": 15},
            }
        data = json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    for name in ("LLM_PROVIDER", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    server = FakeProvider()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("name", ["anthropic", "openai", "gemini"])
async def test_each_provider_answers_in_the_same_shape(
    name: str, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{name.upper()}_API_KEY", "key")
    answer = await llm_generate.perform(llm_generate.parse(ASK))
    assert (answer.text, answer.provider, answer.stop_reason) == ("Hi there.", name, "stop")
    assert (answer.input_tokens, answer.output_tokens, answer.summary) == (12, 3, "Hi there.")
    sent = json.dumps(provider.asked[0][1])
    assert "Be short." in sent
    assert "Be kind." in sent


@pytest.mark.parametrize(("status", "retryable"), [(401, False), (400, False), (429, True), (500, True)])
async def test_a_failure_says_whether_trying_again_helps(
    status: int, retryable: bool, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    provider.status = status
    with pytest.raises(ProviderError) as caught:
        await llm_generate.fn(messages=[{"role": "user", "content": "a secret prompt"}])  # type: ignore[list-item]
    assert caught.value.retryable is retryable
    assert "a secret prompt" not in str(caught.value)


def test_no_key_at_all_is_an_error_that_names_the_variables(provider: FakeProvider) -> None:
    with pytest.raises(ProviderError, match="ANTHROPIC_API_KEY, GEMINI_API_KEY, OPENAI_API_KEY"):
        chosen_provider()


def test_llm_provider_wins_over_the_keys_that_are_set(provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "key")
    monkeypatch.setenv("LLM_PROVIDER", "OpenAI")
    assert chosen_provider() == "openai"
    monkeypatch.setenv("LLM_PROVIDER", "hal")
    with pytest.raises(ProviderError, match="anthropic, gemini, openai, got 'hal'"):
        chosen_provider()
