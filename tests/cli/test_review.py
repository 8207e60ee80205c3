"""`intermezzo review`: a requester at a terminal."""

import pytest

from intermezzo.settings import settings
from intermezzo.store import utc_now
from tests.cli.conftest import Terminal
from tests.desk import Desk


@pytest.fixture(autouse=True)
def organisation(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    monkeypatch.setenv("INTERMEZZO_ORG", desk.payer.org)
    settings.cache_clear()


@pytest.fixture
def task(desk: Desk) -> str:
    now = utc_now()
    task = desk.post(required=2, strategy="unanimous", on_split="review", auto_approve_seconds=3600, at=now)
    desk.answer("ann", task, "good", at=now)
    desk.answer("bob", task, "bad", at=now)
    return task


def test_a_requester_approves_rejects_and_decides(terminal: Terminal, desk: Desk, task: str) -> None:
    first, second = terminal.json("review", "list", "--task", task)
    assert (first["worker"], first["answer"], first["task_state"]) == ("ann", {"category": "good"}, "submitted")
    assert "ann" in terminal("review", "list").stdout
    assert terminal.json("review", "approve", first["assignment_id"], "--score", "9")["task_state"] == "submitted"
    assert "needs a reason" in terminal("review", "reject", second["assignment_id"], "--reason", " ").stderr
    rejected = terminal.json("review", "reject", second["assignment_id"], "--reason", "it is not")
    assert rejected["task_state"] == "open"
    desk.answer("cy", task, "bad", at=utc_now())
    assert terminal.json("review", "decide", task, "--answer", '{"category": "good"}')["state"] == "completed"
    assert (desk.earned("ann"), desk.earned("bob")) == (2, 0)
    [left] = terminal.json("review", "list")
    assert terminal("review", "approve", left["assignment_id"]).stdout == "approved; the task is completed\n"
    assert terminal("review", "list").stdout == "No answer waits for a review.\n"
    assert desk.problems() == []


def test_a_requester_scores_and_disputes_and_an_operator_decides(terminal: Terminal, desk: Desk, task: str) -> None:
    first, second = (desk.assignment(task, worker) or "" for worker in ("ann", "bob"))
    found = terminal.json("review", "dispute", first, "--reason", "off the point")
    assert (found["worker"], found["upheld"]) == ("ann", None)
    [waiting] = terminal.json("disputes", "list")
    assert waiting == found
    listed = terminal("disputes", "list").stdout
    assert "off" in listed
    assert found["id"] in listed
    assert "say who is right: --upheld or --dismissed" in terminal.error("disputes", "resolve", found["id"], code=2)
    decided = terminal("disputes", "resolve", found["id"], "--dismissed", "--note", "it is on it")
    assert decided.stdout == "dismissed: the answer is approved and paid\n"
    assert terminal("disputes", "list").stdout == "No dispute waits for a decision.\n"
    terminal.json("review", "approve", second)
    assert terminal("review", "score", second, "--score", "6", "--note", "late").stdout == "scored 6/10\n"
    shown = terminal("tasks", "show", task).stdout
    for said in ("disputed", "off the point", "resolved", "it is on it", "6/10", "late"):
        assert said.split()[0] in shown
    assert desk.problems() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("approve", "nothing"), "there is no assignment 'nothing'"),
        (("reject", "nothing"), "Missing option '--reason'"),
        (("approve", "nothing", "--score", "11"), "0<=x<=10"),
        (("score", "nothing", "--score", "5"), "there is no assignment 'nothing'"),
        (("dispute", "nothing", "--reason", "x"), "there is no assignment 'nothing'"),
        (("decide", "nothing", "--answer", "{}"), "there is no human task 'nothing'"),
    ],
)
def test_what_cannot_be_reviewed_is_refused(terminal: Terminal, arguments: tuple[str, ...], said: str) -> None:
    failed = terminal("review", *arguments)
    assert failed.exit_code != 0
    assert said in failed.stderr
    assert "Traceback" not in failed.stderr


def test_another_organisation_sees_nothing_of_it(terminal: Terminal, task: str) -> None:
    [assignment, _] = [item["assignment_id"] for item in terminal.json("review", "list")]
    for other in (("--org", "rival"), ("--test",)):
        assert terminal.json("review", "list", *other) == []
        assert "there is no assignment" in terminal("review", "approve", assignment, *other).stderr
        assert "there is no human task" in terminal("tasks", "show", task, *other).stderr


def test_the_story_of_a_task_is_told(terminal: Terminal, task: str) -> None:
    told = terminal.json("tasks", "show", task)
    assert [event["what"] for event in told["happened"]] == ["opened", *["claimed", "submitted"] * 2]
    assert [part["answer"]["category"] for part in told["parts"]] == ["good", "bad"]
    shown = terminal("tasks", "show", task).stdout
    assert "verify (label_text), submitted, 5 credits reserved" in shown
    assert "there is no human task 'x'" in terminal("tasks", "show", "x").stderr
