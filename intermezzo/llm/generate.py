"""Asking a language model and reading its answer, with everything that can go wrong on the way."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from intermezzo.errors import AnswerInvalid, ProviderTimedOut
from intermezzo.llm.choice import Choice, choose
from intermezzo.llm.models import open_model, slot
from intermezzo.llm.patience import Patience
from intermezzo.llm.request import Answer, LanguageModel, Request, Turn
from intermezzo.llm.settings import LlmSettings, llm_settings
from intermezzo.steps import current_call

T = TypeVar("T")

MAX_REPAIRS = 2
"""How often a model may correct an answer that cannot be read: what it does not mend in two, it does not mend."""


class Unreadable(Exception):
    """An answer is not in the form that was asked for.

    Attributes:
        flaw: what is wrong, for the model to mend; it may quote the answer.
        kind: the same without a word of the answer, for errors and logs.
    """

    def __init__(self, flaw: str, *, kind: str) -> None:
        self.flaw = flaw
        self.kind = kind
        super().__init__(kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated(Generic[T]):
    """An answer that was read."""

    value: T
    """What the reader made of the text."""
    answer: Answer
    """The answer that could be read. Its tokens are those of all tries whose answers came."""
    choice: Choice
    """Who answered, and why it was asked."""


async def generate(request: Request, read: Callable[[str], T], *, model: str | None = None) -> Generated[T]:
    """Ask the configured model until its answer can be read.

    Three limits hold. A try that fails for a passing reason is repeated `LLM_RETRIES` times, after the pause the
    provider asks for or a growing one with jitter; retries of the step itself (`with_options(retries=)`) add to
    these and do not multiply them, since the engine's later tries ask once each. An answer that `read` refuses goes
    back to the model with what is wrong, at most twice. And everything together ends at `LLM_DEADLINE_SECONDS`.

    The id of the current step call is the idempotency key of all tries of the question, where a provider takes one.
    A step of your own that asks several questions in one call should not rely on it.

    Args:
        request: the question.
        read: makes a value of the answer's text; raises Unreadable.
        model: the provider's id of a model; None: the configured one.

    Raises:
        ProviderError: one of its subclasses; `retryable` says whether a retry of the call may help.
    """
    settings = llm_settings()
    choice = choose(model, settings)
    asked = await open_model(choice, settings)
    async with await slot(choice.provider, settings):
        limit = asyncio.timeout(settings.deadline_seconds)
        try:
            async with limit:
                value, answer = await _until_read(_patiently(asked, settings), request, read)
        except TimeoutError:
            if not limit.expired():
                raise
            raise ProviderTimedOut(
                f"{choice.provider}: no answer within {settings.deadline_seconds:g} s, all tries included"
            ) from None
        except Unreadable as unreadable:
            raise AnswerInvalid(
                f"{choice.provider}: after {MAX_REPAIRS} corrections the answer still is {unreadable.kind}"
            ) from None
    return Generated(value=value, answer=answer, choice=choice)


_Ask = Callable[[Request, str | None], Awaitable[Answer]]
"""Asks a question under an idempotency key."""


def _patiently(asked: LanguageModel, settings: LlmSettings) -> _Ask:
    """Ask with as much patience as the current call has left, from now to the deadline."""
    call, now = current_call(), asyncio.get_running_loop().time
    ends_at = now() + settings.deadline_seconds
    patience = Patience.of(settings, earlier_tries=call.retry if call else 0, left_seconds=lambda: ends_at - now())

    async def ask(question: Request, key: str | None) -> Answer:
        return await patience.persist(lambda: asked.ask(question, idempotency_key=key))

    return ask


async def _until_read(ask: _Ask, request: Request, read: Callable[[str], T]) -> tuple[T, Answer]:
    """The answer's value, and the answer with the tokens of all that were given; raises Unreadable at the end."""
    input_tokens = output_tokens = 0
    for repair in itertools.count():
        answer = await ask(request, _idempotency_key(repair))
        input_tokens += answer.input_tokens
        output_tokens += answer.output_tokens
        try:
            value = read(answer.text)
        except Unreadable as unreadable:
            if repair == MAX_REPAIRS:
                raise
            request = _corrected(request, answer.text, unreadable.flaw)
        else:
            return value, replace(answer, input_tokens=input_tokens, output_tokens=output_tokens)
    raise AssertionError("it counts without end")


def _idempotency_key(repair: int) -> str | None:
    """The id of the current step call; a correction is another question, so it has another key."""
    call = current_call()
    if call is None:
        return None
    return f"{call.id}-repair-{repair}" if repair else call.id


def _corrected(request: Request, text: str, flaw: str) -> Request:
    ask = (
        f"That answer cannot be used: {flaw}. Give the whole answer again, with this mended and nothing else: "
        "no explanation, no apology."
    )
    corrected = (Turn(role="assistant", content=text), Turn(role="user", content=ask))
    return replace(request, turns=(*request.turns, *corrected))
