"""Which provider and model answer: what the environment says, and why (spec: CS-52)."""

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import urlsplit

from intermezzo.errors import ProviderNotConfigured
from intermezzo.llm.settings import LlmSettings, ProviderName, llm_settings

logger = logging.getLogger("intermezzo.llm")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remote:
    key: str
    """Variable of the key."""
    base_url: str
    """Variable of the address."""
    model: str
    """Model of calls that name none: the provider's small and quick one."""


REMOTE: Mapping[ProviderName, _Remote] = {
    "anthropic": _Remote(key="ANTHROPIC_API_KEY", base_url="ANTHROPIC_BASE_URL", model="claude-haiku-4-5"),
    "gemini": _Remote(key="GEMINI_API_KEY", base_url="GOOGLE_GEMINI_BASE_URL", model="gemini-3.8-flash"),
    "openai": _Remote(key="OPENAI_API_KEY", base_url="OPENAI_BASE_URL", model="gpt-6-luna"),
}
"""Providers that are chosen by their key; the first that is set, in this order."""

_HELP = (
    "set ANTHROPIC_API_KEY, GEMINI_API_KEY or OPENAI_API_KEY; or OPENAI_BASE_URL for a compatible server such as "
    "Ollama or vLLM; or LLM_PROVIDER=local and LLM_LOCAL_MODEL=/path/to/model.gguf"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Who answers."""

    provider: ProviderName
    model: str
    """The provider's id of the model; of `local` and `recorded`, the file."""
    because: str
    """What decided: the variables, never their values."""
    base_url: str | None = None
    """Where the provider is asked; None: at its own address."""
    key: str | None = field(default=None, repr=False)
    """The API key; None where the address needs none."""

    @property
    def is_compatible(self) -> bool:
        """Whether it is somebody else's server that speaks like OpenAI."""
        return self.provider == "openai" and not f".{_host(self.base_url) or 'openai.com'}".endswith(".openai.com")


def is_configured() -> bool:
    """Whether a language model can be asked, as far as the environment tells.

    Raises:
        ProviderNotConfigured: a variable has a value it cannot have.
    """
    return llm_settings().provider is not None or bool(_available())


def choose(model: str | None, settings: LlmSettings) -> Choice:
    """The provider that `LLM_PROVIDER` names, else the first whose key is set.

    Says once, as a warning in the log, which one was picked when several are set.

    Args:
        model: the model a call asks for; None: `LLM_MODEL`, else the provider's default.
        settings: the operator's.

    Raises:
        ProviderNotConfigured: none is named and no key is set, or what the named one needs is missing.
    """
    available = _available()
    if settings.provider is not None:
        return _named(settings.provider, model or settings.model, settings)
    if not available:
        raise ProviderNotConfigured(f"no language model is configured: {_HELP}")
    provider, because = next(iter(available.items()))
    if len(available) > 1:
        because = f"{' and '.join(available.values())} are set, {provider} comes first; LLM_PROVIDER decides otherwise"
        say_once(because)
    else:
        because = f"{because} is set"
    return _remote(provider, model or settings.model, because)


def _available() -> dict[ProviderName, str]:
    """Each provider that could be asked → the variable that makes it so."""
    found: dict[ProviderName, str] = {}
    for provider, remote in REMOTE.items():
        if _variable(remote.key):
            found[provider] = remote.key
        elif provider == "openai" and _variable(remote.base_url):
            found[provider] = remote.base_url
    return found


def _variable(name: str) -> str | None:
    """Its value, without the blanks and line ends that come with copying; None if nothing is left."""
    return os.environ.get(name, "").strip() or None


def _named(provider: ProviderName, model: str, settings: LlmSettings) -> Choice:
    because = "LLM_PROVIDER is set"
    if provider in REMOTE:
        return _remote(provider, model, because)
    path = settings.local_model if provider == "local" else settings.recorded
    variable = "LLM_LOCAL_MODEL" if provider == "local" else "LLM_RECORDED"
    if path is None:
        raise ProviderNotConfigured(f"LLM_PROVIDER={provider} needs {variable}, the path of its file")
    if not path.expanduser().is_file():
        raise ProviderNotConfigured(f"{variable} names {str(path)!r}, which is not a file")
    return Choice(provider=provider, model=str(path.expanduser().absolute()), because=because)


def _remote(provider: ProviderName, model: str, because: str) -> Choice:
    remote = REMOTE[provider]
    key, base_url = _variable(remote.key), _variable(remote.base_url)
    if base_url and not _host(base_url):
        raise ProviderNotConfigured(f"{remote.base_url} must be an address such as http://127.0.0.1:11434/v1")
    choice = Choice(provider=provider, model=model or remote.model, because=because, base_url=base_url, key=key)
    if key is None and not choice.is_compatible:
        raise ProviderNotConfigured(f"{because}, and {provider} needs {remote.key}")
    if key and not (key.isascii() and key.isprintable()):
        raise ProviderNotConfigured(f"{remote.key} has characters that no key has; copy it again")
    if choice.is_compatible and not model:
        raise ProviderNotConfigured(
            f"{remote.base_url} names a server whose models are not known: set LLM_MODEL, or `model` in the call"
        )
    return choice


def _host(url: str | None) -> str | None:
    """The host of an http or https address; None if it is no such address."""
    with suppress(ValueError):
        parts = urlsplit(url or "")
        return parts.hostname if parts.scheme in ("http", "https") else None
    return None


@cache
def say_once(because: str) -> None:
    """Warn of a choice, once per process; `say_once.cache_clear()` forgets what was said."""
    logger.warning("several language models are configured: %s", because)
