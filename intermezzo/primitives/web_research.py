"""`web_research`: answer a question about a web page (spec: CS-54).

Called by pipelines that need something from the web. The page is read through the guarded client, shown to a
language model as data, and the answer names where and when it was read.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from intermezzo.errors import ProviderError
from intermezzo.primitives.model_output import Instruction, ModelOutput, facts, one_line
from intermezzo.steps import StepInput, primitive

if TYPE_CHECKING:
    from intermezzo.primitives.web_page import Page

MAX_PAGE_CHARACTERS = 100_000
"""Of the page's text that the model is shown: some 25,000 tokens. More is left out, and said."""

_MAX_TOKENS = 2048
_SUMMARISE = "Summarise the page: what it is about, and its main points."


class WebResearchInput(StepInput):
    """A page, and what to find out from it."""

    url: Annotated[str, Field(min_length=1, max_length=8192)]
    """Public http or https address."""
    instruction: Instruction = _SUMMARISE
    """What to summarise or extract."""


class WebResearchOutput(ModelOutput):
    """The answer, and where it is from."""

    text: str
    url: str
    """Where the page came from, after redirects."""
    title: str
    fetched_at: datetime
    """When the page was read, in UTC."""
    truncated: bool
    """Whether the page has more text than was considered."""


@primitive(WebResearchInput, credits=10)
async def web_research(input: WebResearchInput) -> WebResearchOutput:
    """Read a web page and let a language model answer from it.

    Args:
        input: the address, and what to find out.

    Returns:
        The answer, the final address and the time of reading.

    Raises:
        InvalidInput: the address is not a public one.
        ProviderError: the page could not be read, or has no text, or the model could not be asked: see `llm_generate`.
    """
    from intermezzo.llm import choose, llm_settings
    from intermezzo.primitives.web_page import read_page

    choose(None, llm_settings())  # without a model, there is nothing to fetch the page for
    page = await read_page(input.url, max_characters=MAX_PAGE_CHARACTERS)
    return await research(page, input.instruction)


async def research(page: "Page", instruction: str) -> WebResearchOutput:
    """Let a language model answer from a page that was read.

    Args:
        page: the page.
        instruction: what to find out from it.

    Raises:
        ProviderError: the page has no text; else see `llm_generate`.
    """
    from intermezzo.llm import Request, Turn, fence, generate
    from intermezzo.web import shown_url

    if not page.text.strip():
        raise ProviderError(f"{shown_url(page.url)} has no text to read; a page that scripts draw cannot be read")
    # The address too: whoever made the page chose it.
    fenced = fence(f"{page.url}\n{page.title}\n\n{page.text[:MAX_PAGE_CHARACTERS]}", name="page")
    truncated = page.truncated or len(page.text) > MAX_PAGE_CHARACTERS
    cut = " Only the beginning of the page is shown; say so if what is asked may be further down." if truncated else ""
    request = Request(
        system=(
            f"You answer from a web page. {fenced.rule} Use nothing but the page, and say so if it does not tell "
            f"what is asked.{cut}"
        ),
        turns=(Turn(role="user", content=f"Instruction:\n{instruction}\n\n{fenced.text}"),),
        temperature=0.2,
        max_tokens=_MAX_TOKENS,
    )
    done = await generate(request, str)
    source = f" ({page.url[:200]}, read {page.fetched_at:%Y-%m-%d %H:%M %Z})"
    return WebResearchOutput(
        summary=one_line(done.value, room=len(source)) + source,
        text=done.value,
        url=page.url,
        title=page.title,
        fetched_at=page.fetched_at,
        truncated=truncated,
        **facts(done),
    )
