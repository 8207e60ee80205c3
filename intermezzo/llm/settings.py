"""What an operator may set about language models; read by everything in `intermezzo.llm` at each request."""

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from intermezzo.errors import ProviderNotConfigured
from intermezzo.steps import explain

ProviderName = Literal["anthropic", "gemini", "openai", "local", "recorded"]


class LlmSettings(BaseSettings):
    """Settings with the prefix `LLM_`, the one the specification gives to `LLM_PROVIDER` (spec: CS-52)."""

    model_config = SettingsConfigDict(
        env_prefix="LLM_",
        env_ignore_empty=True,
        str_strip_whitespace=True,
        allow_inf_nan=False,
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    provider: ProviderName | None = None
    """Who answers. None: the one whose key is set. `local` and `recorded` are only ever chosen by name."""

    model: str = ""
    """Model of calls that name none. Empty: the provider's default."""

    timeout_seconds: float = Field(default=120.0, gt=0)
    """Longest time one try may take. Two minutes are enough for some 8,000 tokens of a usual model."""

    deadline_seconds: float = Field(default=300.0, gt=0)
    """Longest time a request may take with all its tries and repairs, counted from when its turn has come."""

    retries: int = Field(default=3, ge=0, le=20)
    """How often a try that failed for a passing reason is repeated. Retries of the step add to these."""

    longest_wait_seconds: float = Field(default=60.0, ge=0)
    """Longest pause before a retry. A provider that asks for a longer one is not asked again in this call."""

    concurrency: int = Field(default=16, ge=1)
    """Requests to one provider at a time, per process. More of them mostly meet the provider's rate limit."""

    cache: bool = False
    """Whether to keep answers in `INTERMEZZO_HOME/llm-cache` and give them again to equal requests.
    For development: everyone who can read the folder can read the answers."""

    local_model: Path | None = None
    """The GGUF file that the provider `local` runs."""

    local_context_tokens: int = Field(default=8192, ge=256)
    """Tokens of prompt and answer together that the local model has room for; memory grows with it."""

    recorded: Path | None = None
    """The JSON Lines file that the provider `recorded` answers from."""

    @field_validator("provider", mode="before")
    @classmethod
    def _any_spelling(cls, name: object) -> object:
        return (name.strip().lower() or None) if isinstance(name, str) else name


def llm_settings() -> LlmSettings:
    """The settings as the environment has them now.

    Raises:
        ProviderNotConfigured: a variable has a value it cannot have; the message names it.
    """
    try:
        return LlmSettings()
    except ValidationError as error:
        raise ProviderNotConfigured(f"environment, LLM_…: {explain(error)}") from None
