"""`intermezzo tasks`: somebody who asks people something at a terminal, without a flow."""

import json

import pytest

from intermezzo.store import utc_now
from tests.cli.conftest import Terminal
from tests.desk import Desk

INPUT = json.dumps({"text": "ok", "categories": ["good", "bad"]})


def test_a_task_is_posted_answered_listed_and_waited_for(terminal: Terminal, desk: Desk) -> None:
    posted = terminal.json("tasks", "post", "label_text", "--input", INPUT, "--org", "acme")
    assert (posted["state"], posted["reserved_credits"]) == ("open", 3)
    task_id = posted["id"]
    assert "is open: 3 credits reserved" in terminal("tasks", "wait", task_id, "--timeout", "0", "--org", "acme").stdout
    assert task_id in terminal("tasks", "list", "--org", "acme").stdout
    desk.answer("ann", task_id, at=utc_now())
    waited = terminal("tasks", "wait", task_id, "--org", "acme")
    assert waited.stdout == f"{task_id} is completed: good (1/1 workers agree)\n"
    assert [task["id"] for task in terminal.json("tasks", "list", "--state", "completed", "--org", "acme")] == [task_id]
    assert terminal("tasks", "list", "--org", "nobody").stdout == "There is no such task.\n"


def test_a_task_is_posted_with_options_once_and_cancelled(terminal: Terminal, desk: Desk) -> None:
    post = ("tasks", "post", "label_text", "--input", INPUT, "--org", "acme", "--idempotency-key", "k")
    options = ("--options", '{"assignments_required": 3, "consensus_strategy": "majority_vote"}')
    task = terminal.json(*post, *options)
    assert terminal.json(*post, *options)["id"] == task["id"]
    assert task["assignments_required"] == 3
    assert "was used for another request" in terminal.error(*post, code=1)
    cancel = ("tasks", "cancel", task["id"], "--org", "acme")
    assert terminal(*cancel).stdout == "cancelled\n"
    assert terminal(*cancel).stdout == "it was closed already\n"
    assert (desk.available, desk.problems()) == (1_000, [])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("post", "llm_generate", "--input", "{}"), "make it a step of a pipeline"),
        (("post", "label_text", "--input", "[]"), "expected an object, got []"),
        (("post", "label_text", "--input", "{}"), "text"),
        (("post", "label_text", "--input", INPUT, "--options", '{"skils": []}'), "skils: unknown field"),
        (("wait", "nothing"), "there is no human task 'nothing'"),
        (("list", "--after", "nothing"), "there is no human task 'nothing'"),
    ],
)
def test_what_cannot_be_asked_is_refused(terminal: Terminal, arguments: tuple[str, ...], said: str) -> None:
    assert said in terminal.error("tasks", *arguments, code=2)
