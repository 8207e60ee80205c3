"""The pipeline of moderation.yaml as a Python flow.

intermezzo run examples/moderation.py:moderation --test --param 'posts=["Nice photo!", "Buy followers"]'
"""

import json
from typing import Any

from prefect import flow

from intermezzo import Escalation, llm_generate, moderate_content

POLICY = "Reject spam, threats and insults. Opinions are allowed."
DECISION: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["decision", "confidence"],
    "properties": {
        "decision": {"type": "string", "enum": ["approve", "reject"]},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
    },
}

SURE = 0.8

first_pass = llm_generate.with_options(name="first_pass", retries=2)
people = moderate_content.with_options(
    name="people",
    assignments_required=2,
    consensus_strategy="majority_vote",
    max_assignments=3,
    deadline_seconds=3600,
    escalation=Escalation(worker_reward_credits=4, deadline_seconds=86_400, default_answer={"decision": "escalate"}),
)


@flow(persist_result=True, result_serializer="json")
async def moderation(posts: list[str], policy: str = POLICY) -> dict[str, list[str]]:
    """Let a model decide what it is sure of, and people the rest."""
    answers = await first_pass.map(
        {
            "system_prompt": f"You moderate posts. Policy: {policy}",
            "messages": [{"role": "user", "content": f"May this post stay?\n{post}"}],
            "temperature": 0,
            "output_schema": DECISION,
        }
        for post in posts
    )
    drafts = [json.loads(answer.text) for answer in answers]
    unsure = [index for index, draft in enumerate(drafts) if draft["confidence"] < SURE]
    decisions = await people.map({"content": posts[index], "policy_context": policy} for index in unsure)
    decided = {index: decision.decision for index, decision in zip(unsure, decisions, strict=True)}
    return {
        "by_model": [draft["decision"] for draft in drafts],
        "by_people": [decided.get(index, "") for index in range(len(posts))],
    }
