"""How an answer ended, and whether it is any good; the same for every provider."""

from intermezzo.errors import AnswerInvalid, AnswerRefused, AnswerTruncated
from intermezzo.llm.request import Answer, Request


def checked(answer: Answer, request: Request, *, provider: str) -> Answer:
    """The answer, if it is whole.

    Args:
        answer: as it came; `stop_reason` is `stop`, `length`, `content_filter` or `error`.
        request: what was asked.
        provider: who answered, for the error.

    Raises:
        AnswerRefused: the model or a filter declined.
        AnswerTruncated: it did not fit into `max_tokens`.
        AnswerInvalid: it is empty; a retry may help.
    """
    if answer.stop_reason == "content_filter":
        raise AnswerRefused(f"{provider}: the model or a safety filter declined to answer")
    if answer.stop_reason == "length":
        raise AnswerTruncated(
            f"{provider}: the answer is longer than max_tokens={request.max_tokens}; give it more, or ask for less"
        )
    if answer.stop_reason == "error" or not answer.text.strip():
        raise AnswerInvalid(f"{provider}: the answer is empty", retryable=True)
    return answer
