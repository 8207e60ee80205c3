"""Examples of what is sent and received about pipelines and their runs; part of `examples.EXAMPLES`."""

from pydantic import JsonValue

Example = dict[str, JsonValue]

PIPELINE_YAML = """\
name: sentiment
input: {type: object, required: [text], properties: {text: {type: string}}}
steps:
  - id: scrub
    type: pii_detect
    input: {text: "${ input.text }", mask: true}
  - id: label
    type: label_text
    input: {text: "${ steps.scrub.output.redacted_text }", categories: [positive, negative]}
    with: {assignments_required: 3, consensus_strategy: majority_vote}
output: "${ steps.label.output.category }"
"""
"""The document of all of them."""

_RUN_ID = "6f1c2a53-93b0-4f0e-9d39-0f6a5d1c8e21"
_TASK_ID = "01a20652-2ae7-705d-ab09-c9b33041c425"
_AT = "2026-04-11T00:00:00Z"
_INPUT: Example = {"text": "The new iPhone is great!"}
_DOCUMENT: Example = {
    "name": "sentiment",
    "input": {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}},
    "steps": [
        {"id": "scrub", "type": "pii_detect", "input": {"text": "${ input.text }", "mask": True}},
        {
            "id": "label",
            "type": "label_text",
            "input": {"text": "${ steps.scrub.output.redacted_text }", "categories": ["positive", "negative"]},
            "with": {"assignments_required": 3, "consensus_strategy": "majority_vote"},
        },
    ],
    "output": "${ steps.label.output.category }",
}
_VERSION: Example = {
    "name": "sentiment",
    "version": 1,
    "label": "",
    "description": "",
    "digest": "9c1f0a5d2b7e4c38a6f1d0e9b8c7a605",
    "created_at": _AT,
}
_LINE: Example = {
    "id": _RUN_ID,
    "pipeline": "sentiment",
    "version": 1,
    "state": "suspended",
    "cancel_requested": False,
    "budget_credits": 20,
    "credits_used": 1,
    "credits_reserved": 7,
    "created_at": _AT,
    "closed_at": None,
    "error": None,
}
_NO_CALL: Example = {"error": None, "opened_at": _AT, "closed_at": None}
_CALLS: list[JsonValue] = [
    {
        **_NO_CALL,
        "id": "5d0c7f6e-0a3b-5f0e-8f43-6c1a0a7d3b10",
        "step": "scrub",
        "key": "b0d4f2c1",
        "kind": "primitive",
        "state": "completed",
        "attempt": 1,
        "price_credits": 1,
        "task_id": None,
        "closed_at": _AT,
    },
    {
        **_NO_CALL,
        "id": "0f3a8f1c-61de-5d27-93a5-5d1f6f0f7a52",
        "step": "label",
        "key": "7a9e3b55",
        "kind": "human",
        "state": "open",
        "attempt": 1,
        "price_credits": 7,
        "task_id": _TASK_ID,
    },
]
_ONE: Example = {"minimum": 1, "expected": 1, "maximum": 1}
_SEVEN: Example = {"minimum": 7, "expected": 7, "maximum": 7}

PIPELINE_EXAMPLES: dict[str, Example] = {
    "PipelineOut": {**_VERSION, "document": _DOCUMENT},
    "PipelinePage": {"items": [_VERSION], "next_cursor": None},
    "VersionPage": {"items": [{**_VERSION, "version": 2}, _VERSION], "next_cursor": None},
    "NewEstimate": {"document": PIPELINE_YAML, "input": _INPUT},
    "VersionEstimate": {"input": _INPUT, "assume": {}},
    "EstimateOut": {
        "steps": [
            {"id": "scrub", "type": "pii_detect", "calls": _ONE, "credits": _ONE, "assumption": ""},
            {"id": "label", "type": "label_text", "calls": _ONE, "credits": _SEVEN, "assumption": ""},
        ],
        "credits": {"minimum": 8, "expected": 8, "maximum": 8},
        "budget_credits": None,
    },
    "NewRun": {"input": _INPUT, "budget_credits": 20},
    "RunOut": {
        **_LINE,
        "input": _INPUT,
        "output": None,
        "steps": [
            {
                "step": "scrub",
                "kind": "primitive",
                "calls": 1,
                "completed": 1,
                "open": 0,
                "failed": 0,
                "credits_used": 1,
                "credits_reserved": 0,
            },
            {
                "step": "label",
                "kind": "human",
                "calls": 1,
                "completed": 0,
                "open": 1,
                "failed": 0,
                "credits_used": 0,
                "credits_reserved": 7,
            },
        ],
        "calls": _CALLS,
        "calls_cursor": None,
    },
    "RunPage": {"items": [_LINE], "next_cursor": None},
    "CallPage": {"items": _CALLS, "next_cursor": None},
    "RunEvent": {
        "event": "task.claimed",
        "run_id": _RUN_ID,
        "state": "suspended",
        "step": "label",
        "task_id": _TASK_ID,
        "actor": "ann",
        "detail": {},
        "at": _AT,
    },
}
"""Name of a schema → an example of it."""
