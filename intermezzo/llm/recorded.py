"""Answers from a file instead of a model: for tests and demonstrations, and only where `LLM_PROVIDER` names it."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from intermezzo.errors import ProviderNotConfigured
from intermezzo.llm.endings import checked
from intermezzo.llm.request import Answer, Request
from intermezzo.steps import explain


class RecordedAnswer(BaseModel):
    """One line of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    when: str = ""
    """The line answers requests whose newest turn contains this; empty: every request."""
    text: str
    """The answer."""
    model: str = "recorded"
    """The model that is named as its author."""
    input_tokens: int = 0
    output_tokens: int = 0
    stop_reason: str = "stop"


class RecordedModel:
    """Answers with the first line of a JSON Lines file that fits.

    Args:
        path: the file; its lines are `RecordedAnswer` objects.

    Raises:
        ProviderNotConfigured: it cannot be read, or a line is not one.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._answers = [
            _parse(line, f"{path}, line {number}")
            for number, line in enumerate(_read(path).split("\n"), start=1)
            if line.strip()
        ]

    async def aclose(self) -> None:
        """Nothing is open."""

    async def ask(self, request: Request, *, idempotency_key: str | None = None) -> Answer:  # noqa: ARG002
        """The recorded answer.

        Raises:
            ProviderNotConfigured: no line fits.
            ProviderError: see `intermezzo.llm.endings`.
        """
        newest = request.turns[-1].content
        for line in self._answers:
            if line.when in newest:
                return checked(Answer(**line.model_dump(exclude={"when"})), request, provider="recorded")
        raise ProviderNotConfigured(f"{self._path} has no answer to this request; add a line whose `when` is in it")


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProviderNotConfigured(f"{path} cannot be read: {error}") from None


def _parse(line: str, where: str) -> RecordedAnswer:
    try:
        return RecordedAnswer.model_validate_json(line)
    except ValidationError as error:
        raise ProviderNotConfigured(f"{where}: {explain(error)}") from None
