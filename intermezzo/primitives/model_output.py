"""What all steps that ask a language model have in common: an instruction, and what is known about the answer."""

from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from pydantic import StringConstraints

from intermezzo.steps import StepOutput

if TYPE_CHECKING:
    from intermezzo.llm import Generated

_SUMMARY_CHARACTERS = 500

Instruction = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=10_000)]
"""What to do, in plain words."""


class ModelOutput(StepOutput):
    """An answer of a model, and what is known about it."""

    model: str
    """The model that answered, as the provider names it."""
    provider: str
    """`anthropic`, `gemini`, `openai`, `local` or `recorded`."""
    provider_reason: str
    """Why this provider was asked: which variables decided."""
    input_tokens: int
    """Tokens of all that was asked, corrections of the answer included."""
    output_tokens: int
    """Tokens of all that was answered."""
    stop_reason: str
    """Why the model stopped: `stop` when it was done."""


class Facts(TypedDict):
    """The fields of a `ModelOutput` but its summary."""

    model: str
    provider: str
    provider_reason: str
    input_tokens: int
    output_tokens: int
    stop_reason: str


def facts(generated: "Generated[Any]") -> Facts:
    """Who answered and what it took, for an output."""
    answer, choice = generated.answer, generated.choice
    return Facts(
        model=answer.model,
        provider=choice.provider,
        provider_reason=choice.because,
        input_tokens=answer.input_tokens,
        output_tokens=answer.output_tokens,
        stop_reason=answer.stop_reason,
    )


def one_line(text: str, *, room: int = 0) -> str:
    """The beginning of a text as a summary, with room for that many characters more."""
    return " ".join(text[: 4 * _SUMMARY_CHARACTERS].split())[: _SUMMARY_CHARACTERS - room]
