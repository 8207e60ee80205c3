"""`llm_generate`: one completion from a language model (spec: CS-51, CS-52).

Called by pipelines to draft, judge and summarise. Needs the extra `llm`, or `local` for a model of one's own.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from intermezzo.primitives.model_output import ModelOutput, facts, one_line
from intermezzo.steps import StepInput, primitive

if TYPE_CHECKING:
    from intermezzo.llm import Request

MAX_MESSAGE_CHARACTERS = 2_000_000
"""Of one message or prompt: more than the models' contexts hold, so that a slip does not travel to be refused."""


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("a message must say something; providers refuse an empty one")
    return text


class Message(StepInput):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    """Who says it."""
    content: Annotated[str, Field(max_length=MAX_MESSAGE_CHARACTERS), AfterValidator(_not_blank)]
    """What is said."""


def _has_user(messages: list[Message]) -> list[Message]:
    if all(message.role != "user" for message in messages):
        raise ValueError("at least one message must be of the role user, for the model to answer")
    return messages


def _usable(schema: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
    if schema is not None:
        from intermezzo.llm import flaw_of_schema

        if flaw := flaw_of_schema(schema):
            raise ValueError(flaw)
    return schema


class LlmGenerateInput(StepInput):
    """What the model is asked."""

    messages: Annotated[list[Message], Field(min_length=1), AfterValidator(_has_user)]
    """The conversation so far, the newest turn last; at least one is of the role user."""
    system_prompt: Annotated[str, Field(max_length=MAX_MESSAGE_CHARACTERS)] | None = None
    """Merged with the system messages of the conversation, before them; a blank one is as good as none."""
    model: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None = None
    """The provider's id of a model; None: `LLM_MODEL`, else the provider's default."""
    temperature: Annotated[float, Field(ge=0, le=2, strict=True)] = 0.7
    """Randomness, 0 to 2. Anthropic's highest is 1; models that always think take none, and are given none."""
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 2048
    """Most tokens of the answer. A longer one is an error, never half an answer."""
    output_schema: Annotated[dict[str, JsonValue] | None, AfterValidator(_usable)] = None
    """JSON Schema of the answer: it is asked for as JSON, validated, and given as `data`."""


class LlmGenerateOutput(ModelOutput):
    """What the model answered."""

    text: str
    data: JsonValue = None
    """The answer as JSON that fits `output_schema`; null without one."""


@primitive(LlmGenerateInput, credits=1)
async def llm_generate(input: LlmGenerateInput) -> LlmGenerateOutput:
    """Ask a language model for one completion.

    The model layer tries again by itself where the provider says that helps; retries of the step
    (`with_options(retries=)`) add to its tries and do not multiply them: see `intermezzo.llm.generate`.

    Args:
        input: the conversation, and how to answer.

    Returns:
        The whole answer; with an `output_schema` also as validated `data`.

    Raises:
        ProviderError: one of its subclasses, such as RateLimited, AnswerRefused or AnswerTruncated; `retryable`
            says whether trying again may help.
    """
    from intermezzo.llm import generate, typed_reader

    if input.output_schema is None:
        free = await generate(_request(input), str, model=input.model)
        return LlmGenerateOutput(summary=one_line(free.value), text=free.value, **facts(free))
    typed = await generate(_request(input), typed_reader(input.output_schema), model=input.model)
    text = typed.answer.text
    return LlmGenerateOutput(summary=one_line(text), text=text, data=typed.value, **facts(typed))


def _request(input: LlmGenerateInput) -> "Request":
    from intermezzo.llm import Request, Turn

    system = [input.system_prompt] if input.system_prompt and input.system_prompt.strip() else []
    system += [message.content for message in input.messages if message.role == "system"]
    return Request(
        system="\n\n".join(system),
        turns=tuple(
            Turn(role=message.role, content=message.content) for message in input.messages if message.role != "system"
        ),
        temperature=input.temperature,
        max_tokens=input.max_tokens,
        schema=input.output_schema,
    )
