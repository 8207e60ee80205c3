# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What an author writes and a type checker must accept; never run. `assert_type` says what it must know."""

from typing import assert_type

from pydantic import BaseModel, JsonValue

from intermezzo import Answer, StepError, answer_question, human_step, label_text, pii_detect, rate_quality, step
from intermezzo.human_steps.humanrail_types import ContentReview, content_review
from intermezzo.human_steps.native_types import LabelTextInput, LabelTextOutput
from intermezzo.human_steps.scale_types import phonecall
from intermezzo.primitives.pii_detect import PiiDetectOutput


class Verdict(Answer):
    """An author's own output."""

    guilty: bool


class Evidence(BaseModel):
    """An author's own input."""

    exhibit: str
    pages: int = 1


judge = human_step("judge", output=Verdict, input=Evidence)
review = human_step("review", output=Verdict)
check = human_step("check", output={"type": "object", "properties": {"ok": {"type": "boolean"}}})
verify = label_text.with_options(name="verify", assignments_required=3, consensus_strategy="majority_vote")


PHONE_CALL = {"instruction": "Ask.", "phone_number": "555-0100", "entity_name": "Ann", "script": "Hello"}


@step(credits=2)
async def translate(text: str, *, to: str = "en") -> str:
    """An author's own function."""
    return f"{to}: {text}"


async def calls() -> None:
    """Every way to call a step."""
    label = await label_text(text="t", categories=["a", "b"])
    assert_type(label, LabelTextOutput)
    assert_type(label.category, str)
    assert_type(label.agreement, float)
    assert_type(await label_text({"text": "t", "categories": ["a", "b"]}, key="first"), LabelTextOutput)
    assert_type(await verify(LabelTextInput(text="t", categories=["a", "b"])), LabelTextOutput)
    assert_type((await rate_quality(content="c", criteria="short")).rating, int)
    assert_type((await answer_question(content="c", question="q")).answer, str)
    assert_type(await content_review(text="t", any="field"), ContentReview)
    assert_type((await phonecall(PHONE_CALL)).fields, dict[str, str] | None)
    assert_type(await pii_detect(text="t", mask=True), PiiDetectOutput)
    assert_type(await pii_detect.fn(text="t"), PiiDetectOutput)
    assert_type(await judge(exhibit="knife", pages=2), Verdict)
    assert_type(await review(anything="goes"), Verdict)
    assert_type(await check(anything="goes"), dict[str, JsonValue])
    assert_type(await translate("hello", to="fr"), str)
    assert_type(await translate.fn("hello"), str)
    assert_type(await translate.with_options(name="again", retries=2)("hello"), str)


async def maps(texts: list[str]) -> None:
    """Every way to map a step."""
    found = await pii_detect.map([{"text": text, "mask": True} for text in texts])
    assert_type(found, list[PiiDetectOutput])
    labels = await verify.map([{"text": f.redacted_text, "categories": ["a", "b"]} for f in found])
    assert_type(labels, list[LabelTextOutput])
    mixed = await verify.map(
        (LabelTextInput(text=text, categories=["a", "b"]) for text in texts),
        key=lambda item: item.text,
        return_exceptions=True,
    )
    assert_type(mixed, list[LabelTextOutput | StepError])
    assert_type([m.category for m in mixed if not isinstance(m, StepError)], list[str])
    assert_type(await judge.map([Evidence(exhibit="rope")]), list[Verdict])
    assert_type(await translate.map([{"text": text} for text in texts]), list[str])
