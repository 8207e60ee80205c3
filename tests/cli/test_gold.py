"""`intermezzo gold`, reports and limits: an operator at a terminal."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal

CATEGORIES = ["good", "bad"]


def line(text: str, answer: object) -> str:
    return json.dumps({"input": {"text": text, "categories": CATEGORIES}, "answer": answer})


@pytest.fixture
def gold_file(tmp_path: Path) -> Path:
    path = tmp_path / "gold.jsonl"
    path.write_text("\n".join([line("great", {"category": "good"}), line("awful", {"category": "bad"})]) + "\n\n")
    return path


def test_a_set_is_added_listed_shown_and_retired(terminal: Terminal, gold_file: Path) -> None:
    assert "There is no gold set" in terminal("gold", "list").stdout
    added = terminal.json("gold", "add", "trial", str(gold_file), "--type", "label_text")
    assert (added["new"], added["known"]) == (2, 0)
    assert terminal("gold", "add", "trial", str(gold_file), "--type", "label_text").stdout == "0 new, 2 were there\n"
    [found] = terminal.json("gold", "list")
    assert found == {"name": "trial", "types": ["label_text"], "items": 2, "answered": 0, "right": 0}
    assert terminal.json("gold", "list", "--test") == []
    items = terminal.json("gold", "show", "trial")
    assert [item["answer"] for item in items] == [{"category": "good"}, {"category": "bad"}]
    assert terminal.json("gold", "retire", items[0]["id"])["retired"]
    assert terminal("gold", "retire", items[0]["id"]).stdout == "it was retired already\n"
    assert terminal.json("gold", "list")[0]["items"] == 1
    assert "retired" in terminal("gold", "show", "trial").stdout
    assert "there is no gold item 'x'" in terminal.error("gold", "retire", "x", code=2)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("{", "line 3: not JSON"),
        ("[]", 'line 3: expected {"input": …, "answer": …}'),
        (line("fine", {"category": "odd"}), "line 3: category: expected one of"),
        ('{"input": {"text": "x"}, "answer": {}}', "line 3: label_text: categories"),
        ('{"input": 3, "answer": {}}', "line 3: input: expected an object, got 3"),
        (line("great", {"category": "bad"}), "line 3: line 1 has the same input and another answer"),
    ],
)
def test_one_bad_line_and_nothing_is_stored(terminal: Terminal, gold_file: Path, bad: str, said: str) -> None:
    with gold_file.open("a") as file:
        file.write(bad + "\n")
    lines = [text for text in gold_file.read_text().splitlines() if text]
    gold_file.write_text("\n".join(lines))
    assert said in terminal.error("gold", "add", "trial", str(gold_file), "--type", "label_text", code=2)
    assert terminal.json("gold", "list") == []


def test_a_type_that_is_not_for_people_has_no_gold(terminal: Terminal, gold_file: Path) -> None:
    added = ("gold", "add", "trial", str(gold_file), "--type", "pii_detect")
    assert "not by people" in terminal.error(*added, code=2)
    assert "a gold set's name has" in terminal.error("gold", "add", "a b", *added[3:5], "label_text", code=2)


def test_from_gold_to_a_workers_accuracy_and_a_reported_problem(terminal: Terminal, gold_file: Path) -> None:
    terminal.json("credits", "grant", "100")
    terminal.json("gold", "add", "trial", str(gold_file), "--type", "label_text")
    given = json.dumps({"text": "ok", "categories": CATEGORIES})
    options = json.dumps({"quality": {"gold_set": "trial", "gold_share": 1, "max_reports": 1}})
    task = terminal.json("tasks", "post", "label_text", "--input", given, "--options", options)["id"]
    assert terminal.json("inbox", "list") == []
    for _ in range(2):
        shown = terminal.json("inbox", "claim", "--worker", "ann")["task"]
        assert {"run_id", "state", "open_slots", "gold_id"}.isdisjoint(shown)
        answer = ("--answer", '{"category": "good"}')
        assert terminal.json("inbox", "submit", shown["id"], "--worker", "ann", *answer)["state"] == "approved"
    ann = terminal.json("workers", "show", "ann")
    assert ann["gold"] == [{"org": "default", "test": False, "gold_set": "trial", "answered": 2, "right": 1}]
    assert "1 of 2" in terminal("workers", "show", "ann").stdout
    assert [item["right"] for item in terminal.json("gold", "show", "trial")] == [0, 1]
    assert terminal.json("inbox", "claim", "--worker", "ann")["task"]["id"] == task
    terminal.json("inbox", "report", task, "--worker", "ann", "--reason", "unclear", "--note", "good for whom?")
    [report] = terminal.json("review", "reports")
    assert (report["task_id"], report["task_state"], report["note"]) == (task, "failed", "good for whom?")
    assert "good for whom?" in terminal("review", "reports").stdout
    terminal.json("review", "dismiss", report["id"], "--reason", "for everybody")
    assert terminal("review", "reports").stdout == "No problem is reported.\n"
    assert "there is no report 'x'" in terminal.error("review", "dismiss", "x", "--reason", "y", code=1)
