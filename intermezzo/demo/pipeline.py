"""The demo's pipeline, written as any author would: documents in, labelled customer feedback out."""

import base64
import json
from pathlib import Path
from typing import NamedTuple

from prefect import flow
from pydantic import BaseModel, JsonValue

from intermezzo import NoConsensus, StepError, code_execute, document_parse, label_text, llm_generate, pii_detect
from intermezzo.demo import split_items
from intermezzo.human_steps.native_types import LabelTextOutput
from intermezzo.llm import is_configured

CATEGORIES = ["positive", "negative", "neutral"]
NO_MAJORITY = "no majority"
QUESTION = "How does this customer feel?"

sentiment = label_text.with_options(name="sentiment", assignments_required=3, consensus_strategy="majority_vote")
draft = llm_generate.with_options(name="draft")

EXAMPLES = [
    ("Arrived broken and nobody answers my calls.", "negative"),
    ("Please send the invoice to my new address.", "neutral"),
    ("I love it, thank you so much!", "positive"),
]
"""Feedback with its category, for the model that drafts."""

DRAFT: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"category": {"type": "string", "enum": [*CATEGORIES]}},
    "required": ["category"],
    "additionalProperties": False,
}

COUNT = """
import collections, json, sys
labels = json.load(sys.stdin)
counts = collections.Counter(label["category"] for label in labels)
agreement = sum(label["agreement"] for label in labels) / len(labels)
print(json.dumps({"counts": dict(counts.most_common()), "mean_agreement": round(agreement, 3)}))
"""


class Feedback(BaseModel):
    """One piece of feedback with its label."""

    source: str
    text: str
    draft: str | None
    category: str
    agreement: float
    summary: str


class Report(BaseModel):
    """What the pipeline returns."""

    items: list[Feedback]
    draft_model: str | None
    """Who drafted; None: no model is configured, or none of its drafts came."""
    draft_failure: str | None
    """Why the first draft that is missing is."""
    counts: dict[str, int]
    mean_agreement: float


@flow(name="customer-feedback", flow_run_name="customer feedback", persist_result=True, result_serializer="json")
async def customer_feedback(documents: list[str]) -> dict[str, JsonValue]:
    """Parse documents, mask personal data, let three people label each item, and count."""
    files = [Path(document) for document in documents]
    contents = [base64.b64encode(file.read_bytes()).decode() for file in files]
    parsed = await document_parse.map([{"content_base64": content} for content in contents])
    found = [(file.name, text) for file, doc in zip(files, parsed, strict=True) for text in split_items(doc.text)]

    masked = await pii_detect.map([{"text": text, "mask": True} for _, text in found])
    texts = [item.redacted_text or "" for item in masked]
    drafts = await draft_labels(texts) if is_configured() else Drafts([None] * len(texts))
    questions = [{"text": text, "categories": CATEGORIES, "question": QUESTION} for text in texts]
    labels = [as_vote(label) for label in await sentiment.map(questions, return_exceptions=True)]

    counted = await code_execute(code=COUNT, stdin=json.dumps(labels))
    items = [
        Feedback.model_validate({"source": source, "text": text, "draft": drafted, **label})
        for (source, _), text, drafted, label in zip(found, texts, drafts.categories, labels, strict=True)
    ]
    report = Report(items=items, draft_model=drafts.model, draft_failure=drafts.failure, **json.loads(counted.stdout))
    return report.model_dump(mode="json")


def as_vote(label: LabelTextOutput | StepError) -> dict[str, JsonValue]:
    """What three people said: a category, or that each said something else."""
    if isinstance(label, NoConsensus):
        return {"category": NO_MAJORITY, "agreement": 0.0, "summary": str(label)}
    if isinstance(label, StepError):
        raise label
    return label.model_dump(mode="json", exclude={"submissions"})


class Drafts(NamedTuple):
    """What a language model would answer."""

    categories: list[str | None]
    model: str | None = None
    failure: str | None = None


async def draft_labels(texts: list[str]) -> Drafts:
    """Let a language model answer as far as it can; people decide."""
    worked = [message for text, category in EXAMPLES for message in (asked(text), answered(category))]
    answers = await draft.map(
        [
            {"messages": [*worked, asked(text)], "output_schema": DRAFT, "temperature": 0, "max_tokens": 50}
            for text in texts
        ],
        return_exceptions=True,
    )
    return Drafts(
        [None if isinstance(answer, Exception) else str(json.loads(answer.text)["category"]) for answer in answers],
        model=next((answer.model for answer in answers if not isinstance(answer, Exception)), None),
        failure=next((str(answer) for answer in answers if isinstance(answer, Exception)), None),
    )


def asked(text: str) -> dict[str, str]:
    """A customer's text as the model is asked about it."""
    return {"role": "user", "content": f"{QUESTION}\n{text}"}


def answered(category: str) -> dict[str, str]:
    """An answer as the model should give it."""
    return {"role": "assistant", "content": json.dumps({"category": category})}
