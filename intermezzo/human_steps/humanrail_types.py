"""HumanRail's catalogue of common task types (spec: HR-19, HR-20).

Workers see the fields of the call as they are; the forms ask what the catalogue describes. A type of your own
with the same name and another `output` takes the place of one of these.

The catalogue gives payouts in satoshis, as ranges. A credit is no currency, so nothing is converted: the rewards
keep the proportions, at one credit for each 100 sats of a range's lower end, which puts them beside
comparable native types. `with_options(worker_reward_credits=)` pays more.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, JsonValue

from intermezzo.human_steps.controls import Control, Image, Link, Markdown, default_controls, escaped
from intermezzo.human_steps.human_step import Answer, human_step
from intermezzo.human_steps.type_parts import LONG, Notes, OpenInput, is_address


class Payload(OpenInput):
    """Any fields; workers see them all, addresses as links and images."""

    if TYPE_CHECKING:

        def __init__(self, **payload: JsonValue) -> None: ...


_IMAGE_ENDINGS = (".png", ".jpg", ".jpeg", ".gif", ".webp")
_IMAGE_NAMES = ("image", "photo", "picture")


def _see_payload(payload: Payload) -> list[Control]:
    return [control for name, value in (payload.model_extra or {}).items() for control in _see_field(name, value)]


def _see_field(name: str, value: JsonValue) -> list[Control]:
    if not isinstance(value, str) or not is_address(value):
        return default_controls({name: value})
    is_image = any(word in name.lower() for word in _IMAGE_NAMES) or value.lower().endswith(_IMAGE_ENDINGS)
    picture: list[Control] = [Image(url=value, alt=name)] if is_image else []
    return [Markdown(value=f"**{escaped(name) or '(unnamed)'}:**"), *picture, Link(url=value, text=value)]


class ContentReview(Answer):
    """What a content is."""

    verdict: Literal["genuine", "ai_generated", "policy_violating", "uncertain"]
    """What the content is."""
    notes: Notes = ""


content_review = human_step(
    "content_review",
    input=Payload,
    output=ContentReview,
    controls=_see_payload,
    reward_credits=2,
    deadline_seconds=5 * 60,
    instructions="Decide whether the content is genuine, written by AI, or against the policy.",
    example={"text": "Is this review genuine?", "content": "Great product, 5 stars!"},
)


class RefundEligibility(Answer):
    """Whether a refund is due."""

    decision: Literal["eligible", "not_eligible"]
    """Whether the policy grants the refund."""
    notes: Notes = ""


refund_eligibility = human_step(
    "refund_eligibility",
    input=Payload,
    output=RefundEligibility,
    controls=_see_payload,
    reward_credits=3,
    deadline_seconds=5 * 60,
    instructions="Decide whether the request for a refund meets the return policy.",
    example={
        "policy": "Unused goods within 30 days of delivery. No refund for opened software.",
        "request": "The headphones arrived yesterday and never left their box. I want my money back.",
    },
)


class DocumentVerification(Answer):
    """Whether a document can be relied on."""

    valid: bool
    """The document is what it seems to be: complete, legible, not expired, not altered."""
    matches_claims: bool
    """It says what is claimed."""
    notes: Notes = ""


document_verification = human_step(
    "document_verification",
    input=Payload,
    output=DocumentVerification,
    controls=_see_payload,
    reward_credits=5,
    deadline_seconds=15 * 60,
    instructions="Verify that the document is valid and matches the claims.",
    example={
        "document_url": "https://example.com/electricity-bill.pdf",
        "claims": {"name": "Ann Example", "address": "1 Main Street, Springfield"},
    },
)


class SentimentAnalysis(Answer):
    """What a customer feels and wants."""

    sentiment: Literal["positive", "neutral", "negative", "mixed"]
    """What the customer feels."""
    intent: Literal["question", "request", "complaint", "praise", "cancellation", "other"]
    """What the message is for."""
    notes: Notes = ""


sentiment_analysis = human_step(
    "sentiment_analysis",
    input=Payload,
    output=SentimentAnalysis,
    controls=_see_payload,
    reward_credits=1,
    deadline_seconds=3 * 60,
    instructions="Say what the customer feels, and what the message is for.",
    example={"message": "Third time I call about this. Close my account."},
)


class ImageModeration(Answer):
    """What an image shows."""

    category: Literal["safe", "nsfw", "violent", "policy_violating"]
    """The worst that it shows."""
    notes: Notes = ""


image_moderation = human_step(
    "image_moderation",
    input=Payload,
    output=ImageModeration,
    controls=_see_payload,
    reward_credits=2,
    deadline_seconds=5 * 60,
    instructions="Decide whether the image is safe, not safe for work, violent, or otherwise against the policy.",
    example={"image_url": "https://example.com/upload.jpg", "policy": "No weapons, no advertising."},
)


class TranslationReview(Answer):
    """Whether a translation can be published."""

    accurate: bool
    """It says what the original says."""
    culturally_appropriate: bool
    """Nothing in it would strike its readers as odd or offensive."""
    correction: Annotated[str, Field(max_length=100_000, json_schema_extra=LONG)] = ""
    """The translation as it should be, if it should be another."""
    notes: Notes = ""


translation_review = human_step(
    "translation_review",
    input=Payload,
    output=TranslationReview,
    controls=_see_payload,
    reward_credits=5,
    deadline_seconds=10 * 60,
    instructions="Verify that the translation is accurate and culturally appropriate.",
    example={"original": "Break a leg!", "translation": "Brich dir ein Bein!", "languages": "en to de"},
)
