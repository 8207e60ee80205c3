"""Reviews in, counts out: personal data masked, every review labelled by three people.

    intermezzo credits grant 1000
    intermezzo run examples/triage.py:triage --param 'reviews=["Great!", "It broke."]'

Add `--test` to both to spend test credits and let simulated workers answer.
"""

import json

from prefect import flow

from intermezzo import code_execute, label_text, pii_detect

COUNT = "import collections, json, sys; print(json.dumps(collections.Counter(json.load(sys.stdin))))"

verify = label_text.with_options(name="verify", assignments_required=3, consensus_strategy="majority_vote")


@flow
async def triage(reviews: list[str]) -> dict[str, int]:
    """Count how many reviews are positive and how many negative, by the vote of three people each."""
    clean = await pii_detect.map([{"text": review, "mask": True} for review in reviews])
    labels = await verify.map([{"text": item.redacted_text, "categories": ["positive", "negative"]} for item in clean])
    counts = await code_execute(code=COUNT, stdin=json.dumps([label.category for label in labels]))
    return json.loads(counts.stdout)
