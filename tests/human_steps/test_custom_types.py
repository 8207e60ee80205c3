"""Types of an author's own: from a list of controls, and from the schema of a request."""

import json

import pytest
from pydantic import JsonValue

from intermezzo.errors import InvalidResponse
from intermezzo.human_steps import human_step
from intermezzo.human_steps.forms import Form
from intermezzo.human_steps.human_step import AnyInput, HumanStep
from intermezzo.human_steps.inputs import Radio
from intermezzo.human_steps.type_sheet import TypeSheet

APPROVAL = Form.of_controls(
    [
        {"type": "markdown", "value": "Ready to deploy."},
        {"type": "radio", "id": "decision", "options": ["Approve", "Reject"], "required": True},
        {"type": "divider"},
        {"type": "textarea", "id": "why"},
    ]
)


def posted_form(step: HumanStep[..., AnyInput, dict[str, JsonValue]], **input: str) -> Form:
    """The form of a task as whoever shows it makes it of what is stored."""
    task = step.new_task(step.parse(**input), id="t")
    return Form.of_task(
        controls=json.loads(task.controls or "null"), input=input, schema=json.loads(task.answer_schema)
    )


def test_a_list_of_controls_is_a_type_whose_workers_see_the_call_and_then_the_controls() -> None:
    approve = human_step("approve_deployment", output=APPROVAL, reward_credits=1)
    form = posted_form(approve, version="v2.1.0")
    assert [control.type for control in form.controls] == ["markdown", "markdown", "radio", "divider", "text-input"]
    assert form.controls[1:] == APPROVAL.controls
    assert form.parse({"decision": ["Approve"], "why": [""]}) == {"decision": "Approve"}
    assert approve.answer_schema(approve.parse()).closed_fields() == ["decision"]
    assert [field.name for field in TypeSheet.of(approve).answer_fields] == ["decision", "why"]


def test_the_schema_of_humanrails_quickstart_is_a_type() -> None:
    schema = {
        "type": "object",
        "required": ["verdict"],
        "properties": {
            "verdict": {"type": "string", "enum": ["genuine", "ai_generated", "uncertain"]},
            "notes": {"type": "string"},
        },
    }
    quickstart = human_step("quickstart_review", output=schema)
    form = posted_form(quickstart, text="Is this review genuine?", content="Great product, 5 stars!")
    verdict = form.inputs[0]
    assert isinstance(verdict, Radio)
    assert [option.value for option in verdict.options] == ["genuine", "ai_generated", "uncertain"]
    shown = {"verdict": "genuine", "notes": "Appears authentic"}
    assert form.answers.validate(shown) == shown
    with pytest.raises(InvalidResponse, match="verdict: expected one of 'genuine', 'ai_generated', 'uncertain'"):
        form.answers.validate({"verdict": "fake"})
