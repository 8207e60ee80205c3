"""An example of everything that is sent and received, for the API's description. A test holds each to its schema."""

from pydantic import JsonValue

from intermezzo.server.pipeline_examples import PIPELINE_EXAMPLES

Example = dict[str, JsonValue]

_TASK_ID = "01a20652-2ae7-705d-ab09-c9b33041c425"
_ASSIGNMENT_ID = "01a20652-6d1c-7b0e-8f55-3e1c1a5d9b42"
_AT = "2026-04-11T00:00:00Z"
_LATER = "2026-04-11T01:00:00Z"
_INPUT: Example = {
    "text": "The new iPhone is great!",
    "categories": ["positive", "negative", "neutral"],
    "question": "What is the sentiment?",
}
_ANSWER: Example = {"category": "positive"}
_ANSWER_SCHEMA: Example = {
    "type": "object",
    "properties": {"category": {"enum": ["positive", "negative", "neutral"]}},
    "required": ["category"],
    "additionalProperties": False,
}
_NEW_TASK: Example = {
    "type": "label_text",
    "input": _INPUT,
    "assignments_required": 3,
    "consensus_strategy": "majority_vote",
    "claim_timeout_minutes": 60,
    "priority": "normal",
}
_TASK: Example = {
    "id": _TASK_ID,
    "task_id": _TASK_ID,
    "type": "label_text",
    "name": "label_text",
    "status": "completed",
    "state": "completed",
    "execution_mode": "human",
    "input": _INPUT,
    "output": {
        "summary": "positive (3/3 workers agree)",
        "raw": {"submissions": [{"worker": "ann", "answer": _ANSWER, "submitted_at": _LATER}]},
        "answer": _ANSWER,
        "agreement": 1.0,
        "agreement_by_field": {"category": 1.0},
    },
    "error": None,
    "credits_used": 7,
    "credits_reserved": 7,
    "estimated_credits": 7,
    "assignments_required": 3,
    "assignments_completed": 3,
    "priority": "normal",
    "metadata": {},
    "webhook_url": None,
    "run_id": None,
    "created_at": _AT,
    "expires_at": _LATER,
    "completed_at": "2026-04-11T00:12:31Z",
}
_SUBMISSION: Example = {
    "id": _ASSIGNMENT_ID,
    "assignment_id": _ASSIGNMENT_ID,
    "task_id": _TASK_ID,
    "worker": "ann",
    "status": "approved",
    "answer": _ANSWER,
    "reward_credits": 2,
    "reviewed_by": "key csk_Xb3k…",
    "note": "thank you",
    "score": 9,
}
_DISPUTE: Example = {
    "id": "01a20652-a7b8-7c9d-8e0f-1a2b3c4d5e6f",
    "assignment_id": _ASSIGNMENT_ID,
    "task_id": _TASK_ID,
    "worker": "ann",
    "reason": "The text says the opposite.",
    "opened_by": "key csk_Xb3k…",
    "opened_at": _AT,
    "resolved_by": None,
    "resolved_at": None,
    "upheld": None,
    "note": None,
}
_ATTACHMENT: Example = {
    "id": "01a20652-9a3f-7c11-a1de-64ce0a51c0d7",
    "name": "invoice.csv",
    "media_type": "text/csv",
    "size_bytes": 19,
    "sha256": "1b5d8d3b9d0f3e0d0c1e0e8c3a1c3f0fbb0a6f7e0f8a3b3c8a2e4d5f6a7b8c9d",
    "url": None,
    "created_at": _AT,
}
_WORKER_TASK: Example = {
    "id": _TASK_ID,
    "type": "label_text",
    "name": "label_text",
    "part": None,
    "instructions": "Choose the category that fits the text best.",
    "input": _INPUT,
    "controls": [
        {"type": "markdown", "value": "The new iPhone is great!"},
        {"type": "radio", "id": "category", "required": True, "options": ["positive", "negative", "neutral"]},
    ],
    "answer_schema": _ANSWER_SCHEMA,
    "attachments": [],
    "reward_credits": 2,
    "created_at": _AT,
    "expires_at": _LATER,
}
_KEY: Example = {
    "id": "01a20652-c1d2-7f3e-9a0b-5b6c7d8e9f00",
    "name": "ci",
    "prefix": "csk_test_Xb3k",
    "test": True,
    "scopes": ["tasks:read", "tasks:write"],
    "worker_id": None,
    "created_at": _AT,
    "expires_at": None,
    "last_used_at": None,
    "revoked_at": None,
}
_WEBHOOK: Example = {
    "id": "01a20652-d4e5-7a6b-8c9d-0e1f2a3b4c5d",
    "url": "https://example.com/webhook",
    "events": ["task.completed", "task.failed"],
    "max_retries": 3,
    "created_at": _AT,
    "rotated_at": None,
    "disabled_at": None,
}
_DELIVERY: Example = {
    "id": "01a20652-e5f6-7b7c-9d0e-1f2a3b4c5d6e",
    "webhook_id": "01a20652-d4e5-7a6b-8c9d-0e1f2a3b4c5d",
    "url": "https://example.com/webhook",
    "event": "task.completed",
    "subject": _TASK_ID,
    "body": f'{{"task_id": "{_TASK_ID}", "event": "task.completed"}}',
    "state": "delivered",
    "attempts": 1,
    "max_attempts": 4,
    "next_attempt_at": None,
    "last_status": 200,
    "last_error": None,
    "created_at": _AT,
    "delivered_at": _AT,
}
_STANDING: Example = {
    "tasks": 12,
    "score_average": 9.5,
    "scores_given": 4,
    "answers": 13,
    "rejected": 1,
    "agreement": 0.92,
    "gold_accuracy": 1.0,
}

EXAMPLES: dict[str, Example] = {
    "NewTask": _NEW_TASK,
    "NewTasks": {"tasks": [_NEW_TASK]},
    "TaskIds": {"task_ids": [_TASK_ID]},
    "TaskOut": _TASK,
    "TaskPage": {
        "items": [_TASK],
        "next_cursor": None,
        "has_next": False,
        "total": 1,
        "limit": 20,
        "offset": 0,
        "page": 1,
        "page_size": 20,
    },
    "Submission": _SUBMISSION,
    "Submissions": {"items": [_SUBMISSION]},
    "Approval": {"note": "thank you", "score": 9},
    "Rejection": {"reason": "The text says the opposite."},
    "Rating": {"score": 9},
    "Decision": {"answer": _ANSWER},
    "Story": {
        "id": _TASK_ID,
        "type": "label_text",
        "name": "label_text",
        "state": "claimed",
        "run_id": None,
        "input": _INPUT,
        "terms": {"type": "label_text", "assignments_required": 1},
        "reserved_credits": 3,
        "created_at": _AT,
        "closed_at": None,
        "settled_at": None,
        "gold_id": None,
        "parts": [],
        "happened": [{"at": _AT, "what": "opened", "actor": None, "detail": {}}],
    },
    "ReportsOut": {
        "items": [
            {
                "id": "01a20652-b0c1-7d2e-8f3a-4b5c6d7e8f90",
                "task_id": _TASK_ID,
                "type": "label_text",
                "name": "label_text",
                "task_state": "open",
                "worker": "ann",
                "reason": "broken",
                "note": "The image does not load.",
                "created_at": _AT,
                "dismissed_at": None,
                "dismissed_by": None,
                "dismissal": None,
            }
        ]
    },
    "DisputeOut": _DISPUTE,
    "Disputes": {"items": [_DISPUTE]},
    "Ruling": {"upheld": False, "note": "The text does say so."},
    "TaskEvent": {
        "event": "task.claimed",
        "task_id": _TASK_ID,
        "state": "open",
        "actor": "ann",
        "detail": {"assignment": _ASSIGNMENT_ID},
        "at": _AT,
    },
    "NewAttachment": {"name": "invoice.csv", "content_base64": "aXRlbSxwcmljZQpsYW1wLDIwCg=="},
    "AttachmentOut": _ATTACHMENT,
    "AttachmentsOut": {"items": [_ATTACHMENT]},
    "WorkerTask": _WORKER_TASK,
    "WorkerTasks": {"items": [_WORKER_TASK]},
    "NextTask": {"types": ["label_text"]},
    "ClaimOut": {
        "assignment_id": _ASSIGNMENT_ID,
        "task_id": _TASK_ID,
        "lease_expires_at": _LATER,
        "task": _WORKER_TASK,
    },
    "NewAnswer": {"answer": _ANSWER},
    "Answered": {"task_id": _TASK_ID, "status": "approved"},
    "Declining": {"reason": "I do not speak Portuguese."},
    "Me": {
        "worker_id": "ann",
        "balance_credits": 24,
        "suspended": None,
        "profile": {
            "id": "ann",
            "worker_type": "freelancer",
            "skills": {"law": 3},
            "languages": ["en"],
            "background": {},
            "guilds": [],
            "reputation": {"overall": _STANDING, "by_type": {"label_text": _STANDING}},
        },
    },
    "Reporting": {"reason": "broken", "note": "The image does not load."},
    "NewWebhook": {"url": "https://example.com/webhook", "events": ["task.completed", "task.failed"]},
    "WebhookChange": {"disabled": False},
    "WebhookOut": _WEBHOOK,
    "WebhookSecret": {**_WEBHOOK, "secret": "whsec_Xb3k…"},
    "Webhooks": {"items": [_WEBHOOK]},
    "DeliveryOut": _DELIVERY,
    "DeliveryPage": {"items": [_DELIVERY], "next_cursor": None},
    "DeliveryStory": {
        "delivery": _DELIVERY,
        "attempts": [{"n": 1, "at": _AT, "status": 200, "error": None, "milliseconds": 41}],
    },
    "Balance": {
        "available": 87,
        "reserved": 7,
        "total_used": 6,
        "total_purchased": 100,
        "plan": "prepaid",
        "org": "acme",
        "test": False,
    },
    "EntryPage": {
        "items": [
            {
                "id": 2,
                "at": _AT,
                "move": "reserve",
                "source": "org:acme:available",
                "target": "org:acme:reserved",
                "credits": 7,
                "subject": _TASK_ID,
                "step": "label_text",
                "run_id": None,
            }
        ],
        "next_cursor": 2,
        "limit": 1,
    },
    "NewGrant": {"org": "acme", "credits": 100},
    "Types": {
        "items": [
            {
                "name": "label_text",
                "family": "native",
                "work": "Choose the category that fits the text best",
                "reward_credits": 2,
                "price_credits": {"1": 3, "3": 7},
            }
        ]
    },
    "TypeSheet": {
        "name": "label_text",
        "family": "native",
        "instructions": "Choose the category that fits the text best.",
        "reward_credits": 2,
        "price_credits": {"1": 3, "3": 7},
        "deadline_seconds": None,
        "input_fields": [
            {"name": "text", "required": True, "expected": "text", "default": "", "about": "What to label."}
        ],
        "answer_fields": [{"name": "category", "required": True, "expected": "one of …", "default": "", "about": ""}],
        "output_fields": ["category"],
        "example": _INPUT,
        "input_schema": {"type": "object"},
        "answer_schema": _ANSWER_SCHEMA,
        "output_schema": {"type": "object"},
    },
    "Login": {"email": "ann@example.com", "password": "correct horse battery"},
    "Session": {
        "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx….c2ln",
        "access_token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx….c2ln",
        "token_type": "bearer",
        "expires_at": _LATER,
    },
    "Whoami": {
        "name": "ci",
        "org": "acme",
        "test": True,
        "scopes": ["tasks:read", "tasks:write"],
        "worker_id": None,
    },
    "NewApiKey": {"name": "ci", "test": True, "scopes": ["tasks:read", "tasks:write"]},
    "KeyOut": _KEY,
    "CreatedKey": {**_KEY, "key": "csk_test_Xb3k…"},
    "Keys": {"items": [_KEY]},
    "Health": {"status": "ok"},
    **PIPELINE_EXAMPLES,
    "Problem": {
        "type": "/problems/invalid_request",
        "title": "Unprocessable Entity",
        "status": 422,
        "code": "invalid_request",
        "detail": "type: field required",
        "request_id": _TASK_ID,
        "errors": [{"field": "type", "message": "field required"}],
    },
}
"""Name of a schema → an example of it."""
