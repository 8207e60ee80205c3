"""Three realistic answers to each built-in type: what they become, and how far they agree."""

from typing import Any

import pytest
from pydantic import JsonValue

from intermezzo.human_steps.consensus import Agreed, consensus
from intermezzo.human_steps.human_step import HumanStep
from intermezzo.human_steps.leaves import Answer
from intermezzo.steps import BUILT_IN, family_of, registered, registered_types

AnyHumanStep = HumanStep[..., Any, Any]


def cow(left: float, top: float, width: float, height: float, label: str = "baby cow") -> dict[str, JsonValue]:
    return {"left": left, "top": top, "width": width, "height": height, "label": label}


HERD: list[JsonValue] = [cow(40, 60, 120, 80), cow(300, 50, 240, 160, "big cow")]

TRIPLES: list[tuple[str, list[Any], Answer, tuple[float, float]]] = [
    # type, answers, outcome, agreement from … to
    ("label_text", [{"category": "positive"}, {"category": "neutral"}, {"category": "positive"}],
     {"category": "positive"}, (0.66, 0.67)),
    ("label_image", [{"label": "dog"}] * 3, {"label": "dog"}, (1, 1)),
    ("rate_quality", [{"rating": 4, "notes": "clear"}, {"rating": 5, "notes": ""}, {"rating": 4, "notes": ""}],
     {"rating": 4, "notes": "clear"}, (0.66, 0.67)),
    ("verify_fact", [{"verdict": "true"}, {"verdict": "true"}, {"verdict": "indeterminate"}],
     {"verdict": "true"}, (0.66, 0.67)),
    ("moderate_content", [{"decision": "approve"}, {"decision": "approve", "notes": "rude"}, {"decision": "reject"}],
     {"decision": "approve"}, (0.66, 0.67)),
    ("compare_rank", [{"preferred": "option_a"}, {"preferred": "option_a"}, {"preferred": "option_b"}],
     {"preferred": "option_a"}, (0.66, 0.67)),
    ("answer_question", [{"answer": "1889"}, {"answer": "1889"}, {"answer": "1901"}], {"answer": "1889"}, (0.66, 0.67)),
    ("transcription_review",
     [{"transcript": "Welcome to the podcast about artificial inteligence."},
      {"transcript": "Welcome to the podcast about artificial intelligence."},
      {"transcript": "Welcome to the podcast, about artificial intelligence"}],
     {"transcript": "Welcome to the podcast about artificial intelligence."}, (0.97, 0.99)),
    ("content_review", [{"verdict": "genuine"}, {"verdict": "uncertain"}, {"verdict": "genuine"}],
     {"verdict": "genuine"}, (0.66, 0.67)),
    ("refund_eligibility", [{"decision": "eligible"}] * 2 + [{"decision": "not_eligible", "notes": "used"}],
     {"decision": "eligible"}, (0.66, 0.67)),
    ("document_verification",
     [{"valid": True, "matches_claims": True}, {"valid": True, "matches_claims": False},
      {"valid": True, "matches_claims": False}],
     {"valid": True, "matches_claims": False}, (0.83, 0.84)),
    ("sentiment_analysis",
     [{"sentiment": "negative", "intent": "cancellation"}, {"sentiment": "negative", "intent": "complaint"},
      {"sentiment": "negative", "intent": "cancellation"}],
     {"sentiment": "negative", "intent": "cancellation"}, (0.83, 0.84)),
    ("image_moderation", [{"category": "safe"}] * 3, {"category": "safe"}, (1, 1)),
    ("translation_review",
     [{"accurate": False, "culturally_appropriate": True, "correction": "Hals- und Beinbruch!"},
      {"accurate": True, "culturally_appropriate": True, "correction": ""},
      {"accurate": False, "culturally_appropriate": True, "correction": "Hals und Beinbruch!"}],
     {"accurate": False, "culturally_appropriate": True, "correction": "Hals- und Beinbruch!"}, (0.83, 0.84)),
    ("categorization", [{"category": "public"}, {"category": "private"}, {"category": "public"}],
     {"category": "public"}, (0.66, 0.67)),
    ("transcription",
     [{"fields": {"title": "Hacker News", "top_result": "Show HN: A tiny compiler"}},
      {"fields": {"title": "hacker news", "top_result": "Show HN: A tiny compiler"}},
      {"fields": {"title": "Hacker News", "top_result": "Show HN: A tiny complier (2026)"}}],
     {"fields": {"title": "Hacker News", "top_result": "Show HN: A tiny compiler"}}, (0.94, 0.97)),
    ("datacollection",
     [{"fields": {"hiring_page": "https://scale.com/careers"}}, {"fields": {"hiring_page": ""}},
      {"fields": {"hiring_page": "https://scale.com/careers/"}}],
     {"fields": {"hiring_page": "https://scale.com/careers"}}, (0.6, 0.7)),
    ("phonecall",
     [{"outcome": "success", "choice": "He is happy", "fields": {"email": "alex@scale.com"}},
      {"outcome": "success", "choice": "He is happy", "fields": {"email": "alex@scale.com"}},
      {"outcome": "no_pickup"}],
     {"outcome": "success", "choice": "He is happy", "fields": {"email": "alex@scale.com"}}, (0.66, 0.67)),
    ("comparison", [{"choice": "yes"}, {"choice": "no"}, {"choice": "no"}], {"choice": "no"}, (0.66, 0.67)),
    ("annotation",
     [{"annotations": HERD},
      {"annotations": [cow(302, 54, 236, 158, "big cow"), cow(42, 62, 118, 80)]},
      {"annotations": [cow(44, 58, 124, 84), cow(304, 50, 240, 160, "big cow"), cow(600, 10, 20, 20)]}],
     {"annotations": HERD}, (0.85, 0.9)),
    ("audiotranscription",
     [{"transcript": "he knew what to say", "duration": 3.2}, {"transcript": "he knew what to say", "duration": 3.3},
      {"transcript": "she knew what to say", "duration": 3.1}],
     {"transcript": "he knew what to say", "duration": 3.2}, (0.97, 0.99)),
]  # fmt: skip


def built_in() -> set[str]:
    human = {name for name in registered_types() if isinstance(registered(name), HumanStep)}
    return {name for name in human if family_of(name) in BUILT_IN}


def test_there_is_a_case_for_every_built_in_type() -> None:
    assert {name for name, *_ in TRIPLES} == built_in()


@pytest.mark.parametrize(("name", "answers", "outcome", "bounds"), TRIPLES)
def test_three_workers_make_a_sensible_outcome(
    name: str, answers: list[Answer], outcome: Answer, bounds: tuple[float, float]
) -> None:
    step = registered(name)
    assert isinstance(step, HumanStep)
    human: AnyHumanStep = step
    schema = human.answer_schema(human.parse(human.example or {}))
    for answer in answers:
        schema.validate(answer)
    found = consensus("majority_vote", answers, schema.leaves, 3)
    assert isinstance(found, Agreed), found
    assert found.answer == outcome
    schema.validate(found.answer)
    least, most = bounds
    assert least <= found.agreement.overall <= most
    assert len(found.agreement.of_answers) == 3
    assert max(found.agreement.of_answers) == 1
