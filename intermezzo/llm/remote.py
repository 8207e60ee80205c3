"""Models of Anthropic, Google and OpenAI, and of whoever speaks like OpenAI, through pydantic-ai's model layer.

Imported when a remote model is first asked: it loads the providers' SDKs.
"""

import json
import logging
from typing import TYPE_CHECKING, Any, cast

from pydantic_ai.direct import model_request
from pydantic_ai.exceptions import ModelRequestRejectedError, UserError
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
from pydantic_ai.models import ModelRequestParameters, create_async_httpx2_client
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.settings import ModelSettings

from intermezzo.errors import RequestRejected
from intermezzo.llm.choice import Choice
from intermezzo.llm.endings import checked
from intermezzo.llm.failures import as_provider_error
from intermezzo.llm.request import Answer, Request, Schema

if TYPE_CHECKING:
    from httpx2 import AsyncClient
    from pydantic_ai.models import Model

_HOTTEST = {"anthropic": 1.0}
"""Highest temperature of providers that take less than 2."""

_IN_WORDS = """\
Answer with one JSON value that fits the JSON Schema below, and with nothing else: no words around it, no code fence.
{}"""

# At DEBUG the SDKs log whole requests, and no prompt may get into a log.
for _sdk in ("anthropic", "openai", "google_genai"):
    if logging.getLogger(_sdk).level == logging.NOTSET:
        logging.getLogger(_sdk).setLevel(logging.INFO)


class RemoteModel:
    """One model of one provider, with connections of its own. Belongs to one event loop.

    Args:
        choice: who is asked.
        timeout_seconds: longest time of one try.
    """

    def __init__(self, choice: Choice, *, timeout_seconds: float) -> None:
        self._choice = choice
        self._timeout_seconds = timeout_seconds
        self._client: AsyncClient = create_async_httpx2_client(timeout=timeout_seconds)
        self._model = _MODELS[choice.provider](choice, self._client)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def ask(self, request: Request, *, idempotency_key: str | None = None) -> Answer:
        """The answer of a single try: the SDKs' own retries are off.

        Raises:
            ProviderError: see `intermezzo.llm.failures`; AnswerRefused, AnswerTruncated, AnswerInvalid for answers
                that are of no use.
        """
        native = request.schema is not None and self._holds_to(request.schema)
        answer = await self._send(request, idempotency_key, native=native)
        return checked(answer, request, provider=self._choice.provider)

    async def _send(self, request: Request, idempotency_key: str | None, *, native: bool) -> Answer:
        try:
            response = await model_request(
                self._model,
                # Some compatible servers ignore a schema, and some hold to it a model that never saw it.
                _conversation(request, in_words=not native or self._choice.is_compatible),
                model_settings=self._settings(request, idempotency_key),
                model_request_parameters=_parameters(request.schema if native else None),
            )
            return self._answer(response)
        except Exception as error:  # noqa: BLE001 (the boundary: what SDKs raise on a bad answer may quote it)
            if not (native and isinstance(error, ModelRequestRejectedError | UserError)):
                raise as_provider_error(error, self._choice) from None
            failure = as_provider_error(error, self._choice)
        if not isinstance(failure, RequestRejected):
            raise failure
        # Each provider holds models to its own subset of JSON Schema, so the schema may be what was rejected.
        return await self._send(request, idempotency_key, native=False)

    def _settings(self, request: Request, idempotency_key: str | None) -> ModelSettings:
        settings = ModelSettings(
            max_tokens=request.max_tokens,
            timeout=self._timeout_seconds,
            request_timeout=self._timeout_seconds,
            max_retries=0,
            # Thoughts would use up `max_tokens`, and thinking models take no temperature.
            thinking=False,
        )
        if self._takes_temperature():
            settings["temperature"] = min(request.temperature, _HOTTEST.get(self._choice.provider, 2.0))
        if idempotency_key is not None and self._choice.provider != "gemini":
            settings["extra_headers"] = {"Idempotency-Key": idempotency_key}
        return settings

    def _takes_temperature(self) -> bool:
        profile = cast("dict[str, Any]", self._model.profile)
        if profile.get("anthropic_disallows_sampling_settings"):
            return False
        thinks = profile.get("openai_supports_reasoning") or profile.get("thinking_always_enabled")
        return not thinks or bool(profile.get("openai_supports_reasoning_effort_none"))

    def _holds_to(self, schema: Schema) -> bool:
        """Whether the provider can be told to keep to the schema without changing its meaning."""
        profile = cast("dict[str, Any]", self._model.profile)
        return bool(profile.get("supports_json_schema_output")) and _is_closed_object(schema)

    def _answer(self, response: ModelResponse) -> Answer:
        return Answer(
            text=response.text or "",
            model=response.model_name or self._choice.model,
            input_tokens=response.usage.input_tokens,
            output_tokens=response.usage.output_tokens,
            stop_reason=response.finish_reason or "stop",
        )


def _conversation(request: Request, *, in_words: bool) -> list[ModelMessage]:
    system = request.system
    if request.schema is not None and in_words:
        # Not in the JSON mode of a provider: OpenAI's knows objects only, and not every compatible server has one.
        system = f"{system}\n\n{_IN_WORDS.format(json.dumps(dict(request.schema), ensure_ascii=False))}".lstrip()
    turns: list[ModelMessage] = [ModelRequest(parts=[SystemPromptPart(system)])] if system else []
    for turn in request.turns:
        if turn.role == "assistant":
            turns.append(ModelResponse(parts=[TextPart(turn.content)]))
        elif turns and isinstance(turns[-1], ModelRequest):
            turns[-1] = ModelRequest(parts=[*turns[-1].parts, UserPromptPart(turn.content)])
        else:
            turns.append(ModelRequest(parts=[UserPromptPart(turn.content)]))
    return turns


def _parameters(schema: Schema | None) -> ModelRequestParameters:
    if schema is None:
        return ModelRequestParameters()
    return ModelRequestParameters(
        output_mode="native", output_object=OutputObjectDefinition(json_schema=dict(schema), name="answer")
    )


def _is_closed_object(schema: Schema) -> bool:
    """Whether a schema is an object of named properties, all the way down.

    Providers demand that of a schema they hold a model to, and some change one that is not.
    """
    return schema.get("type") == "object" and "properties" in schema and not _is_open(schema)


def _is_open(schema: object) -> bool:
    if isinstance(schema, list):
        return any(map(_is_open, cast("list[object]", schema)))
    if not isinstance(schema, dict):
        return False
    node = cast("dict[str, object]", schema)
    if node.get("additionalProperties", False) is not False:
        return True
    return any(map(_is_open, node.values()))


def _anthropic(choice: Choice, client: "AsyncClient") -> "Model[Any]":
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    provider = AnthropicProvider(api_key=choice.key, base_url=choice.base_url, http_client=client)
    return AnthropicModel(choice.model, provider=provider)


def _gemini(choice: Choice, client: "AsyncClient") -> "Model[Any]":
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    provider = GoogleProvider(api_key=choice.key or "", base_url=choice.base_url, http_client=client)
    return GoogleModel(choice.model, provider=provider)


def _openai(choice: Choice, client: "AsyncClient") -> "Model[Any]":
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    # A server that needs no key is given one all the same, because the SDK insists.
    provider = OpenAIProvider(api_key=choice.key or "none", base_url=choice.base_url, http_client=client)
    profile = provider.model_profile(choice.model) or OpenAIModelProfile()
    if choice.is_compatible and not profile.get("openai_supports_reasoning", False):
        # The name every compatible server knows; OpenAI's own thinking models, behind a proxy, refuse it.
        profile = OpenAIModelProfile(openai_chat_supports_max_completion_tokens=False)
        return OpenAIChatModel(choice.model, provider=provider, profile=profile)
    return OpenAIChatModel(choice.model, provider=provider)


_MODELS = {"anthropic": _anthropic, "gemini": _gemini, "openai": _openai}
