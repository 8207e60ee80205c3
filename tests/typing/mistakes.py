# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What a type checker must refuse; never run. An expected error that goes away is an error itself."""

from intermezzo import StepError, human_step, label_text, pii_detect, step
from intermezzo.human_steps.native_types import LabelTextInput, LabelTextOutput


@step(credits=2)
async def translate(text: str, *, to: str = "en") -> str:
    """An author's own function."""
    return f"{to}: {text}"


async def calls() -> None:
    """Wrong ways to call a step."""
    await label_text(text="t", category=["a", "b"])  # pyright: ignore[reportCallIssue]
    await label_text(text="t")  # pyright: ignore[reportCallIssue]
    await label_text(text="t", categories="a, b")  # pyright: ignore[reportArgumentType]
    await label_text("t", ["a", "b"])  # pyright: ignore[reportCallIssue]
    await label_text(5)  # pyright: ignore[reportArgumentType]
    await label_text({"text": "t", "categories": ["a", "b"]}, key=5)  # pyright: ignore[reportArgumentType]
    await pii_detect(text="t", masked=True)  # pyright: ignore[reportCallIssue]
    await pii_detect.fn(text=5)  # pyright: ignore[reportArgumentType]
    await translate("t", into="fr")  # pyright: ignore[reportCallIssue]
    await translate(text=5)  # pyright: ignore[reportArgumentType]


async def outputs() -> None:
    """Wrong ways to use what comes back."""
    label = await label_text(text="t", categories=["a", "b"])
    print(label.label)  # noqa: T201 # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    number: int = label.category  # pyright: ignore[reportAssignmentType]
    text: int = await translate("t")  # pyright: ignore[reportAssignmentType]
    print(number, text)  # noqa: T201


async def maps() -> None:
    """Wrong ways to map a step."""
    labels = await label_text.map([{"text": "t", "categories": ["a", "b"]}])
    print(labels.category)  # noqa: T201 # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    print(labels[0].label)  # noqa: T201 # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    mixed = await label_text.map([LabelTextInput(text="t", categories=["a", "b"])], return_exceptions=True)
    print(mixed[0].category)  # noqa: T201 # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType]
    right: list[LabelTextOutput | StepError] = mixed
    await label_text.map(["t"])  # pyright: ignore[reportArgumentType]
    await label_text.map([{"text": "t"}], key=lambda item: item.txt)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownLambdaType]
    await label_text.map([{"text": "t"}], keys=["k"])  # pyright: ignore[reportCallIssue]
    print(right)  # noqa: T201


def definitions() -> None:
    """Wrong ways to declare a step."""
    label_text.with_options(assignments=3)  # pyright: ignore[reportCallIssue]
    label_text.with_options(consensus_strategy="most")  # pyright: ignore[reportArgumentType]
    label_text.with_options(priority=3)  # pyright: ignore[reportArgumentType]
    pii_detect.with_options(assignments_required=3)  # pyright: ignore[reportCallIssue]
    human_step("count", output=int)  # pyright: ignore[reportCallIssue, reportArgumentType]

    @step()  # pyright: ignore[reportArgumentType]
    def not_async(text: str) -> str:
        return text

    assert not_async
