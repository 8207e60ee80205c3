"""The demo's pipeline, written as any author would: documents in, labelled customer feedback out."""

import base64
import json
import os
from pathlib import Path

from prefect import flow
from pydantic import BaseModel, JsonValue

from intermezzo import NoConsensus, StepError, code_execute, document_parse, label_text, llm_generate, pii_detect
from intermezzo.demo import split_items
from intermezzo.human_steps.label_text import LabelTextOutput

CATEGORIES = ["positive", "negative", "neutral"]
NO_MAJORITY = "no majority"
QUESTION = "How does this customer feel?"

sentiment = label_text.with_options(name="sentiment", assignments_required=3, consensus_strategy="majority_vote")
draft = llm_generate.with_options(name="draft", retries=2)

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
    drafts = await draft_labels(texts) if has_llm_key() else [None] * len(texts)
    questions = [{"text": text, "categories": CATEGORIES, "question": QUESTION} for text in texts]
    labels = [as_vote(label) for label in await sentiment.map(questions, return_exceptions=True)]

    counted = await code_execute(code=COUNT, stdin=json.dumps(labels))
    items = [
        Feedback.model_validate({"source": source, "text": text, "draft": drafted, **label})
        for (source, _), text, drafted, label in zip(found, texts, drafts, labels, strict=True)
    ]
    return Report(items=items, **json.loads(counted.stdout)).model_dump(mode="json")


def as_vote(label: LabelTextOutput | StepError) -> dict[str, JsonValue]:
    """What three people said: a category, or that each said something else."""
    if isinstance(label, NoConsensus):
        return {"category": NO_MAJORITY, "agreement": 0.0, "summary": str(label)}
    if isinstance(label, StepError):
        raise label
    return label.model_dump(mode="json", exclude={"submissions"})


def has_llm_key() -> bool:
    """Whether the drafting step joins in."""
    return any(os.environ.get(f"{name}_API_KEY") for name in ("ANTHROPIC", "OPENAI", "GEMINI"))


async def draft_labels(texts: list[str]) -> list[str | None]:
    """What a language model would answer; people decide."""
    ask = f"{QUESTION} Answer with one word of: {', '.join(CATEGORIES)}."
    answers = await draft.map(
        [{"messages": [{"role": "user", "content": text}], "system_prompt": ask, "max_tokens": 10} for text in texts]
    )
    return [answer.text.strip().lower() for answer in answers]
