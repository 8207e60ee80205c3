"""The built-in types, what the documents show of them, and what becomes of an input and an answer."""

import json
from typing import Any

from intermezzo.flows.calls import recorded_outcome
from intermezzo.human_steps.answers import AnswerSchema
from intermezzo.human_steps.controls import Control, parse_controls
from intermezzo.human_steps.human_step import HumanStep
from intermezzo.human_steps.tasks import NewHumanTask
from intermezzo.journal import RecordedCall
from intermezzo.steps import BUILT_IN, family_of, registered, registered_types

AnyHumanStep = HumanStep[..., Any, Any]

TYPES: dict[str, AnyHumanStep] = {
    name: step
    for name in registered_types()
    if isinstance(step := registered(name), HumanStep) and family_of(name) in BUILT_IN
}


def task_of(step: AnyHumanStep, input: dict[str, Any]) -> NewHumanTask:
    return step.new_task(step.parse(input), id="t", call_id="c", run_id="r", generation=1)


def form_of(name: str, **input: Any) -> AnswerSchema:
    return AnswerSchema.of(json.loads(task_of(TYPES[name], input).answer_schema))


def seen(name: str, **input: Any) -> list[Control]:
    return parse_controls(json.loads(task_of(TYPES[name], input).controls or "null"))


def output_of(name: str, input: dict[str, Any], answer: dict[str, Any]) -> Any:
    """What a flow gets when everybody gives this answer."""
    step = TYPES[name]
    given = AnswerSchema.of(json.loads(task_of(step, input).answer_schema)).validate(answer)
    envelope: dict[str, Any] = {"answer": given, "agreement": 1.0, "summary": "s", "submissions": []}
    call = RecordedCall("i", "i", name, "k", "human", "completed", 1, 0, None, json.dumps(envelope), None)
    return recorded_outcome(step, call, step.parse(input))


DOCUMENTED: list[tuple[str, dict[str, Any]]] = [
    (
        "label_text",
        {
            "text": "The new iPhone is great!",
            "categories": ["positive", "negative", "neutral"],
            "question": "What is the sentiment?",
        },
    ),
    ("moderate_content", {"content": "User-submitted post goes here", "guidelines": "..."}),
    ("rate_quality", {"content": "Some output of a model", "criteria": "Rate the factual accuracy 1–5"}),
    ("verify_fact", {"claim": "The Eiffel Tower is 330 metres tall"}),
    (
        "label_image",
        {
            "image_url": "https://example.com/photo.jpg",
            "labels": ["cat", "dog", "bird", "other"],
            "description": "Select the animal in this photo",
        },
    ),
    (
        "label_text",
        {
            "text": "The new iPhone has amazing battery life and a great camera",
            "categories": ["positive", "negative", "neutral"],
        },
    ),
    (
        "rate_quality",
        {
            "title": "Introduction to Machine Learning",
            "content": "Machine learning is a subset of AI...",
            "criteria": "Rate the accuracy and clarity of this explanation",
        },
    ),
    (
        "verify_fact",
        {
            "claim": "Python was created by Guido van Rossum in 1991",
            "context": "Python is a high-level programming language first released in 1991 by Guido van Rossum.",
        },
    ),
    (
        "moderate_content",
        {
            "content": "This product is absolutely terrible, worst purchase ever!",
            "content_type": "product_review",
            "policy_context": "Reject spam, hate speech, and threats. Allow negative opinions.",
        },
    ),
    (
        "compare_rank",
        {
            "option_a": "Machine learning uses algorithms to learn from data.",
            "option_b": "ML is when computers figure stuff out from examples.",
            "criteria": "Which explanation is clearer and more professional?",
        },
    ),
    (
        "answer_question",
        {
            "content": "The Eiffel Tower was built in 1889 for the World's Fair...",
            "question": "When was the Eiffel Tower built?",
            "answer_format": "multiple_choice",
            "choices": ["1876", "1889", "1901", "1912"],
        },
    ),
    (
        "transcription_review",
        {
            "audio_url": "https://example.com/recording.mp3",
            "ai_transcript": "Welcome to the podast about artifical inteligence...",
            "language": "en",
        },
    ),
    ("content_review", {"text": "Is this review genuine?", "content": "Great product, 5 stars!"}),
    (
        "categorization",
        {
            "instruction": "Is this company public or private?",
            "attachment_type": "website",
            "attachment": "http://www.google.com/",
            "categories": ["public", "private"],
        },
    ),
    (
        "categorization",
        {
            "instruction": "Would you say this item is big or small?",
            "attachment_type": "text",
            "attachment": "car",
            "categories": ["big", "small"],
        },
    ),
    (
        "transcription",
        {
            "instruction": "Transcribe the given fields.",
            "attachment_type": "website",
            "attachment": "http://news.ycombinator.com/",
            "fields": {"title": "Title of Webpage", "top_result": "Title of the top result"},
        },
    ),
    (
        "phonecall",
        {
            "instruction": "Call this person and follow the script provided, recording responses",
            "phone_number": "5055006865",
            "entity_name": "Alexandr Wang",
            "script": "Hello {{name}}! Are you happy today? (pause) One more thing - what is your email address?",
            "fields": {"email": "Email Address"},
            "choices": ["He is happy", "He is not happy"],
        },
    ),
    (
        "comparison",
        {
            "instruction": "Do the objects in these images have the same pattern?",
            "attachment_type": "image",
            "attachments": [
                "http://i.ebayimg.com/00/$T2eC16dHJGwFFZKjy5ZjBRfNyMC4Ig~~_32.JPG",
                "http://images.wisegeek.com/checkered-tablecloth.jpg",
            ],
            "choices": ["yes", "no"],
        },
    ),
    (
        "annotation",
        {
            "instruction": "Draw a box around each **baby cow** and **big cow**",
            "attachment_type": "image",
            "attachment": "http://i.imgur.com/v4cBreD.jpg",
            "objects_to_annotate": ["baby cow", "big cow"],
            "with_labels": True,
            "examples": [
                {
                    "correct": False,
                    "image": "http://i.imgur.com/lj6e98s.jpg",
                    "explanation": "The boxes are tight and accurate",
                },
                {
                    "correct": True,
                    "image": "http://i.imgur.com/HIrvIDq.jpg",
                    "explanation": "The boxes are neither accurate nor complete",
                },
            ],
        },
    ),
    (
        "datacollection",
        {
            "instruction": "Find the URL for the hiring page for the company with attached website.",
            "attachment_type": "website",
            "attachment": "https://www.scaleapi.com/",
            "fields": {"hiring_page": "Hiring Page URL"},
        },
    ),
    (
        "audiotranscription",
        {
            "attachment_type": "audio",
            "attachment": "https://storage.googleapis.com/deepmind-media/pixie/knowing-what-to-say/second-list/speaker-3.wav",
            "verbatim": False,
        },
    ),
]
"""Every input of a human task that the documents show, as they show it."""
