"""Answers kept on disk and given again to equal requests: for development, off unless `LLM_CACHE=1`."""

import asyncio
import hashlib
import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from intermezzo.llm.choice import Choice
from intermezzo.llm.request import Answer, LanguageModel, Request
from intermezzo.settings import settings


class CachedModel:
    """A model that is asked each question once; errors are not kept.

    Args:
        model: the model that knows the answers.
        choice: who it is: part of what makes a request equal to another.
    """

    def __init__(self, model: LanguageModel, choice: Choice) -> None:
        self._model = model
        self._asked = {"provider": choice.provider, "model": choice.model, "base_url": choice.base_url}
        self._folder = settings().home_path / "llm-cache"

    async def aclose(self) -> None:
        """Close the model; what is kept stays."""
        await self._model.aclose()

    async def ask(self, request: Request, *, idempotency_key: str | None = None) -> Answer:
        """The kept answer, else the model's.

        Raises:
            ProviderError: the model's.
        """
        path = self._path(request)
        answer = await asyncio.to_thread(_read, path)
        if answer is None:
            answer = await self._model.ask(request, idempotency_key=idempotency_key)
            await asyncio.to_thread(_write, path, answer)
        return answer

    def _path(self, request: Request) -> Path:
        exact = json.dumps({**self._asked, "request": asdict(request)}, sort_keys=True)
        digest = hashlib.blake2b(exact.encode(), digest_size=20).hexdigest()
        return self._folder / digest[:2] / f"{digest}.json"


def _read(path: Path) -> Answer | None:
    # A file that is missing, damaged or of another version is an answer we do not have.
    with suppress(OSError, ValueError, TypeError):
        return Answer(**json.loads(path.read_bytes()))
    return None


def _write(path: Path, answer: Answer) -> None:
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Whole or not at all, and readable by nobody else from the start.
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(asdict(answer), file)
    Path(temporary).replace(path)
