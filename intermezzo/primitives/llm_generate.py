"""llm_generate: one completion from Anthropic, Gemini or OpenAI (spec: CS-51, CS-52). Needs the extra `llm`."""

import os
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from intermezzo.errors import ProviderError
from intermezzo.steps import StepInput, StepOutput, primitive

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage

Provider = Literal["anthropic", "gemini", "openai"]

KEYS: dict[Provider, str] = {
    "anthropic": "ANTHROPIC_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "openai": "OPENAI_API_KEY",
}
"""Variable that holds each provider's key; without `LLM_PROVIDER` the first one that is set decides."""

DEFAULT_MODELS: dict[Provider, str] = {
    "anthropic": "claude-haiku-4-5",
    "gemini": "gemini-2.5-flash",
    "openai": "gpt-4.1-mini",
}

_PYDANTIC_AI_NAMES: dict[Provider, str] = {"anthropic": "anthropic", "gemini": "google", "openai": "openai-chat"}


class Message(StepInput):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    """Who says it."""
    content: str
    """What is said."""


class LlmGenerateInput(StepInput):
    """What the model is asked."""

    messages: Annotated[list[Message], Field(min_length=1)]
    """The conversation so far, the newest turn last."""
    system_prompt: str | None = None
    """Merged with the system messages of the conversation, before them."""
    model: str | None = None
    """The provider's id of a model; None: the provider's default."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.7
    """Randomness, 0 to 2."""
    max_tokens: Annotated[int, Field(ge=1)] = 2048
    """Most tokens of the answer."""


class LlmGenerateOutput(StepOutput):
    """What the model answered."""

    text: str
    model: str
    """The model that answered, as the provider names it."""
    provider: Provider
    input_tokens: int
    output_tokens: int
    stop_reason: str
    """`stop`, or why the answer ended early: `length`, `content_filter`."""


def chosen_provider() -> Provider:
    """The provider that `LLM_PROVIDER` names, else the first whose key is set.

    Raises:
        ProviderError: none is named and no key is set, or the name is unknown.
    """
    named = os.environ.get("LLM_PROVIDER", "").strip().lower()
    if named:
        for provider in KEYS:
            if provider == named:
                return provider
        raise ProviderError(f"LLM_PROVIDER is one of {', '.join(KEYS)}, got {named!r}")
    for provider, variable in KEYS.items():
        if os.environ.get(variable):
            return provider
    raise ProviderError(f"no language model is configured: set one of {', '.join(KEYS.values())}")


@primitive(LlmGenerateInput, credits=1)
async def llm_generate(input: LlmGenerateInput) -> LlmGenerateOutput:
    """Ask a language model for one completion.

    Raises:
        ProviderError: no provider is configured, or it refused or failed; `retryable` says whether to try again.
    """
    provider = chosen_provider()
    try:
        from pydantic_ai.direct import model_request
        from pydantic_ai.exceptions import AgentRunError, UserError
        from pydantic_ai.settings import ModelSettings
    except ImportError:
        raise ProviderError("llm_generate needs the extra `llm`: pip install 'intermezzo[llm]'") from None
    name = f"{_PYDANTIC_AI_NAMES[provider]}:{input.model or DEFAULT_MODELS[provider]}"
    try:
        response = await model_request(
            name,
            _conversation(input),
            model_settings=ModelSettings(temperature=input.temperature, max_tokens=input.max_tokens),
        )
    except (AgentRunError, UserError) as error:
        raise _as_provider_error(provider, error) from error
    text = response.text or ""
    return LlmGenerateOutput(
        text=text,
        model=response.model_name or name.partition(":")[2],
        provider=provider,
        input_tokens=response.usage.input_tokens,
        output_tokens=response.usage.output_tokens,
        stop_reason=response.finish_reason or "stop",
        summary=" ".join(text.split())[:500],
    )


def _conversation(input: LlmGenerateInput) -> "list[ModelMessage]":
    from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart

    system = [input.system_prompt] if input.system_prompt else []
    system += [message.content for message in input.messages if message.role == "system"]
    turns: list[ModelMessage] = []
    if system:
        turns.append(ModelRequest(parts=[SystemPromptPart("\n\n".join(system))]))
    for message in input.messages:
        if message.role == "user":
            turns.append(ModelRequest(parts=[UserPromptPart(message.content)]))
        elif message.role == "assistant":
            turns.append(ModelResponse(parts=[TextPart(message.content)]))
    return turns


def _as_provider_error(provider: Provider, error: Exception) -> ProviderError:
    from pydantic_ai.exceptions import (
        ModelConnectionError,
        ModelHTTPError,
        ModelRateLimitError,
        ModelServerError,
        ModelUnavailableError,
    )

    passing = (ModelConnectionError, ModelRateLimitError, ModelServerError, ModelUnavailableError)
    status = f" (HTTP {error.status_code})" if isinstance(error, ModelHTTPError) else ""
    # The provider's own text may repeat the prompt, so only the kind of failure is passed on.
    kind = type(error).__name__.removeprefix("_HTTP")
    hint = f"; is {KEYS[provider]} right?" if "Authentication" in kind or status.endswith("401)") else ""
    return ProviderError(f"{provider} failed: {kind}{status}{hint}", retryable=isinstance(error, passing))
