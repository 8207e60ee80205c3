"""The open models of each event loop, and how many requests a provider gets at a time."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from intermezzo.errors import ProviderNotConfigured
from intermezzo.llm.choice import Choice
from intermezzo.llm.request import LanguageModel
from intermezzo.llm.settings import LlmSettings, ProviderName


@dataclass(slots=True)
class _Loop:
    """What belongs to one event loop: connections cannot be shared between loops."""

    models: dict[tuple[Choice, LlmSettings], LanguageModel] = field(
        default_factory=dict[tuple[Choice, LlmSettings], LanguageModel]
    )
    slots: dict[tuple[ProviderName, int], asyncio.Semaphore] = field(
        default_factory=dict[tuple[ProviderName, int], asyncio.Semaphore]
    )
    closing: AsyncGenerator[None] | None = None


_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Loop] = WeakKeyDictionary()


async def open_model(choice: Choice, settings: LlmSettings) -> LanguageModel:
    """The model to ask; opened at its first request, closed with the event loop.

    Raises:
        ProviderNotConfigured: the package it needs is not installed, or its file cannot be read.
    """
    here = await _here()
    model = here.models.get((choice, settings))
    if model is None:
        model = here.models[choice, settings] = _open(choice, settings)
    return model


async def slot(provider: ProviderName, settings: LlmSettings) -> asyncio.Semaphore:
    """What to hold while asking a provider."""
    here = await _here()
    # The local model answers one at a time; who waits for it must not be waiting on the clock.
    places = 1 if provider == "local" else settings.concurrency
    return here.slots.setdefault((provider, places), asyncio.Semaphore(places))


async def _here() -> _Loop:
    loop = asyncio.get_running_loop()
    here = _loops.get(loop)
    if here is None:
        here = _loops[loop] = _Loop()
        # A loop that ends closes the asynchronous generators that were started in it, and with this one the models.
        here.closing = _close_at_the_end(here)
        await anext(here.closing)
    return here


async def _close_at_the_end(here: _Loop) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        for model in here.models.values():
            await model.aclose()


def _open(choice: Choice, settings: LlmSettings) -> LanguageModel:
    model = _open_bare(choice, settings)
    if not settings.cache:
        return model
    from intermezzo.llm.cache import CachedModel

    return CachedModel(model, choice)


def _open_bare(choice: Choice, settings: LlmSettings) -> LanguageModel:
    if choice.provider == "recorded":
        from intermezzo.llm.recorded import RecordedModel

        return RecordedModel(choice.model)
    if choice.provider == "local":
        from intermezzo.llm.local import LocalModel

        return LocalModel(
            choice.model,
            context_tokens=settings.local_context_tokens,
            timeout_seconds=settings.timeout_seconds,
        )
    try:
        from intermezzo.llm.remote import RemoteModel
    except ImportError:
        raise ProviderNotConfigured(f"{choice.provider} needs the extra `llm`: pip install 'intermezzo[llm]'") from None
    return RemoteModel(choice, timeout_seconds=settings.timeout_seconds)
