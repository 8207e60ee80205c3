"""`intermezzo inbox`: a worker at a terminal."""

import json
from pathlib import Path

import pytest

from intermezzo.store import new_id, open_store, utc_now
from tests.cli.conftest import Terminal
from tests.desk import Desk

ANN = ("--worker", "ann")


@pytest.fixture
def task(desk: Desk) -> str:
    return desk.post(required=2, strategy="majority_vote", at=utc_now())


def test_a_worker_lists_claims_and_answers(terminal: Terminal, desk: Desk, task: str) -> None:
    [waiting] = terminal.json("inbox", "list")
    assert (waiting["id"], waiting["part"]) == (task, None)
    claimed = terminal.json("inbox", "claim", *ANN)
    assert claimed["claim"]["task_id"] == claimed["task"]["id"] == task
    assert [item["id"] for item in terminal.json("inbox", "list", "--mine", *ANN)] == [task]
    assert terminal.json("inbox", "submit", task, *ANN, "--answer", '{"category": "good"}')["state"] == "approved"
    assert desk.state(task) == "open"
    terminal.json("inbox", "claim", task, "--worker", "bob")
    answer = '{"category": "good", "note": "sure"}'
    done = terminal.json("inbox", "submit", task, "--worker", "bob", "--answer", answer)
    assert done["state"] == "approved"
    assert desk.state(task) == "completed"
    assert desk.earned("ann") == 2
    assert terminal.json("inbox", "list") == []
    assert terminal("inbox", "list").stdout.startswith("No task is listed")


def test_claiming_shows_the_task_as_text(terminal: Terminal, task: str) -> None:
    shown = terminal("inbox", "claim", *ANN).stdout
    assert "Choose." in shown
    assert "ok" in shown
    assert "good | bad" in shown
    assert f"intermezzo inbox submit {task}" in shown
    assert "inbox claim" in terminal("inbox", "show", task).stdout


def test_the_form_of_the_answer_is_shown_with_its_parts(terminal: Terminal, desk: Desk) -> None:
    choice = {"title": "Mood", "description": "How was it?", "oneOf": [{"const": 1, "title": "Good"}, {"const": 2}]}
    item = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 9}}, "required": ["name"]}
    form = {"type": "object", "properties": {"mood": choice, "guests": {"type": "array", "items": item}}}
    rows = terminal("inbox", "show", desk.post(form=json.dumps(form), at=utc_now())).stdout.splitlines()
    shown = [" ".join(row.split()) for row in rows]
    assert "mood optional 1 (Good) | 2 Mood · How was it?" in shown
    assert "guests optional list of {name}" in shown
    assert "guests.*.name required string, up to 9 characters" in shown


def test_a_task_without_controls_shows_its_input(terminal: Terminal, task: str) -> None:
    [control] = terminal.json("inbox", "show", task)["controls"]
    assert "ok" in control["value"]


def test_a_task_cannot_send_commands_to_the_terminal(terminal: Terminal, desk: Desk) -> None:
    form = json.dumps({"type": "object", "properties": {"a\x1b[2J": {"enum": ["\x1b]52;c;x\x07"]}}, "required": []})
    evil = desk.post(form=form, at=utc_now())
    for shown in (terminal("inbox", "show", evil).stdout, terminal("inbox", "claim", evil, *ANN).stdout):
        assert not set(shown) & {"\x1b", "\x07"}


def test_a_released_task_is_free_again(terminal: Terminal, desk: Desk, task: str) -> None:
    terminal.json("inbox", "claim", task, *ANN)
    assert terminal.json("inbox", "release", task, *ANN)["released"]
    assert desk.open_slots(task) == 2


def test_the_worker_comes_from_the_environment(terminal: Terminal, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_WORKER", "zoe")
    assert terminal.json("inbox", "claim")["claim"]["worker_id"] == "zoe"


def test_an_answer_may_come_from_a_file_or_from_stdin(terminal: Terminal, task: str, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    file.write_text('{"category": "bad"}')
    for worker, given in (("ann", f"@{file}"), ("bob", "-")):
        terminal.json("inbox", "claim", task, "--worker", worker)
        terminal.json("inbox", "submit", task, "--worker", worker, "--answer", given, input='{"category": "bad"}')


def test_live_and_test_tasks_are_apart(terminal: Terminal, task: str) -> None:
    Desk(open_store(), test=True).post(at=utc_now())
    assert len(terminal.json("inbox", "list", "--test")) == 1
    assert terminal.json("inbox", "list")[0]["id"] == task
    assert "a live task" in terminal.error("inbox", "claim", task, "--test", *ANN, code=1)


def test_nothing_to_claim_is_a_failure(terminal: Terminal, task: str) -> None:
    assert "no human task is waiting" in terminal.error("inbox", "claim", "--type", "other", *ANN, code=1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [("{", "not JSON"), ('{"category": "odd"}', "expected one of"), ("[]", ""), ("@/none", "cannot read")],
)
def test_a_bad_answer_is_refused_and_not_stored(terminal: Terminal, task: str, answer: str, said: str) -> None:
    terminal.json("inbox", "claim", task, *ANN)
    assert said in terminal.error("inbox", "submit", task, *ANN, "--answer", answer, code=2)
    assert [item["id"] for item in terminal.json("inbox", "list", "--mine", *ANN)] == [task]


def test_what_is_not_there_or_not_yours_is_said(terminal: Terminal, task: str) -> None:
    answer = ("--answer", '{"category": "good"}')
    assert "there is no human task" in terminal.error("inbox", "show", new_id(), code=2)
    assert "there is no human task" in terminal.error("inbox", "claim", new_id(), *ANN, code=2)
    assert "claim it first" in terminal.error("inbox", "submit", task, *ANN, *answer, code=1)
    assert "has no claim" in terminal.error("inbox", "release", task, *ANN, code=1)
    assert "a worker's name" in terminal.error("inbox", "claim", "--worker", " ", code=2)
