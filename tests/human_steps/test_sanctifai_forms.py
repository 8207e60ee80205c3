"""Forms and answers as SanctifAI's document shows them (spec: SA-44…SA-48, SA-71)."""

import pytest
from pydantic import JsonValue

from intermezzo.human_steps.forms import Form

Controls = list[dict[str, JsonValue]]

PULL_REQUEST: Controls = [
    {"type": "markdown", "value": "## PR Summary\n\nThis PR refactors the authentication system to use JWT tokens."},
    {
        "type": "radio",
        "id": "decision",
        "label": "Decision",
        "options": ["Approve", "Request Changes", "Needs Discussion"],
        "required": True,
    },
    {
        "type": "text-input",
        "id": "feedback",
        "label": "Feedback",
        "multiline": True,
        "placeholder": "Any comments or concerns...",
    },
]
MOCKUP: Controls = [
    {"type": "title", "value": "New Homepage Design"},
    {"type": "image", "url": "https://cdn.example.com/mockup-v3.png", "alt": "Homepage mockup v3"},
    {"type": "radio", "id": "decision", "label": "Decision", "options": ["Approve", "Reject"], "required": True},
]
QUICK_APPROVAL: Controls = [
    {"type": "markdown", "value": "Ready to deploy **v2.1.0** to production."},
    {"type": "radio", "id": "decision", "label": "Decision", "options": ["Approve", "Reject"], "required": True},
]
DATA_ENTRY: Controls = [
    {"type": "text-input", "id": "name", "label": "Full Name", "required": True},
    {"type": "text-input", "id": "address", "label": "Address", "multiline": True, "required": True},
    {"type": "text-input", "id": "phone", "label": "Phone", "placeholder": "+1 (555) 123-4567"},
]
FACT_VERIFICATION: Controls = [
    {"type": "markdown", "value": "**Claim:** 87% of developers prefer TypeScript.\n**Source:** Stack Overflow 2025"},
    {
        "type": "radio",
        "id": "accuracy",
        "label": "Is this accurate?",
        "options": ["Accurate", "Inaccurate", "Cannot Verify"],
        "required": True,
    },
    {"type": "text-input", "id": "correction", "label": "Correction (if inaccurate)", "multiline": True},
]
EVERY_CONTROL: Controls = [
    {"type": "title", "value": "Section Header"},
    {"type": "markdown", "value": "## Rich\n\n**formatted**"},
    {"type": "divider"},
    {"type": "link", "url": "https://...", "text": "View PR"},
    {"type": "image", "url": "https://...", "alt": "Screenshot"},
    {"type": "text-input", "id": "notes", "label": "Notes", "multiline": True, "required": False},
    {
        "type": "select",
        "id": "priority",
        "label": "Priority",
        "options": ["Low", "Medium", "High", "Critical"],
        "required": True,
    },
    {
        "type": "checkbox",
        "id": "checks",
        "label": "Verified",
        "options": ["Code quality", "Tests pass", "Docs updated"],
    },
    {"type": "date", "id": "due_date", "label": "Due Date"},
]


@pytest.mark.parametrize(
    ("controls", "answer"),
    [
        (PULL_REQUEST, {"decision": "Approve", "feedback": "Clean implementation! Just one suggestion: …"}),
        (PULL_REQUEST, {"decision": "Needs Discussion"}),
        (MOCKUP, {"decision": "Reject"}),
        (QUICK_APPROVAL, {"decision": "Approve"}),
        (DATA_ENTRY, {"name": "Ann", "address": "1 Main Street\nSpringfield", "phone": "+1 (555) 123-4567"}),
        (FACT_VERIFICATION, {"accuracy": "Inaccurate", "correction": "78 %"}),
        (EVERY_CONTROL, {"priority": "High", "checks": ["Tests pass", "Docs updated"], "due_date": "2026-02-01"}),
    ],
)
def test_a_documented_form_takes_its_answer_from_a_browser(controls: Controls, answer: dict[str, JsonValue]) -> None:
    form = Form.of_controls(controls)
    assert [control.type for control in form.controls] == [control["type"] for control in controls]
    assert form.answers.validate(answer) == answer
    assert form.parse(form.fields(answer)) == answer
    assert form.answers.validate(form.answers.sample())


def test_the_normal_form_is_the_documented_one() -> None:
    form = Form.of_controls(
        [
            {"type": "radio", "id": "decision", "options": ["Approve", "Reject"]},
            {"type": "markdown", "content": "## Hello"},
        ]
    )
    assert form.as_json() == [
        {
            "type": "radio",
            "id": "decision",
            "options": [{"label": "Approve", "value": "Approve"}, {"label": "Reject", "value": "Reject"}],
        },
        {"type": "markdown", "value": "## Hello"},
    ]
