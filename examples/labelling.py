"""The pipeline of labelling.yaml as a Python flow."""

from typing import Any

from prefect import flow

from intermezzo import label_text, pii_detect

scrub = pii_detect.with_options(name="scrub")
label = label_text.with_options(name="label", assignments_required=3, consensus_strategy="majority_vote")


@flow(persist_result=True, result_serializer="json")
async def labelling(texts: list[str], categories: list[str]) -> dict[str, Any]:
    """Mask personal data before anybody sees it, and label each text by the majority of three people."""
    clean = await scrub.map({"text": text, "mask": True} for text in texts)
    labels = await label.map({"text": one.redacted_text, "categories": categories} for one in clean)
    return {
        "texts": [one.redacted_text for one in clean],
        "labels": [one.category for one in labels],
        "masked": sum(one.count > 0 for one in clean),
    }
