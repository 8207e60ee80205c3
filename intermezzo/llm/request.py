"""What is asked of a language model and what it answers: the seam between steps and providers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pydantic import JsonValue

Schema = Mapping[str, JsonValue]
"""A JSON Schema."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to a language model."""

    turns: tuple[Turn, ...]
    """The conversation so far, the newest turn last."""
    system: str = ""
    """What the model is told before the conversation."""
    temperature: float = 0.7
    """Randomness, 0 to 2. Providers that take less get their own maximum, models that take none get none."""
    max_tokens: int = 2048
    """Most tokens of the answer."""
    schema: Schema | None = None
    """JSON Schema the answer is to fit. Providers that can, hold the model to it; the answer is checked anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer: neither empty, nor cut off, nor refused."""

    text: str
    model: str
    """The model that answered, as the provider names it."""
    input_tokens: int
    output_tokens: int
    stop_reason: str
    """Why the model stopped; `stop` when it was done."""


class LanguageModel(Protocol):
    """One model of one provider."""

    async def ask(self, request: Request, *, idempotency_key: str | None = None) -> Answer:
        """The answer of a single try.

        Args:
            request: the question.
            idempotency_key: the same for every try of the same question; sent where the provider takes one.

        Raises:
            ProviderError: one of its subclasses; none of them carries text of the question or the answer.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections; nothing is asked any more."""
        ...
