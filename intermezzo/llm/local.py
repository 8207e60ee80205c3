"""A GGUF model run by llama.cpp in this process: nothing that is asked leaves the machine. Needs the extra `local`."""

import asyncio
import secrets
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

from intermezzo.errors import InputTooLong, ProviderNotConfigured, ProviderTimedOut, ProviderUnavailable
from intermezzo.llm.endings import checked
from intermezzo.llm.request import Answer, Request

_loading = threading.Lock()


class LocalModel:
    """One GGUF file; loaded at the first question, once per process, and asked one question at a time.

    Args:
        path: the file.
        context_tokens: tokens of question and answer together that there is room for.
        timeout_seconds: longest time of one answer.
    """

    def __init__(self, path: str, *, context_tokens: int, timeout_seconds: float) -> None:
        self._path = path
        self._context_tokens = context_tokens
        self._timeout_seconds = timeout_seconds

    async def aclose(self) -> None:
        """The model stays loaded for other event loops."""

    async def ask(self, request: Request, *, idempotency_key: str | None = None) -> Answer:  # noqa: ARG002
        """The answer; a schema holds the model to it, token by token.

        Raises:
            ProviderNotConfigured: the extra is not installed, or the file is no model.
            InputTooLong: there is no room for the question.
            ProviderTimedOut: it took longer than `LLM_TIMEOUT_SECONDS`.
            ProviderError: see `intermezzo.llm.endings`.
        """
        stopped = threading.Event()
        work = partial(_complete, self._path, self._context_tokens, request, stopped.is_set)
        limit = asyncio.timeout(self._timeout_seconds)
        try:
            async with limit:
                answer = await asyncio.get_running_loop().run_in_executor(_thread(), work)
        except TimeoutError:
            if not limit.expired():
                raise
            raise ProviderTimedOut(f"local: no answer within {self._timeout_seconds:g} s") from None
        finally:
            stopped.set()
        return checked(answer, request, provider="local")


@cache
def _thread() -> ThreadPoolExecutor:
    """Of its own: questions take seconds and would keep asyncio's threads from everyone else."""
    return ThreadPoolExecutor(1, thread_name_prefix="intermezzo-local-model")
