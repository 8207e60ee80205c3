"""`intermezzo keys` and `intermezzo users`: an operator at a terminal."""

import pytest

from tests.cli.conftest import Terminal


def test_a_key_is_made_printed_once_listed_and_revoked(terminal: Terminal) -> None:
    key = terminal("keys", "create", "--test", "--name", "ci").stdout.strip()
    assert key.startswith("csk_test_")
    [listed] = terminal.json("keys", "list")
    assert (listed["name"], listed["test"], key.startswith(listed["prefix"])) == ("ci", True, True)
    assert key not in terminal("keys", "list").stdout
    assert "is revoked" in terminal("keys", "revoke", listed["id"]).stdout
    assert terminal.json("keys", "list")[0]["revoked_at"] is not None
    assert terminal("keys", "list", "--org", "else").stdout.startswith("There is no API key")


def test_a_key_may_be_narrow_and_end(terminal: Terminal) -> None:
    made = terminal.json("keys", "create", "--scope", "tasks:read", "--days", "30", "--dialect", "scale")
    assert (made["scopes"], made["key"][:5]) == (["tasks:read"], "live_")
    assert made["expires_at"] > made["created_at"]
    worker = terminal.json("keys", "create", "--worker", "ann")
    assert (worker["scopes"], worker["worker_id"]) == (["work"], "ann")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "create", "--scope", "root"), "there is no scope root; the scopes are tasks:read"),
        (("keys", "revoke", "nothing"), "there is no API key 'nothing'"),
        (("users", "add", "ann", "--password", "long enough"), "expected an e-mail address, got 'ann'"),
        (("users", "disable", "a@b.c"), "there is no user 'a@b.c'"),
    ],
)
def test_what_cannot_be_is_refused(terminal: Terminal, arguments: tuple[str, ...], said: str) -> None:
    assert said in terminal.error(*arguments, code=2)


def test_people_are_let_in_and_kept_out(terminal: Terminal) -> None:
    added = terminal("users", "add", "Ann@example.com", "--role", "owner", input="long enough\nlong enough\n")
    assert added.stdout.splitlines()[-1] == "ann@example.com may log in as owner of default"
    assert "long enough" not in added.stdout
    assert terminal("users", "disable", "ann@example.com").stdout == "ann@example.com may not log in any more\n"
    assert [user["disabled"] for user in terminal.json("users", "list")] == [True]
    assert terminal("users", "enable", "ann@example.com").exit_code == 0
    assert terminal("users", "password", "ann@example.com", "--password", "another one").exit_code == 0
    assert "ann@example.com" in terminal("users", "list").stdout
