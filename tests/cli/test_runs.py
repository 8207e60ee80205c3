"""`intermezzo runs`, where no server is needed."""

import pytest

from intermezzo.store import utc_now
from tests.cli.conftest import Terminal
from tests.desk import Desk


def test_runs_are_listed_and_filtered(terminal: Terminal, desk: Desk) -> None:
    other = Desk(desk.store, test=True)
    assert {run["id"] for run in terminal.json("runs", "list")} == {desk.facts.id, other.facts.id}
    assert [run["id"] for run in terminal.json("runs", "list", "--test")] == [other.facts.id]
    assert terminal.json("runs", "list", "--state", "failed") == []
    assert terminal.json("runs", "list", "--org", "nobody") == []
    assert desk.facts.id in terminal("runs", "list").stdout


def test_a_run_shows_its_steps_credits_and_open_tasks(terminal: Terminal, desk: Desk) -> None:
    desk.close(desk.call(price=5), output='"hi"')
    task = desk.post(required=2, at=utc_now())
    shown = terminal.json("runs", "show", desk.facts.id)
    assert shown["state"] == "active"
    assert {s["step"]: s["spent_credits"] for s in shown["steps"]} == {"translate": 5, "verify": 0}
    assert shown["human_calls"] == {"answered": 0, "asked": 1}
    assert [t["id"] for t in shown["open_tasks"]] == [task]
    text = terminal("runs", "show", desk.facts.id[:8]).stdout
    assert "triage: active, 0 of 1 human calls answered" in text
    assert task in text


def test_the_page_of_a_run_is_shown_where_it_is_known(
    terminal: Terminal, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert terminal.json("runs", "show", desk.facts.id)["ui"] is None
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect.test/api")
    ui = terminal.json("runs", "show", desk.facts.id)["ui"]
    assert ui == f"http://prefect.test/runs/flow-run/{desk.facts.id}"


@pytest.mark.parametrize("id", ["none", "", "%", "_"])
def test_a_run_that_is_not_there_is_said(terminal: Terminal, desk: Desk, id: str) -> None:
    assert "there is no run" in terminal.error("runs", "show", id, code=2)
    assert "there is no run" in terminal.error("runs", "cancel", id, code=2)


@pytest.mark.prefect
def test_cancelling_without_any_server_refunds_what_the_run_held(terminal: Terminal, desk: Desk) -> None:
    desk.call(price=5)
    task = desk.post(required=2, at=utc_now())
    assert desk.reserved > 0
    assert terminal.json("runs", "cancel", desk.facts.id) == {
        "run_id": desk.facts.id,
        "state": "cancelled",
        "prefect_knows": False,
    }
    assert (desk.reserved, desk.available, desk.state(task)) == (0, desk.granted, "cancelled")
    assert desk.problems() == []
    assert terminal.json("runs", "cancel", desk.facts.id)["state"] == "cancelled"
