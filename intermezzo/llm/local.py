"""A GGUF model run by llama.cpp in this process: nothing that is asked leaves the machine. Needs the extra `local`."""

import asyncio
import os
import secrets
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from intermezzo.errors import (
    InputTooLong,
    ProviderNotConfigured,
    ProviderTimedOut,
    ProviderUnavailable,
    RequestRejected,
)
from intermezzo.llm.endings import checked
from intermezzo.llm.request import Answer, Request, Schema

_REPETITIONS = ("minItems", "maxItems", "minLength", "maxLength")
_MOST_REPETITIONS = 10_000
"""In a grammar: ten times more take seconds, a thousand times more all memory."""


class LocalModel:
    """One GGUF file; loaded at the first question, once per process, and asked one question at a time.

    Args:
        path: the file.
        context_tokens: tokens of question and answer together that there is room for.
        timeout_seconds: longest time of one answer, loading included.
    """

    def __init__(self, path: str, *, context_tokens: int, timeout_seconds: float) -> None:
        self._path = path
        self._context_tokens = context_tokens
        self._timeout_seconds = timeout_seconds

    async def aclose(self) -> None:
        """Nothing to close: the model stays loaded for other event loops."""

    async def ask(self, request: Request, *, idempotency_key: str | None = None) -> Answer:  # noqa: ARG002
        """The answer; a schema holds the model to it, token by token.

        Raises:
            ProviderNotConfigured: the extra is not installed, or the file is not a model llama.cpp can load.
            InputTooLong: there is no room for the question.
            RequestRejected: the model's chat template refuses the conversation, or llama.cpp the schema.
            ProviderTimedOut: it took longer than `LLM_TIMEOUT_SECONDS`.
            ProviderError: see `intermezzo.llm.endings`.
        """
        abandoned = threading.Event()

        def work() -> Answer:
            return _complete(_server(self._path, self._context_tokens), self._path, request, abandoned.is_set)

        limit = asyncio.timeout(self._timeout_seconds)
        try:
            async with limit:
                answer = await asyncio.get_running_loop().run_in_executor(_thread(), work)
        except TimeoutError:
            if not limit.expired():
                raise
            raise ProviderTimedOut(f"local: no answer within {self._timeout_seconds:g} s") from None
        finally:
            abandoned.set()
        return checked(answer, request, provider="local")


@cache
def _thread() -> ThreadPoolExecutor:
    """Of its own, because a question takes seconds; a single one, because the model answers one at a time."""
    return ThreadPoolExecutor(1, thread_name_prefix="intermezzo-local-model")


@cache
def _server(path: str, context_tokens: int) -> Any:  # noqa: ANN401 (xllamacpp has no types)
    try:
        llama: Any = import_module("xllamacpp")
    except ImportError:
        raise ProviderNotConfigured(
            "LLM_PROVIDER=local needs the extra `local`: pip install 'intermezzo[local]'"
        ) from None
    params = llama.CommonParams()
    params.model.path = path
    params.n_ctx = context_tokens
    params.n_parallel = 1
    params.verbosity = -1  # else it logs prompts
    # Half the processors: its threads wait busily for each other, and when something else runs on the processor of
    # one of them, all together are ten times slower than a single one.
    threads = max(1, (os.cpu_count() or 1) // 2)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.ui = False
    # It insists on listening. Here nobody can reach it: on a socket that is unlinked, behind a key nobody knows.
    params.api_keys = [secrets.token_urlsafe(32)]
    with tempfile.TemporaryDirectory(prefix="intermezzo-") as folder:
        params.hostnames = [str(Path(folder) / "llama.sock")]
        try:
            return llama.Server(params)
        except RuntimeError:
            raise ProviderNotConfigured(
                f"LLM_LOCAL_MODEL: llama.cpp cannot load {path!r}; it must be a GGUF file of a text model"
            ) from None


def _complete(server: Any, path: str, request: Request, is_abandoned: Callable[[], bool]) -> Answer:  # noqa: ANN401
    chunks: list[dict[str, Any]] = []

    def take(chunk: dict[str, Any]) -> bool:
        chunks.append(chunk)
        return is_abandoned()  # True ends it

    try:
        server.handle_chat_completions(_body(request), take)
    except ValueError:
        raise RequestRejected("local: the model's chat template refuses a conversation like this") from None
    for chunk in chunks:
        if error := chunk.get("error"):
            kind = InputTooLong if error.get("type") == "exceed_context_size_error" else ProviderUnavailable
            raise kind(f"local: llama.cpp answers {error.get('type')}; LLM_LOCAL_CONTEXT_TOKENS makes room for more")
    choices = [choice for chunk in chunks for choice in chunk.get("choices", [])]
    usage: dict[str, int] = {}
    for chunk in chunks:
        usage = chunk.get("usage") or usage
    return Answer(
        text="".join(choice["delta"].get("content") or "" for choice in choices),
        model=Path(path).stem,
        input_tokens=usage.get("prompt_tokens", 0),
        output_tokens=usage.get("completion_tokens", 0),
        stop_reason=next((choice["finish_reason"] for choice in reversed(choices) if choice["finish_reason"]), "error"),
    )


def _body(request: Request) -> dict[str, Any]:
    turns = [{"role": "system", "content": request.system}] if request.system else []
    for turn in request.turns:
        if turns and turns[-1]["role"] == turn.role:  # many chat templates refuse two in a row
            turns[-1]["content"] += f"\n\n{turn.content}"
        else:
            turns.append({"role": turn.role, "content": turn.content})
    body: dict[str, Any] = {
        "messages": turns,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "stream": True,
        "stream_options": {"include_usage": True},
        "chat_template_kwargs": {"enable_thinking": False},
    }
    if request.schema is not None:
        body["grammar"] = _grammar(request.schema)
    return body


def _grammar(schema: Schema) -> str:
    """The schema as llama.cpp's grammar, without optional blanks: small models write blanks for ever."""
    llama: Any = import_module("xllamacpp")
    bounded = cast("dict[str, object]", _without_long_repetitions(dict(schema)))
    try:
        return llama.json_schema_to_grammar({**bounded, "x-guidance": {"whitespace_flexible": False}})
    except (TypeError, ValueError, RuntimeError):
        raise RequestRejected("local: llama.cpp cannot hold a model to this output_schema; make it simpler") from None


def _without_long_repetitions(node: object) -> object:
    """A schema that is cheap to write as a grammar, which spells repetitions out; the answer is checked anyway."""
    if isinstance(node, list):
        return [_without_long_repetitions(item) for item in cast("list[object]", node)]
    if not isinstance(node, dict):
        return node
    return {
        name: _without_long_repetitions(value)
        for name, value in cast("dict[str, object]", node).items()
        if not (name in _REPETITIONS and isinstance(value, int | float) and value > _MOST_REPETITIONS)
    }
