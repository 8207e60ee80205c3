"""Flows that the tests of the command line run."""

from prefect import flow

from intermezzo import label_text, step

verify = label_text.with_options(name="verify", assignments_required=2, consensus_strategy="majority_vote")


@step(credits=2)
async def shout(text: str) -> str:
    """The text, louder."""
    return text.upper()


@flow
async def shouting(words: list[str]) -> list[str]:
    """Only a function works here."""
    print("a flow may print")  # noqa: T201 (that is what is tested)
    return [await shout(text=word) for word in words]


@flow
async def asking(text: str = "fine") -> str:
    """People work here."""
    loud = await shout(text=text)
    return (await verify(text=loud, categories=["good", "bad"])).category


@flow
async def failing() -> None:
    """An author's mistake."""
    raise ValueError("out of\nluck")


@flow
def not_async() -> None:
    """A flow that steps cannot be called in."""
