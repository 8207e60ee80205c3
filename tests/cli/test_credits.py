"""`intermezzo credits`."""

import pytest
from sqlalchemy import update

from intermezzo.store.tables import accounts
from tests.cli.conftest import Terminal
from tests.desk import Desk


def test_granted_credits_are_available(terminal: Terminal) -> None:
    granted = terminal.json("credits", "grant", "100")
    assert (granted["granted"], granted["available"]) == (100, 100)
    terminal.json("credits", "grant", "20")
    assert terminal.json("credits", "balance") == {
        "org": "default",
        "test": False,
        "available": 120,
        "reserved": 0,
    }
    assert "120 credits available" in terminal("credits", "balance").stdout


def test_live_and_test_credits_and_organisations_are_apart(terminal: Terminal) -> None:
    terminal.json("credits", "grant", "100", "--test", "--org", "acme")
    assert terminal.json("credits", "balance", "--org", "acme")["available"] == 0
    assert terminal.json("credits", "balance", "--test")["available"] == 0
    assert terminal.json("credits", "balance", "--test", "--org", "acme")["available"] == 100


def test_the_environment_names_the_organisation(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERMEZZO_ORG", "acme")
    monkeypatch.setenv("INTERMEZZO_TEST_MODE", "true")
    balance = terminal.json("credits", "balance")
    assert (balance["org"], balance["test"]) == ("acme", True)


@pytest.mark.parametrize("amount", ["-5", "0", "1.5", "many", "1" * 30])
def test_a_grant_that_is_no_amount_is_refused_and_nothing_is_granted(terminal: Terminal, amount: str) -> None:
    assert "'N'" in terminal.error("credits", "grant", amount, code=2)
    assert terminal.json("credits", "balance")["available"] == 0


def test_an_organisation_has_a_name_that_an_account_can_have(terminal: Terminal) -> None:
    assert "1 to 64 letters" in terminal.error("credits", "grant", "5", "--org", "a:b", code=2)


def test_entries_are_the_newest_first_and_say_what_for(terminal: Terminal, desk: Desk) -> None:
    call = desk.call(price=5)
    desk.close(call, output='"hi"')
    rows = terminal.json("credits", "entries", "--org", "acme")
    assert [row["move"] for row in rows] == ["capture", "reserve", "grant"]
    assert rows[0]["step"] == "translate"
    assert rows[0]["run_id"] == desk.facts.id
    assert [row["move"] for row in terminal.json("credits", "entries", "--org", "acme", "--limit", "1")] == ["capture"]
    assert "translate" in terminal("credits", "entries", "--org", "acme").stdout


def test_entries_of_a_run_are_those_of_its_calls_and_tasks(terminal: Terminal, desk: Desk) -> None:
    desk.close(desk.call(price=5), output='"hi"')
    desk.answer("ann", desk.post())
    other = Desk(desk.store, granted=0)
    other.call(price=7)
    rows = terminal.json("credits", "entries", "--run", desk.facts.id[:13])
    assert sorted(row["move"] for row in rows) == ["capture", "fee", "reserve", "reserve", "reward"]
    assert "there is no run 'none'" in terminal.error("credits", "entries", "--run", "none", code=2)


def test_an_audit_of_books_that_balance_succeeds(terminal: Terminal, desk: Desk) -> None:
    desk.answer("ann", desk.post())
    report = terminal.json("credits", "audit")
    assert report["clean"]
    assert report["problems"] == []
    assert "the books balance" in terminal("credits", "audit").stdout


def test_an_audit_of_books_that_do_not_balance_says_why_and_fails(terminal: Terminal, desk: Desk) -> None:
    desk.do(lambda c: c.execute(update(accounts).values(balance=999_999)))
    result = terminal("credits", "audit")
    assert result.exit_code == 1
    assert "999999" in result.stdout
    assert result.stderr.startswith("error: the books do not balance")
    assert len(result.stderr.splitlines()) == 1
